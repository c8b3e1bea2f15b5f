"""ECDH-ES with A256GCM as a compact JWE, of which every byte follows from a secret.

RFC 7518 sections 4.6 and 5.3. Whoever has the secret can make the same JWE again, and read it;
nobody else can but the recipient. A library would draw the ephemeral key and the nonce itself.
"""

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.concatkdf import ConcatKDFHash

from keys.encoding import to_base64url, to_json
from keys.mac.agreement_keys import ALG, CURVES, Key

ENC = "A256GCM"

_KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_COORDINATE_BYTES = 32
_P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551  # FIPS 186-5

Ephemeral = tuple[dict[str, str], bytes]
"""A public key, and what its private half and the recipient agree upon."""


def _number(number: int, length: int) -> bytes:
    return number.to_bytes(length, "big")


# AlgorithmID, PartyUInfo, PartyVInfo and SuppPubInfo of RFC 7518 section 4.6.2.
_OTHER_INFO = _number(len(ENC), 4) + ENC.encode() + bytes(8) + _number(8 * _KEY_BYTES, 4)


def _x25519(uniform: bytes, recipient: Any) -> Ephemeral:
    private = X25519PrivateKey.from_private_bytes(uniform[:_KEY_BYTES])
    x = private.public_key().public_bytes_raw()
    return {"kty": "OKP", "crv": "X25519", "x": to_base64url(x)}, private.exchange(recipient)


def _p256(uniform: bytes, recipient: Any) -> Ephemeral:
    # Twice as many bits as the order has leave no bias (FIPS 186-5 appendix A.2.1).
    number = int.from_bytes(uniform, "big") % (_P256_ORDER - 1) + 1
    private = ec.derive_private_key(number, ec.SECP256R1())
    point = private.public_key().public_numbers()
    x, y = (to_base64url(_number(each, _COORDINATE_BYTES)) for each in (point.x, point.y))
    epk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
    return epk, private.exchange(ec.ECDH(), recipient)


_EPHEMERAL: Mapping[str, Callable[[bytes, Any], Ephemeral]] = MappingProxyType(
    {"X25519": _x25519, "P-256": _p256}
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """The public key of a resource server, ready to be encrypted to."""

    key: Key = field(repr=False)
    _name: Mapping[str, Any] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        spelt = self.key.as_dict(private=False)
        members = ("kty", "crv", *CURVES[str(spelt["crv"])].public_members)
        object.__setattr__(self, "_name", {name: spelt[name] for name in members})

    def encrypt(self, header: Mapping[str, str], plaintext: str, secret: bytes) -> str:
        """``plaintext`` under ``header``, to which ``alg``, ``enc`` and ``epk`` are added.

        ``secret`` is 32 random bytes that nobody else has. With it, the same arguments make the
        same JWE, and others make one that has no key in common with it.

        Raises:
            ValueError: the recipient's key is a point of small order.
        """
        header = {"alg": ALG, "enc": ENC, **header}
        # Whatever goes into the cipher goes into the ephemeral key too. So no key and nonce are
        # ever used for two messages, should a caller pass one secret for both.
        message = to_json([self._name, header, plaintext])
        epk, agreed = _EPHEMERAL[self._name["crv"]](
            _derive(secret, "epk", message), self.key.public_key
        )
        nonce = _derive(secret, "iv", message)[:_NONCE_BYTES]
        cek = ConcatKDFHash(SHA256(), _KEY_BYTES, _OTHER_INFO).derive(agreed)
        protected = to_base64url(to_json({**header, "epk": epk}))
        box = AESGCM(cek).encrypt(nonce, plaintext.encode(), protected.encode())
        sealed, tag = box[:-_TAG_BYTES], box[-_TAG_BYTES:]
        return f"{protected}..{to_base64url(nonce)}.{to_base64url(sealed)}.{to_base64url(tag)}"


def _derive(secret: bytes, label: str, message: bytes) -> bytes:
    return hmac.digest(secret, f"keys/mac/v1/{label}\0".encode() + message, "sha512")
