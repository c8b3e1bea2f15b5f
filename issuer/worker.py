"""The process that answers requests: uvicorn under gunicorn, with uvloop and httptools."""

import asyncio
import gc
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn_worker import UvicornWorker

MAX_HEAD = 32768
"""Bytes of a request's line and headers together; neither uvicorn nor httptools has a limit."""

REQUEST_TIMEOUT = 20
"""Seconds in which a request must have come, from its first byte or its connection's start."""

HTTP_VERSIONS = ("1.1", "1.0")


_REQUEST_TIMEOUT = (
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\ncache-control: no-store\r\n"
    b"connection: close\r\n\r\n"
)


class InvalidHead(Exception):
    """A request line or headers that no one should act on: uvicorn answers 400 and closes."""


class HTTP(HttpToolsProtocol):
    """uvicorn's protocol, with bounds on how much and how long a request takes to come.

    A request that comes in one piece pays for none of it: no timer is set for it.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._chunk = 0
        self._received = 0  # bytes since the chunk in which the head began: never fewer than it has
        self._too_long = False
        self._complete = True
        self._deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Waits for the first request for so long."""
        super().connection_made(transport)
        self._set_deadline()

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        self._clear_deadline()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Refuses a head that is too long, whether it comes whole or never ends."""
        self._chunk = len(data)
        self._received += self._chunk
        super().data_received(data)
        if self._in_head and self._received > MAX_HEAD and not self.transport.is_closing():
            self._too_long = True
            self.send_400_response("")
        if not self._complete and self._deadline is None:
            self._set_deadline()

    def on_message_begin(self) -> None:
        """A head begins, somewhere in the chunk that is being read."""
        super().on_message_begin()
        self._in_head = True
        self._complete = False
        self._received = self._chunk

    def on_headers_complete(self) -> None:
        """Refuses what must not be passed on (RFC 9112 sections 2.3, 3.2 and 3.2.1)."""
        self._in_head = False
        if self._received > MAX_HEAD and self._head_bytes() > MAX_HEAD:
            self._too_long = True
            raise InvalidHead("too long")
        version = self.parser.get_http_version()
        names = [name for name, _ in self.headers]
        hosts = names.count(b"host")
        if version not in HTTP_VERSIONS or hosts > 1 or (not hosts and version == "1.1"):
            raise InvalidHead("another version, or not one Host")
        if b"#" in self.url:
            raise InvalidHead("a fragment is never sent")
        super().on_headers_complete()
        if b"transfer-encoding" in names:
            # Nothing here takes such a body. Trailers would be added to the headers without end.
            self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """The request is here, whole."""
        self._complete = True
        self._clear_deadline()
        super().on_message_complete()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_TIMEOUT, self._give_up)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        unanswered = self.cycle is None or not self.cycle.response_started
        if not self._complete and (self._in_head or unanswered):
            self.transport.write(_REQUEST_TIMEOUT)
        self.transport.close()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def send_400_response(self, msg: str) -> None:
        """Answers what is no request and closes; 414 and 431 say which part was too long."""
        if not self._too_long:
            super().send_400_response(msg)
            return
        uri = len(self.url) > MAX_HEAD // 2
        status = b"414 URI Too Long" if uri else b"431 Request Header Fields Too Large"
        self.transport.write(
            b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        )
        self.transport.close()


class Worker(UvicornWorker):  # type: ignore[misc]  # uvicorn_worker ships no types
    """Uvicorn without what this application does itself or never needs."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": HTTP,
        "ws": "none",
        "interface": "asgi3",
        "lifespan": "on",
        "access_log": False,  # issuer/resources/access_log.py writes it, without the query
        "proxy_headers": False,  # nothing is decided by what a proxy says (RFC 9700 section 4.13)
        "server_header": False,
    }

    async def _serve(self) -> None:
        # What was loaded stays: looking through it for cycles again and again takes a tenth of the
        # processor. What a request makes is gone with its last reference.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        await super()._serve()
