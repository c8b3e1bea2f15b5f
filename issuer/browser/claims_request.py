"""The ``claims`` parameter: what a client wants to be told, by name (OpenID Connect Core 5.5).

It asks for less than a scope does, or for what no scope of the request tells; never for more than
the scopes that the client registered. What is not known here is ignored (section 5.5).
"""

import json
from collections.abc import Iterable
from typing import Any

import msgspec

from issuer.errors import InvalidRequest
from issuer.protocol.sealed import RequestedClaims
from issuer.registry import documents

MAX_LENGTH = 4096
"""Characters. The largest that certification sends has 300."""

MAX_CLAIMS = 64
"""Names in each of its two members."""

MAX_VALUE = 255
"""Characters of a ``sub`` or an ``acr``."""

_MEMBERS = ("id_token", "userinfo")


class ClaimsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for, as far as it can matter here."""

    named: RequestedClaims
    sub: tuple[str, ...] | None = None
    """Whom alone the answer may be about; None where it may be anybody."""
    acr: tuple[str, ...] = ()
    """The classes of assurance that the client wants, the best first."""
    needs_acr: bool = False
    """True where none but these will do (section 5.5.1.1)."""


def read(text: str | None) -> ClaimsRequest | None:
    """What ``text`` asks for; None where there is none.

    Raises:
        InvalidRequest: it is not what section 5.5 describes, or too long.
    """
    if text is None:
        return None
    if len(text) > MAX_LENGTH:
        raise _malformed(f"have {MAX_LENGTH} characters at most")
    try:
        asked = documents.strict_json().decode(text)
    except (ValueError, RecursionError):
        raise _malformed("be a JSON object, with each name once") from None
    members = [_member(asked, name) for name in _MEMBERS]
    wishes = [each.get("sub") or {} for each in members]
    subs = [set(_values(each, "sub")) for each in wishes if {"value", "values"} & each.keys()]
    acr = members[0].get("acr") or {}
    classes = _values(acr, "acr")
    return ClaimsRequest(
        named=RequestedClaims(id_token=_names(members[0]), userinfo=_names(members[1])),
        sub=tuple(sorted(set.intersection(*subs))) if subs else None,
        acr=classes,
        needs_acr=bool(classes) and acr.get("essential") is True,
    )


def _member(asked: Any, name: str) -> dict[str, dict[str, Any] | None]:
    member = asked.get(name) if isinstance(asked, dict) else ()
    if member is None:
        return {}
    if not isinstance(member, dict):
        raise _malformed("have id_token and userinfo as objects")
    if len(member) > MAX_CLAIMS:
        raise _malformed(f"name {MAX_CLAIMS} claims at most in each member")
    for wish in member.values():
        if wish is not None and not isinstance(wish, dict):
            raise _malformed("say null or an object of each claim")
        if wish is not None and not isinstance(wish.get("essential", False), bool):
            raise _malformed("have essential as true or false")
    return member


def _names(member: Iterable[str]) -> tuple[str, ...]:
    """The names, in an order of our own: the same wishes are the same sealed text."""
    return tuple(sorted(name for name in member if name not in ("sub", "acr")))


def _values(wish: dict[str, Any], name: str) -> tuple[str, ...]:
    """The values that will do, in the order of preference."""
    values = wish.get("values", [])
    if not isinstance(values, list) or ("value" in wish and values):
        raise _malformed("have value, or values as an array, and not both")
    found = [wish["value"]] if "value" in wish else values
    if not all(isinstance(each, str) and 0 < len(each) <= MAX_VALUE for each in found):
        raise _malformed(f"have text as the values of {name}")
    return tuple(dict.fromkeys(found))


def _malformed(how: str) -> InvalidRequest:
    return InvalidRequest(f"The claims parameter must {how} (OpenID Connect Core section 5.5).")


def spelled(asked: object) -> object:
    """The parameter as text, where a request object has it as JSON (section 6.1)."""
    return json.dumps(asked, separators=(",", ":")) if isinstance(asked, dict) else asked
