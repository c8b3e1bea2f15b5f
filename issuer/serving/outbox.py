"""What others are told, from a bounded queue: whoever has something to tell does not wait.

Each recipient has a lane of its own, in which one thing is told after the other. Where somebody
does not answer, their lane waits, longer each time, and no other does.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import Generic, TypeVar

THREADS = 4
"""Recipients that one worker talks to at once."""

log = logging.getLogger("issuer.outbox")

T = TypeVar("T", bound=Hashable)


class Fate(StrEnum):
    """What became of one try."""

    TAKEN = auto()
    LATER = auto()
    """They did not take it, and may do so later."""
    REFUSED = auto()
    """They will never take it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What became of one try, and why, for the log."""

    fate: Fate
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How much may wait, and for how long."""

    waiting: int = 1_000
    """Things that may wait in one worker."""
    waiting_for_one: int = 200
    """Things that may wait for one recipient."""
    first_delay: float = 1.0
    """Seconds after which what was not taken is tried again; then twice as long, and so on."""
    longest_delay: float = 60.0
    """Seconds between two tries, at most."""
    life: float = 300.0
    """Seconds after which something that nobody took is dropped."""
    flush: float = 2.0
    """Seconds that a worker which stops takes to tell what is waiting."""


class Outbox(Generic[T]):
    """Tells recipients things, by a function that may block: it runs in threads of its own.

    It belongs to one event loop, and is used from there alone.
    """

    def __init__(self, tell: Callable[[T], Told], patience: Patience = Patience()) -> None:
        self._tell = tell
        self._patience = patience
        self._lanes: dict[str, deque[tuple[T, float]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="outbox")
        self._closing = asyncio.Event()
        self.waiting = 0
        self.taken = 0
        self.dropped = 0

    def put(self, recipient: str, thing: T) -> None:
        """Has ``recipient`` told of ``thing``, and returns at once.

        What waits for them already is not told twice. Where too much waits, it is dropped: what
        was there before has been waited for longer.
        """
        lane = self._lanes.get(recipient)
        if lane is None:
            lane = self._lanes[recipient] = deque()
            task = asyncio.get_running_loop().create_task(self._work(recipient, lane))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif any(thing == waits for waits, _ in lane):
            return
        full = len(lane) >= self._patience.waiting_for_one or self.waiting >= self._patience.waiting
        if full or self._closing.is_set():
            self._drop(recipient, "too much is waiting")
            return
        lane.append((thing, asyncio.get_running_loop().time()))
        self.waiting += 1

    async def close(self) -> None:
        """Tells what is waiting, for a moment: each once more, and drops the rest."""
        self._closing.set()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._patience.flush)
        for task in [*self._tasks]:
            task.cancel()
        for recipient, lane in self._lanes.items():
            if lane:
                self._drop(recipient, "the worker stops", len(lane))
        self._lanes.clear()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _work(self, recipient: str, lane: deque[tuple[T, float]]) -> None:
        """Tells what is in ``lane``, one after the other, until it is empty."""
        delay = self._patience.first_delay
        while lane:
            thing, since = lane[0]
            told = await self._try(thing)
            if told.fate is Fate.LATER and self._may_wait(since):
                if delay == self._patience.first_delay:
                    _say("not told yet", recipient, told.detail)
                await self._pause(delay)
                delay = min(2 * delay, self._patience.longest_delay)
                continue
            lane.popleft()
            self.waiting -= 1
            if told.fate is Fate.TAKEN:
                self.taken += 1
                delay = self._patience.first_delay
            else:
                self._drop(recipient, told.detail)
        self._lanes.pop(recipient, None)

    async def _try(self, thing: T) -> Told:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._threads, self._tell, thing)
        except Exception as error:  # noqa: BLE001  an edge: the lane has to go on
            return Told(Fate.REFUSED, f"unexpected {type(error).__name__}")

    def _may_wait(self, since: float) -> bool:
        age = asyncio.get_running_loop().time() - since
        return age < self._patience.life and not self._closing.is_set()

    async def _pause(self, delay: float) -> None:
        """Waits for ``delay`` seconds, or until the worker stops."""
        try:
            await asyncio.wait_for(self._closing.wait(), delay)
        except TimeoutError:
            return

    def _drop(self, recipient: str, why: str, number: int = 1) -> None:
        self.dropped += number
        _say("not told", recipient, why, number=number, dropped=self.dropped)


def _say(message: str, recipient: str, detail: str, **fields: int) -> None:
    said: Mapping[str, object] = {"client_id": recipient, "detail": detail, **fields}
    log.warning(message, extra={"fields": said})
