"""The published keys of an issuer, as they come: RFC 7517."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from keys.algorithms import ALGORITHMS, Algorithm, InvalidKey, PublicKey, thumbprint
from keys.encoding import parse_object

SECRET_MEMBERS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
"""The members that a public JWK does not have (RFC 7518 section 6)."""


@dataclass(frozen=True, slots=True)
class VerificationKey:
    """A public key and the one algorithm it is for."""

    kid: str
    algorithm: Algorithm
    thumbprint: str
    key: PublicKey = field(repr=False, compare=False)

    def verifies(self, signature: bytes, message: bytes) -> bool:
        """Whether the holder of the private key signed ``message``."""
        return bool(self.algorithm.signature.verify(message, self.key, signature))


Keys = Mapping[str, VerificationKey]
"""Keys by their ``kid``."""


def parse_jwks(data: bytes) -> Keys:
    """The keys in a JWKS that verify tokens here; those that do not are left out.

    Raises:
        ValueError: it is no JWKS, or two of its keys share a ``kid``.
    """
    return read_jwks(parse_object(data))


def read_jwks(jwks: Mapping[str, Any]) -> Keys:
    """``parse_jwks`` for a JWKS that is an object already."""
    listed = jwks.get("keys")
    if not isinstance(listed, list):
        raise ValueError("a JWKS has an array of keys")  # noqa: TRY004 - the text is wrong
    keys = [key for key in map(_read_key, listed) if key is not None]
    by_kid = {key.kid: key for key in keys}
    if len(by_kid) != len(keys):
        raise ValueError("two keys share a kid")
    return MappingProxyType(by_kid)


def _read_key(jwk: object) -> VerificationKey | None:
    """The key that ``jwk`` is; ``None`` for what RFC 7517 section 5 asks to ignore."""
    if not isinstance(jwk, dict) or not is_for_verifying(jwk):
        return None
    kid, alg = jwk.get("kid"), jwk.get("alg")
    if not isinstance(kid, str) or not isinstance(alg, str) or alg not in ALGORITHMS:
        return None
    try:
        key = ALGORITHMS[alg].load_public(jwk)
    except InvalidKey:
        return None
    return VerificationKey(kid, ALGORITHMS[alg], thumbprint(jwk), key)


def is_for_verifying(jwk: Mapping[str, Any]) -> bool:
    """Whether ``jwk`` is public, and nothing in it says that it is for something else."""
    # A private key that was published is nobody's alone any more.
    if jwk.keys() & SECRET_MEMBERS:
        return False
    operations = jwk.get("key_ops", ["verify"])
    return (
        jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations
    )
