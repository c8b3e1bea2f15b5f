"""Slow work waits in turn, and its threads stand back."""

import asyncio
import os
import sys
import threading
from collections.abc import Callable

import pytest

from issuer.errors import TemporarilyUnavailable
from issuer.serving.stretching import NICENESS, THREADS, Stretcher
from issuer.serving.turns import EACH

FLOOD, ANOTHER = "192.0.2.1", "198.51.100.7"


class Work:
    """Work that takes until it is told to end, and remembers in which order it was done."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.may_go_on = threading.Event()

    def called(self, name: str) -> Callable[[], str]:
        def work() -> str:
            assert self.may_go_on.wait(10)
            self.done.append(name)
            return name

        return work


async def asked(stretcher: Stretcher, work: Work, *names: str, address: str) -> list[asyncio.Task]:
    tasks = [
        asyncio.create_task(stretcher(work.called(name), address, is_suspect=False))
        for name in names
    ]
    await asyncio.sleep(0)
    return tasks


def test_a_flood_from_one_address_leaves_another_its_turn():
    """Neither is it turned away, nor does it wait for more than what is being done."""

    async def run() -> None:
        stretcher, work = Stretcher(), Work()
        flood = await asked(stretcher, work, *map(str, range(64)), address=FLOOD)
        (other,) = await asked(stretcher, work, "another", address=ANOTHER)
        work.may_go_on.set()
        assert await other == "another"
        answers = await asyncio.gather(*flood, return_exceptions=True)
        assert work.done.index("another") <= 2 * THREADS
        refused = [each for each in answers if isinstance(each, TemporarilyUnavailable)]
        assert len(refused) == 64 - EACH - THREADS
        assert len(work.done) == 1 + EACH + THREADS
        stretcher.close()

    asyncio.run(run())


def test_addresses_of_one_64_are_one_address():
    async def run() -> None:
        stretcher, work = Stretcher(), Work()
        flood = [
            each
            for number in range(64)
            for each in await asked(
                stretcher, work, str(number), address=f"2001:db8:0:1::{number:x}"
            )
        ]
        work.may_go_on.set()
        answers = await asyncio.gather(*flood, return_exceptions=True)
        refused = [each for each in answers if isinstance(each, TemporarilyUnavailable)]
        assert len(refused) == 64 - EACH - THREADS
        stretcher.close()

    asyncio.run(run())


def test_who_gives_up_waiting_leaves_their_thread_to_the_next():
    async def run() -> None:
        stretcher, work = Stretcher(), Work()
        running = await asked(stretcher, work, *"ab"[:THREADS], address=FLOOD)
        gone, stays = await asked(stretcher, work, "gone", "stays", address=FLOOD)
        gone.cancel()
        work.may_go_on.set()
        assert await stays == "stays"
        await asyncio.gather(*running)
        again = await asked(stretcher, work, *"cdef", address=ANOTHER)
        assert await asyncio.gather(*again) == list("cdef")
        assert "gone" not in work.done
        stretcher.close()

    asyncio.run(run())


def test_who_is_gone_when_their_turn_comes_passes_it_on():
    async def run() -> None:
        stretcher, work = Stretcher(), Work()
        running = await asked(stretcher, work, *"ab"[:THREADS], address=FLOOD)
        gone, stays = await asked(stretcher, work, "gone", "stays", address=FLOOD)
        stretcher._next()  # its turn has come, and it does not know yet
        gone.cancel()
        work.may_go_on.set()
        assert await asyncio.wait_for(stays, 5) == "stays"
        await asyncio.gather(*running)
        stretcher.close()

    asyncio.run(run())


def test_what_work_raises_is_raised_and_the_next_goes_on():
    async def run() -> None:
        stretcher = Stretcher()

        def failing() -> None:
            raise LookupError

        for _ in range(2 * THREADS):
            with pytest.raises(LookupError):
                await stretcher(failing, FLOOD, is_suspect=False)
        assert await stretcher(lambda: "done", FLOOD, is_suspect=False) == "done"
        stretcher.close()

    asyncio.run(run())


@pytest.mark.skipif(sys.platform != "linux", reason="threads have a priority in Linux")
def test_the_threads_stand_back_behind_the_event_loop():
    def niceness() -> int:
        return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())

    async def run() -> None:
        stretcher = Stretcher()
        before = niceness()
        assert await stretcher(niceness, FLOOD, is_suspect=False) == min(19, before + NICENESS)
        assert niceness() == before
        stretcher.close()

    asyncio.run(run())
