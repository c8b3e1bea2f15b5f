"""The replay stores: a row each. ``[issuer] replay_store`` names the row before its first colon."""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from issuer.protocol.replay import ReplayStore
from issuer.stores import file_system, redis_url
from issuer.stores.none import NoStore
from issuer.stores.sqlite import SQLiteStore

Open = Callable[[str, Path, str], ReplayStore]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of store."""

    open: Open
    """Makes it of ``replay_store``, the folder of the registry and the issuer's URL."""
    fault: Callable[[str], str] = lambda _: ""
    """What is wrong with ``replay_store``, to be said behind its name; empty: nothing."""
    warnings: Callable[[str, Path, str], Iterable[str]] = lambda *_: ()
    """What could be safer about the place it names, for which that is asked."""


def _open_redis(url: str, folder: Path, issuer: str) -> ReplayStore:
    from issuer.stores.redis import RedisStore  # redis-py is there or it is not

    return RedisStore.open(url, folder, issuer)


def _fault_of_redis(url: str) -> str:
    if not all(map(find_spec, ("redis", "hiredis"))):
        return "needs redis-py and hiredis: pip install '.[server,redis]'"
    return redis_url.fault(url)


def _warn_of_redis(url: str, folder: Path, issuer: str) -> Iterable[str]:
    from issuer.stores import redis, redis_online

    return asyncio.run(redis_online.warnings(redis_url.read(url, folder), redis.prefix(issuer)))


def _warn_of_sqlite(replay_store: str, folder: Path, _: str) -> Iterable[str]:
    return file_system.warnings(SQLiteStore.path(replay_store, folder))


STORES: Mapping[str, Kind] = MappingProxyType(
    {
        "none": Kind(NoStore.open),
        "sqlite": Kind(SQLiteStore.open, warnings=_warn_of_sqlite),
        **dict.fromkeys(redis_url.SCHEMES, Kind(_open_redis, _fault_of_redis, _warn_of_redis)),
    }
)


def open_store(replay_store: str, *, folder: Path, issuer: str) -> ReplayStore:
    """The store that ``replay_store`` of the registry names; nothing is touched before its use."""
    return _kind(replay_store).open(replay_store, folder, issuer)


def fault(replay_store: str) -> str:
    """What is wrong with a ``replay_store`` of a kind that there is; empty where nothing is."""
    return _kind(replay_store).fault(replay_store)


def warnings(replay_store: str, *, folder: Path, issuer: str) -> Iterable[str]:
    """What could be safer about the store, to be said behind its name. It is asked for that."""
    return _kind(replay_store).warnings(replay_store, folder, issuer)


def _kind(replay_store: str) -> Kind:
    return STORES[replay_store.partition(":")[0]]
