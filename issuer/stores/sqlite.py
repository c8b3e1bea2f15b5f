"""A SQLite file that all workers of one machine share: ``keys.spent``, kept off the event loop."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from issuer.protocol.replay import Once
from keys.spent import BUSY_TIMEOUT, SpentIds, StoreUnavailable


class SQLiteStore:
    """One connection, used from one thread of its own: disks never block the event loop."""

    def __init__(self, path: Path) -> None:
        self._spent = SpentIds(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replay-store")

    @classmethod
    def open(cls, path: str, folder: Path) -> Self:
        """The store at ``path``, which counts from ``folder``; made at its first use."""
        return cls(folder / (path or "replay.db"))

    async def spend(self, once: Once, now: int) -> None:
        """See ``ReplayStore``."""
        await self._run(
            lambda: self._spent.spend(
                once.id,
                issued_at=once.issued_at,
                expires_at=once.expires_at,
                forget_at=once.forget_at,
                now=now,
            )
        )

    async def fault(self, now: int) -> str:
        """See ``ReplayStore``."""
        try:
            await self._run(lambda: self._spent.probe(now))
        except StoreUnavailable as unavailable:
            return str(unavailable)
        return ""

    def close(self) -> None:
        """See ``ReplayStore``."""
        self._thread.submit(self._spent.disconnect)
        self._thread.shutdown()

    def remember(self, now: int) -> None:
        """Makes the file now, so that its memory begins before anything it will be asked about.

        Raises:
            StoreUnavailable: it cannot be made.
        """
        self._thread.submit(self._spent.probe, now).result()

    async def _run(self, work: Callable[[], None]) -> None:
        """Does ``work`` in the thread, or not at all where that is kept waiting too long.

        Raises:
            StoreUnavailable: whoever came first waits for another process. Waiting behind them,
                the last of many would hear after all their waits together.
        """
        given_up_at = time.monotonic() + BUSY_TIMEOUT

        def in_turn() -> None:
            if time.monotonic() > given_up_at:
                raise StoreUnavailable("others are waiting for it")
            work()

        await asyncio.get_running_loop().run_in_executor(self._thread, in_turn)
