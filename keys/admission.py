"""Who gets to the application: what the middleware for ASGI and for WSGI have in common."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypedDict

from keys import authority
from keys.audience import canonical
from keys.claims import AccessToken
from keys.errors import AccessRefused, InvalidMac, MissingMac, MissingToken
from keys.verifier import Verifier

if TYPE_CHECKING:
    from keys.mac.verifier import MacVerifier

MAX_BODY = 1 << 20
"""Bytes of the largest body that is held in memory, to be compared with its hash."""

_log = logging.getLogger("keys")


class MissingCredentials(MissingToken):
    """The request has no credentials of an accepted scheme: it is told all of them."""

    message = "Credentials are needed."

    def __init__(self, challenges: Sequence[str]) -> None:
        super().__init__("no credentials")
        self.challenges = tuple(challenges)
        """The values of ``WWW-Authenticate``, one for each scheme."""

    @property
    def headers(self) -> Mapping[str, str]:
        """``WWW-Authenticate`` with all challenges (RFC 9110 section 11.6.1)."""
        return MappingProxyType({"WWW-Authenticate": ", ".join(self.challenges)})


class ContentTooLarge(AccessRefused):
    """The body is larger than what is read before its sender is known."""

    status = 413
    error = "content_too_large"
    message = "The body is too large to be verified."


class _Signed(TypedDict):
    method: str
    target: str
    host: str
    port: int
    authorization: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrival:
    """A request as it arrived, before anything of it is believed."""

    method: str
    target: str | None
    """The request target, byte for byte; ``None`` if the server does not tell it."""
    scheme: str
    """``http`` or ``https``: how the client connected, as far as the server knows."""
    host: str
    """The field ``Host``."""
    authorization: str | None = field(repr=False)


class Admission:
    """Verifies the credentials of a request by the scheme that it chose.

    Raises:
        ValueError: an argument makes no sense, or an audience takes both schemes.
    """

    def __init__(
        self,
        *,
        bearer: Verifier | None,
        mac: "MacVerifier | None",
        origin: str | None,
        public: Collection[str],
        max_body: int,
    ) -> None:
        if bearer is None and mac is None:
            raise ValueError("a verifier is needed, for bearer tokens or for mac ones")
        if bearer and mac and canonical(bearer.audience) == canonical(mac.audience):
            # A verifier of others that looks at no typ would take a mac token without its MAC.
            raise ValueError("an audience is for bearer tokens or for mac ones, never for both")
        if isinstance(public, str) or not all(path.startswith("/") for path in public):
            raise ValueError("public is a collection of paths, each of which begins with /")
        self._bearer = bearer
        self._mac = mac
        self._origin = None if origin is None else authority.parse_origin(origin)
        self._public = frozenset(public)
        self.max_body = max_body

    def is_public(self, path: str) -> bool:
        """Whether ``path``, decoded, is answered without credentials."""
        return path in self._public

    def needs_body(self, authorization: str | None) -> bool:
        """Whether these credentials cannot be judged without the body.

        Raises:
            InvalidMac: they have no form.
        """
        if self._mac is None or _scheme(authorization) != "mac":
            return False
        return self._mac.needs_body(authorization)

    def verify(self, arrival: Arrival, body: bytes | None = None) -> AccessToken:
        """The access token that the request was sent with.

        ``body`` is not looked at unless ``needs_body`` says so.

        Raises:
            AccessRefused: the credentials are missing, or not valid here and now.
        """
        scheme = _scheme(arrival.authorization)
        if scheme == "bearer" and self._bearer is not None:
            return self._bearer.verify_header(arrival.authorization)
        if scheme == "mac" and self._mac is not None:
            return self._mac.verify(**self._signed(arrival), body=body)
        raise self._missing()

    async def verify_async(self, arrival: Arrival, body: bytes | None = None) -> AccessToken:
        """``verify`` for an asyncio event loop.

        Raises:
            AccessRefused: as ``verify``.
        """
        scheme = _scheme(arrival.authorization)
        if scheme == "bearer" and self._bearer is not None:
            return await self._bearer.verify_header_async(arrival.authorization)
        if scheme == "mac" and self._mac is not None:
            return await self._mac.verify_async(**self._signed(arrival), body=body)
        raise self._missing()

    def _signed(self, arrival: Arrival) -> _Signed:
        """What of the request its MAC covers, and the MAC."""
        if arrival.target is None:
            raise RuntimeError("this server does not tell the request target as it was sent")
        try:
            host, port = self._origin or authority.parse(arrival.host, arrival.scheme)
        except ValueError as error:
            raise InvalidMac(f"Host: {error}") from None
        return {
            "method": arrival.method,
            "target": arrival.target,
            "host": host,
            "port": port,
            "authorization": arrival.authorization,
        }

    def _missing(self) -> MissingCredentials:
        challenges = []
        if self._bearer is not None:
            challenges.append(MissingToken("", realm=self._bearer.audience).challenge)
        if self._mac is not None:
            challenges.append(MissingMac("", realm=self._mac.audience).challenge)
        return MissingCredentials(challenges)


def header_fields(refused: AccessRefused) -> list[tuple[str, str]]:
    """The header fields of the answer to a refused request, each challenge in one of its own."""
    _log.info("refused: %s", refused.detail)
    fields = [("Content-Type", "text/plain; charset=utf-8")]
    if isinstance(refused, MissingCredentials):
        return fields + [("WWW-Authenticate", challenge) for challenge in refused.challenges]
    return fields + list(refused.headers.items())


def _scheme(authorization: str | None) -> str:
    return (authorization or "").partition(" ")[0].lower()
