"""An issuer as relying parties find it, and a person who comes from one and goes back."""

import time
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from issuer.registry import secret
from keys.ring import KeyRing, write
from tests.browser.browsing import Browser, Page
from tests.builders import API, SECRET
from tests.rfc7523.keys import a_private_jwk
from tests.running import RunningIssuer

SCOPE = "openid profile email offline_access"
WITH_API = {"scope": f"{SCOPE} read", "resources": [API]}
HERE = Path(__file__).parent


PROOFS: dict[str, dict[str, Any]] = {
    "none": {},
    "private_key_jwt": {"private_jwk": a_private_jwk()},
}
"""What one is told to prove who it is with, where that is no secret."""


def a_relying_party(**fields: Any) -> dict[str, Any]:
    """A confidential client on this machine; the port of its redirect URI is free."""
    return {
        "client_secrets": [{"hash": secret.sha256_hash(SECRET)}],
        "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": ["http://127.0.0.1/callback"],
        "post_logout_redirect_uris": ["http://127.0.0.1/goodbye"],
        "scope": SCOPE,
    } | fields


def a_provider(directory: Path, path: str = "", **clients: dict[str, Any]) -> RunningIssuer:
    """An issuer of these clients and of client ``rp``, not started yet."""
    running = RunningIssuer(directory, path=path)
    table = running.read_registry()
    table["clients"] |= {"rp": a_relying_party(), **clients}
    table["users"]["alice"] |= {"name": "Alice Example", "email_verified": True}
    running.write_registry(table)
    write(running.keyring, KeyRing.new("ES256", int(time.time()) - 1000, "RS256"))
    return running


def as_registered(running: RunningIssuer, client_id: str, **fields: str) -> dict[str, Any]:
    """What a relying party is told of itself, by the names of the registry."""
    said = running.read_registry()["clients"][client_id]
    method = said.get("token_endpoint_auth_method", "client_secret_basic")
    return {
        "issuer": running.url,
        "client_id": client_id,
        "token_endpoint_auth_method": method,
        "id_token_signed_response_alg": said.get("id_token_signed_response_alg", "RS256"),
        "redirect_uri": "http://127.0.0.1:3000/callback",
        "scope": said["scope"],
        **PROOFS.get(method, {"client_secret": SECRET}),
        **fields,
    }


def log_in_and_agree(browser: Browser, url: str) -> str:
    """What a person does whom a client sends to ``url``; the URL at which they come back."""
    login = browser.get(url)
    assert isinstance(login, Page)
    told = browser.submit(browser.log_in(login), "allow")
    assert isinstance(told, dict)
    return address(told)


def address(told: dict[str, str]) -> str:
    """The URL at which the browser arrived with what the client is told."""
    return told["to"] + "?" + urlencode({n: v for n, v in told.items() if n != "to"})
