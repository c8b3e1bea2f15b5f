"""What many tests start from."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests import forking
from tests.redis_server import RedisServer, running_redis
from tests.running import RunningIssuer

settings.register_profile(
    "on any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("on any machine")


@pytest.fixture(scope="session", autouse=True)
def _forking_ends() -> Iterator[None]:
    """Before the coverage of all processes is put together."""
    yield
    forking.end()


@pytest.fixture(scope="session")
def issuer_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """An issuer without a store, for tests that leave its files alone."""
    running = RunningIssuer(tmp_path_factory.mktemp("issuer"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def an_issuer(tmp_path: Path) -> Iterator[Callable[..., RunningIssuer]]:
    """Makes issuers for one test, not started yet; stops them all at its end."""
    made: list[RunningIssuer] = []

    def make(name: str = "issuer", **settings: Any) -> RunningIssuer:
        directory = tmp_path / name
        directory.mkdir(exist_ok=True)
        made.append(RunningIssuer(directory, **settings))
        return made[-1]

    yield make
    for each in made:
        each.stop()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A Redis of one test's own; the test is skipped where none is installed."""
    directory = tmp_path / "redis"
    directory.mkdir()
    with running_redis(directory) as server:
        yield server
