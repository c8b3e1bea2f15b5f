"""Signed tokens in their compact form (RFC 7515), from text to claims that somebody signed."""

import re
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
        # The key knows its algorithm; the token is only asked whether it agrees.
        if self.header.alg != key.algorithm.name:
            raise InvalidToken("its alg is not that of the key")
        if not key.verifies(_decode(self.signature), self.message):
            raise InvalidToken("the signature does not verify")
        try:
            return parse_object(_decode(self.payload))
        except ValueError as error:
            raise InvalidToken(f"payload: {error}") from None


def parse(token: str, max_length: int = MAX_TOKEN) -> UnverifiedToken:
    """The parts of ``token``, the length of which is looked at before anything else.

    Raises:
        InvalidToken: it is not a signed token in compact form with a header that is understood.
    """
    if len(token) > max_length:
        raise InvalidToken(f"longer than {max_length} characters")
    parts = _COMPACT.fullmatch(token)
    if parts is None:
        raise InvalidToken("not three parts in base64url")
    header, payload, signature = parts.groups()
    message = token[: parts.start(3) - 1].encode()
    return UnverifiedToken(_parse_header(header), message, payload, signature)


@lru_cache(maxsize=64)  # The tokens of one key share their header. Failures are not remembered.
def _parse_header(text: str) -> Header:
    try:
        header = parse_object(_decode(text))
    except ValueError as error:
        raise InvalidToken(f"header: {error}") from None
    if "crit" in header:  # RFC 7515 section 4.1.11: no extension is understood here
        raise InvalidToken("header: crit")
    typ, alg, kid = (header.get(name) for name in ("typ", "alg", "kid"))
    if not isinstance(typ, str) or not isinstance(alg, str) or not isinstance(kid, str):
        raise InvalidToken("header: typ, alg and kid are needed, as strings")
    return Header(typ.lower().removeprefix("application/"), alg, kid)


def _decode(part: str) -> bytes:
    try:
        return from_base64url(part)
    except ValueError:
        raise InvalidToken("not in its one spelling") from None
