"""The access tokens of one issuer for one audience: verified once each, and remembered."""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from keys import claims as claims_of
from keys import feed, jws
from keys.errors import InvalidToken
from keys.jwks import VerificationKey
from keys.key_set import KeySet, Waiting
from keys.revocations import LEAST_STALE_AFTER, MAX_STALE_AFTER, Revocations, Wanted

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


class _Verified(NamedTuple, Generic[T]):
    """What a remembered token needs to be asked again: its key, when it is valid, its names."""

    content: T
    key: VerificationKey
    begins_at: int
    ends_at: int
    issued_at: int
    names: tuple[str, ...]
    """Under which it can be revoked; none where nobody looks."""


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
        self._keys = KeySet.of(keys, issuer)
        self._typ = typ
        self._leeway = leeway
        self._read = read
        self._revocations: Revocations | None = None
        self._stale_after: int | None = None
        self._verified: OrderedDict[str, _Verified[T]] = OrderedDict()
        self._lock = threading.Lock()

    def follow(
        self,
        revocations: Wanted,
        stale_after: int | None,
        clock: Callable[[], int],
    ) -> None:
        """From now on, refuses what was revoked.

        Args:
            revocations: the issuer's, or where they are; ``True`` finds them from its URL.
            stale_after: seconds without news of them after which every token is refused; never,
                where it is ``None``.
            clock: the time in seconds.

        Raises:
            ValueError: an argument makes no sense.
        """
        if stale_after is not None and not LEAST_STALE_AFTER <= stale_after <= MAX_STALE_AFTER:
            raise ValueError(
                f"stale_after is between {LEAST_STALE_AFTER} and {MAX_STALE_AFTER} seconds, or None"
            )
        self._revocations = Revocations.of(revocations, self._issuer, self._keys, clock)
        self._stale_after = stale_after

    def verify(self, token: str, now: int) -> T:
        """What ``token`` is good for; after waiting for keys, if there is anything to wait for.

        Raises:
            InvalidToken: it is not valid here and now.
            KeysUnavailable: the issuer's keys are not to be had.
            RevocationsUnavailable: nor is what it revoked.
        """
        find = self._keys.find
        verified = self._recall(token, now, find) or self._verify(token, now, find)
        if self._revocations is not None and not self._revocations.clears(verified.names, now):
            waiting = self._revocations.ask(now, self._stale_after)
            if waiting is not None:
                waiting.wait()
            self._check_revocations(self._revocations, verified, now)
        return verified.content

    def verify_at_hand(self, token: str, now: int) -> T:
        """``verify`` by what is there, after what ``ask`` names was waited for.

        Raises:
            InvalidToken, KeysUnavailable, RevocationsUnavailable: as ``verify``.
        """
        find = self._keys.at_hand
        verified = self._recall(token, now, find) or self._verify(token, now, find)
        if self._revocations is not None and not self._revocations.clears(verified.names, now):
            self._check_revocations(self._revocations, verified, now)
        return verified.content

    def ask(self, token: str, now: int) -> tuple[Waiting, ...]:
        """What ``verify`` would wait for, one after the other."""
        verified = self._verified.get(token)
        if verified is not None:
            kid = verified.key.kid
        else:
            try:
                header = jws.parse(token).header
            except InvalidToken:
                return ()  # refused without a key
            if header.typ != self._typ:
                return ()
            kid = header.kid
        keys = self._keys.ask(kid, now)
        if self._revocations is None:
            return () if keys is None else (keys,)
        revocations = self._revocations.ask(now, self._stale_after)
        return tuple(each for each in (keys, revocations) if each is not None)

    def _verify(self, token: str, now: int, find: Find) -> _Verified[T]:
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
        return self._remember(token, content, key, claims)

    def _check_revocations(
        self, revocations: Revocations, verified: _Verified[T], now: int
    ) -> None:
        revocations.check(verified.names, verified.issued_at, now, self._stale_after)

    def _recall(self, token: str, now: int, find: Find) -> _Verified[T] | None:
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
        return verified

    def _remember(
        self, token: str, content: T, key: VerificationKey, claims: Claims
    ) -> _Verified[T]:
        issued_at = claims["iat"]
        begins_at = max(issued_at, claims.get("nbf", 0)) - self._leeway
        ends_at = claims["exp"] + self._leeway
        names = () if self._revocations is None else feed.names_of(claims)
        verified = _Verified(content, key, begins_at, ends_at, issued_at, names)
        with self._lock:
            self._verified[token] = verified
            if len(self._verified) > REMEMBERED:
                self._verified.popitem(last=False)
        return verified
