"""Who gets to the application: what the middleware for ASGI and for WSGI have in common."""

import logging
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, TypedDict
from urllib.parse import quote

from keys import authority
from keys.audience import canonical
from keys.claims import AccessToken
from keys.errors import AccessRefused, Challenged, InvalidMac, MissingMac, MissingToken
from keys.mtls import MTLS
from keys.resource_metadata import Answer
from keys.target_uri import normalize
from keys.verifier import Verifier

if TYPE_CHECKING:
    from keys.mac.verifier import MacVerifier

MAX_BODY = 1 << 20
"""Bytes of the largest body that is held in memory, to be compared with its hash."""

_NOTHING: Mapping[str, str] = MappingProxyType({})
_PATH_CHARACTERS = "/!$&'()*+,;=:@"  # RFC 3986 section 3.3
_ORIGIN = re.compile(r"https?://[^/?#]+", re.IGNORECASE)

_log = logging.getLogger("keys")


class MissingCredentials(MissingToken):
    """The request has no credentials of an accepted scheme: it is told all of them."""

    message = "Credentials are needed."

    def __init__(self, missing: Sequence[Challenged]) -> None:
        super().__init__("no credentials")
        self._missing = tuple(missing)
        self.nonce = "".join(each.nonce for each in missing)

    @property
    def challenges(self) -> tuple[str, ...]:
        """The values of ``WWW-Authenticate``, one for each scheme."""
        return tuple(challenge for each in self._missing for challenge in each.challenges)


class ContentTooLarge(AccessRefused):
    """The body is larger than what is read before its sender is known."""

    status = 413
    error = "content_too_large"
    message = "The body is too large to be verified."


class _Shown(TypedDict):
    authorization: str | None
    method: str
    url: str
    dpop: str | None
    certificate: bytes | None


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
    path: str
    """Decoded, and so not to be told from some others."""
    target: str | None
    """The request target, byte for byte; ``None`` if the server does not tell it."""
    scheme: str
    """``http`` or ``https``: how the client connected, as far as the server knows."""
    host: str
    """The field ``Host``."""
    authorization: str | None = field(repr=False)
    dpop: str | None = field(default=None, repr=False)
    """The fields ``DPoP``. Several are one list, and so no proof."""
    certificate: bytes | None = field(default=None, repr=False)
    """That by which the client connected, in DER, where anybody asks for it."""


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
        self._url = _origin_of_proofs(bearer, origin)
        self._public = frozenset(public)
        self._published = None if bearer is None else bearer.published
        if bearer and self._published and origin is not None:
            _check_reachable(bearer.audience, origin)
        self.max_body = max_body

    @property
    def mtls(self) -> MTLS | None:
        """Where certificates come from; None where nobody asks for them."""
        return None if self._bearer is None else self._bearer.mtls

    def is_public(self, path: str) -> bool:
        """Whether ``path``, decoded, is answered without credentials."""
        return path in self._public

    def metadata(self, method: str, path: str, mount: str) -> Answer | None:
        """What is answered to a request for the metadata; None for all others.

        They are before the path of the resource (RFC 9728 section 3.1), so that a server says that
        they are below where it is mounted, if that is what it cuts off or puts before every path.

        Args:
            method: of the request line.
            path: decoded and whole, with ``mount``.
            mount: where the server says that the application is: ``root_path``, ``SCRIPT_NAME``.
        """
        published = self._published
        if published is None or published.path not in (path, path.removeprefix(mount)):
            return None
        return published.answer(method)

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
        if self._bearer is not None and scheme in self._bearer.schemes:
            return self._bearer.verify_request(**self._shown(arrival))
        if scheme == "mac" and self._mac is not None:
            return self._mac.verify(**self._signed(arrival), body=body)
        raise self._missing()

    async def verify_async(self, arrival: Arrival, body: bytes | None = None) -> AccessToken:
        """``verify`` for an asyncio event loop.

        Raises:
            AccessRefused: as ``verify``.
        """
        scheme = _scheme(arrival.authorization)
        if self._bearer is not None and scheme in self._bearer.schemes:
            return await self._bearer.verify_request_async(**self._shown(arrival))
        if scheme == "mac" and self._mac is not None:
            return await self._mac.verify_async(**self._signed(arrival), body=body)
        raise self._missing()

    def _shown(self, arrival: Arrival) -> _Shown:
        """What of the request its token and the proof beside it are about."""
        return {
            "authorization": arrival.authorization,
            "method": arrival.method,
            "url": self._url + _raw_path(arrival),
            "dpop": arrival.dpop,
            "certificate": arrival.certificate,
        }

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

    def header_fields(
        self, refused: AccessRefused, beside: Mapping[str, str] = _NOTHING
    ) -> list[tuple[str, str]]:
        """The header fields of the answer to a refused request, each challenge in one of its own.

        ``beside`` are those that an answer would have had that is no refusal.
        """
        _log.info("refused: %s", refused.detail)
        fields = [("Content-Type", "text/plain; charset=utf-8")]
        if not isinstance(refused, Challenged):
            return fields + list({**beside, **refused.headers}.items())
        if self._bearer is not None and refused.scheme != "MAC":
            self._bearer.guided(refused)  # whoever raised it
        others = {**beside, **refused.headers}
        del others["WWW-Authenticate"]
        fields += [("WWW-Authenticate", challenge) for challenge in refused.challenges]
        return fields + list(others.items())

    def _missing(self) -> MissingCredentials:
        missing: list[Challenged] = []
        if self._bearer is not None:
            missing.append(self._bearer.missing())
        if self._mac is not None:
            missing.append(MissingMac("", realm=self._mac.audience))
        return MissingCredentials(missing)


def _check_reachable(audience: str, origin: str) -> None:
    """Clients take no metadata of another resource than they asked for (RFC 9728 section 3.3)."""
    match = _ORIGIN.match(audience)
    if match is None or normalize(match[0]) != normalize(origin):
        raise ValueError("for metadata the audience has to begin with the origin clients see")


def _origin_of_proofs(verifier: Verifier | None, origin: str | None) -> str:
    """The scheme, host and port that a DPoP proof has to be for, as clients see them.

    Not what ``Host`` says: who got a token and a proof that were meant for himself would send them
    on with his own name in it.
    """
    if verifier is None or "dpop" not in verifier.schemes:
        return ""  # nobody looks
    if origin is not None:
        return origin
    match = _ORIGIN.match(verifier.audience)
    if match is None:
        raise ValueError("for DPoP the origin is needed, for the audience does not begin with one")
    return match[0]


def _raw_path(arrival: Arrival) -> str:
    """The path and more, without the origin that a target may begin with (RFC 9112 section 3.2).

    Where the server does not tell the target, the decoded path is as good but for paths that had
    an encoded slash or the like in it: proofs for these are refused then.
    """
    if arrival.target is None:
        return quote(arrival.path, safe=_PATH_CHARACTERS)
    match = _ORIGIN.match(arrival.target)
    return arrival.target if match is None else arrival.target[match.end() :]


def _scheme(authorization: str | None) -> str:
    return (authorization or "").partition(" ")[0].lower()
