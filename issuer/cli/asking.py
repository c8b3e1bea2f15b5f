"""Asking the replay store that the workers share, from the command."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from issuer.protocol.replay import ReplayStore
from issuer.registry import Registry, files
from issuer.stores import open_store
from keys.spent import StoreUnavailable

T = TypeVar("T")

SQLITE_FILE = "replay.db"


def ask(path: Path, registry: Registry, question: Callable[[ReplayStore], Awaitable[T]]) -> T:
    """The answer of the store that the registry at ``path`` names.

    Raises:
        StoreUnavailable: it has none.
    """
    replay_store = registry.issuer.replay_store
    folder = files.folder_of(path)
    _check_begun(replay_store, folder)

    async def answered() -> T:
        store = open_store(replay_store, folder=folder, issuer=registry.issuer.url)
        try:
            return await question(store)
        finally:
            store.close()

    return asyncio.run(answered())


def kind(registry: Registry) -> str:
    """What the store is, and not where: its address may say a password."""
    return registry.issuer.replay_store.partition(":")[0]


def _check_begun(replay_store: str, folder: Path) -> None:
    """Returns where the command would not be the first to open a file.

    A file that it made, perhaps as another user, the workers might not be able to write to.
    """
    scheme, _, path = replay_store.partition(":")
    if scheme == "sqlite" and not (folder / (path or SQLITE_FILE)).exists():
        raise StoreUnavailable("its file is not there: no worker has started here")
