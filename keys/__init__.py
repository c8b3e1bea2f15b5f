"""Verifying the access tokens of an issuer: all that a resource server needs.

    verifier = Verifier("https://issuer.example", audience="https://api.example")
    verifier.verify_header(request.headers.get("Authorization")).require("read")

The guide is ``keys/README.md``. Signing, sealing and the key ring are the issuer's own, and are not
imported here.
"""

from keys.claims import AccessToken
from keys.dpop_nonce import Nonces
from keys.dpop_policy import DPoP
from keys.errors import (
    AccessRefused,
    InsufficientScope,
    InvalidDPoPProof,
    InvalidToken,
    KeysUnavailable,
    ReplaysUnavailable,
    RevocationsUnavailable,
    UseDPoPNonce,
)
from keys.key_set import KeySet
from keys.mtls import MTLS
from keys.resource_metadata import ResourceMetadata
from keys.revocations import Revocations
from keys.verifier import Verifier

__all__ = [
    "MTLS",
    "AccessRefused",
    "AccessToken",
    "DPoP",
    "InsufficientScope",
    "InvalidDPoPProof",
    "InvalidToken",
    "KeySet",
    "KeysUnavailable",
    "Nonces",
    "ReplaysUnavailable",
    "ResourceMetadata",
    "Revocations",
    "RevocationsUnavailable",
    "UseDPoPNonce",
    "Verifier",
]
