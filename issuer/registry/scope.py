"""Scopes: sets of the words that a token may be used for (RFC 6749 section 3.3)."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Self

from issuer.errors import InvalidScope

SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""The characters of one scope token (RFC 6749 section 3.3)."""
_SCOPE = re.compile(f"{SCOPE_TOKEN.pattern}(?: {SCOPE_TOKEN.pattern})*")

OPENID = "openid"
"""The scope that makes a request one of OpenID Connect (Core section 3.1.2.1)."""

OFFLINE_ACCESS = "offline_access"
"""The wish for a refresh token (Core section 11). Clients send it whether or not there can be one,
so it is never a reason to refuse."""


class Scope(frozenset[str]):
    """A set of scope tokens. As text, the tokens in order, separated by single spaces."""

    __slots__ = ()

    @classmethod
    def parse(cls, text: str) -> "Scope":
        """The scope that ``text`` spells.

        Raises:
            InvalidScope: it is not scope tokens separated by single spaces.
        """
        return _parsed(text)

    def only(self, tokens: Iterable[str]) -> Self:
        """This scope without what is not among ``tokens``."""
        # Most often that is all of it, and another set of the same words costs as much as asking.
        return self if self.issubset(tokens) else type(self)(self.intersection(tokens))

    def __str__(self) -> str:
        return _spell(self)


@lru_cache(maxsize=256)  # clients ask for few scopes; the longest take some megabytes together
def _parsed(text: str) -> Scope:
    if not _SCOPE.fullmatch(text):
        raise InvalidScope("The scope is malformed.")
    return Scope(text.split(" "))


@lru_cache(maxsize=1024)  # a registry knows few scopes, and every token spells one twice
def _spell(scope: frozenset[str]) -> str:
    return " ".join(sorted(scope))


def narrow(granted: Scope, requested: str | None) -> Scope:
    """The requested part of ``granted``; all of it if nothing was requested (RFC 6749 section 6).

    Where ``offline_access`` was not granted, it is not missed. Alone, it requests nothing.

    Raises:
        InvalidScope: something requested was not granted.
    """
    if requested is None:
        return granted
    scope = Scope.parse(requested)
    wanted = scope.difference((OFFLINE_ACCESS,))
    if not wanted <= granted:
        raise InvalidScope("Part of the scope was not granted for this resource.")
    return scope.only(granted) if wanted else granted
