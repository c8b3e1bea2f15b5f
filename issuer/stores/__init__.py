"""The replay stores: a row each. ``[issuer] replay_store`` names the row before its first colon."""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from issuer.protocol.replay import ReplayStore
from issuer.stores.none import NoStore
from issuer.stores.sqlite import SQLiteStore

STORES: Mapping[str, Callable[[str, Path], ReplayStore]] = MappingProxyType(
    {
        "none": NoStore.open,
        "sqlite": SQLiteStore.open,
    }
)
"""How to open each kind, from what follows the colon and the folder of the registry."""


def open_store(replay_store: str, folder: Path) -> ReplayStore:
    """The store that ``replay_store`` of the registry names; nothing is touched before its use."""
    scheme, _, rest = replay_store.partition(":")
    return STORES[scheme](rest, folder)
