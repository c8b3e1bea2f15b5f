"""Proofs with a default for everything, so that a test says only what it is about."""

import json

from keys.algorithms import ALGORITHMS
from keys.dpop import Proof, read_proof, token_hash
from keys.dpop_signer import DPoPKey
from keys.encoding import to_base64url
from tests.keys.builders import MISSING, NOW

METHOD = "GET"
URL = "https://api.example/invoices"
TOKEN = "a.b.c"
KEYS = {alg: DPoPKey.generate(alg) for alg in ALGORITHMS}
KEY = KEYS["ES256"]
OTHER_KEY = DPoPKey.generate()


def some_claims(**changes) -> dict:
    usual = {"jti": "p1", "htm": METHOD, "htu": URL, "iat": NOW, "ath": token_hash(TOKEN)}
    return {name: value for name, value in (usual | changes).items() if value is not MISSING}


def some_header(key: DPoPKey = KEY, **changes) -> dict:
    usual = {"typ": "dpop+jwt", "alg": key.alg, "jwk": dict(key.public_jwk)}
    return {name: value for name, value in (usual | changes).items() if value is not MISSING}


def signed(header: bytes | dict, payload: bytes | dict, key: DPoPKey = KEY) -> str:
    """Whatever is to be in it, signed by ``key`` as it signs."""
    texts = [
        each if isinstance(each, bytes) else json.dumps(each).encode() for each in (header, payload)
    ]
    message = ".".join(map(to_base64url, texts))
    signature = ALGORITHMS[key.alg].signature.sign(message.encode(), key.private_key)
    return f"{message}.{to_base64url(signature)}"


def a_proof(key: DPoPKey = KEY, header: dict | None = None, **claims) -> str:
    return signed(some_header(key, **(header or {})), some_claims(**claims), key)


def read(text: str, **changes) -> Proof:
    usual = {"method": METHOD, "url": URL, "now": NOW, "access_token": TOKEN}
    return read_proof(text, **(usual | changes))


def _json(part: bytes | dict) -> bytes:
    return part if isinstance(part, bytes) else json.dumps(part).encode()
