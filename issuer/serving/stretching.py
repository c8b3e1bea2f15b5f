"""Slow work, in threads of its own and never too much of it: argon2id takes memory and time."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from issuer.errors import TemporarilyUnavailable

T = TypeVar("T")

THREADS = 2
"""Hashes that one worker computes at once: each takes some 20 MB and a processor."""
MAX_WAITING = 32
"""Requests that may wait for a thread; the next one is told to come again."""


class Stretcher:
    """Runs slow functions off the event loop."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="argon2id")
        self._running = 0

    async def __call__(self, function: Callable[[], T]) -> T:
        """What ``function`` returns.

        Raises:
            TemporarilyUnavailable: too many are waiting. Refusing some keeps the others fast.
        """
        if self._running >= THREADS + MAX_WAITING:
            raise TemporarilyUnavailable("Too many logins at once; try again.", retry_after=2)
        self._running += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, function)
        finally:
            self._running -= 1

    def close(self) -> None:
        """Lets go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)
