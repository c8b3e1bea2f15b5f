"""What the tests of device login start from."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from issuer.server import AuthorizationServer
from tests.rfc8628.devices import Home


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A busy machine takes longer than a quarter of a second, and these tests ask thousands."""
    monkeypatch.setattr("issuer.stores.sqlite.BUSY_TIMEOUT", 20)


@pytest.fixture
def homes(tmp_path: Path) -> Iterator[Callable[..., Home]]:
    """Makes workers over one SQLite file, and closes them all at the end."""
    made: list[Home] = []

    def make(server: AuthorizationServer | None = None) -> Home:
        made.append(Home(tmp_path, server))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def home(homes: Callable[..., Home]) -> Home:
    """An issuer with a public client tv and a confidential one, console."""
    return homes()
