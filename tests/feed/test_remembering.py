"""A worker's copy of what was revoked, and a store that is asked, lost, deleted and told again."""

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from issuer import remembered as copies
from issuer.protocol.replay import CLOCK_SKEW, RECALL
from issuer.remembered import OVERLAP, WHOLE_EVERY, merged
from issuer.stores.sqlite import SQLiteStore
from keys.spent import StoreUnavailable
from tests.builders import NOW
from tests.feed.builders import (
    a_line,
    a_revocation,
    a_worker,
    held,
    revoke,
    several,
    synchronize,
)

OLD = NOW + RECALL
"""When the memory of a store that began at ``NOW`` is not young any more."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "replay.db"


@pytest.fixture
def open_store(path) -> Iterator[Callable[..., SQLiteStore]]:
    """Opens the store of one file, once per worker there would be."""
    opened: list[SQLiteStore] = []

    def open_one(now: int = NOW) -> SQLiteStore:
        opened.append(SQLiteStore(path))
        with suppress(StoreUnavailable):
            opened[-1].remember(now)
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def delete(path: Path) -> None:
    """The file and what belongs to it."""
    for each in path.parent.glob(f"{path.name}*"):
        each.unlink()


def lose(path: Path, *names: str) -> None:
    """What a failover to a replica that was behind does, or an old backup."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for name in names:
            connection.execute("DELETE FROM revoked WHERE name = ?", (name,))


# --- learning ---


def test_a_worker_learns_what_others_revoke(open_store):
    store, other = open_store(), open_store()
    worker = a_worker(store)
    assert synchronize(worker, NOW) == set()
    revoke(other, a_revocation(), now=NOW)
    assert synchronize(worker, NOW + 5) == {"token:t1"}
    assert worker.heard_at == NOW + 5


def test_a_worker_that_starts_learns_all_there_is(open_store):
    revoke(open_store(), a_revocation(), a_line(at=NOW - 10_000))
    assert synchronize(a_worker(open_store()), OLD) == {"token:t1", "user:alice"}


def test_what_a_replica_with_a_slow_clock_revoked_is_learnt_too(open_store):
    worker = a_worker(open_store())
    synchronize(worker, OLD + 500)
    revoke(open_store(), a_revocation(at=OLD + 500 - 2 * CLOCK_SKEW), now=OLD + 500)
    assert synchronize(worker, OLD + 505) == {"token:t1"}


def test_only_what_is_new_is_asked_for(open_store):
    store = open_store()
    asked = []
    ask, store.revocations = store.revocations, lambda after, now: (
        asked.append(after) or ask(after, now)
    )  # fmt: skip
    worker = a_worker(store)
    for now in (OLD, OLD + 5, OLD + 10):
        synchronize(worker, now)
    assert asked == [0, OLD - OVERLAP, OLD + 5 - OVERLAP]
    synchronize(worker, OLD + WHOLE_EVERY)
    assert asked[-1] == 0


def test_of_two_revocations_of_one_name_the_later_holds(open_store):
    store = open_store()
    worker = a_worker(store)
    revoke(store, a_line(at=NOW))
    synchronize(worker, NOW)
    revoke(store, a_line(at=NOW + 50))
    synchronize(worker, NOW + 50)
    assert worker.revocations["user:alice"].not_before == NOW + 51


def test_what_can_matter_no_more_is_forgotten(open_store):
    store = open_store()
    worker = a_worker(store)
    revoke(store, a_revocation(lasts=100), a_line())
    assert synchronize(worker, NOW + 99) == {"token:t1", "user:alice"}
    assert synchronize(worker, NOW + 100) == {"user:alice"}


def test_what_somebody_reads_never_changes(open_store):
    """The feed is listed in a thread of its own."""
    store = open_store()
    worker = a_worker(store)
    revoke(store, a_revocation())
    synchronize(worker, NOW)
    before = worker.revocations
    synchronize(worker, NOW + 5)
    assert worker.revocations is before
    revoke(store, a_revocation("token:t2"))
    synchronize(worker, NOW + 10)
    assert set(before) == {"token:t1"}
    assert set(worker.revocations) == {"token:t1", "token:t2"}


def test_memory_is_bounded_and_the_newest_stay(monkeypatch, caplog):
    monkeypatch.setattr(copies, "MAX_REMEMBERED", 10)
    old = {each.name: each for each in several(10)}
    new = {"token:new": a_revocation("token:new", at=NOW + 1)}
    kept = merged(old, new, NOW)
    assert len(kept) == 10
    assert "token:new" in kept
    assert "too much was revoked to be remembered" in caplog.text


# --- a store that is down ---


def test_while_the_store_is_down_the_copy_stays_and_says_how_old_it_is(open_store, path):
    store = open_store()
    worker = a_worker(store)
    revoke(store, a_revocation())
    synchronize(worker, NOW)
    delete(path)
    path.mkdir()
    with pytest.raises(StoreUnavailable):
        synchronize(worker, NOW + 5)
    assert set(worker.revocations) == {"token:t1"}
    assert worker.heard_at == NOW
    path.rmdir()
    assert synchronize(worker, NOW + 10) == {"token:t1"}
    assert worker.heard_at == NOW + 10
    assert held(store, NOW + 10) == {"token:t1"}


