"""Revocations and stores with a default for everything."""

import asyncio
from typing import Any

from issuer.protocol import revocation
from issuer.protocol.replay import Memory, Revocation
from issuer.remembered import Remembered
from issuer.stores.sqlite import SQLiteStore
from tests.builders import NOW


def a_revocation(name: str = "token:t1", *, at: int = NOW, lasts: int = 960) -> Revocation:
    """Of one token or grant, for good."""
    return Revocation(name, at + lasts, at, at + lasts)


def a_line(name: str = "user:alice", *, at: int = NOW, lasts: int = 2_592_000) -> Revocation:
    """Of all that a user or a client has."""
    return Revocation(name, at + 1, at, at + lasts)


def several(number: int, at: int = NOW) -> list[Revocation]:
    """Of as many tokens."""
    return [a_revocation(revocation.token(f"{each:022}"), at=at) for each in range(number)]


def revoke(store: SQLiteStore, *revocations: Revocation, now: int = NOW) -> None:
    """By whoever else uses the store."""
    asyncio.run(store.revoke(revocations, now))


def held(store: SQLiteStore, now: int = NOW) -> set[str]:
    """The names that the store remembers."""
    memory: Memory = asyncio.run(store.revocations(0, now))
    return {each.name for each in memory.revocations}


def synchronize(remembered: Remembered, now: int) -> set[str]:
    """The names that a worker remembers then."""
    asyncio.run(remembered.synchronize(now))
    return set(remembered.revocations)


def a_worker(store: Any) -> Remembered:
    """One that has not asked yet."""
    return Remembered(store, clock=lambda: NOW)
