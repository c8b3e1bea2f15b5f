"""Verifying access tokens, offline: the resource server's side of RFC 9068 and RFC 6750."""

import asyncio
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from keys import claims as claims_of
from keys import jws
from keys.claims import AccessToken
from keys.errors import InvalidToken, MissingToken
from keys.jwks import VerificationKey
from keys.key_set import KeySet

LEEWAY = 60
"""Seconds of clock difference forgiven if nobody says otherwise."""

MAX_LEEWAY = 300

REMEMBERED = 1024
"""How many tokens are remembered as verified."""

_REALM = re.compile(r"[\x20\x21\x23-\x5b\x5d-\x7e]+")  # needs no escape in a challenge

Keys = KeySet | str | Path | Mapping[str, Any] | None


def _seconds() -> int:
    # The public edge: a resource server has no clock of ours to pass.
    return int(time.time())  # noqa: TID251


class _Verified(NamedTuple):
    """What a remembered token needs to be asked again: its key, and when it is valid."""

    token: AccessToken
    key: VerificationKey
    begins_at: int
    ends_at: int


class Verifier:
    """Verifies the access tokens of one issuer for one audience. Safe to share between threads.

    Args:
        issuer: the issuer identifier, exactly as in ``iss``.
        audience: this resource server, exactly as in ``aud``.
        keys: the issuer's keys, or where they are: the URL or the path of a JWKS, or a JWKS. By
            default they are found from the issuer's URL.
        leeway: seconds of clock difference forgiven.
        clock: the time in seconds, for calls without ``now``.

    Raises:
        ValueError: an argument makes no sense.
    """

    def __init__(
        self,
        issuer: str,
        audience: str,
        keys: Keys = None,
        *,
        leeway: int = LEEWAY,
        clock: Callable[[], int] = _seconds,
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
        self._leeway = leeway
        self._clock = clock
        self._verified: OrderedDict[str, _Verified] = OrderedDict()
        self._lock = threading.Lock()

    def verify(self, token: str, *, now: int | None = None) -> AccessToken:
        """The access token that ``token`` is.

        Whether it was granted enough is for ``AccessToken.require`` to say.

        Raises:
            InvalidToken: it is not valid here and now.
            KeysUnavailable: the issuer's keys are not to be had.
        """
        now = self._clock() if now is None else now
        return self._recall(token, now) or self._verify(token, now)

    def verify_header(self, authorization: str | None, *, now: int | None = None) -> AccessToken:
        """The access token in an ``Authorization`` header (RFC 6750 section 2.1).

        Raises:
            InvalidToken: as ``verify``; its challenge names no error if there is no bearer token.
            KeysUnavailable: as ``verify``.
        """
        return self.verify(self._bearer(authorization), now=now)

    async def verify_async(self, token: str, *, now: int | None = None) -> AccessToken:
        """``verify`` for an asyncio event loop: keys are fetched in a thread.

        Raises:
            InvalidToken, KeysUnavailable: as ``verify``.
        """
        now = self._clock() if now is None else now
        if self._must_wait(token, now):
            return await asyncio.to_thread(self.verify, token, now=now)
        return self.verify(token, now=now)

    async def verify_header_async(
        self, authorization: str | None, *, now: int | None = None
    ) -> AccessToken:
        """``verify_header`` for an asyncio event loop.

        Raises:
            InvalidToken, KeysUnavailable: as ``verify_header``.
        """
        return await self.verify_async(self._bearer(authorization), now=now)

    def _bearer(self, authorization: str | None) -> str:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise MissingToken("no bearer token", realm=self._audience)
        return token.strip(" ")

    def _verify(self, token: str, now: int) -> AccessToken:
        unverified = jws.parse(token)
        if unverified.header.typ != "at+jwt":  # RFC 9068 section 4
            raise InvalidToken("its typ is not at+jwt")
        key = self._keys.find(unverified.header.kid, now)
        if key is None:
            raise InvalidToken("no key of the issuer has its kid")
        claims = unverified.verify(key)
        claims_of.check_issuer(claims, self._issuer)
        claims_of.check_audience(claims, self._audience)
        claims_of.check_times(claims, now, self._leeway)
        claims_of.check_identifiers(claims)
        claims_of.check_bearer(claims)
        access_token = claims_of.read(claims)
        self._remember(token, access_token, key)
        return access_token

    def _must_wait(self, token: str, now: int) -> bool:
        try:
            header = jws.parse(token).header
        except InvalidToken:
            return False  # refused without a key
        return self._keys.must_wait(header.kid, now)

    def _recall(self, token: str, now: int) -> AccessToken | None:
        """The access token, if this very text was verified before and would be again."""
        # The text is a safe name for what it says: another text with the same content (base64 and
        # ECDSA have several) is not found here, and is verified on its own merits.
        with self._lock:
            verified = self._verified.get(token)
            if verified is None:
                return None
            self._verified.move_to_end(token)
        if not verified.begins_at <= now < verified.ends_at:
            return None
        if self._keys.find(verified.key.kid, now) != verified.key:
            return None
        return verified.token

    def _remember(self, token: str, access_token: AccessToken, key: VerificationKey) -> None:
        begins_at = max(access_token.issued_at, access_token.claims.get("nbf", 0)) - self._leeway
        ends_at = access_token.expires_at + self._leeway
        with self._lock:
            self._verified[token] = _Verified(access_token, key, begins_at, ends_at)
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
