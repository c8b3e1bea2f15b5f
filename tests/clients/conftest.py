"""An issuer that remembers, and a resource server that may ask it."""

from collections.abc import Iterator

import pytest

from issuer.registry import secret
from tests.builders import API, SECRET
from tests.running import RunningIssuer


@pytest.fixture(scope="package")
def remembering(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """Its API calls itself ``api``; the other one has nothing but its URL."""
    running = RunningIssuer(tmp_path_factory.mktemp("remembering"), replay_store="sqlite:replay.db")
    table = running.read_registry()
    held = [{"hash": secret.sha256_hash(SECRET)}]
    table["resources"][API] |= {"client_id": "api", "client_secrets": held}
    table["resources"]["https://other.example"]["client_secrets"] = held
    running.write_registry(table)
    running.start()
    yield running
    running.stop()
