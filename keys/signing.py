"""Keys that sign, and the JWTs they make. Private half: a resource server never imports it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import msgspec

from keys.algorithms import ALGORITHMS, DEFAULT_ALGORITHM, Algorithm, PrivateKey, thumbprint
from keys.encoding import base64url
from keys.jwks import VerificationKey
from keys.timetable import Timetable


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey(Timetable):
    """A private key, its algorithm and its timetable.

    Raises:
        KeyError: ``alg`` is not on offer.
        InvalidTimetable: the instants contradict each other.
    """

    alg: str
    private_key: PrivateKey = field(repr=False, compare=False)
    kid: str = field(init=False)
    """The RFC 7638 thumbprint, so that no two keys can share a name."""
    public_jwk: Mapping[str, str] = field(init=False, repr=False, compare=False)
    """What a JWKS shows of the key."""
    verification_key: VerificationKey = field(init=False, repr=False, compare=False)
    """The public half, as whoever verifies uses it."""
    _algorithm: Algorithm = field(init=False, repr=False, compare=False)
    _headers: dict[str, bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        Timetable.__post_init__(self)
        algorithm = ALGORITHMS[self.alg]
        public_key = self.private_key.public_key()
        public = algorithm.to_jwk(public_key)
        kid = thumbprint(public)
        object.__setattr__(self, "kid", kid)
        object.__setattr__(
            self, "public_jwk", {**public, "use": "sig", "alg": self.alg, "kid": kid}
        )
        verification_key = VerificationKey(kid, algorithm, kid, public_key)
        object.__setattr__(self, "verification_key", verification_key)
        object.__setattr__(self, "_algorithm", algorithm)
        object.__setattr__(self, "_headers", {})

    @classmethod
    def generate(
        cls, alg: str = DEFAULT_ALGORITHM, *, activates_at: int, published_at: int | None = None
    ) -> Self:
        """A new key that nobody else has."""
        return cls(
            alg=alg,
            private_key=ALGORITHMS[alg].generate(),
            activates_at=activates_at,
            published_at=published_at,
        )

    @property
    def private_jwk(self) -> dict[str, str]:
        """The secret numbers, for the key ring file and nothing else."""
        return self._algorithm.to_jwk(self.private_key)

    @property
    def converges(self) -> bool:
        """True where it can sign the same claims as the same text each time."""
        return self._algorithm.convergent is not None

    def sign(self, typ: str, claims: Mapping[str, object], *, convergent: bool = False) -> str:
        """A JWT of type ``typ`` with exactly these claims.

        With ``convergent``, it is the same text for the same claims each time, if the key
        ``converges``: RFC 6979 for ES256.

        Whether this is the key to use at this time is for ``KeyRing.signing_key`` to say.

        Raises:
            TypeError: a claim is nothing that JSON can say.
        """
        # A few types per key: each has one header, which is spelt once.
        header = self._headers.get(typ) or self._headers.setdefault(typ, self._header(typ))
        signed = b"%b.%b" % (header, base64url(msgspec.json.encode(claims)))
        algorithm = (convergent and self._algorithm.convergent) or self._algorithm.signature
        signature = algorithm.sign(signed, self.private_key)
        return (b"%b.%b" % (signed, base64url(signature))).decode()

    def _header(self, typ: str) -> bytes:
        return base64url(msgspec.json.encode({"typ": typ, "alg": self.alg, "kid": self.kid}))
