"""Running resource servers, and MAC tokens for them."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.builders import MAC_API
from tests.mac.serving import COMMANDS, RunningApi
from tests.running import RunningIssuer

TokenResponse = dict[str, Any]


@pytest.fixture(scope="module", params=COMMANDS)
def api(
    request: pytest.FixtureRequest,
    issuer_server: RunningIssuer,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[RunningApi]:
    """A resource server, by each kind of server."""
    directory = tmp_path_factory.mktemp("api")
    with RunningApi(request.param, issuer_server, directory) as running:
        yield running


@pytest.fixture(scope="session")
def mac_token(issuer_server: RunningIssuer) -> Callable[..., TokenResponse]:
    """Gets what the token endpoint answers client web for the mac resource."""

    def get(scope: str = "read") -> TokenResponse:
        answer = issuer_server.token(grant_type="client_credentials", scope=scope, resource=MAC_API)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    return get
