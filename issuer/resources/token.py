"""``POST /token``."""

from collections.abc import Callable
from functools import lru_cache

from falcon.asgi import Request, Response

from issuer.errors import (
    InvalidRequest,
    LengthRequired,
    RequestTooLarge,
    UnsupportedMediaType,
)
from issuer.guard import Guard
from issuer.protocol.form import Form
from issuer.protocol.replay import ReplayStore
from issuer.protocol.request import TokenRequest
from issuer.resources.answers import write
from issuer.resources.client_address import client_address
from issuer.server import AuthorizationServer
from issuer.token import TokenGenerator

MAX_BODY = 32768
"""Bytes of the longest token request: a refresh token and an assertion fit several times."""

FORM = "application/x-www-form-urlencoded"
READ_HEADERS = frozenset(
    {b"authorization", b"content-type", b"content-length", b"content-encoding",
     b"transfer-encoding"}
)  # fmt: skip


class TokenResource:
    """The token endpoint (RFC 6749 section 3.2)."""

    def __init__(
        self,
        generator: TokenGenerator,
        *,
        server: Callable[[], AuthorizationServer],
        store: ReplayStore,
        guard: Guard,
        clock: Callable[[], int],
    ) -> None:
        self._generator = generator
        self._server = server
        self._store = store
        self._guard = guard
        self._clock = clock

    async def on_post(self, req: Request, resp: Response) -> None:
        """Reads a form, answers JSON."""
        request = await read_request(req, self._server(), self._clock)
        answer = await self._generator(
            self._server(), request, store=self._store, guard=self._guard
        )
        write(resp, answer)


async def read_request(
    req: Request, server: AuthorizationServer, clock: Callable[[], int]
) -> TokenRequest:
    """What a client sent that authenticates itself.

    Raises:
        InvalidRequest: as ``read_headers`` and ``read_form`` do.
    """
    headers = read_headers(req)
    return TokenRequest(
        form=Form.parse(await read_form(req, headers)),
        headers=headers,
        received_at=clock(),
        address=client_address(req, server),
    )


def read_headers(req: Request) -> dict[str, str]:
    """The headers that matter here, as they were sent.

    Raises:
        InvalidRequest: one of them is there twice. Proxies differ in which one they believe.
    """
    headers: dict[str, str] = {}
    for name, value in req.scope["headers"]:
        if name in READ_HEADERS:
            text = name.decode("latin-1")
            if text in headers:
                raise InvalidRequest("A header is there more than once.")
            headers[text] = value.decode("latin-1")
    return headers


async def read_form(req: Request, headers: dict[str, str]) -> bytes:
    """The body, if it is a form of bearable length.

    Raises:
        UnsupportedMediaType, RequestTooLarge, LengthRequired, InvalidRequest: it is not.
    """
    _check_media_type(headers.get("content-type", ""), headers.get("content-encoding", ""))
    length = _content_length(headers)
    body = await req.stream.read(length)
    if len(body) != length:  # the client hung up
        raise InvalidRequest("The body is not as long as it says.")
    return body


@lru_cache(maxsize=64)  # clients spell it in few ways; what is refused is not kept
def _check_media_type(content_type: str, content_encoding: str) -> None:
    media_type, _, parameters = content_type.partition(";")
    charset = parameters.strip().lower().replace('"', "")
    if media_type.strip().lower() != FORM or charset not in ("", "charset=utf-8"):
        raise UnsupportedMediaType("The body must be a form: application/x-www-form-urlencoded.")
    if content_encoding.lower() not in ("", "identity"):
        raise UnsupportedMediaType("The body must not be compressed.")


def _content_length(headers: dict[str, str]) -> int:
    length = headers.get("content-length", "")
    if "transfer-encoding" in headers or not length.isdecimal():
        raise LengthRequired("The request must say its Content-Length.")
    if len(length) > len(str(MAX_BODY)) or int(length) > MAX_BODY:
        raise RequestTooLarge("The body is too long for a token request.")
    return int(length)
