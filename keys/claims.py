"""What an access token says (RFC 9068), and whether it may be believed here and now."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from keys.audience import canonical
from keys.errors import InsufficientScope, InvalidToken

LATEST = 253_402_300_799
"""The last second of the year 9999; what is later is no time."""

SCHEME_OF: Mapping[str, str] = MappingProxyType({"jkt": "DPoP", "x5t#S256": "Bearer"})
"""The scheme by which a token is shown, for each member of ``cnf`` that is understood."""

_NOTHING: Mapping[str, str] = MappingProxyType({})
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256 in base64url
_CONTAINERS = frozenset({dict, list})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Confirmation:
    """To what a token is bound: whoever shows it has to prove that it is theirs (RFC 7800)."""

    method: str
    """The member of ``cnf``: ``jkt``, the thumbprint of a key (RFC 9449 section 6.1), or
    ``x5t#S256``, the hash of a certificate (RFC 8705 section 3.1)."""
    thumbprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken:
    """A valid access token. Only verification makes one."""

    issuer: str
    subject: str
    """For whom it was issued: a user, or the client itself."""
    audience: str
    """As ``aud`` spells it."""
    client_id: str
    scope: frozenset[str]
    expires_at: int
    issued_at: int
    jti: str
    claims: Mapping[str, Any] = field(repr=False, hash=False)
    """All claims, read-only to the ground: arrays are tuples."""
    scheme: str = "Bearer"
    """How it was shown: ``Bearer``, ``DPoP`` or ``MAC``, the latter two with proof of a key."""
    confirmation: Confirmation | None = None
    """What it is bound to, of which there was proof."""
    answer_headers: Mapping[str, str] = field(
        default_factory=lambda: _NOTHING, repr=False, compare=False
    )
    """Header fields that the answer should have: ``DPoP-Nonce``, where a newer one is in use."""
    resource_metadata: str = field(default="", repr=False, compare=False)
    """Where the resource server's metadata are; empty if it publishes none."""

    @property
    def is_client(self) -> bool:
        """Whether the client acts for itself: the issuer has no user of that name."""
        return self.subject == self.client_id

    def require(self, *scopes: str) -> None:
        """Nothing, if all of ``scopes`` were granted.

        Raises:
            InsufficientScope: one was not.
        """
        if not self.scope.issuperset(scopes):
            raise InsufficientScope(scopes, self.scope, self.scheme, self.resource_metadata)


def check_issuer(claims: Mapping[str, Any], issuer: str) -> None:
    """``iss`` is exactly ``issuer``."""
    if claims.get("iss") != issuer:
        raise InvalidToken(f"iss is {_shown(claims.get('iss'))}")


def check_audience(claims: Mapping[str, Any], audience: str) -> None:
    """``aud`` is ``audience`` alone: one of several audiences could use a token at another."""
    alone = _alone(claims)
    if alone == audience:
        return  # so nearly always
    if not isinstance(alone, str) or canonical(alone) != canonical(audience):
        raise InvalidToken(f"aud is {_shown(claims.get('aud'))}")


def check_one_audience(claims: Mapping[str, Any]) -> None:
    """``aud`` is one audience, whichever."""
    if not isinstance(_alone(claims), str):
        raise InvalidToken(f"aud is {_shown(claims.get('aud'))}")


def check_times(claims: Mapping[str, Any], now: int, leeway: int) -> None:
    """``now`` is between ``iat`` and ``nbf`` on one side and ``exp`` on the other."""
    if now >= _instant(claims, "exp") + leeway:
        raise InvalidToken(f"expired {now - claims['exp']} s ago")
    for name in ("iat", "nbf") if "nbf" in claims else ("iat",):
        if _instant(claims, name) > now + leeway:
            raise InvalidToken(f"{name} is {claims[name] - now} s ahead")


def check_identifiers(claims: Mapping[str, Any]) -> None:
    """``sub``, ``client_id`` and ``jti`` are there (RFC 9068 section 2.2)."""
    for name in ("sub", "client_id", "jti"):
        value = claims.get(name)
        if not isinstance(value, str) or not value or _CONTROL.search(value):
            raise InvalidToken(f"{name} is {_shown(value)}")


def check_bearer(claims: Mapping[str, Any]) -> None:
    """The token is bound to no key: one that is bound proves nothing to whom it is shown."""
    if "cnf" in claims:
        raise InvalidToken("bound to a key, so not a bearer token")


def read_confirmation(claims: Mapping[str, Any]) -> Confirmation | None:
    """To what the token is bound; ``None`` for a bearer token.

    A confirmation that is not understood is refused, and so are two: to let the token pass for
    what is understood of it would be to accept it without the proof that its issuer asked for.
    """
    if "cnf" not in claims:
        return None
    confirmation = claims["cnf"]
    if not isinstance(confirmation, dict) or len(confirmation) != 1:
        raise InvalidToken("cnf is not one confirmation")
    ((method, thumbprint),) = confirmation.items()
    if method not in SCHEME_OF:
        raise InvalidToken("bound to a key in a way that is not understood")
    if not isinstance(thumbprint, str) or not _THUMBPRINT.fullmatch(thumbprint):
        raise InvalidToken(f"cnf.{method} is no thumbprint")
    return Confirmation(method, thumbprint)


def wrapped_key(claims: Mapping[str, Any]) -> str:
    """The wrapped key to which the token is bound, and the only one (RFC 7800 section 3.3)."""
    confirmation = claims.get("cnf")
    if not isinstance(confirmation, dict) or confirmation.keys() != {"jwe"}:
        raise InvalidToken("not bound to a wrapped key")
    wrapped = confirmation["jwe"]
    if not isinstance(wrapped, str):
        raise InvalidToken("cnf.jwe is no string")
    return wrapped


def read(
    claims: Mapping[str, Any],
    scheme: str = "Bearer",
    confirmation: Confirmation | None = None,
) -> AccessToken:
    """The access token of which ``claims`` have passed the checks above."""
    scope = claims.get("scope", "")
    if not isinstance(scope, str):
        raise InvalidToken(f"scope is {_shown(scope)}")
    audience = claims["aud"]
    return AccessToken(
        issuer=claims["iss"],
        subject=claims["sub"],
        audience=audience if isinstance(audience, str) else audience[0],
        client_id=claims["client_id"],
        scope=frozenset(filter(None, scope.split(" "))),
        expires_at=claims["exp"],
        issued_at=claims["iat"],
        jti=claims["jti"],
        claims=_frozen(claims),
        scheme=scheme,
        confirmation=confirmation,
    )


def _alone(claims: Mapping[str, Any]) -> object:
    said = claims.get("aud")
    return said[0] if isinstance(said, list) and len(said) == 1 else said


def _instant(claims: Mapping[str, Any], name: str) -> int:
    value = claims.get(name)
    # bool is an int in Python, and a float has no exact second.
    if type(value) is not int or not 0 <= value <= LATEST:
        raise InvalidToken(f"{name} is {_shown(value)}")
    return value


def _frozen(value: Any) -> Any:
    """``value`` so that no request can change what another one reads."""
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    if not isinstance(value, dict):
        return value
    if _CONTAINERS.isdisjoint(map(type, value.values())):
        return MappingProxyType(value)
    return MappingProxyType({name: _frozen(inner) for name, inner in value.items()})


def _shown(value: object) -> str:
    """``value`` for a log: in one line, and a short one."""
    return "missing" if value is None else ascii(value)[:80]
