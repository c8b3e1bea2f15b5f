"""Verifying signed requests, offline: the resource server's side of MAC access authentication.

draft-ietf-oauth-v2-http-mac-01 and -02, recognised by ``ts``, and -00, whose nonce begins with the
age of the token.
"""

import asyncio
import hmac
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from keys import claims as claims_of
from keys.access_tokens import LEEWAY, AccessTokens, Keys
from keys.claims import AccessToken
from keys.clock import seconds
from keys.errors import InvalidMac, InvalidToken, MissingMac, WrongMac
from keys.mac import attributes, signed_request
from keys.mac.attributes import SHA_256, Credentials
from keys.mac.key_wrapping import DecryptionKeys
from keys.mac.signed_request import Request, body_hash
from keys.replays import MemoryReplays, Replays
from keys.revocations import STALE_AFTER, Wanted

ALGORITHM = "hmac-sha-256"
"""The one that is accepted, whatever a token or a request may say."""

WINDOW = 60
"""Seconds, to either side, for which a signed request is good if nobody says otherwise."""

MAX_WINDOW = 300

# Draft 00 has whole seconds; oauthlib sends what Python makes of a float, such as 8e-06.
_AGE = re.compile(r"([0-9]{1,10}(?:\.[0-9]{1,20})?(?:e-[0-9]{1,2})?):.")


class _Bound(NamedTuple):
    """A token and the key that its requests are signed with."""

    token: AccessToken
    mac_key: bytes


