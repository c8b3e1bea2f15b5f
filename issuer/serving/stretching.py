"""Slow work, in threads of its own and never too much of it: argon2id takes memory and time."""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from issuer.errors import TemporarilyUnavailable
from issuer.protocol.throttling import network
from issuer.serving.turns import Turns

T = TypeVar("T")

THREADS = 2
"""Hashes that one worker computes at once: each takes some 20 MB and a processor."""
NICENESS = 5
"""How far the threads stand back behind the event loop, which everybody waits for. Of a processor
that both want they still get a fourth, so that passwords do not wait for long either."""
RETRY_AFTER = 2
"""Seconds."""


class Stretcher:
    """Runs slow functions off the event loop, for each address in turn."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(
            THREADS, thread_name_prefix="argon2id", initializer=_stand_back
        )
        self._running = 0
        self._turns: Turns[asyncio.Future[None]] = Turns()

    async def __call__(
        self, work: Callable[[], T], address: str = "", *, is_suspect: bool = False
    ) -> T:
        """What ``work`` returns, which ``address`` asks for.

        Raises:
            TemporarilyUnavailable: too many are waiting. Refusing some keeps the others fast.
        """
        await self._turn(address, is_suspect=is_suspect)
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._next()

    def close(self) -> None:
        """Lets go of the threads."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _turn(self, address: str, *, is_suspect: bool) -> None:
        """Returns when a thread is free for ``address``."""
        if self._running < THREADS:
            self._running += 1
            return
        turn = asyncio.get_running_loop().create_future()
        displaced = self._turns.join(network(address), turn, last=is_suspect)
        if displaced is not None and not displaced.done():
            description = "Too many logins at once; try again."
            displaced.set_exception(TemporarilyUnavailable(description, retry_after=RETRY_AFTER))
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._next()  # it was given the thread that it no longer needs
            raise

    def _next(self) -> None:
        """Gives a thread that is free to whoever's turn it is."""
        while (turn := self._turns.next()) is not None:
            if not turn.done():  # whose it was may have gone
                turn.set_result(None)
                return
        self._running -= 1


def _stand_back() -> None:
    """Lowers the priority of this thread, where threads have one: in Linux.

    A hash takes a processor for some 30 ms. Without this, those who only want a token would wait
    for such a while again and again; with it, whoever has a password waits a little longer.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            thread = threading.get_native_id()
            niceness = os.getpriority(os.PRIO_PROCESS, thread) + NICENESS
            os.setpriority(os.PRIO_PROCESS, thread, niceness)
