"""What there is to say about a token, and how it is said."""

import json
import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeGuard

import msgspec

from issuer.cli.page import words
from issuer.registry.record import rfc3339
from issuer.registry.scope import Scope

INSTANTS = frozenset({"iat", "exp", "nbf", "auth_time", "issued_at", "expires_at"})
LATEST = 253_402_300_799
"""The end of the year 9999: what is later is no instant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What something is, what it says, and why it would be refused."""

    kind: str
    members: Mapping[str, str] = field(default_factory=dict)
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def shown(members: Mapping[str, object], now: int) -> dict[str, str]:
    """The members as text for a terminal, with no control character in it, whoever wrote them."""
    return {_printable(name): _value(name, value, now) for name, value in members.items()}


def _value(name: str, value: object, now: int) -> str:
    if name in INSTANTS and is_instant(value):
        return f"{rfc3339(value)} ({when(value, now)})"
    if isinstance(value, Scope):
        return str(value)
    if isinstance(value, str):
        return _printable(value)
    if isinstance(value, Iterable) and not isinstance(value, Mapping):
        return ", ".join(_value("", each, now) for each in value)
    if isinstance(value, msgspec.Struct):
        return json.dumps(msgspec.to_builtins(value))
    return json.dumps(value)


def _printable(text: str) -> str:
    return text if text.isprintable() else json.dumps(text)


def is_instant(value: object) -> TypeGuard[int]:
    """True for seconds since 1970 that a calendar has."""
    return type(value) is int and 0 <= value <= LATEST


def when(instant: int, now: int) -> str:
    """How far ``instant`` is from ``now``: ``in 3 minutes``, ``3 minutes ago``."""
    return f"in {words(instant - now)}" if instant > now else f"{words(now - instant)} ago"


def quoted(value: object) -> str:
    """``value`` within a sentence, as little as possible of it and nothing a terminal obeys."""
    longest = 80
    text = json.dumps(value)
    return text if len(text) <= longest else f"{text[:longest]}…"


def argument(text: str) -> str:
    """``text`` as one word of a command line that somebody may paste."""
    return shlex.quote(text) if text.isprintable() else quoted(text)
