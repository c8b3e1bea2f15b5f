"""HTTP on a connection (RFC 9112): what httptools finds there, within bounds, asked and answered.

It stands where uvicorn's protocol would, between uvicorn's server and the application. Neither the
size of a request's head nor the time a request takes to come is without an end.
"""

import asyncio
import logging
from collections import deque
from functools import lru_cache
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from uvicorn.config import Config
from uvicorn.protocols.utils import get_local_addr, get_remote_addr, is_ssl
from uvicorn.server import ServerState

from issuer.serving.exchange import Exchange
from issuer.serving.heads import refusal, split_target
from issuer.serving.tls import extensions
from issuer.serving.turnstile import Turnstile
from issuer.serving.wire import Wire

MAX_HEAD = 32768
"""Bytes of a request's line and headers together."""
REQUEST_TIMEOUT = 10
"""Seconds in which a request must have come, from its first byte or its connection's start."""

HTTP_VERSIONS = ("1.1", "1.0")
ASGI = {"version": "3.0", "spec_version": "2.3"}

NOBODY = HttpRequestParser(None)
"""Stands in where there is nothing to parse any more: the other end is gone."""

log = logging.getLogger("uvicorn.error")


class InvalidHead(Exception):
    """A request line or headers that nobody should act on."""


@lru_cache(maxsize=1)  # a worker has one event loop
def _turnstile(loop: asyncio.AbstractEventLoop) -> Turnstile:
    return Turnstile(loop)


