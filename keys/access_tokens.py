"""The access tokens of one issuer for one audience: verified once each, and remembered."""

import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from keys import claims as claims_of
from keys import jws
from keys.errors import InvalidToken
from keys.jwks import VerificationKey
from keys.key_set import KeySet, Waiting

LEEWAY = 60
"""Seconds of clock difference forgiven if nobody says otherwise."""

MAX_LEEWAY = 300

REMEMBERED = 1024
"""How many tokens are remembered as verified."""

Keys = KeySet | str | Path | Mapping[str, Any] | None
"""The issuer's keys, or where they are."""

Claims = Mapping[str, Any]
Find = Callable[[str, int], VerificationKey | None]
T = TypeVar("T")

_REALM = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")  # needs no escape in a challenge


def seconds() -> int:
    """The time. Only verifiers read it, for callers that do not pass one."""
    # The public edge: a resource server has no clock of ours to pass.
    return int(time.time())  # noqa: TID251


class _Verified(NamedTuple, Generic[T]):
    """What a remembered token needs to be asked again: its key, and when it is valid."""

    content: T
    key: VerificationKey
    begins_at: int
    ends_at: int


class AccessTokens(Generic[T]):
    """Finds the key of a token, checks its claims and remembers what it is good for.

    Args:
        issuer: the issuer identifier, exactly as in ``iss``.
        audience: this resource server, exactly as in ``aud``; after a bare origin, a slash is no
            difference.
        keys: the issuer's keys, or where they are; by default they are found from its URL.
        typ: the media type of these tokens (RFC 9068 section 4), in lower case.
        leeway: seconds of clock difference forgiven.
        read: what to remember of a token whose claims have passed the checks that all share, from
            its claims and the time; it makes the others and raises ``InvalidToken``.

    Raises:
        ValueError: an argument makes no sense.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: Keys,
        *,
        typ: str,
        leeway: int,
        read: Callable[[dict[str, Any], int], T],
    ) -> None:
        if not issuer or not audience:
            raise ValueError("a verifier needs an issuer and an audience")
        if not _REALM.fullmatch(audience):
            raise ValueError("an audience is printable ASCII without quotation marks")
        if not 0 <= leeway <= MAX_LEEWAY:
            raise ValueError(f"the leeway is between 0 and {MAX_LEEWAY} seconds")
        self._issuer = issuer
        self._audience = audience
        self._keys = _key_set(keys, issuer)
        self._typ = typ
        self._leeway = leeway
        self._read = read
        self._verified: OrderedDict[str, _Verified[T]] = OrderedDict()
        self._lock = threading.Lock()

    def verify(self, token: str, now: int) -> T:
        """What ``token`` is good for; after waiting for keys, if there is anything to wait for.

        Raises:
            InvalidToken: it is not valid here and now.
            KeysUnavailable: the issuer's keys are not to be had.
        """
        content = self._recall(token, now, self._keys.find)
        return self._verify(token, now, self._keys.find) if content is None else content

    def verify_at_hand(self, token: str, now: int) -> T:
        """``verify`` by the keys that are there, after what ``ask`` names was waited for.

        Raises:
            InvalidToken, KeysUnavailable: as ``verify``.
        """
        content = self._recall(token, now, self._keys.at_hand)
        return self._verify(token, now, self._keys.at_hand) if content is None else content

    def ask(self, token: str, now: int) -> Waiting | None:
        """What ``verify`` would wait for, if anything."""
        verified = self._verified.get(token)
        if verified is not None:
            return self._keys.ask(verified.key.kid, now)
        try:
            header = jws.parse(token).header
        except InvalidToken:
            return None  # refused without a key
        return self._keys.ask(header.kid, now) if header.typ == self._typ else None

    def _verify(self, token: str, now: int, find: Find) -> T:
        unverified = jws.parse(token)
        if unverified.header.typ != self._typ:
            raise InvalidToken(f"its typ is not {self._typ}")
        key = find(unverified.header.kid, now)
        if key is None:
            raise InvalidToken("no key of the issuer has its kid")
        claims = unverified.verify(key)
        claims_of.check_issuer(claims, self._issuer)
        claims_of.check_audience(claims, self._audience)
        claims_of.check_times(claims, now, self._leeway)
        claims_of.check_identifiers(claims)
        content = self._read(claims, now)
        self._remember(token, content, key, claims)
        return content

    def _recall(self, token: str, now: int, find: Find) -> T | None:
        """What this very text was found to be good for, if it would be again."""
        # The text is a safe name for what it says: another text with the same content (base64 and
        # ECDSA have several) is not found here, and is verified on its own merits.
        with self._lock:
            verified = self._verified.get(token)
            if verified is None:
                return None
            self._verified.move_to_end(token)
        if not verified.begins_at <= now < verified.ends_at:
            return None
        if find(verified.key.kid, now) != verified.key:
            return None
        return verified.content

    def _remember(self, token: str, content: T, key: VerificationKey, claims: Claims) -> None:
        begins_at = max(claims["iat"], claims.get("nbf", 0)) - self._leeway
        ends_at = claims["exp"] + self._leeway
        with self._lock:
            self._verified[token] = _Verified(content, key, begins_at, ends_at)
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)


def _key_set(keys: Keys, issuer: str) -> KeySet:
    if keys is None:
        return KeySet.from_issuer(issuer)
    if isinstance(keys, KeySet):
        return keys
    if isinstance(keys, str):
        return KeySet.from_url(keys)
    if isinstance(keys, Path):
        return KeySet.from_file(keys)
    return KeySet.from_dict(keys)
