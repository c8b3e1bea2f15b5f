"""Signed tokens in their compact form (RFC 7515), from text to claims that somebody signed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

from keys.encoding import from_base64url, parse_object
from keys.errors import InvalidToken
from keys.jwks import VerificationKey

MAX_TOKEN = 8192
"""Characters of the longest token that is looked at."""

_COMPACT = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)")


@dataclass(frozen=True, slots=True)
class Header:
    """The three header parameters that matter. Nothing in a token says where its key is."""

    typ: str
    """In lower case, without ``application/`` (RFC 7515 section 4.1.9)."""
    alg: str
    kid: str


class UnverifiedToken(NamedTuple):
    """A token of which only the form is known. Nothing it says may be believed."""

    header: Header
    message: bytes
    payload: str
    signature: str

    def verify(self, key: VerificationKey) -> dict[str, Any]:
        """The claims, which the holder of ``key`` signed. What they say is not checked.

        Raises:
            InvalidToken: it was signed otherwise, or the claims are no strict JSON object.
        """
        return _verify(self, self.header.alg, key)


class SplitToken(NamedTuple):
    """``UnverifiedToken`` with all that the header says, for what has no ``typ`` or ``kid``."""

    header: Mapping[str, Any]
    message: bytes
    payload: str
    signature: str

    def verify(self, key: VerificationKey) -> dict[str, Any]:
        """As ``UnverifiedToken.verify``.

        Raises:
            InvalidToken: as there.
        """
        return _verify(self, self.header.get("alg"), key)


class Parts(NamedTuple):
    """The parts of a token, none of which was decoded."""

    header: str
    message: bytes
    payload: str
    signature: str

    def verify(self, alg: str, key: VerificationKey) -> dict[str, Any]:
        """As ``UnverifiedToken.verify``; ``alg`` is what the header says.

        Raises:
            InvalidToken: as there.
        """
        return _verify(self, alg, key)


def parse(token: str, max_length: int = MAX_TOKEN) -> UnverifiedToken:
    """The parts of ``token``, the length of which is looked at before anything else.

    Raises:
        InvalidToken: it is not a signed token in compact form with a header that is understood.
    """
    header, message, payload, signature = _cut(token, max_length)
    return UnverifiedToken(_parse_header(header), message, payload, signature)


def split(token: str, max_length: int = MAX_TOKEN) -> SplitToken:
    """``parse`` for a token of which the header is for the caller to understand.

    Raises:
        InvalidToken: it is not a signed token in compact form, or its header is no strict JSON
            object, or has ``crit``.
    """
    header, message, payload, signature = _cut(token, max_length)
    return SplitToken(read_header(header), message, payload, signature)


def cut(token: str, max_length: int = MAX_TOKEN) -> Parts:
    """``split`` for a caller that remembers what some headers say, and so does not decode them.

    Raises:
        InvalidToken: it is not a signed token in compact form.
    """
    return Parts(*_cut(token, max_length))


def read_header(text: str) -> dict[str, Any]:
    """What the header ``text`` says.

    Raises:
        InvalidToken: it is no strict JSON object, or has ``crit``.
    """
    try:
        header = parse_object(_decode(text))
    except ValueError as error:
        raise InvalidToken(f"header: {error}") from None
    if "crit" in header:  # RFC 7515 section 4.1.11: no extension is understood here
        raise InvalidToken("header: crit")
    return header


def media_type(typ: str) -> str:
    """``typ`` in lower case, without ``application/`` (RFC 7515 section 4.1.9)."""
    return typ.lower().removeprefix("application/")


def _cut(token: str, max_length: int) -> tuple[str, bytes, str, str]:
    if len(token) > max_length:
        raise InvalidToken(f"longer than {max_length} characters")
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise InvalidToken("not three parts in base64url")
    header, payload, signature = parts.groups()
    return header, token[: parts.start(3) - 1].encode(), payload, signature


@lru_cache(maxsize=64)  # The tokens of one key share their header. Failures are not remembered.
def _parse_header(text: str) -> Header:
    header = read_header(text)
    typ, alg, kid = (header.get(name) for name in ("typ", "alg", "kid"))
    if not isinstance(typ, str) or not isinstance(alg, str) or not isinstance(kid, str):
        raise InvalidToken("header: typ, alg and kid are needed, as strings")
    return Header(media_type(typ), alg, kid)


def _verify(
    token: UnverifiedToken | SplitToken | Parts, alg: object, key: VerificationKey
) -> dict[str, Any]:
    # The key knows its algorithm; the token is only asked whether it agrees.
    if alg != key.algorithm.name:
        raise InvalidToken("its alg is not that of the key")
    if not key.verifies(_decode(token.signature), token.message):
        raise InvalidToken("the signature does not verify")
    try:
        return parse_object(_decode(token.payload))
    except ValueError as error:
        raise InvalidToken(f"payload: {error}") from None


def _decode(part: str) -> bytes:
    try:
        return from_base64url(part)
    except ValueError:
        raise InvalidToken("not in its one spelling") from None
