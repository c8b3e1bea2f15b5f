"""HTTP on a connection: uvicorn's protocol with bounds, and with one system call per turn.

Uvicorn bounds neither the size of a request's head nor the time a request may take to come, and
writes the head and the body of a response apart. A system call is the dearest thing a worker does.
"""

import asyncio
from typing import Any

import orjson
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_UNREAD = 65536
"""Bytes that may come before the head of a request is complete, and with its end."""
REQUEST_TIMEOUT = 10
"""Seconds in which a request must have come, head and body."""

VERSIONS = frozenset({"1.0", "1.1"})


class JoinedWrites:
    """A transport that sends what one turn of the event loop wrote with one system call.

    A response waits for the other requests of its turn, and they wake the client once together.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._parts: list[bytes] = []

    def write(self, data: bytes) -> None:
        """Takes ``data``; it leaves at the end of this turn."""
        if not self._parts:
            self._loop.call_soon(self._flush)
        self._parts.append(data)

    def close(self) -> None:
        """Sends what is waiting, and closes."""
        self._flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """True where nothing can be sent any more."""
        return self._transport.is_closing()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self._transport.is_closing():
            self._transport.write(b"".join(parts))


class Protocol(HttpToolsProtocol):
    """One connection."""

    _unread: int | None = 0  # None once the head is complete
    _began: float | None = None  # when the request that has not come whole began to come
    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """See ``asyncio.Protocol``."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]  # all of it that uvicorn uses
        self._began = self.loop.time()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        if self._unread is not None:
            self._unread += len(data)
        super().data_received(data)
        if self._unread is not None and self._unread > MAX_UNREAD:
            self._refuse(431, "The head of the request is too large.")

    def on_message_begin(self) -> None:
        """The first byte of a request came."""
        super().on_message_begin()
        self._began = self.loop.time()

    def on_headers_complete(self) -> None:
        """The head came. Raising here is how the parser is stopped; uvicorn answers 400."""
        if self._unread is not None and self._unread > MAX_UNREAD:
            raise ValueError("head too large")
        if self.parser.get_http_version() not in VERSIONS:
            raise ValueError("unknown version")
        self._unread = None
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """The body came."""
        super().on_message_complete()
        self._unread, self._began = 0, None

    def send_400_response(self, msg: str) -> None:
        """Answers what is not HTTP."""
        self._refuse(400, msg)

    def _watch(self) -> None:
        """Looks, once in a while, whether a request is taking too long to come."""
        if self._began is not None and self.loop.time() - self._began >= REQUEST_TIMEOUT:
            self._refuse(408, "The request did not come in time.")
        else:
            self._timer = self.loop.call_later(REQUEST_TIMEOUT / 2, self._watch)

    def _refuse(self, status: int, description: str) -> None:
        """Answers without the application, as it would, and closes."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            body = orjson.dumps({"error": "invalid_request", "error_description": description})
            head = (
                b"content-type: application/json\r\ncache-control: no-store\r\n"
                b"pragma: no-cache\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body)
            )
            self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()
