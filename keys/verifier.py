"""Verifying access tokens, offline: a resource server's side of RFC 9068, 6750, 9449 and 8705."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any, TypeVar

from keys import claims as claims_of
from keys.access_tokens import LEEWAY, AccessTokens, Keys
from keys.claims import AccessToken
from keys.client_certificates import X5T_S256
from keys.clock import seconds
from keys.dpop_policy import DPoP
from keys.errors import Challenged, InvalidToken, MissingToken
from keys.mtls import MTLS, held_by
from keys.resource_metadata import ResourceMetadata, publish
from keys.revocations import STALE_AFTER, Wanted

T = TypeVar("T", bound=Challenged)


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
        dpop: how DPoP is taken (RFC 9449); by default it is not, and no token that is bound to a
            key is accepted. Proofs are looked at by ``verify_request``.
        mtls: how tokens are taken that are bound to a certificate (RFC 8705 section 3); by default
            they are not. Certificates are looked at by ``verify_request``.
        metadata: what this resource server says of itself (RFC 9728). ``published`` is the document
            then, which the middleware answers with, and each challenge says where it is.
        leeway: seconds of clock difference forgiven.
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
        revocations: Wanted = False,
        stale_after: int | None = STALE_AFTER,
        dpop: DPoP | None = None,
        mtls: MTLS | None = None,
        metadata: ResourceMetadata | None = None,
        leeway: int = LEEWAY,
        clock: Callable[[], int] = seconds,
    ) -> None:
        self.audience = audience
        self.schemes = _schemes(dpop, mtls)
        """The authentication schemes that are accepted, in lower case."""
        self.mtls = mtls
        """Where certificates come from; None where they are not asked for."""
        self.published = (
            None if metadata is None else publish(audience, issuer, metadata, dpop=dpop, mtls=mtls)
        )
        """What clients can read of this resource server; None where they are told nothing."""
        self._dpop = dpop
        self._understood = _understood(dpop, mtls)
        self._only_bound = any(each is not None and each.required for each in (dpop, mtls))
        self._tokens = AccessTokens(
            issuer, audience, keys, typ="at+jwt", leeway=leeway, read=self._read
        )
        self._tokens.follow(revocations, stale_after, clock)
        self._clock = clock

    def verify(self, token: str, *, now: int | None = None) -> AccessToken:
        """The access token that ``token`` is, which is bound to no key.

        Whether it was granted enough is for ``AccessToken.require`` to say.

        Raises:
            InvalidToken: it is not valid here and now.
            KeysUnavailable: the issuer's keys are not to be had.
            RevocationsUnavailable: what it revoked is not to be had.
        """
        now = self._clock() if now is None else now
        try:
            return held_by(self._shown_as(self._tokens.verify(token, now), "bearer"), None)
        except Challenged as refused:
            raise self.guided(refused) from None

    def verify_header(self, authorization: str | None, *, now: int | None = None) -> AccessToken:
        """The access token in an ``Authorization`` header (RFC 6750 section 2.1).

        Raises:
            InvalidToken: as ``verify``; its challenge names no error if there is no bearer token.
            KeysUnavailable, RevocationsUnavailable: as ``verify``.
        """
        now = self._clock() if now is None else now
        return self.verify(self._bearer(authorization, now), now=now)

    async def verify_async(self, token: str, *, now: int | None = None) -> AccessToken:
        """``verify`` for an asyncio event loop, which it never blocks.

        Raises:
            InvalidToken, KeysUnavailable, RevocationsUnavailable: as ``verify``.
        """
        now = self._clock() if now is None else now
        for waiting in self._tokens.ask(token, now):
            await waiting.wait_async()
        try:
            return held_by(self._shown_as(self._tokens.verify_at_hand(token, now), "bearer"), None)
        except Challenged as refused:
            raise self.guided(refused) from None

    async def verify_header_async(
        self, authorization: str | None, *, now: int | None = None
    ) -> AccessToken:
        """``verify_header`` for an asyncio event loop.

        Raises:
            InvalidToken, KeysUnavailable, RevocationsUnavailable: as ``verify_header``.
        """
        now = self._clock() if now is None else now
        return await self.verify_async(self._bearer(authorization, now), now=now)

    def verify_request(
        self,
        *,
        authorization: str | None,
        method: str,
        url: str | Collection[str],
        dpop: str | Collection[str] | None = None,
        certificate: bytes | None = None,
        now: int | None = None,
    ) -> AccessToken:
        """The access token that a request shows, by any scheme that is accepted.

        The answer should have ``AccessToken.answer_headers``, or those of what is raised.

        Args:
            authorization: the header field.
            method: of the request line.
            url: as clients see it; query and fragment are no difference. Its origin comes from
                your configuration: whoever sends a request writes what he likes into ``Host``.
            dpop: the header field ``DPoP``, or all of that name: one of several is refused.
            certificate: that which the client's TLS was proved by, in DER, as ``mtls`` finds it.
            now: the second in which it came.

        Raises:
            InvalidToken: the token is missing, not valid here and now, or not shown by its scheme.
            InvalidDPoPProof: its holder did not make this request, or the proof came before.
            UseDPoPNonce: the proof has not the nonce that is asked for.
            KeysUnavailable, RevocationsUnavailable: as ``verify``.
            ReplaysUnavailable: nobody knows whether the proof came before.
        """
        now = self._clock() if now is None else now
        scheme, text = self._credentials(authorization, now)
        try:
            token = self._shown_as(self._tokens.verify(text, now), scheme)
            if self._dpop is None or token.confirmation is None or token.scheme != "DPoP":
                return held_by(token, certificate)
            jkt = token.confirmation.thumbprint
            proof = self._dpop.check(dpop, text, jkt, method=method, url=url, now=now)
            self._dpop.claim(token, proof, now)
        except Challenged as refused:
            raise self._completed(refused, scheme, now) from None
        return self._dpop.answered(token, proof, now)

    async def verify_request_async(
        self,
        *,
        authorization: str | None,
        method: str,
        url: str | Collection[str],
        dpop: str | Collection[str] | None = None,
        certificate: bytes | None = None,
        now: int | None = None,
    ) -> AccessToken:
        """``verify_request`` for an asyncio event loop, which it never blocks.

        Raises:
            InvalidToken, InvalidDPoPProof, UseDPoPNonce, KeysUnavailable, RevocationsUnavailable,
            ReplaysUnavailable: as ``verify_request``.
        """
        now = self._clock() if now is None else now
        scheme, text = self._credentials(authorization, now)
        for waiting in self._tokens.ask(text, now):
            await waiting.wait_async()
        try:
            token = self._shown_as(self._tokens.verify_at_hand(text, now), scheme)
            if self._dpop is None or token.confirmation is None or token.scheme != "DPoP":
                return held_by(token, certificate)
            jkt = token.confirmation.thumbprint
            proof = self._dpop.check(dpop, text, jkt, method=method, url=url, now=now)
            if self._dpop.replays is not None and self._dpop.replays.may_block:
                await asyncio.to_thread(self._dpop.claim, token, proof, now)
            else:
                self._dpop.claim(token, proof, now)
        except Challenged as refused:
            raise self._completed(refused, scheme, now) from None
        return self._dpop.answered(token, proof, now)

    def missing(self, now: int | None = None) -> MissingToken:
        """What to raise for a request without credentials: it names each scheme, and no error."""
        missing = MissingToken("no token of an accepted scheme", realm=self.audience)
        now = self._clock() if now is None else now
        return self._completed(missing, next(iter(self.schemes)), now)

    def guided(self, refused: T) -> T:
        """``refused`` with a challenge that says where the metadata are, and what to ask for."""
        if self.published is not None:
            refused.resource_metadata = self.published.url
            refused.scope = refused.scope or self.published.scope
        return refused

    def _read(self, claims: dict[str, Any], _: int) -> AccessToken:
        # What else a token may be bound to is one more row in ``claims_of.SCHEME_OF``, and one
        # more proof in ``verify_request``.
        token = self._read_bound(claims)
        if self.published is None:
            return token
        return replace(token, resource_metadata=self.published.url)

    def _read_bound(self, claims: dict[str, Any]) -> AccessToken:
        if not self._understood:
            claims_of.check_bearer(claims)
            return claims_of.read(claims)
        confirmation = claims_of.read_confirmation(claims)
        if confirmation is None:
            return claims_of.read(claims)
        if confirmation.method not in self._understood:
            raise InvalidToken("bound to a key in a way that is not accepted here")
        return claims_of.read(claims, claims_of.SCHEME_OF[confirmation.method], confirmation)

    def _credentials(self, authorization: str | None, now: int) -> tuple[str, str]:
        """The scheme, in lower case, and the token."""
        scheme, _, token = (authorization or "").partition(" ")
        scheme = scheme.lower()
        if scheme not in self.schemes or not token:
            raise self.missing(now)
        return scheme, token.strip(" ")

    def _bearer(self, authorization: str | None, now: int) -> str:
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise self.missing(now)
        return token.strip(" ")

    def _shown_as(self, token: AccessToken, scheme: str) -> AccessToken:
        """``token``, if that is how it is shown (RFC 9449 section 7.2): no proof is left out."""
        if scheme not in self.schemes or (self._only_bound and token.confirmation is None):
            raise InvalidToken("a bearer token, and only those with proof of a key are accepted")
        if token.scheme.lower() != scheme:
            raise InvalidToken(f"a {token.scheme} token, and not shown as one")
        return token

    def _completed(self, refused: T, scheme: str, now: int) -> T:
        """``refused`` with a challenge for each scheme that is accepted."""
        self.guided(refused)
        if self._dpop is None:
            return refused
        refused.nonce = self._dpop.nonce(now)
        if scheme == "dpop":
            refused.scheme, refused.algs = "DPoP", self._dpop.algs
        bearer, dpop = f'Bearer realm="{self.audience}"', self._dpop.challenge(self.audience)
        challenges = {"bearer": bearer, "dpop": dpop}
        refused.others = tuple(
            challenges[each] + refused.guidance for each in self.schemes if each != scheme
        )
        return refused


def _schemes(dpop: DPoP | None, mtls: MTLS | None) -> tuple[str, ...]:
    if dpop is None:
        return ("bearer",)
    if dpop.required:
        return ("dpop",) if mtls is None else ("dpop", "bearer")
    return ("bearer", "dpop")


def _understood(dpop: DPoP | None, mtls: MTLS | None) -> frozenset[str]:
    """What tokens may be bound to (RFC 7800)."""
    accepted = {"jkt": dpop, X5T_S256: mtls}
    return frozenset(name for name, how in accepted.items() if how is not None)
