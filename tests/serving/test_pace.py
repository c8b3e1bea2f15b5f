"""Answers that nobody has to hurry with."""

import asyncio
import time

from issuer.serving import pace
from issuer.serving.pace import LONGEST, RATE, Pace


def taken(number: int) -> float:
    """Seconds until so many who came together have gone on."""

    async def run() -> float:
        hold, start = Pace(), time.perf_counter()
        await asyncio.gather(*(hold() for _ in range(number)))
        return time.perf_counter() - start

    return asyncio.run(run())


def test_who_comes_alone_goes_on_at_once():
    async def run() -> int:
        hold, turns = Pace(), 0
        task = asyncio.create_task(hold())
        while not task.done():
            await asyncio.sleep(0)
            turns += 1
        return turns

    assert asyncio.run(run()) == 1


def test_many_go_on_so_many_a_second():
    assert taken(31) >= 30 / RATE


def test_nobody_is_held_for_longer_than_a_second_or_so():
    assert LONGEST <= taken(3 * RATE) < 3


def test_more_than_can_be_held_go_on_at_once(monkeypatch):
    monkeypatch.setattr(pace, "MOST", 0)
    assert taken(3 * RATE) < LONGEST
