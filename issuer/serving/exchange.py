"""One request and its answer, as an application sees them (ASGI 3.0).

As far as answers go here: each has a ``Content-Length``, or a status that has no body.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus
from typing import Any, Self

from uvicorn.server import ServerState

from issuer.serving.heads import Header, answer_head
from issuer.serving.wire import Wire

MAX_UNREAD = 65536
"""Bytes of a body that are kept for an application before the client has to wait."""

Message = dict[str, Any]
Application = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]

log = logging.getLogger("uvicorn.error")

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})

FAILED = b"Internal Server Error"
FAILED_HEADERS = (
    (b"content-type", b"text/plain; charset=utf-8"),
    (b"content-length", b"%d" % len(FAILED)),
    (b"connection", b"close"),
)


class Exchange:
    """What a connection was asked, and says."""

    __slots__ = (
        "_bell", "_body", "_expects_continue", "_has_news", "_head", "_is_gone", "_is_whole",
        "_left", "_on_answered", "_scope", "_state", "_task", "_wire", "is_answered", "is_started",
        "keep_alive",
    )  # fmt: skip

    def __init__(
        self,
        scope: Message,
        wire: Wire,
        state: ServerState,
        on_answered: Callable[[], None],
        keep_alive: bool,  # noqa: FBT001  one is made for each request: names cost a little
        expects_continue: bool,  # noqa: FBT001
    ) -> None:
        self.keep_alive = keep_alive
        self.is_started = False
        self.is_answered = False
        self._scope = scope
        self._wire = wire
        self._state = state
        self._on_answered = on_answered
        self._expects_continue = expects_continue
        self._is_gone = False  # the client
        self._is_whole = False
        self._body = b""
        self._has_news = False
        self._bell: asyncio.Event | None = None  # where the application waits for news
        self._head = b""
        self._left = 0  # bytes of the answer that were promised and not sent
        self._task: asyncio.Task[None] | None = None

    @classmethod
    def none(cls, wire: Wire, state: ServerState) -> Self:
        """That of a connection on which nothing was asked, and all of that is answered."""
        exchange = cls({}, wire, state, lambda: None, True, False)  # noqa: FBT003
        exchange.is_started = exchange.is_answered = True
        return exchange

    def start(self, application: Application, loop: asyncio.AbstractEventLoop) -> None:
        """Has ``application`` answer, from the next turn on."""
        self._task = loop.create_task(self._run(application))
        self._state.tasks.add(self._task)

    def feed(self, body: bytes) -> None:
        """Takes a piece of the request's body."""
        if self.is_answered:
            return
        self._body += body
        if len(self._body) > MAX_UNREAD:
            self._wire.pause_reading()
        self._tell()

    def finish(self) -> None:
        """The request is here, whole."""
        self._is_whole = True
        self._tell()

    def hang_up(self) -> None:
        """Nobody waits for the answer any more."""
        self._is_gone = not self.is_answered
        self._tell()

    def _tell(self) -> None:
        self._has_news = True
        if self._bell is not None:
            self._bell.set()

    async def _run(self, application: Application) -> None:
        try:
            await application(self._scope, self._receive, self._send)
            if not (self.is_answered or self._is_gone):
                what = "completing" if self.is_started else "starting"
                log.error("ASGI callable returned without %s response.", what)
                await self._fail()
        except BaseException:  # being cancelled is no reason to leave the client without an answer
            log.exception("Exception in ASGI application\n")
            await self._fail()
        finally:
            self._state.tasks.discard(self._task)

    async def _fail(self) -> None:
        if self.is_started:
            self._wire.close()
            return
        head = {"type": "http.response.start", "status": 500, "headers": FAILED_HEADERS}
        await self._send(head)
        await self._send({"type": "http.response.body", "body": FAILED})

    async def _receive(self) -> Message:
        if self._expects_continue and not self._wire.is_closing():
            self._expects_continue = False
            self._wire.write(CONTINUE)
        if not (self.is_answered or self._is_gone):
            self._wire.resume_reading()
            if not self._has_news:
                if self._bell is None:
                    self._bell = asyncio.Event()
                self._bell.clear()
                await self._bell.wait()
            self._has_news = False
        if self.is_answered or self._is_gone:
            return {"type": "http.disconnect"}
        body, self._body = self._body, b""
        return {"type": "http.request", "body": body, "more_body": not self._is_whole}

    async def _send(self, message: Message) -> None:
        if self._wire.is_full and not self._is_gone:
            await self._wire.room()
        if self._is_gone:
            return
        kind = message["type"]
        if kind == "http.response.start" and not self.is_started:
            self._begin(message["status"], message.get("headers", ()))
        elif kind == "http.response.body" and self.is_started and not self.is_answered:
            self._say(message.get("body", b""), is_last=not message.get("more_body", False))
        else:
            raise RuntimeError(f"Unexpected ASGI message '{kind}'.")

    def _begin(self, status: int, headers: Iterable[Header]) -> None:
        """Keeps the head until it can leave with the first of the body."""
        self.is_started = True
        self._expects_continue = False
        self._head, length, self.keep_alive = answer_head(
            status, [*self._state.default_headers, *headers], keep_alive=self.keep_alive
        )
        if self._scope["method"] == "HEAD":
            return
        if length is None and status not in BODILESS:
            raise RuntimeError("Response without Content-Length")
        self._left = length or 0

    def _say(self, body: bytes, *, is_last: bool) -> None:
        if self._scope["method"] == "HEAD":
            body = b""
        self._left -= len(body)
        if self._left < 0:
            raise RuntimeError("Response content longer than Content-Length")
        if is_last and self._left:
            raise RuntimeError("Response content shorter than Content-Length")
        self._wire.write(self._head + body)
        self._head = b""
        if is_last:
            self.is_answered = True
            self._tell()
            if not self.keep_alive:
                self._wire.close()
            self._on_answered()
