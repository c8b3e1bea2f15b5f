"""The access tokens of an issuer as it reads them itself: of every type, and for every audience."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from keys import claims as claims_of
from keys import jws
from keys.access_tokens import LEEWAY, REMEMBERED
from keys.claims import AccessToken
from keys.errors import InvalidToken
from keys.jwks import VerificationKey

SCHEMES: Mapping[str, str] = MappingProxyType({"at+jwt": "Bearer", "mac-at+jwt": "MAC"})
"""How each type of token is shown, by its ``typ``, if it is bound to nothing else."""

Find = Callable[[str, int], VerificationKey | None]


class _Verified(NamedTuple):
    token: AccessToken
    key: VerificationKey


class IssuedTokens:
    """Verifies each token once, and remembers it. Safe to share between threads.

    Args:
        issuer: the issuer identifier.
        find: its key of a name at a time, or ``None`` if it has none of that name by then.
    """

    def __init__(self, issuer: str, find: Find) -> None:
        self._issuer = issuer
        self._find = find
        self._verified: OrderedDict[str, _Verified] = OrderedDict()
        self._lock = threading.Lock()

    def verify(self, text: str, now: int) -> AccessToken:
        """The access token that ``text`` is: signed here, begun and not expired.

        For whom it is, what it may be used for, and whether who shows it has the key that it is
        bound to, is not checked.

        Raises:
            InvalidToken: it is none.
        """
        with self._lock:
            verified = self._verified.get(text)
            if verified is not None:
                self._verified.move_to_end(text)
        # The text is a safe name for what it says: see ``keys.access_tokens``.
        if verified is not None and self._find(verified.key.kid, now) is verified.key:
            claims_of.check_times(verified.token.claims, now, LEEWAY)
            return verified.token
        verified = self._verify(text, now)
        with self._lock:
            self._verified[text] = verified
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        return verified.token

    def _verify(self, text: str, now: int) -> _Verified:
        unverified = jws.parse(text)
        scheme = SCHEMES.get(unverified.header.typ)
        if scheme is None:
            raise InvalidToken("its typ is not that of an access token")
        key = self._find(unverified.header.kid, now)
        if key is None:
            raise InvalidToken("no key of the issuer has its kid")
        claims = unverified.verify(key)
        claims_of.check_issuer(claims, self._issuer)
        claims_of.check_one_audience(claims)
        claims_of.check_times(claims, now, LEEWAY)
        claims_of.check_identifiers(claims)
        confirmation = claims_of.read_confirmation(claims) if scheme == "Bearer" else None
        if confirmation is not None:
            scheme = claims_of.SCHEME_OF[confirmation.method]
        return _Verified(claims_of.read(claims, scheme, confirmation), key)
