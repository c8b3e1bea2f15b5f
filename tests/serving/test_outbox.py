"""What others are told, from a bounded queue: nobody waits for it, and nobody for another's."""

import asyncio
import logging
import threading
import time
from collections import defaultdict
from itertools import chain, pairwise

import pytest

from issuer.serving.outbox import Fate, Outbox, Patience, Told

SOON = Patience(first_delay=0.01, longest_delay=0.02, life=30.0, flush=1.0)
TAKEN, LATER = Told(Fate.TAKEN), Told(Fate.LATER, "not their day")


class Recipients:
    """They write down what they are told, and take it as ``takes`` says, by recipient."""

    def __init__(self, **takes):
        self.takes = takes
        self.heard = defaultdict(list)
        self.threads = set()

    def __call__(self, thing):
        recipient, _ = thing
        self.threads.add(threading.current_thread())
        self.heard[recipient].append(thing)
        taken = self.takes.get(recipient, TAKEN)
        return taken(len(self.heard[recipient])) if callable(taken) else taken


def told(recipients, things, patience=SOON, seconds=5.0):
    """The outbox once everything in ``things`` was told or dropped."""

    async def main():
        outbox = Outbox(recipients, patience)
        for thing in things:
            outbox.put(thing[0], thing)
        async with asyncio.timeout(seconds):
            while outbox.waiting:
                await asyncio.sleep(0.005)
        await outbox.close()
        return outbox

    return asyncio.run(main())


def test_each_is_told_in_order_and_off_the_event_loop():
    recipients = Recipients()
    things = [(name, number) for number in range(20) for name in "ab"]
    outbox = told(recipients, things)
    assert recipients.heard["a"] == [("a", number) for number in range(20)]
    assert (outbox.taken, outbox.dropped) == (40, 0)
    assert threading.main_thread() not in recipients.threads
    assert len(recipients.threads) <= 4


def test_what_is_not_taken_is_told_again_and_nothing_behind_it_before(caplog):
    recipients = Recipients(a=lambda times: LATER if times <= 2 else TAKEN)
    with caplog.at_level(logging.WARNING, "issuer.outbox"):
        outbox = told(recipients, [("a", 1), ("a", 2)])
    assert recipients.heard["a"] == [("a", 1)] * 3 + [("a", 2)]
    assert (outbox.taken, outbox.dropped) == (2, 0)
    (line,) = caplog.records  # once, however often it is tried
    assert line.message == "not told yet"
    assert line.fields == {"client_id": "a", "detail": "not their day"}


def test_each_delay_is_twice_the_one_before_until_the_longest():
    times = []

    def tell(_):
        times.append(time.monotonic())
        return LATER if len(times) < 6 else TAKEN

    told(tell, [("a", 1)], Patience(first_delay=0.05, longest_delay=0.2, life=30.0))
    gaps = [after - before for before, after in pairwise(times)]
    for gap, least in zip(gaps, [0.05, 0.1, 0.2, 0.2, 0.2], strict=True):
        assert least <= gap < least + 2


def test_what_nobody_will_ever_take_is_dropped_and_said(caplog):
    recipients = Recipients(a=Told(Fate.REFUSED, "answered 400"))
    with caplog.at_level(logging.WARNING, "issuer.outbox"):
        outbox = told(recipients, [("a", 1), ("a", 2)])
    assert recipients.heard["a"] == [("a", 1), ("a", 2)]
    assert (outbox.taken, outbox.dropped) == (0, 2)
    assert [each.fields["dropped"] for each in caplog.records] == [1, 2]
    assert caplog.records[0].fields["detail"] == "answered 400"


def test_what_nobody_takes_in_its_life_is_dropped():
    recipients = Recipients(a=LATER)
    patience = Patience(first_delay=0.01, longest_delay=0.05, life=0.3)
    outbox = told(recipients, [("a", number) for number in range(5)], patience)
    assert (outbox.taken, outbox.dropped) == (0, 5)
    assert len(recipients.heard["a"]) > 6


def test_a_mistake_of_ours_ends_no_lane():
    def tell(thing):
        if thing[1] == 1:
            raise ZeroDivisionError
        return TAKEN

    outbox = told(tell, [("a", 1), ("a", 2)])
    assert (outbox.taken, outbox.dropped) == (1, 1)


def test_somebody_who_hangs_holds_up_nobody_else():
    free = threading.Event()

    def tell(thing):
        if thing[0] == "hangs":
            free.wait(10)
        return TAKEN

    async def main():
        outbox = Outbox(tell, SOON)
        began = time.monotonic()
        for number in range(50):
            outbox.put("hangs", ("hangs", number))
            outbox.put("other", ("other", number))
        assert time.monotonic() - began < 1  # whoever puts does not wait
        while outbox.taken < 50:
            await asyncio.sleep(0.005)
        assert time.monotonic() - began < 5
        free.set()
        while outbox.waiting:
            await asyncio.sleep(0.005)
        await outbox.close()
        assert outbox.taken == 100

    asyncio.run(asyncio.wait_for(main(), 10))


@pytest.mark.parametrize(
    ("patience", "things", "kept"),
    [
        pytest.param(Patience(waiting=10), [(n, n) for n in map(str, range(25))], 10, id="in all"),
        pytest.param(
            Patience(waiting_for_one=7), [("a", n) for n in range(25)], 7, id="for one of them"
        ),
    ],
)
def test_what_is_too_much_is_dropped_and_counted(patience, things, kept):
    """What was there before stays."""
    recipients = Recipients()
    outbox = told(recipients, things, patience)
    assert (outbox.taken, outbox.dropped) == (kept, 25 - kept)
    assert sorted(chain(*recipients.heard.values())) == sorted(things[:kept])


def test_what_waits_already_is_not_told_twice():
    recipients = Recipients()
    outbox = told(recipients, [("a", 1), ("a", 2), ("a", 1), ("a", 2)])
    assert (outbox.taken, outbox.dropped) == (2, 0)


def test_who_stops_tells_each_once_more_for_a_moment_and_drops_the_rest():
    """Also what waits for a later try."""
    recipients = Recipients(down=LATER, up=lambda times: LATER if times == 1 else TAKEN)

    async def main():
        outbox = Outbox(recipients, Patience(first_delay=60.0, flush=5.0))
        for recipient in ("down", "up", "fine"):
            outbox.put(recipient, (recipient, 1))
        await asyncio.sleep(0.2)
        outbox.put("late", ("late", 1))
        began = time.monotonic()
        await outbox.close()
        assert time.monotonic() - began < 5
        assert {name: len(heard) for name, heard in recipients.heard.items()} == {
            "down": 2, "up": 2, "fine": 1, "late": 1
        }  # fmt: skip
        assert (outbox.taken, outbox.dropped) == (3, 1)

    asyncio.run(asyncio.wait_for(main(), 10))


def test_who_stops_does_not_wait_for_whoever_hangs():
    free = threading.Event()

    def tell(_):
        free.wait(10)
        return TAKEN

    async def main():
        outbox = Outbox(tell, Patience(flush=0.2))
        for number in range(3):
            outbox.put("hangs", ("hangs", number))
        await asyncio.sleep(0.05)
        began = time.monotonic()
        await outbox.close()
        assert time.monotonic() - began < 5
        assert (outbox.taken, outbox.dropped) == (0, 3)
        free.set()

    asyncio.run(asyncio.wait_for(main(), 10))
