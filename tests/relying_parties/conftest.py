"""The issuer whose clients are written by others, those clients, and a person's browser."""

from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.browser.browsing import Browser
from tests.relying_parties.builders import WITH_API, a_provider, a_relying_party
from tests.relying_parties.libraries import LIBRARIES, Library
from tests.rfc7523.keys import a_jwks
from tests.running import RunningIssuer


@pytest.fixture(scope="package")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """It knows a client for each way of being one."""
    public = a_relying_party(
        token_endpoint_auth_method="none",
        client_secrets=[],
        scope="openid profile email",
    )
    running = a_provider(
        tmp_path_factory.mktemp("provider"),
        app=a_relying_party(**WITH_API),
        old=a_relying_party(require_pkce=False),
        poster=a_relying_party(token_endpoint_auth_method="client_secret_post"),
        public=public,
        signer=a_relying_party(
            token_endpoint_auth_method="private_key_jwt", client_secrets=[], jwks=a_jwks()
        ),
        pusher=a_relying_party(require_pushed_authorization_requests=True),
    )
    table = running.read_registry()
    table["issuer"]["replay_store"] = "sqlite:replay.db"  # so that public ones may refresh
    running.write_registry(table)
    running.start()
    yield running
    running.stop()


@pytest.fixture(scope="session")
def ready(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Callable[[Path], Path]], Path]:
    """Makes a folder ready for libraries that share one."""
    return cache(lambda prepare: prepare(tmp_path_factory.mktemp(prepare.__name__)))


@pytest.fixture(scope="module", params=LIBRARIES)
def library(
    ready: Callable[[Callable[[Path], Path]], Path], request: pytest.FixtureRequest
) -> Library:
    """Each that there is a toolchain for."""
    prepare, command = LIBRARIES[request.param]
    return Library(request.param, command, ready(prepare))


@pytest.fixture
def browser(provider: RunningIssuer) -> Iterator[Browser]:
    """Nobody is logged in yet."""
    with Browser(provider) as opened:
        yield opened
