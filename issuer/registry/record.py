"""The types that the registry's records are written in, and how strictly they are read."""

import re
from collections.abc import Hashable
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AfterValidator,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    StrictInt,
    WithJsonSchema,
)

from issuer.errors import InvalidScope
from issuer.registry.scope import SCOPE_TOKEN, Scope
from keys import instants

STRICT = ConfigDict(extra="forbid", use_attribute_docstrings=True)
"""No key is guessed at; what is said of a field here, editors say of it too."""

MAX_ACCESS_TOKEN_LIFETIME = 86_400
MAX_AUTHORIZATION_CODE_LIFETIME = 600
DEFAULT_CODE_LIFETIME = 60
CODE_LIFETIME_WITHOUT_STORE = 25
"""Seconds. A code that nothing remembers can be redeemed again while it lives; OpenID's basic
certification tries that after 30."""
MAX_REFRESH_TOKEN_LIFETIME = 366 * 86_400
MAX_REFRESH_TOKEN_GRACE = 60
MAX_SESSION_LIFETIME = 30 * 86_400

H = TypeVar("H", bound=Hashable)

_LATEST_INSTANT = 253_402_300_799  # the end of the year 9999; milliseconds are beyond it
_TIME = "an RFC 3339 time with its offset, such as 2026-11-01T00:00:00Z"
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@lru_cache(maxsize=1024)
def shared(value: H) -> H:
    """``value``, or what is equal to it and was here before: most clients say the same things.

    A hundred thousand clients then hold one list of grants, which stays in the processor's caches.
    """
    return value


FAPI2 = "fapi2"
FAPI2_ALGS = ("PS256", "ES256", "EdDSA")
"""What signs in that profile, on either side (section 5.4.1)."""

Profile = Literal["fapi2"]
"""A set of rules that clients can be held to."""


def _instant(value: Any) -> int:
    if type(value) is int and 0 <= value <= _LATEST_INSTANT:
        return value
    # What TOML has read is a day, or a time without an offset; a word of it is missing.
    written = str(value) if isinstance(value, str | date) else None
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            value = None
    if not isinstance(value, datetime) or value.tzinfo is None:
        why = instants.fault(written) if written else None
        raise ValueError(f"must be {_TIME}" + (f"; {why}" if why else ""))
    return int(value.timestamp())


@lru_cache(maxsize=4)  # every line of the log asks for the same second
def rfc3339(instant: int) -> str:
    """``instant``, seconds since 1970, the way a registry spells it."""
    return datetime.fromtimestamp(instant, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _identifier(value: str) -> str:
    if _CONTROL.search(value):
        raise ValueError("must have no control characters, such as a line end or a tab")
    return value


def _scope(value: Any) -> Scope:
    if isinstance(value, Scope):
        return value
    if not isinstance(value, str):
        raise ValueError(  # noqa: TRY004  pydantic collects ValueErrors
            'must be one text, its scopes separated by single spaces, such as "read write"'
        )
    if not value:
        return Scope()
    try:
        return Scope.parse(value)
    except InvalidScope:
        raise ValueError(
            'must be scopes separated by single spaces, such as "read write"'
        ) from None


def _scope_token(value: str) -> str:
    if not SCOPE_TOKEN.fullmatch(value):
        raise ValueError(
            'must be one scope, such as "read": printable ASCII without spaces, " and \\'
        )
    return value


def distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    """``values``, once each of them is there once."""
    if len(set(values)) != len(values):
        raise ValueError("must name each thing once: take one of the two out")
    kept: tuple[str, ...] = shared(values)
    return kept


Instant = Annotated[
    int,
    BeforeValidator(_instant),
    WithJsonSchema({"type": ["string", "integer"], "format": "date-time"}),
]
"""Whole seconds since 1970, written as an RFC 3339 time."""

Identifier = Annotated[str, Field(min_length=1, max_length=255), AfterValidator(_identifier)]
"""Compared byte by byte; nothing is normalized. (What people type as a login is: ``precis``.)"""

Text = Annotated[str, Field(max_length=1000), AfterValidator(_identifier)]

ScopeText = Annotated[
    InstanceOf[Scope],
    BeforeValidator(_scope),
    AfterValidator(shared),
    WithJsonSchema({"type": "string"}),
]

ScopeToken = Annotated[str, AfterValidator(_scope_token)]

Name = Annotated[str, AfterValidator(shared)]
"""One of a few words, such as that of a method."""

Names = Annotated[tuple[str, ...], AfterValidator(distinct)]

AccessTokenLifetime = Annotated[StrictInt, Field(ge=1, le=MAX_ACCESS_TOKEN_LIFETIME)]
AuthorizationCodeLifetime = Annotated[StrictInt, Field(ge=1, le=MAX_AUTHORIZATION_CODE_LIFETIME)]
RefreshTokenLifetime = Annotated[StrictInt, Field(ge=1, le=MAX_REFRESH_TOKEN_LIFETIME)]
RefreshTokenGrace = Annotated[StrictInt, Field(ge=0, le=MAX_REFRESH_TOKEN_GRACE)]
RefreshTokenIdleLifetime = Annotated[
    StrictInt, Field(ge=MAX_REFRESH_TOKEN_GRACE, le=MAX_REFRESH_TOKEN_LIFETIME)
]
SessionLifetime = Annotated[StrictInt, Field(ge=60, le=MAX_SESSION_LIFETIME)]
