"""Keys of clients, and what they sign with them."""

from typing import Any

from keys.algorithms import ALGORITHMS, PrivateKey
from keys.encoding import to_base64url, to_json

PRIVATE: dict[str, PrivateKey] = {name: row.generate() for name, row in ALGORITHMS.items()}
"""One key for each algorithm."""
PRIVATE["PS256"] = PRIVATE["RS256"]

OTHERS: dict[str, PrivateKey] = {name: row.generate() for name, row in ALGORITHMS.items()}
"""Somebody else's."""

KID = "2026-11"


def a_public_jwk(kind: str = "ES256", /, *, key: PrivateKey | None = None, **members: Any) -> Any:
    """The public half of the key of this ``kind``; a member that is None is left out."""
    public = ALGORITHMS[kind].to_jwk((key or PRIVATE[kind]).public_key())
    given = {**public, "kid": KID, "alg": kind, "use": "sig", **members}
    return {name: each for name, each in given.items() if each is not None}


def a_private_jwk(kind: str = "ES256") -> dict[str, str]:
    """The private half of the key of this ``kind``."""
    return {**ALGORITHMS[kind].to_jwk(PRIVATE[kind]), "kid": KID, "alg": kind}


def a_jwks(*jwks: Any) -> dict[str, Any]:
    """A JWK Set of these, or of the key for ES256."""
    return {"keys": list(jwks or (a_public_jwk(),))}


def sign(
    claims: Any, *, alg: str = "ES256", key: PrivateKey | None = None, header: Any = None
) -> str:
    """``claims`` as a JWT; ``header`` replaces members of its header, and None leaves one out."""
    given = {"alg": alg, "kid": KID, **(header or {})}
    written = {name: each for name, each in given.items() if each is not None}
    return sign_text(to_json(written), to_json(claims), alg=alg, key=key)


def sign_text(
    header: bytes, payload: bytes, *, alg: str = "ES256", key: PrivateKey | None = None
) -> str:
    """A JWT of these very bytes."""
    message = f"{to_base64url(header)}.{to_base64url(payload)}"
    signature = ALGORITHMS[alg].signature.sign(message.encode(), key or PRIVATE[alg])
    return f"{message}.{to_base64url(signature)}"
