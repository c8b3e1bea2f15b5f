"""The signature algorithms on offer: one row knows everything about its name."""

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    Prehashed,
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.hashes import SHA256
from jwt import algorithms as pyjwt
from jwt.exceptions import PyJWTError

from keys.encoding import to_base64url, to_json

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
PublicKey = ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey

RSA_BITS = 2048
MAX_RSA_BITS = 8192  # Beyond it, one signature check takes long enough to be an attack.

_COORDINATE = 32  # bytes of each half of an ES256 signature (RFC 7518 section 3.4)
_HASHED = Prehashed(SHA256())  # By hashlib, which costs less than cryptography's own hash object.

_THUMBPRINT_MEMBERS = {  # in the order that RFC 7638 section 3.2 wants them in
    "EC": ("crv", "kty", "x", "y"),
    "RSA": ("e", "kty", "n"),
    "OKP": ("crv", "kty", "x"),
}


class InvalidKey(ValueError):
    """A JWK that is no key of its algorithm. The sentence never quotes the key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """All there is to know about one ``alg``."""

    name: str
    kty: str
    crv: str | None
    public_members: tuple[str, ...]
    private_members: tuple[str, ...]
    signature: pyjwt.Algorithm = field(repr=False)
    convergent: pyjwt.Algorithm | None = field(repr=False)
    """The same, but that it signs the same thing the same way each time; None where that cannot
    be."""
    generate: Callable[[], PrivateKey] = field(repr=False)

    @property
    def members(self) -> tuple[str, ...]:
        """The members of a private key, as a JWK lists them."""
        return (*self._public, *self.private_members)

    @property
    def _public(self) -> tuple[str, ...]:
        return ("kty", *(() if self.crv is None else ("crv",)), *self.public_members)

    def load_public(self, jwk: Mapping[str, Any]) -> PublicKey:
        """The public key in ``jwk``; members that a public key does not have are not read.

        Raises:
            InvalidKey: it is not a key of this algorithm in its one spelling.
        """
        key: PublicKey = self._load(jwk, self._public)
        return key

    def load_private(self, jwk: Mapping[str, Any]) -> PrivateKey:
        """The private key in ``jwk``, which belongs to the public key in it.

        Raises:
            InvalidKey: it is not a private key of this algorithm in its one spelling.
        """
        key: PrivateKey = self._load(jwk, self.members)
        return key

    def to_jwk(self, key: PublicKey | PrivateKey) -> dict[str, str]:
        """``key`` as a JWK: ``kty``, ``crv`` and its numbers, including the secret ones it has."""
        jwk: dict[str, Any] = self.signature.to_jwk(key, as_dict=True)
        return {name: jwk[name] for name in self.members if name in jwk}

    def _load(self, jwk: Mapping[str, Any], members: tuple[str, ...]) -> Any:
        if jwk.get("kty") != self.kty or jwk.get("crv") != self.crv:
            raise InvalidKey(f"not a key for {self.name}: its kty or crv is another")
        spelt = {name: jwk.get(name) for name in members}
        if not all(isinstance(value, str) for value in spelt.values()):
            raise InvalidKey(f"a key for {self.name} has {', '.join(members)}, and all are strings")
        try:
            key = self.signature.from_jwk(spelt)
        except (PyJWTError, ValueError):
            raise InvalidKey(f"the numbers are no key for {self.name}") from None
        if self.kty == "RSA" and not RSA_BITS <= key.key_size <= MAX_RSA_BITS:
            raise InvalidKey(f"an RSA key has {RSA_BITS} to {MAX_RSA_BITS} bits")
        if self.to_jwk(key) != spelt:
            raise InvalidKey("the numbers are not in their one spelling, or do not belong together")
        return key


def names_of(algorithms: Iterable[str]) -> tuple[str, ...]:
    """All that a JWT may say where these are accepted, for those who ask what they may sign as."""
    accepted = tuple(algorithms)
    return (*accepted, *(new for new, old in FULLY_SPECIFIED.items() if old in accepted))


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The RFC 7638 thumbprint, with SHA-256, of a key: the same for its private and public JWK."""
    members = {name: jwk[name] for name in _THUMBPRINT_MEMBERS[jwk["kty"]]}
    return to_base64url(hashlib.sha256(to_json(members)).digest())


