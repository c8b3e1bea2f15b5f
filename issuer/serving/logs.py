"""Logs as JSON lines, without secrets, and never in the way of a request.

Lines are handed to a thread that writes them. Where the reader of the log is stuck, lines are
dropped and counted; requests go on.
"""

import logging
import os
import threading
from collections.abc import Callable, Mapping

import msgspec

from issuer.registry.record import rfc3339

INTERVAL = 0.2
"""Seconds between two writes."""
CAPACITY = 20_000
"""Lines that may wait to be written."""

_ENCODER = msgspec.json.Encoder(enc_hook=str)


class LineWriter:
    """Writes lines to a descriptor, from a thread that starts with the first of them."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._dropped = 0
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def write(self, fields: Mapping[str, object]) -> None:
        """Takes one line and returns at once."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="log", daemon=True)
            self._thread.start()
        if len(self._lines) >= CAPACITY:
            self._dropped += 1
        else:
            self._lines.append(_line(fields))

    def close(self) -> None:
        """Writes what is waiting, if the reader takes it within a second."""
        self._wake.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def _run(self) -> None:
        while not self._wake.wait(INTERVAL):
            self._flush()
        self._flush()

    def _flush(self) -> None:
        lines, self._lines = self._lines, []
        if self._dropped:
            lines.append(_line({"message": "log lines dropped", "number": self._dropped}))
            self._dropped = 0
        rest = b"".join(lines)
        try:
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]
        except OSError:
            self._dropped += len(lines)


class JSONHandler(logging.Handler):
    """Sends the records of Python's logging the same way.

    Of an exception only its kind is kept: its text may quote what a client sent.
    """

    def __init__(self, writer: LineWriter, clock: Callable[[], int]) -> None:
        super().__init__()
        self._writer = writer
        self._clock = clock

    def emit(self, record: logging.LogRecord) -> None:
        """Takes one record."""
        fields: dict[str, object] = {
            "time": rfc3339(self._clock()),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            fields["exception"] = record.exc_info[0].__name__
        self._writer.write(fields | getattr(record, "fields", {}))


def _line(fields: Mapping[str, object]) -> bytes:
    return _ENCODER.encode(fields) + b"\n"
