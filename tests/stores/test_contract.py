"""What every store promises, whichever it is (``ReplayStore``)."""

import asyncio
import contextlib
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from issuer.errors import InvalidGrant
from issuer.protocol.replay import (
    CLOCK_SKEW,
    RECALL,
    RETAUGHT,
    AlreadySpent,
    Forgotten,
    Revocation,
    Revoked,
    Standing,
    Tally,
    Use,
)
from keys.spent import StoreUnavailable
from tests.builders import NOW, a_once
from tests.redis_server import running_redis
from tests.running import CHECKOUT
from tests.stores.asking import ISSUER, Asked, Backing

SPENDING = """
import asyncio, sys
from pathlib import Path
from issuer.stores import open_store
from issuer.protocol.replay import AlreadySpent, Use
from keys.spent import StoreUnavailable
from tests.builders import NOW, a_once

async def main(store, ids):
    for each in ids:
        try:
            await store.use(Use((a_once(each),)), NOW)
        except AlreadySpent:
            continue
        except StoreUnavailable:  # on a busy machine: perhaps it was, and nobody heard
            each = f"?{each}"
        print(each, flush=True)

replay_store, folder, issuer = sys.argv[1:]
store = open_store(replay_store, folder=Path(folder), issuer=issuer)
first, end = map(int, sys.stdin.readline().split())
asyncio.run(main(store, map(str, range(first, end))))
store.close()
"""


@pytest.fixture(params=["sqlite", "redis"])
def backing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backing]:
    with contextlib.ExitStack() as stack:
        redis = None
        if request.param == "redis":
            redis = stack.enter_context(running_redis(tmp_path))
        found = Backing(request.param, tmp_path, redis)
        stack.callback(found.close)
        yield found


def a_standing(*names: str, issued_at: int = NOW) -> Standing:
    return Standing(names=names, issued_at=issued_at, refusal=InvalidGrant)


def a_grant(
    name: str = "grant:1", *, revoked_at: int = NOW, forget_at: int = NOW + 900
) -> Revocation:
    return Revocation(name, forget_at, revoked_at, forget_at)


def test_an_id_is_spent_once_and_its_neighbours_are_not_touched(backing):
    """F6, I1: by whichever worker."""
    one, other = backing.open(), backing.open()
    assert one.use(a_once("authorization_code:1")) == (NOW,)
    for each in (one, other):
        assert not each.spend(a_once("authorization_code:1"))
    assert other.spend(a_once("authorization_code:2"))
    assert one.spend(a_once("client_assertion:1"))


def test_of_many_tasks_exactly_one_spends(backing):
    """I1: all in one turn of one event loop."""
    worker = backing.open()

    async def all_at_once() -> list[Any]:
        use = worker.store.use
        asked = [use(Use((a_once(str(n % 20)),)), NOW) for n in range(200)]
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = worker.run(all_at_once())
    if StoreUnavailable in map(type, answers):
        pytest.skip("the machine is too busy for the quarter of a second")
    assert answers[:20] == [(NOW,)] * 20
    assert {type(each) for each in answers[20:]} == {AlreadySpent}


def test_of_many_threads_exactly_one_spends(backing):
    """I1: one store for each of eight threads, as if they were workers."""
    workers = [backing.open() for _ in range(8)]
    ids = [str(number) for number in range(50)]

    def spend(worker: Asked, id_: str) -> bool:
        """Asked again where eight writers kept it waiting too long: nothing was spent then."""
        while True:
            with contextlib.suppress(StoreUnavailable):
                return worker.spend(a_once(id_))

    with ThreadPoolExecutor(len(workers)) as threads:
        won = threads.map(lambda worker: [each for each in ids if spend(worker, each)], workers)
    assert Counter(each for list_ in won for each in list_) == Counter(ids)


