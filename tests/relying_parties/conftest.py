"""The issuer whose clients are written by others, and a person's browser."""

from collections.abc import Iterator

import pytest

from tests.authorize.browsing import Browser
from tests.relying_parties.builders import a_provider, a_relying_party
from tests.running import RunningIssuer


@pytest.fixture(scope="package")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """It knows a client for each way of being one."""
    public = a_relying_party(
        token_endpoint_auth_method="none", client_secrets=[], grant_types=["authorization_code"]
    )
    running = a_provider(
        tmp_path_factory.mktemp("provider"),
        old=a_relying_party(require_pkce=False),
        poster=a_relying_party(token_endpoint_auth_method="client_secret_post"),
        public=public,
        pusher=a_relying_party(require_pushed_authorization_requests=True),
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture
def browser(provider: RunningIssuer) -> Iterator[Browser]:
    """Nobody is logged in yet."""
    with Browser(provider) as opened:
        yield opened
