"""The snapshot that a request is judged by, from its first line to its last."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from msgspec.structs import replace

from issuer.errors import InvalidGrant, TemporarilyUnavailable
from issuer.protocol.sealed import NO_CLAIMS, Login, RequestedClaims
from issuer.registry import Registry
from issuer.registry.client import ID_TOKEN_ALG, Client
from issuer.registry.released import Place
from issuer.registry.user import User
from keys.issued import IssuedTokens
from keys.ring import KeyRing, NoCurrentKey
from keys.sealing import Sealable, Sealer
from keys.signing import SigningKey
from keys.subjects import MAX_SUB

TOKEN = "/token"
"""The path of the token endpoint below the issuer's."""


@dataclass(frozen=True, slots=True)
class AuthorizationServer:
    """A registry and a key ring that belong together."""

    registry: Registry
    ring: KeyRing
    sealer: Sealer
    issued: IssuedTokens = field(repr=False, compare=False)
    """The access tokens that were issued here, as they come back."""
    memo: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What follows from the two and the time, and holds for a while, by its name."""

    @classmethod
    def of(cls, registry: Registry, ring: KeyRing) -> Self:
        """The server that these two describe. Whether they fit is for ``load.load`` to say."""
        issuer = registry.issuer.url
        issued = IssuedTokens(issuer, ring.verification_key)
        return cls(registry, ring, Sealer(ring, issuer), issued)

    @property
    def issuer(self) -> str:
        """The issuer identifier (RFC 8414 section 2)."""
        return self.registry.issuer.url

    @property
    def token_endpoint(self) -> str:
        """Its URL."""
        return self.issuer + TOKEN

    def places(self, url: str) -> tuple[str, ...]:
        """Where clients find what is at ``url``: there, and below ``mtls_url``, where one is set
        (RFC 8705 section 5)."""
        other = self.registry.issuer.mtls_url
        return (url,) if other is None else (url, other + url.removeprefix(self.issuer))

    def signing_key(
        self, now: int, alg: str | None = None, *, issued_at: int | None = None
    ) -> SigningKey:
        """The key to sign with by ``alg``, or by the algorithm that the ring prefers; that of
        ``issued_at`` for what was granted then.

        Raises:
            TemporarilyUnavailable: the key ring has none for this time.
        """
        try:
            return self.ring.signing_key(now, alg, issued_at=issued_at)
        except NoCurrentKey:
            raise TemporarilyUnavailable(
                "No signing key is current; try again.", detail="no current signing key"
            ) from None

    def answering_key(self, now: int, registered: str | None) -> SigningKey:
        """The key that signs what is said to whoever registered this algorithm for it.

        Whoever registered none is told by RS256, as the specifications have them expect, or else by
        the algorithm that the ring prefers.

        Raises:
            TemporarilyUnavailable: as ``signing_key``.
        """
        expected = ID_TOKEN_ALG if ID_TOKEN_ALG in self.ring.algs(now) else None
        return self.signing_key(now, registered or expected)

    def seal(
        self,
        value: Sealable,
        *,
        now: int,
        issued_at: int | None = None,
        convergent: bool = False,
    ) -> str:
        """``value`` as text that only replicas of this issuer can read; with ``convergent``, all
        of them make the same text of it, with the key of ``issued_at``.

        Raises:
            TemporarilyUnavailable: the key ring has no key for this time.
        """
        try:
            return self.sealer.seal(value, now=now, issued_at=issued_at, convergent=convergent)
        except NoCurrentKey:
            raise TemporarilyUnavailable(
                "No sealing key is current; try again.", detail="no current sealing key"
            ) from None

    def secret(self, purpose: str, *, now: int, at: int) -> bytes:
        """32 bytes that only replicas of this issuer know, by the key that is current at ``at``.

        Raises:
            TemporarilyUnavailable: the key ring has no key for this time.
        """
        try:
            return self.sealer.secret(purpose, now=now, at=at)
        except NoCurrentKey:
            raise TemporarilyUnavailable(
                "No sealing key is current; try again.", detail="no current sealing key"
            ) from None

    def told_sub(self, client: Client, sub: str) -> str:
        """What ``client`` and the APIs that it uses are told that the user ``sub`` is called.

        Raises:
            InvalidGrant: it is too long to be told.
        """
        key = self.ring.subject_key
        if not client.is_pairwise or key is None:
            return sub
        try:
            return key.conceal(sub, client.sector)
        except ValueError as error:
            raise InvalidGrant("The user has no pairwise sub.", detail=str(error)) from None

    def real_sub(self, client: Client | None, told: str) -> str:
        """The user whom ``client`` knows as ``told``, whichever type of ``sub`` it registered when
        it was told that."""
        key = self.ring.subject_key
        found = key.reveal(told, client.sector) if key is not None and client is not None else None
        return told if found is None else found

    def pairwise_subs(self, sub: str) -> tuple[str, ...]:
        """All that the user ``sub`` is called besides, by clients of this registry."""
        key = self.ring.subject_key
        if key is None or len(sub.encode()) > MAX_SUB:
            return ()
        return tuple([key.conceal(sub, sector) for sector in sorted(self.registry.sectors)])

    def revealed(self, told: str) -> str | None:
        """The user whom the clients of some sector know as ``told``; None where that is nobody."""
        key = self.ring.subject_key
        found = [key.reveal(told, each) for each in self.registry.sectors] if key else []
        return next((each for each in found if each is not None), None)

    def audiences(self, client: Client) -> tuple[str, ...]:
        """The resources that ``client`` may have tokens for on behalf of a user."""
        if client.is_relying_party:
            return (*client.resources, self.issuer)
        return client.resources

    def still_asked(self, client: Client, claims: RequestedClaims | None) -> RequestedClaims:
        """Those of the ``claims`` asked for by name that ``client`` may be told by now."""
        if claims is None:
            return NO_CLAIMS
        may_be_asked = self.registry.releasing.may_be_asked
        return RequestedClaims(
            id_token=may_be_asked(claims.id_token, client.scope, Place.ID_TOKEN),
            userinfo=may_be_asked(claims.userinfo, client.scope, Place.USERINFO),
        )

    def living_user(self, sub: str, login: Login | None = None) -> User:
        """The user called ``sub``, who is still there and active.

        Of whom the registry knows, it alone says what there is to say. Whoever it does not know is
        still there if it did not when ``login`` was sealed either, for as long as a login
        application can vouch for them: taking somebody out is as strong as switching them off.

        Raises:
            InvalidGrant: there is none.
        """
        user = self.registry.user_called(sub)
        claims = login.claims if login is not None else None
        if user is None and claims is not None and self.registry.issuer.login_url is not None:
            user = _vouched_for(sub, claims)
        if user is None or not user.active:
            raise InvalidGrant("The grant is not valid any more.", detail="user gone or inactive")
        if user.sub in self.registry.blocked_subjects:
            raise InvalidGrant("The grant is not valid any more.", detail="user blocked")
        return user

    def as_registered(self, sub: str, login: Login | None) -> Login | None:
        """``login`` as it may be sealed now: without claims of a user whom the registry knows."""
        if login is None or login.claims is None or self.registry.user_called(sub) is None:
            return login
        return replace(login, claims=None)

    def check_not_before(self, issued_at: int, client: Client, user: User | None) -> None:
        """Returns where neither issuer, client nor user has drawn a line since ``issued_at``.

        Raises:
            InvalidGrant: one of them has: its ``not_before`` is later.
        """
        of_user = user.not_before if user is not None else None
        for line in (self.registry.issuer.not_before, client.not_before, of_user):
            if line is not None and issued_at < line:
                raise InvalidGrant("The grant is not valid any more.", detail="before not_before")


def _vouched_for(sub: str, claims: Mapping[str, Any]) -> User:
    try:
        return User.of_claims(sub, claims)
    except ValueError:
        raise InvalidGrant(
            "The grant is not valid any more.", detail="claims of another type than the standard's"
        ) from None