def a_process(backing: Backing) -> subprocess.Popen[str]:
    """Another process over the same memory, which spends the ids of a range it is told."""
    return subprocess.Popen(
        [sys.executable, "-c", SPENDING, backing.replay_store, str(backing.folder), ISSUER],
        cwd=CHECKOUT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip


def tell(process: subprocess.Popen[str], ids: range) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{ids.start} {ids.stop}\n")
    process.stdin.flush()


def test_of_several_processes_exactly_one_spends(backing):
    """I1."""
    backing.open()
    processes = [a_process(backing) for _ in range(3)]
    for each in processes:
        tell(each, range(200))
    said = " ".join(each.communicate(timeout=60)[0] for each in processes).split()
    assert [each.returncode for each in processes] == [0, 0, 0]
    won = Counter(each for each in said if each.isdigit())
    assert set(won.values()) == {1}
    unknown = {each.removeprefix("?") for each in said} - set(won)
    assert set(won) | unknown == {str(number) for number in range(200)}


def test_a_killed_process_takes_nothing_back(backing):
    """F6: what was reported as spent stays spent, however its process ends."""
    worker = backing.open()
    spent: list[str] = []
    for round_ in range(3):
        process = a_process(backing)
        # It begins where the one before was killed: nobody may win those again.
        tell(process, range(max(0, len(spent) - 50), 1_000_000))
        assert process.stdout is not None
        spent += [process.stdout.readline().strip() for _ in range(20 + 7 * round_)]
        process.kill()
        spent += process.stdout.read().split()
        process.communicate()
        spent = [each for each in spent if each.isdigit()]
    assert max(Counter(spent).values()) == 1
    assert not any(worker.spend(a_once(each)) for each in spent)
    assert worker.spend(a_once("something else"))


def test_within_its_grace_it_counts_as_the_same_use(backing):
    """An answer that got lost: who asks again hears when it was used, and a second late nothing."""
    one, other = backing.open(), backing.open()
    once = a_once(grace=10)
    assert one.use(once, now=NOW + 1) == (NOW + 1,)
    assert other.use(once, now=NOW + 10) == (NOW + 1,)
    with pytest.raises(AlreadySpent):
        other.use(once, now=NOW + 11)
    assert not one.spend(a_once(grace=0), NOW + 1)
    assert not one.spend(a_once(grace=0), NOW - 30)  # by a clock that is behind


def test_asking_says_when_it_was_spent_and_spends_nothing(backing):
    worker = backing.open()

    def asked() -> tuple[int | None, ...]:
        return worker.run(worker.store.spent(("authorization_code:1", "x"), NOW + 9))

    assert asked() == (None, None)
    assert worker.use(a_once("authorization_code:1"), now=NOW + 5) == (NOW + 5,)
    assert asked() == (NOW + 5, None)


def test_those_before_what_was_spent_are_spent_and_those_behind_are_not(backing):
    worker = backing.open()
    first, spent, last = a_once("1"), a_once("2"), a_once("3")
    worker.use(spent)
    with pytest.raises(AlreadySpent) as refused:
        worker.use(first, spent, last)
    assert refused.value.once == spent
    assert not worker.spend(first)
    assert worker.spend(last)


def test_nothing_is_spent_that_stands_on_what_was_revoked(backing):
    """RFC 7009 section 2.1: a family that was revoked rotates no further."""
    one, other = backing.open(), backing.open()
    standing = (a_standing("user:alice"), a_standing("token:1", "grant:1"))
    one.use(a_once("1"), standing=standing)
    one.revoke(a_grant())
    with pytest.raises(Revoked) as refused:
        other.use(a_once("2"), standing=standing)
    assert refused.value.standing == standing[1]
    assert other.spend(a_once("2"))
    other.use(standing=(a_standing("grant:2"), a_standing("token:1")))


def test_a_line_takes_back_what_was_issued_before_it_and_nothing_later(backing):
    worker = backing.open()
    worker.revoke(Revocation("user:alice", NOW + 5, NOW + 4, NOW + 900))
    with pytest.raises(Revoked):
        worker.use(standing=(a_standing("user:alice", issued_at=NOW + 4),))
    worker.use(standing=(a_standing("user:alice", issued_at=NOW + 5),))


def test_of_two_lines_the_later_one_holds_and_the_longer_memory(backing):
    worker = backing.open()
    first = Revocation("user:alice", NOW + 5, NOW + 4, NOW + 900)
    worker.revoke(first, Revocation("user:alice", NOW + 3, NOW + 8, NOW + 1000))
    assert worker.revocations().revocations == (
        Revocation("user:alice", NOW + 5, NOW + 4, NOW + 1000),
    )
    worker.revoke(Revocation("user:alice", NOW + 9, NOW + 8, NOW + 800))
    assert worker.revocations().revocations == (
        Revocation("user:alice", NOW + 9, NOW + 8, NOW + 1000),
    )


def test_what_was_revoked_is_told_from_an_instant_on_while_it_matters(backing):
    one, other = backing.open(), backing.open()
    early, late = a_grant("grant:1", revoked_at=NOW), a_grant("grant:2", revoked_at=NOW + 5)
    short = a_grant("grant:3", revoked_at=NOW + 5, forget_at=NOW + 10)
    one.revoke(early, late, short, now=NOW + 5)
    assert set(other.revocations().revocations) == {early, late, short}
    assert set(other.revocations(NOW + 5).revocations) == {late, short}
    assert other.revocations(NOW + 5, NOW + 10).revocations == (late,)
    assert other.revocations(NOW + 6).revocations == ()


def test_thousands_that_were_revoked_in_one_second_are_all_told(backing):
    worker = backing.open()
    revocations = [a_grant(f"grant:{number}") for number in range(2500)]
    revocations += [a_grant(f"grant:x{number}", revoked_at=NOW + number) for number in range(2500)]
    worker.revoke(*revocations)
    told = worker.revocations().revocations
    assert len(told) == len(revocations)
    assert set(told) == set(revocations)


def test_counts_are_shared_and_begin_anew(backing):
    one, other = backing.open(), backing.open()
    assert one.tally("a", "b") == (Tally(), Tally())
    assert one.tally("a", add=2, until=NOW + 60) == (Tally(2, NOW + 60),)
    assert other.tally("a", "b", add=1, until=NOW + 90) == (Tally(3, NOW + 90), Tally(1, NOW + 90))
    assert other.tally("a", add=-5, until=NOW + 90) == (Tally(0, NOW + 90),)
    assert one.tally("b", now=NOW + 89) == (Tally(1, NOW + 90),)
    assert one.tally("b", now=NOW + 90) == (Tally(),)
    assert one.tally("b", add=1, until=NOW + 200, now=NOW + 90) == (Tally(1, NOW + 200),)


def test_counting_many_at_once_loses_none(backing):
    worker = backing.open()

    async def count() -> None:
        tally = worker.store.tally
        await asyncio.gather(*[tally(("a",), 1, NOW + 60, NOW) for _ in range(100)])

    worker.run(count())
    assert worker.tally("a") == (Tally(100, NOW + 60),)


def test_a_note_is_made_once_and_replaced_once(backing):
    """By whichever worker, and the one name leaves the other alone."""
    one, other = backing.open(), backing.open()
    assert one.noted("a") is None
    assert not other.note("a", "decided", "waits")  # nothing stands there
    assert one.note("a", "waits")
    assert not other.note("a", "another")
    assert other.noted("a") == "waits"
    assert other.noted("b") is None
    assert not other.note("a", "decided", "something else")
    assert other.note("a", "decided", "waits")
    assert not one.note("a", "decided otherwise", "waits")
    assert one.noted("a") == "decided"


def test_of_many_who_replace_a_note_exactly_one_does(backing):
    """Four workers, each from a thread of its own: one answer (RFC 8628 section 3.3)."""
    workers = [backing.open() for _ in range(4)]
    assert workers[0].note("a", "waits")

    def decide(number: int) -> bool:
        with contextlib.suppress(StoreUnavailable):  # too busy: nobody was answered, ask again
            return workers[number % 4].note("a", str(number), "waits")
        return decide(number)

    with ThreadPoolExecutor(4) as threads:
        by_worker = threads.map(lambda first: [decide(first + 4 * n) for n in range(5)], range(4))
    assert sum(map(sum, by_worker)) == 1


def test_a_note_is_forgotten_and_its_name_free_again(backing):
    """It stays for as long as it was asked to; a Redis keeps it by its own clock, and longer."""
    worker = backing.open()
    assert worker.note("a", "waits", until=NOW + 60)
    assert worker.noted("a", now=NOW + 59) == "waits"
    assert worker.note("a", "decided", "waits", until=NOW + 90, now=NOW + 59)
    assert worker.noted("a", now=NOW + 89) == "decided"
    if backing.redis is None:
        assert worker.noted("a", now=NOW + 90) is None
        assert not worker.note("a", "late", "decided", now=NOW + 90)
        assert worker.note("a", "waits", until=NOW + 200, now=NOW + 90)


def test_whoever_reads_a_note_hears_since_when_the_store_remembers(backing):
    """So that a note that was lost is never taken for one that was not made."""
    worker = backing.open()
    assert worker.note("a", "waits", until=NOW + 600)
    assert worker.run(worker.store.noted("a", NOW)).since <= NOW
    backing.lose()
    lost = worker.run(worker.store.noted("a", NOW + 10))
    assert (lost.text, lost.since) == (None, NOW + 11)


def test_what_was_issued_in_the_first_second_is_believed(backing):
    """A new deployment refuses nobody: its memory begins with it."""
    one, other = backing.open(), backing.open(NOW + 1)
    assert one.spend(a_once("1"))
    assert other.spend(a_once("2", now=NOW), NOW + 1)
    assert backing.open(NOW + 2).revocations().since == NOW


def test_lost_memory_takes_no_code_with_it(backing):
    """F10, F15: who remembers nothing vouches for nothing older than the memory."""
    one, other = backing.open(), backing.open()
    old = a_once("old", now=NOW)
    assert one.spend(old)
    backing.lose()
    for worker in (one, other):
        with pytest.raises(StoreUnavailable) as refused:
            worker.spend(old, NOW + 20)
        assert refused.value.retry_after == 40
        assert not worker.fault(NOW + 20)
    just_before = a_once("spent in the same second, before it was lost", now=NOW + 20)
    with pytest.raises(StoreUnavailable):
        one.spend(just_before, NOW + 20)
    new = a_once("new", now=NOW + 21)
    assert one.spend(new, NOW + 22)
    assert not other.spend(new, NOW + 22)


def test_what_is_good_once_is_refused_when_the_memory_does_not_come_back(backing):
    """A family of an earlier memory: 503 for a minute, then whoever holds it has to log in."""
    worker = backing.open()
    backing.lose()
    old = a_once(now=NOW, expires_at=NOW + 900)
    began = NOW + 11
    with pytest.raises(StoreUnavailable) as refused:
        worker.use(old, now=NOW + 10)
    assert refused.value.retry_after == RECALL + 1
    with pytest.raises(StoreUnavailable):
        worker.use(old, now=began + RECALL - 1)
    with pytest.raises(Forgotten) as forgotten:
        worker.use(old, now=began + RECALL)
    assert forgotten.value.once == old


def test_what_only_stands_is_believed_once_the_workers_have_told_the_memory(backing):
    worker = backing.open()
    backing.lose()
    old, began = a_standing("grant:1"), NOW + 11
    with pytest.raises(StoreUnavailable) as refused:
        worker.use(standing=(old,), now=NOW + 10)
    assert refused.value.retry_after == RETAUGHT + 1
    worker.revoke(a_grant(), now=NOW + 12)
    worker.use(standing=(a_standing("grant:2"),), now=began + RETAUGHT)
    with pytest.raises(Revoked):
        worker.use(standing=(old,), now=began + RETAUGHT)


def test_whoever_follows_the_revocations_sees_that_they_were_lost(backing):
    worker = backing.open()
    worker.revoke(a_grant())
    before = worker.revocations()
    assert worker.revocations(now=NOW + 5) == before
    backing.lose()
    after = worker.revocations(now=NOW + 10)
    assert (before.since, after.since) == (NOW, NOW + 11)
    assert after.revocations == ()


def test_what_some_replica_may_still_accept_is_remembered(backing):
    """F17: redeemed at one whose clock is ahead, then at one whose clock is behind."""
    worker, once = backing.open(), a_once()
    assert worker.spend(once, NOW + 30)
    slowest_accepts_until = once.expires_at + 2 * CLOCK_SKEW
    worker.spend(a_once("x", now=NOW + 1), slowest_accepts_until - 1)  # clears what it may
    assert not worker.spend(once, once.expires_at - 1)


def test_the_memory_outlives_the_workers(backing):
    """F6: a clean stop and a start."""
    first = backing.open()
    assert first.spend(a_once("1"))
    backing.close()
    backing.opened.clear()
    second = backing.open(NOW + 5)
    assert not second.spend(a_once("1"), NOW + 6)
    assert second.spend(a_once("2"), NOW + 6)  # issued before the start, and not refused for it


def test_another_event_loop_is_no_trouble(backing):
    """Sockets belong to a loop, and nothing is asked before there is one."""
    asked = backing.open(None)
    store = asked.store
    for number in range(3):
        assert asyncio.run(store.use(Use((a_once(str(number)),)), NOW)) == (NOW,)
    assert asked.spend(a_once("4"))
    with pytest.raises(AlreadySpent):
        asyncio.run(store.use(Use((a_once("1"),)), NOW))
