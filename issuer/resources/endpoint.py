"""What the endpoints share at which whoever asks authenticates itself: forms in, JSON out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol, TypeVar

from falcon.asgi import Request

from issuer.errors import (
    InvalidRequest,
    LengthRequired,
    RequestTooLarge,
    UnsupportedMediaType,
    naming,
)
from issuer.guard import Guard
from issuer.protocol.form import Form
from issuer.protocol.replay import Once, ReplayStore, Use, spend
from issuer.protocol.request import TokenRequest
from issuer.resources.client_address import client_address
from issuer.resources.client_certificate import client_certificates
from issuer.server import AuthorizationServer
from issuer.serving.published_keys import PublishedKeys

MAX_BODY = 32768
"""Bytes of the longest token request: a refresh token and an assertion fit several times."""

_MAX_DIGITS = len(str(MAX_BODY))

FORM = "application/x-www-form-urlencoded"
READ_HEADERS = {
    name.encode(): name
    for name in (
        "authorization", "content-type", "content-length", "content-encoding", "transfer-encoding",
        "dpop",
    )
}  # fmt: skip
"""Those that are read, as they come and as they are called here."""

NO_PROOFS: tuple[str, ...] = ()


class Worth(Protocol):
    """What a request is worth, if nothing of it was used before."""

    @property
    def client_id(self) -> str:
        """Whose request it is."""

    @property
    def once(self) -> tuple[Once, ...]:
        """What of the request itself is good once."""


W = TypeVar("W", bound=Worth)


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """What a request is judged by there, and asked of."""

    url: str
    """Where the metadata say that it is: no header of a request has a say in that (P11)."""
    server: Callable[[], AuthorizationServer]
    store: ReplayStore
    guard: Guard
    published_keys: PublishedKeys
    clock: Callable[[], int]

    async def receive(self, req: Request) -> tuple[AuthorizationServer, TokenRequest]:
        """The snapshot that a request is judged by from now on, and what it says.

        Both are of the moment in which its body was there: whoever sends slowly is not judged by
        what was true before.

        Raises:
            InvalidRequest: as ``read_headers``, ``read_form`` and ``client_certificates`` do.
            TemporarilyUnavailable: the keys that the client publishes, or the federation, are not
                to be had.
        """
        headers = read_headers(req)
        form = Form.parse(await read_form(req, headers))
        server = self.server()
        certificates = client_certificates(req, server)
        certificate = certificates[0] if certificates else None
        asks = server.registry.has_published_keys
        keys = await self.published_keys.of(server, form, certificate) if asks else None
        of_federations = await self.published_keys.of_federations(server, form) if asks else None
        return server, TokenRequest(
            form=form,
            headers=headers,
            received_at=self.clock(),
            address=client_address(req, server),
            url=self.url,
            dpop=proofs(headers) if "dpop" in headers else NO_PROOFS,
            client_keys=keys,
            federation_keys=of_federations,
            certificate=certificate,
            chain=certificates[1:],
        )

    async def spending(
        self, server: AuthorizationServer, request: TokenRequest, work: Callable[[], W]
    ) -> W:
        """What ``work``, which authenticates the client, finds ``request`` to be worth.

        Nothing of the request was used before, and now it is. (At the token endpoint a grant may
        be good once as well, and ``TokenGenerator`` spends all of it together.)

        Raises:
            AccessTokenException: as ``work`` does, or something of the request was used before.
            TemporarilyUnavailable: nobody can say whether it was.
        """
        worth = await self.guard.authenticating(server, request, work)
        if worth.once:
            with naming(worth.client_id):
                await spend(self.store, Use(worth.once), request.received_at)
        return worth


def read_headers(req: Request) -> dict[str, str]:
    """The headers that matter here, as they were sent.

    Raises:
        InvalidRequest: one of them is there twice. Proxies differ in which one they believe. What
            is wrong with more than one ``DPoP`` is for whoever wants a proof to say.
    """
    headers: dict[str, str] = {}
    for sent, value in req.scope["headers"]:
        name = READ_HEADERS.get(sent)
        if name is not None:
            text = value.decode("latin-1")
            if name in headers:
                if name != "dpop":
                    raise InvalidRequest("A header is there more than once.")
                text = f"{headers[name]},{text}"  # as any proxy might (RFC 9110 section 5.3)
            headers[name] = text
    return headers


def proofs(headers: Mapping[str, str]) -> tuple[str, ...]:
    """What stands in ``DPoP``, however many headers it was. No proof has a comma."""
    return tuple(each.strip(" \t") for each in headers["dpop"].split(","))


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
    if len(length) > _MAX_DIGITS or (number := int(length)) > MAX_BODY:
        raise RequestTooLarge("The body is too long for a token request.")
    return number
