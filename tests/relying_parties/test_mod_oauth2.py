"""mod_oauth2 in an Apache that has each token introspected (RFC 7662)."""

import httpx
import pytest

from issuer.registry import secret
from tests.builders import API, OTHER_API, SECRET
from tests.relying_parties import apache
from tests.running import free_port

pytestmark = pytest.mark.skipif(
    not apache.is_installed("oauth2"), reason="needs apache2 and libapache2-mod-oauth2"
)


def test_it_lets_in_whom_a_good_token_for_it_names_and_nobody_else(an_issuer):
    """From one second after it was revoked at the latest: so long it keeps an answer."""
    running = an_issuer(replay_store="sqlite:replay.db")
    table = running.read_registry()
    held = [{"hash": secret.sha256_hash(SECRET)}]
    table["resources"][API] |= {"client_id": "api", "client_secrets": held}
    running.write_registry(table)
    running.start()
    own = {"grant_type": "client_credentials"}
    good = running.token(**own).json()["access_token"]
    anothers = running.token(**own, resource=OTHER_API).json()["access_token"]
    with apache.asking(running.url, free_port(), "api") as page:

        def status(token: str) -> int:
            return httpx.get(page, headers={"Authorization": f"Bearer {token}"}).status_code

        assert httpx.get(page).status_code == 401
        assert [status(token) for token in (good, anothers, "made-up")] == [200, 401, 401]
        running.http.post("/revoke", data={"token": good}, auth=("web", SECRET))
        running.wait_until(lambda: status(good) == 401)