class MacVerifier:
    """Verifies signed requests to one audience. Safe to share between threads.

    Args:
        issuer: the issuer identifier, exactly as in ``iss``.
        audience: this resource server, as for ``keys.Verifier``; it takes no bearer tokens.
        keys: the issuer's keys, or where they are, as for ``keys.Verifier``.
        decryption_keys: the private keys of this resource server, or where they are: the path of a
            JWKS that only its owner can read, or a JWKS.
        revocations, stale_after: of tokens, as for ``keys.Verifier``.
        window: seconds between signing and arrival, to either side.
        leeway: seconds of clock difference forgiven in the times of the token, and added to those
            for which requests are remembered.
        replays: what remembers them; by default the memory of this process.
        require_body_hash: refuse a request with a body that its MAC does not cover.
        clock: the time in seconds, for calls without ``now``.

    Raises:
        ValueError: an argument makes no sense.
    """

    def __init__(  # noqa: PLR0913  the options have names
        self,
        issuer: str,
        audience: str,
        keys: Keys = None,
        *,
        decryption_keys: DecryptionKeys | Path | Mapping[str, Any],
        revocations: Wanted = False,
        stale_after: int | None = STALE_AFTER,
        window: int = WINDOW,
        leeway: int = LEEWAY,
        replays: Replays | None = None,
        require_body_hash: bool = False,
        clock: Callable[[], int] = seconds,
    ) -> None:
        if not 0 < window <= MAX_WINDOW:
            raise ValueError(f"the window is between 1 and {MAX_WINDOW} seconds")
        self.audience = audience
        self._tokens = AccessTokens(
            issuer, audience, keys, typ="mac-at+jwt", leeway=leeway, read=self._read
        )
        self._tokens.follow(revocations, stale_after, clock)
        self._decryption_keys = _decryption_keys(decryption_keys)
        self._window = window
        self._remembered = window + leeway
        self._replays = MemoryReplays() if replays is None else replays
        self._require_body_hash = require_body_hash
        self._clock = clock

    def verify(
        self,
        method: str,
        target: str,
        *,
        host: str,
        port: int,
        authorization: str | None,
        body: bytes | None = None,
        now: int | None = None,
    ) -> AccessToken:
        """The access token with whose key the request was signed, which came for the first time.

        Whether it was granted enough is for ``AccessToken.require`` to say. Header fields other
        than ``Host`` are not covered by a MAC, and the body only where the request says its hash.

        Args:
            method: of the request line.
            target: of the request line, raw: as it was sent, nothing decoded or tidied.
            host: the public one that clients name in ``Host``, without the port.
            port: the public one: that of ``Host``, or else 443 or 80 by the public scheme.
            authorization: the header field.
            body: all of it, empty if there is none. ``None`` if it was not read: enough where
                ``needs_body`` says so.
            now: the second in which it came.

        Raises:
            InvalidMac: the request is not accepted; its challenge names no error if there are no
                MAC credentials.
            KeysUnavailable: the issuer's keys are not to be had, or ours are older than the token.
            RevocationsUnavailable: what the issuer revoked is not to be had.
            ReplaysUnavailable: nobody knows whether it came before.
        """
        now = self._clock() if now is None else now
        credentials = self._credentials(authorization)
        bound = self._bound(self._tokens.verify, credentials, now)
        token, signed_at = self._check(bound, credentials, (method, target, host, port), body, now)
        self._claim(credentials, token, signed_at, now)
        return token

    async def verify_async(
        self,
        method: str,
        target: str,
        *,
        host: str,
        port: int,
        authorization: str | None,
        body: bytes | None = None,
        now: int | None = None,
    ) -> AccessToken:
        """``verify`` for an asyncio event loop, which it never blocks.

        Raises:
            InvalidMac, KeysUnavailable, RevocationsUnavailable, ReplaysUnavailable: as ``verify``.
        """
        now = self._clock() if now is None else now
        credentials = self._credentials(authorization)
        for waiting in self._tokens.ask(credentials.id, now):
            await waiting.wait_async()
        bound = self._bound(self._tokens.verify_at_hand, credentials, now)
        token, signed_at = self._check(bound, credentials, (method, target, host, port), body, now)
        if self._replays.may_block:
            await asyncio.to_thread(self._claim, credentials, token, signed_at, now)
        else:
            self._claim(credentials, token, signed_at, now)
        return token

    def needs_body(self, authorization: str | None) -> bool:
        """Whether ``verify`` has to be given the body of a request with this header field.

        Raises:
            InvalidMac: as ``verify``.
        """
        return self._require_body_hash or self._credentials(authorization).has_body_hash

    def _credentials(self, authorization: str | None) -> Credentials:
        credentials = attributes.parse(authorization)
        if credentials is None:
            raise MissingMac("no MAC credentials", realm=self.audience)
        return credentials

    def _bound(
        self, verify: Callable[[str, int], _Bound], credentials: Credentials, now: int
    ) -> _Bound:
        try:
            return verify(credentials.id, now)
        except InvalidToken as invalid:
            raise InvalidMac(invalid.detail) from None

    def _check(
        self,
        bound: _Bound,
        credentials: Credentials,
        parts: tuple[str, str, str, int],
        body: bytes | None,
        now: int,
    ) -> tuple[AccessToken, int]:
        """The token, and when the request was signed with its key; not whether it came before."""
        token, mac_key = bound
        signed_at = _signed_at(credentials, token)
        mac = signed_request.compute(mac_key, ALGORITHM, _text(credentials, parts))
        if not hmac.compare_digest(mac, credentials.mac):
            raise WrongMac("the MAC is another")
        # Only now does anything that the header says come from the holder of the key.
        if abs(now - signed_at) > self._window:
            raise InvalidMac(f"signed {now - signed_at} s ago")
        self._check_body(credentials, body)
        return token, signed_at

    def _check_body(self, credentials: Credentials, body: bytes | None) -> None:
        if not credentials.has_body_hash:
            if self._require_body_hash and body != b"":
                raise InvalidMac("the MAC does not cover the body")
            return
        if body is None:
            raise InvalidMac("the body was not read")
        found = body_hash(body, ALGORITHM)
        said = [credentials.bodyhash] if credentials.bodyhash else []
        if credentials.ext.startswith(SHA_256):
            said.append(credentials.ext.removeprefix(SHA_256))
        if any(each != found for each in said):
            raise InvalidMac("the body has another hash")

    def _claim(
        self, credentials: Credentials, token: AccessToken, signed_at: int, now: int
    ) -> None:
        is_first = self._replays.claim(
            token.jti,
            credentials.nonce if credentials.ts is None else f"{signed_at}:{credentials.nonce}",
            client_id=token.client_id,
            issued_at=signed_at,
            expires_at=signed_at + self._remembered + 1,
            now=now,
        )
        if not is_first:
            raise InvalidMac("sent before")

    def _read(self, claims: dict[str, Any], now: int) -> _Bound:
        wrapped = claims_of.wrapped_key(claims)
        mac_key = self._decryption_keys.unwrap(wrapped, claims["jti"], now)
        return _Bound(claims_of.read(claims, "MAC"), mac_key)


def _signed_at(credentials: Credentials, token: AccessToken) -> int:
    if credentials.ts is not None:
        return credentials.ts
    age = _AGE.match(credentials.nonce)
    if age is None:
        raise InvalidMac("neither ts nor an age in the nonce")
    # No clock of the client's is involved: it counts from when it got the token.
    return token.issued_at + int(float(age[1]))


def _text(credentials: Credentials, parts: tuple[str, str, str, int]) -> str:
    try:
        request = Request.of(*parts)
    except ValueError as error:
        raise InvalidMac(f"request: {error}") from None
    if credentials.ts is not None:
        return signed_request.normalize(
            request, ts=credentials.ts, nonce=credentials.nonce, ext=credentials.ext
        )
    return signed_request.normalize_draft_00(
        request,
        nonce=credentials.nonce,
        bodyhash=credentials.bodyhash,
        ext=credentials.ext,
    )


def _decryption_keys(keys: DecryptionKeys | Path | Mapping[str, Any]) -> DecryptionKeys:
    if isinstance(keys, DecryptionKeys):
        return keys
    if isinstance(keys, Path):
        return DecryptionKeys.from_file(keys)
    return DecryptionKeys.from_jwks(keys)