def test_the_task_outlives_a_store_that_is_down_and_says_so_once(
    open_store, path, monkeypatch, caplog
):
    monkeypatch.setattr(copies, "INTERVAL", 0.001)
    caplog.set_level("INFO", "issuer.revocations")
    path.mkdir()
    worker = a_worker(open_store())

    async def scenario() -> None:
        task = asyncio.create_task(worker.watch())
        while not worker._fault:
            await asyncio.sleep(0.001)
        await asyncio.sleep(0.05)
        path.rmdir()
        while worker._fault:
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(asyncio.wait_for(scenario(), 20))
    assert caplog.messages == [
        "the store says nothing of revocations",
        "the store says again what was revoked",
    ]


def test_a_mistake_of_ours_does_not_end_the_task(open_store, monkeypatch, caplog):
    monkeypatch.setattr(copies, "INTERVAL", 0.001)
    worker = a_worker(open_store())
    synchronize_, worker.synchronize = worker.synchronize, lambda now: 1 / 0

    async def scenario() -> None:
        task = asyncio.create_task(worker.watch())
        while not worker._fault:
            await asyncio.sleep(0.001)
        worker.synchronize = synchronize_
        while worker.heard_at is None:
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(asyncio.wait_for(scenario(), 20))
    assert "the store says nothing of revocations" in caplog.text


# --- a store that has forgotten ---


def test_a_store_that_was_deleted_is_told_again(open_store, path, caplog):
    store = open_store()
    worker = a_worker(store)
    revoke(store, a_revocation(lasts=86_400), a_line())
    synchronize(worker, OLD)
    delete(path)
    assert synchronize(worker, OLD + 5) == {"token:t1", "user:alice"}
    assert held(store, OLD + 5) == {"token:t1", "user:alice"}
    assert "the store had forgotten revocations, and was told them again" in caplog.text
    told = asyncio.run(store.revocations(0, OLD + 5)).revocations
    assert a_line() in told


def test_what_does_not_matter_any_more_is_told_nobody(open_store, path):
    store = open_store()
    worker = a_worker(store)
    revoke(store, a_revocation(lasts=100), a_line())
    synchronize(worker, NOW)
    delete(path)
    synchronize(worker, NOW + 100)
    assert held(store, 0) == {"user:alice"}


def test_who_starts_after_the_loss_hears_what_the_others_tell(open_store, path):
    """What they tell is old, so it is asked for from the beginning while the memory is young."""
    store = open_store()
    old = a_worker(store)
    revoke(store, a_line())
    synchronize(old, NOW + 5000)
    delete(path)
    new = a_worker(open_store(NOW + 5005))
    assert synchronize(new, NOW + 5005) == set()
    synchronize(old, NOW + 5008)
    assert synchronize(new, NOW + 5010) == {"user:alice"}


def test_a_store_that_lost_its_last_moments_is_told_again(open_store, path):
    """A failover to a replica that was behind: it remembers since the same instant."""
    store = open_store()
    worker = a_worker(store)
    synchronize(worker, OLD)
    revoke(store, a_revocation("token:t2", at=OLD), a_revocation("token:t3", at=OLD), now=OLD)
    synchronize(worker, OLD + 1)
    lose(path, "token:t2")
    synchronize(worker, OLD + 6)
    assert held(store, OLD + 6) == {"token:t2", "token:t3"}


def test_a_store_that_lost_what_is_old_is_told_again_within_minutes(open_store, path):
    """A backup that was restored: asked for what is new alone, nobody would notice."""
    store = open_store()
    worker = a_worker(store)
    revoke(store, a_line())
    synchronize(worker, NOW + 5000)
    lose(path, "user:alice")
    synchronize(worker, NOW + 5005)
    assert held(store, NOW + 5005) == set()
    synchronize(worker, NOW + 5000 + WHOLE_EVERY)
    assert held(store, NOW + 5300) == {"user:alice"}


def test_a_line_that_went_back_is_drawn_again(open_store, path):
    store = open_store()
    worker = a_worker(store)
    revoke(store, a_line(at=OLD))
    synchronize(worker, OLD)
    lose(path, "user:alice")
    revoke(store, a_line(at=NOW))
    synchronize(worker, OLD + 5)
    (told,) = asyncio.run(store.revocations(0, OLD + 5)).revocations
    assert told.not_before == OLD + 1


def test_many_workers_tell_it_at_once_and_nothing_is_lost(open_store, path):
    revocations = several(1200)
    stores = [open_store() for _ in range(3)]
    revoke(stores[0], *revocations)
    workers = [a_worker(each) for each in stores]
    for each in workers:
        synchronize(each, NOW)
    delete(path)

    async def tell() -> None:
        await asyncio.gather(*(each.synchronize(NOW + 5) for each in workers))

    asyncio.run(tell())
    assert len(held(stores[0], NOW + 5)) == 1200
    for each in workers:
        assert len(synchronize(each, NOW + 10)) == 1200


def test_a_store_that_cannot_be_told_is_told_the_next_time(open_store, path):
    store = open_store()
    worker = a_worker(store)
    revoke(store, a_line())
    synchronize(worker, OLD)
    delete(path)
    tell, store.revoke = store.revoke, refuses
    with pytest.raises(StoreUnavailable):
        synchronize(worker, OLD + 5)
    assert set(worker.revocations) == {"user:alice"}
    store.revoke = tell
    synchronize(worker, OLD + 10)
    assert held(store, OLD + 10) == {"user:alice"}


async def refuses(*_: object) -> None:
    raise StoreUnavailable("full")
