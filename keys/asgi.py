"""Middleware for ASGI applications: no request reaches them without a valid access token."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, MutableMapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from keys.admission import MAX_BODY, Admission, Arrival, ContentTooLarge
from keys.claims import AccessToken
from keys.errors import AccessRefused, WrongMac
from keys.mtls import MTLS
from keys.resource_metadata import Answer
from keys.verifier import Verifier

if TYPE_CHECKING:
    from keys.mac.verifier import MacVerifier

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]

_STARTS = frozenset({"http.response.start", "websocket.accept", "websocket.http.response.start"})
_HTTP_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


class AccessMiddleware:
    """Puts the verified token into ``scope["access_token"]``, an ``AccessToken``.

    It answers everybody else itself, and an ``AccessRefused`` that the application raises before
    it has begun to answer. The handshake of a WebSocket is a request like any other.

    Args:
        app: the application.
        bearer: verifies bearer tokens, and bound ones if it is made with ``dpop`` or ``mtls``;
            without it none is accepted. If it is made with ``metadata``, they are answered here.
        mac: verifies MAC credentials; without it none are accepted.
        origin: ``scheme://host[:port]`` as clients see it, where that is not what ``Host`` and the
            connection say: behind a proxy. ``X-Forwarded-*`` are not looked at. Of DPoP proofs
            the default is what the audience begins with: ``Host`` is not asked about them.
        public: paths, decoded and whole, that are answered without a token.
        max_body: bytes of the largest body that is held in memory. It is, if the credentials
            have a hash of it; any other body is for the application to read.

    Raises:
        ValueError: no verifier, or two for the same audience, or an argument makes no sense.
    """

    def __init__(
        self,
        app: Application,
        *,
        bearer: Verifier | None = None,
        mac: "MacVerifier | None" = None,
        origin: str | None = None,
        public: Collection[str] = (),
        max_body: int = MAX_BODY,
    ) -> None:
        self._app = app
        self._admission = Admission(
            bearer=bearer, mac=mac, origin=origin, public=public, max_body=max_body
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, as ASGI describes it."""
        if scope["type"] == "lifespan" or self._admission.is_public(scope["path"]):
            await self._app(scope, receive, send)
            return
        if scope["type"] == "http":
            told = self._admission.metadata(
                scope["method"], scope["path"], scope.get("root_path", "")
            )
            if told is not None:
                await _tell(told, send)
                return
        answer = _Answer(scope, send, self._admission)
        try:
            arrival = _arrival(scope, self._admission.mtls)
            body = None
            if self._admission.needs_body(arrival.authorization):
                body = await _read(scope, receive, self._admission.max_body)
                receive = _again(body, receive)
            token = await self._verify(arrival, body)
            answer.headers = token.answer_headers
            await self._app({**scope, "access_token": token}, receive, answer.send)
        except AccessRefused as refused:
            if answer.has_begun:
                raise
            await answer.refuse(refused)
        except _Disconnected:
            return  # nobody is left to be answered

    async def _verify(self, arrival: Arrival, body: bytes | None) -> AccessToken:
        try:
            return await self._admission.verify_async(arrival, body)
        except WrongMac:
            # ASGI servers drop a "?" that nothing follows, and clients have signed it.
            if arrival.target is None or "?" in arrival.target:
                raise
        return await self._admission.verify_async(
            replace(arrival, target=f"{arrival.target}?"), body
        )


class _Disconnected(Exception):
    """The client left while its body was read."""


class _Answer:
    """The application's answer, or ours if it does not give one."""

    def __init__(self, scope: Scope, send: Send, admission: Admission) -> None:
        self._scope = scope
        self._send = send
        self._admission = admission
        self.has_begun = False
        self.headers: Mapping[str, str] = {}
        """Fields that the application's answer is to have besides its own."""

    async def send(self, message: Message) -> None:
        if self.headers and not self.has_begun and message["type"] in _STARTS:
            fields = [*message.get("headers", ())]
            said = {bytes(name).lower() for name, _ in fields}
            more = {name.lower().encode(): value.encode() for name, value in self.headers.items()}
            fields += [(name, value) for name, value in more.items() if name not in said]
            message = {**message, "headers": fields}
        self.has_begun = True
        await self._send(message)

    async def refuse(self, refused: AccessRefused) -> None:
        prefix = ""
        if self._scope["type"] == "websocket":
            if "websocket.http.response" not in (self._scope.get("extensions") or {}):
                await self._send({"type": "websocket.close", "reason": str(refused)})
                return
            prefix = "websocket."
        body = str(refused).encode()
        fields = self._admission.header_fields(refused, self.headers)
        fields.append(("Content-Length", str(len(body))))
        start = {"type": f"{prefix}http.response.start", "status": refused.status}
        await self._send({**start, "headers": _encoded(fields)})
        sent = b"" if self._scope.get("method") == "HEAD" else body
        await self._send({"type": f"{prefix}http.response.body", "body": sent})


async def _tell(told: Answer, send: Send) -> None:
    start = {"type": "http.response.start", "status": told.status}
    await send({**start, "headers": _encoded(told.headers)})
    await send({"type": "http.response.body", "body": told.body})


def _encoded(fields: Iterable[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode(), value.encode()) for name, value in fields]


def _arrival(scope: Scope, mtls: MTLS | None) -> Arrival:
    raw_path, query = scope.get("raw_path"), scope["query_string"]
    target = None if raw_path is None else (raw_path + b"?" * bool(query) + query).decode("latin-1")
    return Arrival(
        method=scope.get("method", "GET"),  # a WebSocket begins with one
        path=scope["path"],
        target=target,
        scheme=_HTTP_SCHEMES[scope["scheme"]],
        host=_field(scope, b"host") or "",
        authorization=_field(scope, b"authorization"),
        dpop=_field(scope, b"dpop"),
        certificate=None if mtls is None else mtls.of_asgi(scope),
    )


def _field(scope: Scope, name: bytes) -> str | None:
    """A header field. One that was sent twice is one list, and so neither host nor credentials."""
    values = [value for each, value in scope["headers"] if each == name]
    return b", ".join(values).decode("latin-1") if values else None


async def _read(scope: Scope, receive: Receive, max_body: int) -> bytes:
    length = _field(scope, b"content-length") or ""
    if length.isdecimal() and int(length) > max_body:
        raise ContentTooLarge(f"a body of {length} bytes")
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Disconnected
        body += message.get("body", b"")
        if len(body) > max_body:
            raise ContentTooLarge(f"a body of more than {max_body} bytes")
        more = message.get("more_body", False)
    return bytes(body)


def _again(body: bytes, receive: Receive) -> Receive:
    """``receive`` as if ``body`` had not been read."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again
