"""What clients sign with their own keys: assertions (RFC 7523) and request objects (RFC 9101).

One is read first, to learn whom it names, and believed once it is verified: an ``Unproved`` has
claims that anybody may have written.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any, NamedTuple

from issuer.registry.client_keys import MAX_KID, ClientKeys
from keys import InvalidToken, jws
from keys.algorithms import ALGORITHMS, FULLY_SPECIFIED
from keys.encoding import from_base64url, parse_object
from keys.jwks import VerificationKey

MAX_LENGTH = 8192
"""Characters of the longest that is looked at."""


NO_KEY = "no key of the client's is for its alg and kid"


class Unproved(NamedTuple):
    """What somebody signed. Nothing it says may be believed yet."""

    alg: str
    kid: str | None
    typ: str | None
    """In lower case, without ``application/``; None where the header says none."""
    claims: Mapping[str, Any]
    message: bytes
    signature: bytes

    def verify(
        self, keys: ClientKeys, registered: str | None, algs: Collection[str]
    ) -> VerificationKey:
        """The one of ``keys`` that signed it, by the ``alg`` that the client registered.

        Whatever it registered, ``algs`` are all that it may sign by.

        Raises:
            InvalidToken: none did.
        """
        if self.alg not in algs:
            raise InvalidToken(NO_KEY)
        candidates = keys.find(self.kid, self.alg, registered)
        if not candidates:
            raise InvalidToken(NO_KEY)
        for key in candidates:
            if key.verifies(self.signature, self.message):
                return key
        raise InvalidToken("the signature does not verify")


def read(text: str, max_length: int = MAX_LENGTH) -> Unproved:
    """What ``text`` is, if it is one JWT in its compact form that could be verified here.

    Raises:
        InvalidToken: it is not; the sentence quotes nothing of it.
    """
    parts = jws.cut(text, max_length)
    alg, kid, typ = _header(parts.header)
    try:
        claims, signature = parse_object(_decode(parts.payload)), _decode(parts.signature)
    except ValueError as error:
        raise InvalidToken(f"payload: {error}") from None
    return Unproved(alg, kid, typ, claims, parts.message, signature)


@lru_cache(maxsize=1024)  # A client's have one, mostly. Failures are not remembered.
def _header(text: str) -> tuple[str, str | None, str | None]:
    header = jws.read_header(text)
    alg, kid, typ = (header.get(name) for name in ("alg", "kid", "typ"))
    alg = FULLY_SPECIFIED.get(alg, alg) if isinstance(alg, str) else ""
    if alg not in ALGORITHMS:
        raise InvalidToken("its alg is none that is accepted")
    if kid is not None and not (isinstance(kid, str) and len(kid) <= MAX_KID):
        raise InvalidToken("its kid is no text, or too long")
    if typ is not None and not isinstance(typ, str):
        raise InvalidToken("its typ is no text")
    return alg, kid, None if typ is None else jws.media_type(typ)


def _decode(part: str) -> bytes:
    try:
        return from_base64url(part)
    except ValueError:
        raise InvalidToken("not in its one spelling") from None
