"""One issuer for all relying parties, with the keys that ``issuer init`` makes."""

import time

import pytest

from keys.ring import KeyRing, write
from tests.builders import CALLBACK
from tests.running import RunningIssuer, registry_table


@pytest.fixture(scope="module")
def provider(tmp_path_factory):
    """An issuer whose client wiki asks who the user is."""
    folder = tmp_path_factory.mktemp("provider")
    write(folder / "keyring.json", KeyRing.new("ES256", int(time.time()) - 10, "RS256"))
    issuer = RunningIssuer(folder)
    table = registry_table(issuer.url)
    table["clients"]["wiki"] = {
        "client_secrets": table["clients"]["web"]["client_secrets"],
        "grant_types": ["authorization_code", "refresh_token"],
        "redirect_uris": [CALLBACK],
        "post_logout_redirect_uris": [CALLBACK],
        "scope": "openid profile email",
    }
    issuer.write_registry(table)
    issuer.start()
    yield issuer
    issuer.stop()
