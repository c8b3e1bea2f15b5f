"""npm's openid-client and oauth4webapi: revocation (RFC 7009), introspection (RFC 7662, 9701)."""

import json
import subprocess
import time
from collections.abc import Iterator
from typing import Any

import pytest

from issuer.registry import secret
from keys.ring import KeyRing, write
from tests.builders import API, OTHER_API, SECRET
from tests.relying_parties.libraries import node
from tests.running import RunningIssuer


@pytest.fixture(scope="module")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """It has a store, a path, and resource servers that call themselves by their URLs."""
    directory = tmp_path_factory.mktemp("remembering")
    running = RunningIssuer(directory, path="/tenant", replay_store="sqlite:replay.db")
    table = running.read_registry()
    held = [{"hash": secret.sha256_hash(SECRET)}]
    table["resources"][API] |= {"client_secrets": held}
    by_es256 = {"client_secrets": held, "introspection_signed_response_alg": "ES256"}
    table["resources"][OTHER_API] |= by_es256
    running.write_registry(table)
    write(running.keyring, KeyRing.new("ES256", int(time.time()) - 10, "RS256"))
    yield running.start()
    running.stop()


@pytest.mark.parametrize("alg", [None, "RS256", "ES256"])
@pytest.mark.parametrize("library", ["openid-client", "oauth4webapi"])
def test_what_a_client_takes_back_its_api_hears_of(ready, remembering, library, alg):
    """As JSON, and as a JWT that the library verifies by the published keys."""
    asks_for = {"introspection_signed_response_alg": alg} if alg else {}
    audience = OTHER_API if alg == "ES256" else API
    given: dict[str, Any] = {
        "issuer": remembering.url,
        "web": {"client_id": "web", "client_secret": SECRET},
        "api": {"client_id": audience, "client_secret": SECRET, **asks_for},
        "tokens": remembering.redeem(remembering.code(resource=(audience,))).json(),
        "anothers": remembering.access_token(),
    }
    done = subprocess.run(
        ["node", "taking_back.mjs", library, json.dumps(given)],
        cwd=ready(node), capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    for each in ("before", "refreshed"):
        assert said[each]["active"] is True
        assert (said[each]["aud"], said[each]["client_id"], said[each]["sub"]) == (
            audience, "web", "alice",
        )  # fmt: skip
    assert [said["alone"], said["whole"]] == [{"active": False}] * 2
    assert (said["after"], said["others"]) == ("invalid_grant", "invalid_grant")