class Protocol(asyncio.Protocol):
    """One connection. A request that comes in one piece pays nothing for the bounds."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        if not config.loaded:
            config.load()
        self._loop = _loop or asyncio.get_event_loop()
        self._application = config.loaded_app
        self._state = server_state
        self._longest_idle = config.timeout_keep_alive
        self._parser = HttpRequestParser(self)
        # What follows a request that closes is not read, and is no reason not to answer it.
        self._parser.set_dangerous_leniencies(lenient_data_after_close=True)
        self._url = b""
        self._headers: list[tuple[bytes, bytes]] = []
        self._in_head = False
        self._chunk = 0
        self._received = 0  # bytes since the chunk in which the head began: never fewer than it has
        self._too_long = False
        self._complete = True
        self._deadline: asyncio.TimerHandle | None = None
        self._pipeline: deque[Exchange] = deque()  # who follow
        self._answered_at = 0.0
        self._idle_check: asyncio.TimerHandle | None = None
        self._turnstile = _turnstile(self._loop)
        self._turnstile.approach()
        self._held = b""  # received, and waiting at the turnstile

    def connection_made(  # type: ignore[override]  # no other comes
        self, transport: asyncio.Transport
    ) -> None:
        """Waits for the first request for so long."""
        self._state.connections.add(self)  # type: ignore[arg-type]  # one of uvicorn's own
        self._wire = Wire(transport, self._loop)
        self._scope: dict[str, Any] = {
            "type": "http",
            "asgi": ASGI,
            "http_version": "1.1",
            "server": get_local_addr(transport),
            "client": get_remote_addr(transport),
            "scheme": "https" if is_ssl(transport) else "http",
            "method": "",
            "root_path": "",
            "path": "",
            "raw_path": b"",
            "query_string": b"",
            "headers": self._headers,
        }  # of each request that comes
        if is_ssl(transport):
            self._scope["extensions"] = extensions(transport)
        self._latest = Exchange.none(self._wire, self._state)  # whose body is coming
        self._answering = self._latest
        self._set_deadline()
        self._idle_check = self._loop.call_later(self._longest_idle, self._close_if_idle)

    def connection_lost(self, _: Exception | None) -> None:
        """Waits no more."""
        self._state.connections.discard(self)
        self._clear_deadline()
        if self._idle_check is not None:
            self._idle_check.cancel()
        self._answering.hang_up()
        self._pipeline.clear()
        self._wire.resume_writing()
        self._parser = NOBODY  # the other knows this connection

    def pause_writing(self) -> None:
        """The client does not read."""
        self._wire.pause_writing()

    def resume_writing(self) -> None:
        """It does again."""
        self._wire.resume_writing()

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
        if self._latest.is_answered:
            self._wire.close()
        else:
            self._latest.keep_alive = False

    def _admit(self) -> None:
        data, self._held = self._held, b""
        if data:
            self._read(data)

    def _read(self, data: bytes) -> None:
        """Refuses a head that is too long, whether it comes whole or never ends."""
        if self._parser is NOBODY:
            return
        self._chunk = len(data)
        self._received += self._chunk
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:
            log.warning("Unsupported upgrade request.")
        except HttpParserError:
            log.warning("Invalid HTTP request received.")
            self._refuse_head()
        if self._in_head and self._received > MAX_HEAD:
            self._too_long = True
            self._refuse_head()
        if not self._complete and self._deadline is None:
            self._set_deadline()

    def on_message_begin(self) -> None:
        """A head begins, somewhere in the chunk that is being read."""
        self._url = b""
        self._headers = []
        self._in_head = True
        self._complete = False
        self._received = self._chunk

    def on_url(self, url: bytes) -> None:
        """A part of the request's target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header."""
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """Refuses what must not be passed on (RFC 9112 sections 2.3, 3.2 and 3.2.1)."""
        self._in_head = False
        if self._received > MAX_HEAD and self._head_bytes() > MAX_HEAD:
            self._too_long = True
            raise InvalidHead("too long")
        version = self._parser.get_http_version()
        names = [name for name, _ in self._headers]
        hosts = names.count(b"host")
        if version not in HTTP_VERSIONS or hosts > 1 or (not hosts and version == "1.1"):
            raise InvalidHead("another version, or not one Host")
        if b"#" in self._url:
            raise InvalidHead("a fragment is never sent")
        raw_path, query = split_target(self._url)
        path = raw_path.decode("ascii")
        scope = self._scope.copy()
        scope["http_version"] = version
        scope["method"] = self._parser.get_method().decode("ascii")
        scope["path"] = unquote(path) if "%" in path else path
        scope["raw_path"] = raw_path
        scope["query_string"] = query
        scope["headers"] = self._headers
        # Nothing here takes a body in chunks. Trailers would be added to the headers without end.
        stays = version == "1.1" and b"transfer-encoding" not in names
        stays = stays and self._parser.should_keep_alive()
        waits = b"expect" in names and self._expects_continue()
        exchange = Exchange(scope, self._wire, self._state, self._on_answered, stays, waits)
        if self._latest.is_answered:
            self._answer(exchange)
        else:
            self._wire.pause_reading()
            self._pipeline.append(exchange)
        self._latest = exchange

    def on_body(self, body: bytes) -> None:
        """A part of the request's body."""
        self._latest.feed(body)

    def on_message_complete(self) -> None:
        """The request is here, whole."""
        self._complete = True
        self._clear_deadline()
        self._latest.finish()

    def _expects_continue(self) -> bool:
        return any(n == b"expect" and v.lower() == b"100-continue" for n, v in self._headers)

    def _answer(self, exchange: Exchange) -> None:
        self._answering = exchange
        exchange.start(self._application, self._loop)

    def _on_answered(self) -> None:
        self._state.total_requests += 1
        self._answered_at = self._loop.time()
        if self._wire.is_closing():
            return
        self._wire.resume_reading()
        if self._pipeline:
            self._answer(self._pipeline.popleft())

    def _refuse_head(self) -> None:
        """Answers what is no request, and closes; 414 and 431 say which part was too long."""
        if not self._too_long:
            self._refuse(HTTPStatus.BAD_REQUEST, "This is not a valid HTTP request.")
        elif len(self._url) > MAX_HEAD // 2:
            self._refuse(HTTPStatus.REQUEST_URI_TOO_LONG, "The request line is too long.")
        else:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "The headers are too long.")

    def _refuse(self, status: HTTPStatus, description: str) -> None:
        """Answers as the application does, without asking it, and closes."""
        if not self._wire.is_closing():
            self._wire.write(refusal(status, description))
            self._wire.close()

    def _set_deadline(self) -> None:
        self._deadline = self._loop.call_later(REQUEST_TIMEOUT, self._give_up)

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
        unanswered = not self._latest.is_started
        if not self._complete and (self._in_head or unanswered):
            self._refuse(HTTPStatus.REQUEST_TIMEOUT, "The request did not come in time.")
        self._wire.close()

    def _close_if_idle(self) -> None:
        """Closes where nothing was asked for as long as connections are kept, or looks later."""
        unanswered = not self._latest.is_answered
        busy = self._held or not self._complete or unanswered
        idle = 0.0 if busy else self._loop.time() - self._answered_at
        if idle < self._longest_idle:
            self._idle_check = self._loop.call_later(self._longest_idle - idle, self._close_if_idle)
        else:
            self._wire.close()

    def _head_bytes(self) -> int:
        return len(self._url) + sum(len(name) + len(value) + 4 for name, value in self._headers)
