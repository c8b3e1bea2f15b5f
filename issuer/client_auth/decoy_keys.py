"""Keys that are nobody's: what is compared with one is refused, after the work of comparing."""

from functools import lru_cache

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from keys.algorithms import ALGORITHMS, RSA_BITS, PublicKey
from keys.jwks import VerificationKey


@lru_cache(maxsize=len(ALGORITHMS))
def decoy(alg: str) -> VerificationKey:
    """A key for ``alg`` that verifies as slowly as any. What it finds counts for nothing."""
    return VerificationKey("", ALGORITHMS[alg], "", _public(ALGORITHMS[alg].kty))


def _public(kty: str) -> PublicKey:
    """The simplest number that each kind of key can be, which takes no time to find."""
    if kty == "EC":
        return ec.derive_private_key(1, ec.SECP256R1()).public_key()
    if kty == "OKP":
        return ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32)).public_key()
    # Odd, and so large that no signature is refused for being larger.
    modulus = 2**RSA_BITS - 2 ** (RSA_BITS // 2) - 1
    return rsa.RSAPublicNumbers(65537, modulus).public_key()
