"""A SQLite file that all workers of one machine share, kept off the event loop."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar

from issuer.protocol.replay import Memory, Revocation, Tally, Use
from issuer.stores.sqlite_memory import SQLiteMemory
from keys.spent import BUSY_TIMEOUT, StoreUnavailable

T = TypeVar("T")


class SQLiteStore:
    """One connection, used from one thread of its own: disks never block the event loop."""

    def __init__(self, path: Path) -> None:
        self._memory = SQLiteMemory(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replay-store")

    @classmethod
    def open(cls, replay_store: str, folder: Path, _: str) -> Self:
        """The store at the path it names, which counts from ``folder``; made at its first use."""
        return cls(folder / (replay_store.partition(":")[2] or "replay.db"))

    async def use(self, use: Use, now: int) -> tuple[int, ...]:
        """See ``ReplayStore``."""
        return await self._run(lambda: self._memory.use(use, now))

    async def revoke(self, revocations: Sequence[Revocation], now: int) -> None:
        """See ``ReplayStore``."""
        await self._run(lambda: self._memory.revoke(revocations, now))

    async def revocations(self, after: int, now: int) -> Memory:
        """See ``ReplayStore``."""
        return await self._run(lambda: self._memory.revocations(after, now))

    async def spent(self, ids: Sequence[str], now: int) -> tuple[int | None, ...]:
        """See ``ReplayStore``."""
        return await self._run(lambda: self._memory.spent(ids, now))

    async def tally(
        self, names: Sequence[str], add: int, forget_at: int, now: int
    ) -> tuple[Tally, ...]:
        """See ``ReplayStore``."""
        return await self._run(lambda: self._memory.tally(names, add, forget_at, now))

    async def fault(self, now: int) -> str:
        """See ``ReplayStore``."""
        try:
            await self._run(lambda: self._memory.probe(now))
        except StoreUnavailable as unavailable:
            return str(unavailable)
        return ""

    def close(self) -> None:
        """See ``ReplayStore``."""
        self._thread.submit(self._memory.disconnect)
        self._thread.shutdown()

    def remember(self, now: int) -> None:
        """Makes the file now, so that its memory begins before anything it will be asked about.

        Raises:
            StoreUnavailable: it cannot be made.
        """
        self._thread.submit(self._memory.probe, now).result()

    async def _run(self, work: Callable[[], T]) -> T:
        """What ``work`` returns, done in the thread, unless that is kept waiting too long.

        Raises:
            StoreUnavailable: whoever came first waits for another process. Waiting behind them,
                the last of many would hear after all their waits together.
        """
        given_up_at = time.monotonic() + BUSY_TIMEOUT

        def in_turn() -> T:
            if time.monotonic() > given_up_at:
                raise StoreUnavailable("others are waiting for it")
            return work()

        return await asyncio.get_running_loop().run_in_executor(self._thread, in_turn)