def _generate_rsa() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)


def _rsa(
    name: str, signature: pyjwt.Algorithm, convergent: pyjwt.Algorithm | None = None
) -> Algorithm:
    return Algorithm(
        name=name,
        kty="RSA",
        crv=None,
        public_members=("n", "e"),
        private_members=("d", "p", "q", "dp", "dq", "qi"),
        signature=signature,
        convergent=convergent,
        generate=_generate_rsa,
    )


class _ES256(pyjwt.ECAlgorithm):
    """PyJWT's algorithm, without what it works out anew for each signature."""

    def __init__(self, scheme: ec.ECDSA) -> None:
        super().__init__(pyjwt.ECAlgorithm.SHA256, ec.SECP256R1)
        self._scheme = scheme

    def sign(self, msg: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
        r, s = decode_dss_signature(key.sign(hashlib.sha256(msg).digest(), self._scheme))
        return r.to_bytes(_COORDINATE, "big") + s.to_bytes(_COORDINATE, "big")

    def verify(  # type: ignore[override]  # only public keys verify here
        self, msg: bytes, key: ec.EllipticCurvePublicKey, sig: bytes
    ) -> bool:
        if len(sig) != 2 * _COORDINATE:
            return False
        r, s = int.from_bytes(sig[:_COORDINATE], "big"), int.from_bytes(sig[_COORDINATE:], "big")
        try:
            key.verify(encode_dss_signature(r, s), hashlib.sha256(msg).digest(), self._scheme)
        except InvalidSignature:
            return False
        return True


def _deterministic_es256() -> _ES256 | None:
    """ECDSA by RFC 6979: a tenth slower, and the wheels of cryptography all have it.

    One that was built against something else than OpenSSL 3.2, or runs in FIPS mode, may not. That
    is no reason not to verify, nor to sign otherwise.
    """
    try:
        return _ES256(ec.ECDSA(_HASHED, deterministic_signing=True))
    except UnsupportedAlgorithm:
        return None


_RS256 = pyjwt.RSAAlgorithm(pyjwt.RSAAlgorithm.SHA256)
_EDDSA = pyjwt.OKPAlgorithm()

_ROWS = (
    Algorithm(
        name="ES256",
        kty="EC",
        crv="P-256",
        public_members=("x", "y"),
        private_members=("d",),
        signature=_ES256(ec.ECDSA(_HASHED)),
        convergent=_deterministic_es256(),
        generate=lambda: ec.generate_private_key(ec.SECP256R1()),
    ),
    _rsa("RS256", _RS256, _RS256),
    # The salt of PSS is drawn for each signature (RFC 7518 section 3.5).
    _rsa("PS256", pyjwt.RSAPSSAlgorithm(pyjwt.RSAPSSAlgorithm.SHA256)),
    Algorithm(
        name="EdDSA",
        kty="OKP",
        crv="Ed25519",
        public_members=("x",),
        private_members=("d",),
        signature=_EDDSA,
        convergent=_EDDSA,
        generate=ed25519.Ed25519PrivateKey.generate,
    ),
)

ALGORITHMS = MappingProxyType({row.name: row for row in _ROWS})
"""Every ``alg`` that is signed with and accepted; what is not here does not exist."""

FULLY_SPECIFIED: Mapping[str, str] = MappingProxyType({"Ed25519": "EdDSA"})
"""What RFC 9864 calls an ``alg`` of this table, and libraries already sign as."""

DEFAULT_ALGORITHM = "ES256"
