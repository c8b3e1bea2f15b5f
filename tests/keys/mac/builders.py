"""Tokens bound to a key, and requests signed with it, with a default for everything."""

import json
from dataclasses import replace

from keys.mac import MacVerifier
from keys.mac.attributes import Credentials, to_header
from keys.mac.key_wrapping import DecryptionKeys, EncryptionKey, generate_key, public_jwk
from keys.mac.signed_request import Request, compute, normalize, normalize_draft_00
from tests.keys.builders import AUDIENCE, ISSUER, KEY, NOW, a_jwks, a_token

MAC_KEY = "bXk0c2VjcmV0LW1hYy1rZXktb2YtMzItYnl0ZXMtISE"
PRIVATE = generate_key()
ENCRYPTION_KEY = EncryptionKey.from_jwk(public_jwk(PRIVATE))
DECRYPTION_KEYS = DecryptionKeys.from_jwks({"keys": [PRIVATE]})
REQUEST = Request.of("GET", "/invoices?page=2", "api.example", 443)


def a_confirmation(jti: str = "t1", key: EncryptionKey = ENCRYPTION_KEY) -> dict:
    return {"jwe": key.wrap(MAC_KEY, jti)}


def a_mac_token(key=KEY, *, typ: str = "mac-at+jwt", jti: str = "t1", **changes) -> str:
    return a_token(key, typ=typ, jti=jti, **{"cnf": a_confirmation(jti), **changes})


TOKEN = a_mac_token()


def a_mac_verifier(audience: str = AUDIENCE, keys=None, **options) -> MacVerifier:
    options = {"decryption_keys": DECRYPTION_KEYS, **options}
    return MacVerifier(ISSUER, audience, keys or a_jwks(KEY), **options)


def signed(  # noqa: PLR0913  each with a default
    token: str = TOKEN,
    *,
    request: Request = REQUEST,
    ts: int | None = NOW,
    nonce: str = "n1",
    mac_key: str = MAC_KEY,
    algorithm: str = "hmac-sha-256",
    ext: str = "",
    bodyhash: str = "",
) -> str:
    """The header of ``request`` by drafts 01 and 02, or without ``ts`` by draft 00."""
    if ts is None:
        text = normalize_draft_00(request, nonce=nonce, bodyhash=bodyhash, ext=ext)
    else:
        text = normalize(request, ts=ts, nonce=nonce, ext=ext)
    mac = compute(mac_key.encode(), algorithm, text)
    return to_header(Credentials(id=token, ts=ts, nonce=nonce, mac=mac, ext=ext, bodyhash=bodyhash))


def sent(request: Request = REQUEST, **changes) -> dict:
    """``request`` in the arguments of ``MacVerifier.verify``."""
    request = replace(request, **changes)
    return {
        "method": request.method,
        "target": request.target,
        "host": request.host,
        "port": request.port,
    }


def a_private_file(path, *jwks: dict) -> None:
    path.touch(mode=0o600)
    path.write_text(json.dumps({"keys": list(jwks or [PRIVATE])}))
