"""A SQLite file that all workers of one machine share, kept off the event loop."""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from issuer.protocol.replay import Memory, Note, Revocation, Tally, Use
from issuer.stores.sqlite_memory import SQLiteMemory
from keys.spent import BUSY_TIMEOUT, StoreUnavailable

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Question:
    ask: Callable[[], Any]
    answer: asyncio.Future[Any]
    given_up_at: float
    use: tuple[Use, int] | None = None
    """What it asks, and when, where others may be asked with it."""


class SQLiteStore:
    """One connection, used from one thread of its own: disks never block the event loop.

    Whoever asks while that thread is busy waits for the others, and then all are asked about
    together: the thread wakes up once, writes once, and wakes the event loop once.
    """

    def __init__(self, path: Path) -> None:
        self._memory = SQLiteMemory(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replay-store")
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: list[_Question] = []
        self._is_busy = False

    @classmethod
    def open(cls, replay_store: str, folder: Path, _: str) -> Self:
        """The store at the path it names, which counts from ``folder``; made at its first use."""
        return cls(cls.path(replay_store, folder))

    @staticmethod
    def path(replay_store: str, folder: Path) -> Path:
        """Where ``replay_store`` keeps its file."""
        return folder / (replay_store.partition(":")[2] or "replay.db")

    async def use(self, use: Use, now: int) -> tuple[int, ...]:
        """See ``ReplayStore``."""
        return await self._run(lambda: self._memory.use(use, now), (use, now))

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

    async def note(
        self, name: str, text: str, *, instead_of: str | None, forget_at: int, now: int
    ) -> bool:
        """See ``ReplayStore``."""
        row = (name, text, forget_at)
        return await self._run(lambda: self._memory.note(row, instead_of, now))

    async def noted(self, name: str, now: int) -> Note:
        """See ``ReplayStore``."""
        return await self._run(lambda: self._memory.noted(name, now))

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

    async def _run(self, ask: Callable[[], T], use: tuple[Use, int] | None = None) -> T:
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop, self._waiting, self._is_busy = loop, [], False
        answer: asyncio.Future[T] = loop.create_future()
        self._waiting.append(_Question(ask, answer, time.monotonic() + BUSY_TIMEOUT, use))
        if not self._is_busy:
            # At the end of this turn of the loop: whoever else asks in it goes along.
            self._is_busy = True
            loop.call_soon(self._hand_over, loop)
        return await answer

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        questions, self._waiting = self._waiting, []
        self._thread.submit(self._answer, questions, loop)

    def _answer(self, questions: Sequence[_Question], loop: asyncio.AbstractEventLoop) -> None:
        """In the thread."""
        answers = _answers(questions, self._memory)
        loop.call_soon_threadsafe(self._deliver, questions, answers, loop)

    def _deliver(
        self,
        questions: Sequence[_Question],
        answers: Sequence[Any],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        for question, answer in zip(questions, answers, strict=True):
            if question.answer.done():  # nobody waits for it any more
                continue
            if isinstance(answer, Exception):
                question.answer.set_exception(answer)
            else:
                question.answer.set_result(answer)
        self._is_busy = bool(self._waiting)
        if self._is_busy:
            self._hand_over(loop)


def _answers(questions: Sequence[_Question], memory: SQLiteMemory) -> list[Any]:
    """An answer or an exception for each of ``questions``."""
    now = time.monotonic()
    live = [each for each in questions if each.given_up_at > now]
    uses = [each.use for each in live if each.use is not None]
    together = False
    try:
        if uses:
            memory.wait_at_most(min(each.given_up_at for each in live) - now)
            together = memory.use_together(uses)
    except StoreUnavailable as why:
        # Each alone would wait as long again, for the same file.
        return [StoreUnavailable(str(why), retry_after=why.retry_after) for _ in questions]
    except Exception as error:  # noqa: BLE001  # a fault of ours: for whoever asked, as below
        return [error for _ in questions]
    return [
        (each.use[1],) * len(each.use[0].once)
        if together and each.use is not None and each.given_up_at > now
        else _alone(each, memory)
        for each in questions
    ]


def _alone(question: _Question, memory: SQLiteMemory) -> Any:
    left = question.given_up_at - time.monotonic()
    if left <= 0:
        return StoreUnavailable("others are waiting for it")
    try:
        memory.wait_at_most(left)
        return question.ask()
    except Exception as error:  # noqa: BLE001  # for whoever asked, and not for the thread
        return error
