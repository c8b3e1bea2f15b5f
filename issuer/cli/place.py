"""Where the two files are, and what is read from them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from issuer import load, registry
from issuer.cli.refusal import Refusal
from issuer.registry import Registry, edit, files
from issuer.server import AuthorizationServer
from issuer.token import OFFERED
from keys.ring import KeyRing


@dataclass(frozen=True, slots=True)
class Place:
    """The paths of the registry and of the key ring."""

    registry: Path
    keyring: Path

    def read_registry(self) -> Registry:
        """The registry, checked."""
        return registry.parse(files.read_registry(self.registry), OFFERED)

    def read_ring(self) -> KeyRing:
        """The key ring. Whether it fits the registry is not checked."""
        return load.parse_keyring(load.read_keyring(self.keyring))

    def load(self, now: int) -> AuthorizationServer:
        """What a worker would serve."""
        return load.load(self.registry, self.keyring, now)

    def add(
        self,
        at: tuple[str, str],
        record: Mapping[str, Any],
        file: str | None,
        first: Callable[[], object] = lambda: None,
    ) -> Path:
        """The file that now holds one record more, once ``first`` has been done."""
        with _nothing_changed():
            return edit.add(self.registry, at, record, offered=OFFERED, file=file, first=first)

    def change(
        self,
        at: tuple[str, str],
        change: edit.Change,
        first: Callable[[], object] = lambda: None,
    ) -> Path:
        """The file whose record is now changed, once ``first`` has been done."""
        with _nothing_changed():
            return edit.change(self.registry, at, change, offered=OFFERED, first=first)


@contextmanager
def _nothing_changed() -> Iterator[None]:
    """Says so where an edit would have made the registry invalid."""
    try:
        yield
    except registry.InvalidRegistry as invalid:
        raise Refusal(*map(str, invalid.problems), "Nothing was changed.") from None


pass_place: Callable[..., Any] = click.make_pass_decorator(Place)
