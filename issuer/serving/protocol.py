"""HTTP on a connection: uvicorn's protocol with bounds, and with one system call per turn.

Uvicorn bounds neither the size of a request's head nor the time a request takes to come, and writes
the head and the body of a response apart. A system call is the dearest thing that a worker does.
"""

import asyncio
from functools import lru_cache
from http import HTTPStatus
from typing import Any

import msgspec
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from issuer.serving.turnstile import Turnstile

MAX_HEAD = 32768
"""Bytes of a request's line and headers together."""
REQUEST_TIMEOUT = 10
"""Seconds in which a request must have come, from its first byte or its connection's start."""

HTTP_VERSIONS = ("1.1", "1.0")


class InvalidHead(Exception):
    """A request line or headers that nobody should act on."""


class JoinedWrites:
    """A transport that sends what one turn of the event loop wrote with one system call.

    A response waits for the other requests of its turn, and together they wake the client once.
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


@lru_cache(maxsize=1)  # a worker has one event loop
def _turnstile(loop: asyncio.AbstractEventLoop) -> Turnstile:
    return Turnstile(loop)


class Protocol(HttpToolsProtocol):
    """One connection. A request that comes in one piece pays nothing for the bounds."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = False
        self._chunk = 0
        self._received = 0  # bytes since the chunk in which the head began: never fewer than it has
        self._too_long = False
        self._complete = True
        self._deadline: asyncio.TimerHandle | None = None
        self._answered_at = 0.0
        self._idle_check: asyncio.TimerHandle | None = None
        self._turnstile = _turnstile(self.loop)
        self._turnstile.approach()
        self._held = b""  # received, and waiting at the turnstile

    def connection_made(self, transport: Any) -> None:
        """Waits for the first request for so long."""
        super().connection_made(JoinedWrites(transport, self.loop))  # type: ignore[arg-type]  # all of it that uvicorn uses
        self._set_deadline()
        self._idle_check = self.loop.call_later(self.timeout_keep_alive, self._close_if_idle)

    def connection_lost(self, exc: Exception | None) -> None:
        """Waits no more."""
        self._clear_deadline()
        if self._idle_check is not None:
            self._idle_check.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Waits to be let in with others, but never holds more than one chunk."""
        if self._held:
            self._admit()
            self._read(data)
        else:
            self._held = data
            self._turnstile.enter(self._admit)

    def shutdown(self) -> None:
        """Answers what is here, and closes."""
        self._admit()
        super().shutdown()

    def _admit(self) -> None:
        data, self._held = self._held, b""
        if data:
            self._read(data)

    def _read(self, data: bytes) -> None:
        """Refuses a head that is too long, whether it comes whole or never ends."""
        if self.parser is None:  # the connection is lost
            return
        self._chunk = len(data)
        self._received += self._chunk
        super().data_received(data)
        if self._in_head and self._received > MAX_HEAD:
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

    def on_response_complete(self) -> None:
        """Does what uvicorn's does, without a timer for each response: a connection has one."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            self._start_asgi_task(*self.pipeline.pop())
        self._answered_at = self.loop.time()

    def send_400_response(self, msg: str) -> None:
        """Answers what is no request, and closes; 414 and 431 say which part was too long."""
        if not self._too_long:
            self._refuse(HTTPStatus.BAD_REQUEST, "This is not a valid HTTP request.")
        elif len(self.url) > MAX_HEAD // 2:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, "The request line is too long.")
        else:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too long.")

    def _refuse(self, status: HTTPStatus, description: str) -> None:
        """Answers as the application does, without asking it, and closes."""
        if self.transport.is_closing():
            return
        body = msgspec.json.encode({"error": "invalid_request", "error_description": description})
        head = (
            b"HTTP/1.1 %d %s\r\ncontent-type: application/json\r\ncache-control: no-store\r\n"
            b"pragma: no-cache\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
        )
        self.transport.write(head % (status, status.phrase.encode(), len(body)) + body)
        self.transport.close()

    def _set_deadline(self) -> None:
        self._deadline = self.loop.call_later(REQUEST_TIMEOUT, self._give_up)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _give_up(self) -> None:
        self._deadline = None
        if self._held:  # came in time, and whoever is before it took the rest
            self._admit()
            if self._complete:
                return
            self._clear_deadline()
        unanswered = self.cycle is None or not self.cycle.response_started
        if not self._complete and (self._in_head or unanswered):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request did not come in time.")
        self.transport.close()

    def _close_if_idle(self) -> None:
        """Closes where nothing was asked for as long as connections are kept, or looks later."""
        unanswered = self.cycle is not None and not self.cycle.response_complete
        busy = self._held or not self._complete or unanswered
        idle = 0.0 if busy else self.loop.time() - self._answered_at
        if idle < self.timeout_keep_alive:
            self._idle_check = self.loop.call_later(
                self.timeout_keep_alive - idle, self._close_if_idle
            )
        else:
            self.transport.close()

    def _head_bytes(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
