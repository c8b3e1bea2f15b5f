"""A running issuer whose clients ask who the user is."""

import time
from collections.abc import Iterator

import pytest

from issuer.registry import secret
from keys.ring import KeyRing, write
from tests.builders import CALLBACK, SECRET
from tests.running import RunningIssuer


@pytest.fixture(scope="package")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """It signs ID tokens by RS256; client wiki asks for nothing else, client web for both."""
    running = RunningIssuer(tmp_path_factory.mktemp("provider"))
    table = running.read_registry()
    table["clients"]["web"]["scope"] = "read write openid profile email"
    table["clients"]["wiki"] = {
        "client_secrets": [{"hash": secret.sha256_hash(SECRET)}],
        "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": [CALLBACK],
        "scope": "openid profile email address phone offline_access",
    }
    table["clients"]["signed"] = table["clients"]["wiki"] | {
        "userinfo_signed_response_alg": "RS256"
    }
    table["users"]["alice"] |= {"name": "Alice Example", "address": {"country": "DE"}}
    running.write_registry(table)
    write(running.keyring, KeyRing.new("ES256", int(time.time()) - 1000, "RS256"))
    running.start()
    yield running
    running.stop()
