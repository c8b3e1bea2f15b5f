"""Verifying access tokens, offline: the resource server's side of RFC 9068 and RFC 6750."""

from collections.abc import Callable
from typing import Any

from keys import claims as claims_of
from keys.access_tokens import LEEWAY, AccessTokens, Keys
from keys.claims import AccessToken
from keys.clock import seconds
from keys.errors import MissingToken
from keys.revocations import STALE_AFTER, Wanted


class Verifier:
    """Verifies the access tokens of one issuer for one audience. Safe to share between threads.

    Args:
        issuer: the issuer identifier, exactly as in ``iss``.
        audience: this resource server, exactly as in ``aud``; after a bare origin, a slash is no
            difference.
        keys: the issuer's keys, or where they are: the URL or the path of a JWKS, or a JWKS. By
            default they are found from the issuer's URL.
        revocations: ``True`` to refuse what the issuer revoked, within a minute: its feed is found
            from its URL, and followed. Or the URL or the path of that feed, or ``Revocations``
            that several verifiers share. By default nobody looks.
        stale_after: seconds without news of the feed after which no token is accepted. ``None`` for
            never: tokens are accepted then by the last that was heard, or by nothing.
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
        revocations: Wanted = False,
        stale_after: int | None = STALE_AFTER,
        leeway: int = LEEWAY,
        clock: Callable[[], int] = seconds,
    ) -> None:
        self.audience = audience
        self._tokens = AccessTokens(
            issuer, audience, keys, typ="at+jwt", leeway=leeway, read=_read_bearer
        )
        self._tokens.follow(revocations, stale_after, clock)
        self._clock = clock

    def verify(self, token: str, *, now: int | None = None) -> AccessToken:
        """The access token that ``token`` is.

        Whether it was granted enough is for ``AccessToken.require`` to say.

        Raises:
            InvalidToken: it is not valid here and now.
            KeysUnavailable: the issuer's keys are not to be had.
            RevocationsUnavailable: what it revoked is not to be had.
        """
        return self._tokens.verify(token, self._clock() if now is None else now)

    def verify_header(self, authorization: str | None, *, now: int | None = None) -> AccessToken:
        """The access token in an ``Authorization`` header (RFC 6750 section 2.1).

        Raises:
            InvalidToken: as ``verify``; its challenge names no error if there is no bearer token.
            KeysUnavailable, RevocationsUnavailable: as ``verify``.
        """
        return self.verify(self._bearer(authorization), now=now)

    async def verify_async(self, token: str, *, now: int | None = None) -> AccessToken:
        """``verify`` for an asyncio event loop, which it never blocks.

        Raises:
            InvalidToken, KeysUnavailable, RevocationsUnavailable: as ``verify``.
        """
        now = self._clock() if now is None else now
        for waiting in self._tokens.ask(token, now):
            await waiting.wait_async()
        return self._tokens.verify_at_hand(token, now)

    async def verify_header_async(
        self, authorization: str | None, *, now: int | None = None
    ) -> AccessToken:
        """``verify_header`` for an asyncio event loop.

        Raises:
            InvalidToken, KeysUnavailable, RevocationsUnavailable: as ``verify_header``.
        """
        return await self.verify_async(self._bearer(authorization), now=now)

    def _bearer(self, authorization: str | None) -> str:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise MissingToken("no bearer token", realm=self.audience)
        return token.strip(" ")


def _read_bearer(claims: dict[str, Any], _: int) -> AccessToken:
    claims_of.check_bearer(claims)
    return claims_of.read(claims)
