"""How a resource server takes DPoP (RFC 9449 sections 7 to 9): what it asks of a proof."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from keys import dpop
from keys.algorithms import ALGORITHMS, names_of
from keys.claims import AccessToken
from keys.dpop import LEEWAY, MAX_AGE, Proof
from keys.dpop_nonce import Nonces
from keys.errors import InvalidDPoPProof, UseDPoPNonce

if TYPE_CHECKING:
    from keys.replays import Replays

MAX_WINDOW = 300
"""Seconds: the most that a proof may be old, or from the future."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DPoP:
    """``Verifier(..., dpop=DPoP(...))``. Safe to share between threads and verifiers.

    Raises:
        ValueError: an option makes no sense.
    """

    required: bool = False
    """Whether no bearer token is accepted any more."""
    nonces: Nonces | None = None
    """Those that clients are told to use. All replicas need the same secret."""
    require_nonce: bool = True
    """Whether a proof without a nonce is refused, where there are nonces. One with a nonce that is
    not accepted always is."""
    replays: "Replays | None" = None
    """What remembers proofs, so that none is accepted twice; by default nothing does."""
    max_age: int = MAX_AGE
    """Seconds that a proof may be old."""
    leeway: int = LEEWAY
    """Seconds by which a proof may be from the future; also how far the clocks of those who share
    ``replays`` may differ."""
    algorithms: Collection[str] = tuple(ALGORITHMS)
    """What a proof may be signed with."""

    def __post_init__(self) -> None:
        if not 0 < self.max_age <= MAX_WINDOW or not 0 <= self.leeway <= MAX_WINDOW:
            raise ValueError(f"a proof is good for 1 to {MAX_WINDOW} seconds")
        unknown = isinstance(self.algorithms, str) or not set(self.algorithms) <= set(ALGORITHMS)
        if unknown or not self.algorithms:
            raise ValueError(f"algorithms are some of {', '.join(ALGORITHMS)}")

    @property
    def algs(self) -> str:
        """``algorithms`` as a challenge lists them (RFC 9449 section 7.1)."""
        return " ".join(names_of(self.algorithms))

    def nonce(self, now: int) -> str:
        """What the next proof is to have; empty where no nonces are asked for."""
        return "" if self.nonces is None else self.nonces.current(now)

    def challenge(self, realm: str) -> str:
        """What a request without credentials is told."""
        return f'DPoP realm="{realm}", algs="{self.algs}"'

    def check(
        self,
        fields: str | Collection[str] | None,
        access_token: str,
        jkt: str,
        *,
        method: str,
        url: str | Collection[str],
        now: int,
    ) -> Proof:
        """The proof in the one field ``DPoP``; not whether it came before.

        Raises:
            InvalidDPoPProof: it is not one of this request, by the key ``jkt``.
            UseDPoPNonce: it has not the nonce that is asked for.
        """
        try:
            proof = dpop.read_proof(
                _the_only(fields),
                method=method,
                url=url,
                now=now,
                access_token=access_token,
                jkt=jkt,
                leeway=self.leeway,
                max_age=self.max_age,
                algorithms=self.algorithms,
            )
        except dpop.InvalidProof as invalid:
            raise InvalidDPoPProof(f"proof: {invalid.detail}") from None
        self._check_nonce(proof.nonce, now)
        return proof

    def claim(self, token: AccessToken, proof: Proof, now: int) -> None:
        """Nothing, if this proof came for the first time, or nothing remembers proofs.

        Raises:
            InvalidDPoPProof: it came before.
            ReplaysUnavailable: that cannot be known.
        """
        if self.replays is None:
            return
        # ``ath`` binds the proof to the token: with another one it would not have come so far.
        is_first = self.replays.claim(
            token.jti,
            proof.jti,
            client_id=token.client_id,
            issued_at=proof.iat,
            expires_at=proof.iat + self.max_age + self.leeway + 1,
            now=now,
        )
        if not is_first:
            raise InvalidDPoPProof("proof: sent before")

    def answered(self, token: AccessToken, proof: Proof, now: int) -> AccessToken:
        """``token``, with the newest nonce for the answer where the client has not got it yet."""
        nonce = self.nonce(now)
        if not nonce or proof.nonce == nonce:
            return token
        return replace(token, answer_headers=MappingProxyType({"DPoP-Nonce": nonce}))

    def _check_nonce(self, nonce: str | None, now: int) -> None:
        if self.nonces is None or self.nonces.accepts(nonce, now):
            return
        if nonce is not None:
            raise UseDPoPNonce("proof: a nonce that is not accepted, or not any more")
        if self.require_nonce:
            raise UseDPoPNonce("proof: without a nonce")


def _the_only(fields: str | Collection[str] | None) -> str:
    """RFC 9449 section 4.3, item 1."""
    if isinstance(fields, str):
        return fields
    if not fields:
        raise InvalidDPoPProof("proof: there is none")
    if len(fields) != 1:
        raise InvalidDPoPProof("proof: there are several")
    (field,) = fields
    return field
