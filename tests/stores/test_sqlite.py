"""The SQLite store: one success per id, whoever asks and whatever happens to the file."""

import asyncio
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from issuer.protocol.replay import CLOCK_SKEW, RECALL, AlreadySpent, Forgotten, Once, Use
from issuer.stores.sqlite import SQLiteStore
from keys.spent import FORGET_EVERY, StoreUnavailable
from tests.builders import NOW, a_once
from tests.running import CHECKOUT

SPENDING = """
import asyncio, sys
from pathlib import Path
from issuer.stores.sqlite import SQLiteStore
from issuer.protocol.replay import AlreadySpent, Use
from keys.spent import StoreUnavailable
from tests.builders import NOW, a_once

async def main(store, ids):
    for each in ids:
        while True:
            try:
                await store.use(Use((a_once(each),)), NOW)
                print(each, flush=True)
            except StoreUnavailable:  # on a busy machine, and nothing was spent
                continue
            except AlreadySpent:
                pass
            break

store = SQLiteStore(Path(sys.argv[1]))
first, end = map(int, sys.stdin.readline().split())
asyncio.run(main(store, map(str, range(first, end))))
store.close()
"""


@pytest.fixture
def a_store(tmp_path: Path) -> Iterator[Callable[..., SQLiteStore]]:
    """Opens the store of one file, once per worker there would be."""
    opened: list[SQLiteStore] = []

    def open_store(now: int = NOW) -> SQLiteStore:
        opened.append(SQLiteStore(tmp_path / "replay.db"))
        opened[-1].remember(now)
        return opened[-1]

    yield open_store
    for each in opened:
        each.close()


def spend(store: SQLiteStore, once: Once, now: int = NOW) -> bool:
    """True where it was spent now, False where it was before."""
    try:
        asyncio.run(store.use(Use((once,)), now))
    except AlreadySpent:
        return False
    return True


def fault(store: SQLiteStore, now: int = NOW) -> str:
    return asyncio.run(store.fault(now))


def a_process(path: Path) -> subprocess.Popen[str]:
    """Another process over the same file, which spends the ids of a range it is told."""
    return subprocess.Popen(
        [sys.executable, "-c", SPENDING, str(path)], cwd=CHECKOUT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={"PYTHONPATH": str(CHECKOUT)},
    )  # fmt: skip


def tell(process: subprocess.Popen[str], ids: range) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{ids.start} {ids.stop}\n")
    process.stdin.flush()


def test_an_id_is_spent_once_and_its_neighbours_are_not_touched(a_store):
    """F6, I1."""
    store = a_store()
    assert spend(store, a_once("authorization_code:1"))
    assert not spend(store, a_once("authorization_code:1"))
    assert spend(store, a_once("authorization_code:2"))
    assert spend(store, a_once("client_assertion:1"))


def test_of_several_processes_exactly_one_spends(a_store, tmp_path):
    """I1, with the file made by nobody yet but the first of them."""
    a_store()
    processes = [a_process(tmp_path / "replay.db") for _ in range(3)]
    for each in processes:
        tell(each, range(200))
    won = [each.communicate(timeout=30)[0].split() for each in processes]
    assert [each.returncode for each in processes] == [0, 0, 0]
    assert Counter(each for list_ in won for each in list_) == Counter(map(str, range(200)))


def test_a_killed_process_takes_nothing_back(a_store, tmp_path):
    """F6: what was reported as spent stays spent, however its process ends."""
    store = a_store()
    spent: list[str] = []
    for round_ in range(4):
        process = a_process(tmp_path / "replay.db")
        # It begins where the one before was killed: nobody may win those again.
        tell(process, range(max(0, len(spent) - 50), 1_000_000))
        assert process.stdout is not None
        spent += [process.stdout.readline().strip() for _ in range(20 + 7 * round_)]
        process.kill()
        spent += process.stdout.read().split()
        process.communicate()
    assert max(Counter(spent).values()) == 1
    assert not any(spend(store, a_once(each)) for each in spent)
    assert spend(store, a_once("something else"))


def test_what_some_replica_may_still_accept_is_remembered(a_store):
    """F17: redeemed at one whose clock is ahead, then at one whose clock is behind."""
    store, once = a_store(), a_once()
    assert spend(store, once, NOW + 30)
    slowest_accepts_until = once.expires_at + 2 * CLOCK_SKEW
    spend(store, a_once("x", now=NOW + 1), slowest_accepts_until - 1)  # clears what it may
    assert not spend(store, once, once.expires_at - 1)


def test_what_no_replica_accepts_any_more_is_forgotten(a_store, tmp_path):
    """F17: the file does not grow with the age of the issuer."""
    store = a_store()
    for number in range(100):
        spend(store, a_once(str(number)))
    later = NOW + 60 + 2 * CLOCK_SKEW + FORGET_EVERY
    assert spend(store, a_once("last", now=later), later)
    with sqlite3.connect(tmp_path / "replay.db") as connection:
        assert connection.execute("SELECT id FROM spent").fetchall() == [("last",)]
    connection.close()


def test_a_locked_file_is_waited_for_a_moment_and_then_nothing_is_spent(a_store, tmp_path):
    """F7: every one of those who wait hears within a second, not the last after the sum."""
    store = a_store()
    spend(store, a_once("before"))
    connection = sqlite3.connect(tmp_path / "replay.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")

    async def refused_after(once: Once) -> float:
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await store.use(Use((once,)), NOW)
        return time.monotonic() - began

    async def all_of(onces: list[Once]) -> list[float]:
        return await asyncio.gather(*map(refused_after, onces))

    waited = asyncio.run(all_of([a_once(str(number)) for number in range(6)]))
    assert max(waited) < 1.2
    assert fault(store)
    connection.execute("ROLLBACK")
    connection.close()
    assert not fault(store)
    assert spend(store, a_once("0"))
    assert not spend(store, a_once("before"))


def test_a_deleted_file_takes_no_code_with_it(a_store, tmp_path):
    """F10: who remembers nothing vouches for nothing older than the memory."""
    one, other = a_store(), a_store()
    old = a_once("old")
    assert spend(one, old)
    (tmp_path / "replay.db").unlink()
    for store in (one, other):
        with pytest.raises(StoreUnavailable) as refused:
            spend(store, old, NOW + 20)
        assert refused.value.retry_after == 40
        assert not fault(store, NOW + 20)
    just_before = a_once("spent in the same second, before the file was deleted", now=NOW + 20)
    with pytest.raises(StoreUnavailable):
        spend(one, just_before, NOW + 20)
    new = a_once("new", now=NOW + 21)
    assert spend(one, new, NOW + 22)
    assert not spend(other, new, NOW + 22)


@pytest.mark.parametrize("in_between", [b"", b"not a database at all " * 100], ids=["", "corrupt"])
def test_a_file_from_a_backup_takes_no_code_with_it(a_store, tmp_path, in_between):
    """F10, F11: an old file says that it remembers from long ago, and does not."""
    store, path = a_store(), tmp_path / "replay.db"
    backup = tmp_path / "backup.db"
    with sqlite3.connect(path) as connection, sqlite3.connect(backup) as copy:
        connection.backup(copy)
    connection.close()
    copy.close()
    code = a_once()
    assert spend(store, code)
    if in_between:
        replace(path, in_between)
        with pytest.raises(StoreUnavailable):
            spend(store, code)
    replace(path, backup.read_bytes())
    with pytest.raises(StoreUnavailable):
        spend(store, code, NOW + 10)
    assert spend(store, a_once("later", now=NOW + 11), NOW + 11)


def replace(path: Path, content: bytes) -> None:
    for each in path.parent.glob("replay.db-*"):
        each.unlink()
    fresh = path.with_suffix(".new")
    fresh.write_bytes(content)
    fresh.replace(path)


def corrupt(folder: Path) -> None:
    for each in folder.glob("replay.db*"):
        with each.open("r+b") as file:
            file.write(b"garbage." * 512)


def test_a_file_that_is_corrupted_in_place_begins_a_new_memory(a_store, tmp_path):
    """F10: what was issued before is good no more, by whoever had it open or opens it later."""
    first = a_store()
    assert spend(first, a_once("1"))
    corrupt(tmp_path)
    with pytest.raises(StoreUnavailable):
        spend(first, a_once("1"))
    later = SQLiteStore(tmp_path / "replay.db")
    for each in (first, later):
        assert not fault(each)
        for old in ("1", "2"):
            with pytest.raises(StoreUnavailable):
                spend(each, a_once(old))
        with pytest.raises(Forgotten):
            spend(each, a_once("2", expires_at=NOW + 600), NOW + 1 + RECALL)
    assert spend(first, a_once("3", now=NOW + 1), NOW + 1)
    assert not spend(later, a_once("3", now=NOW + 1), NOW + 1)
    assert (tmp_path / "replay.db.broken").read_bytes().startswith(b"garbage.")
    later.close()


def test_a_malformed_database_begins_a_new_memory_for_who_opens_it_first(tmp_path):
    """F10: after a crash of the machine nobody had it open."""
    path = tmp_path / "replay.db"
    with closing(SQLiteStore(path)) as store:
        assert spend(store, a_once("1"))
    content = bytearray(path.read_bytes())
    content[100:] = b"\xff" * (len(content) - 100)
    path.write_bytes(content)
    opened = SQLiteStore(path)
    with pytest.raises(StoreUnavailable):
        spend(opened, a_once("1"))
    with pytest.raises(StoreUnavailable):
        spend(opened, a_once("1"))
    assert spend(opened, a_once("2", now=NOW + 1), NOW + 1)
    opened.close()


def test_another_file_whose_name_was_given_by_mistake_stays_as_it_is(tmp_path):
    path = tmp_path / "registry.toml"
    path.write_text("# no database\n" * 100)
    store = SQLiteStore(path)
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            spend(store, a_once())
        assert fault(store)
    store.close()
    assert path.read_text().startswith("# no database")
    assert [each.name for each in tmp_path.iterdir()] == ["registry.toml"]


def test_a_file_that_cannot_be_put_aside_spends_nothing(a_store, tmp_path):
    """F10: as where the folder may not be written to."""
    store = a_store()
    assert spend(store, a_once("1"))
    corrupt(tmp_path)
    (tmp_path / "replay.db.broken").mkdir()
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            spend(store, a_once("2"))
    assert fault(store)


def test_a_directory_in_the_place_of_the_file_spends_nothing(a_store, tmp_path):
    """F10."""
    store, path = a_store(), tmp_path / "replay.db"
    for each in tmp_path.glob("replay.db*"):
        each.unlink()
    path.mkdir()
    with pytest.raises(StoreUnavailable):
        spend(store, a_once())
    assert fault(store)
    path.rmdir()
    assert not fault(store, NOW)


def test_a_full_file_spends_nothing_until_there_is_room_again(a_store):
    """F8, by SQLite's own limit of pages; recovers without a restart."""
    store = a_store()
    connection = store._memory._connection
    assert connection is not None
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    ids = [f"{number:0100}" for number in range(200)]
    with pytest.raises(StoreUnavailable):
        all(spend(store, a_once(each)) for each in ids)
    connection.execute("PRAGMA max_page_count = 1000000")
    assert spend(store, a_once("room again"))
    assert not spend(store, a_once(ids[0]))


def test_the_memory_outlives_a_restart(a_store, tmp_path):
    """F6: a clean stop and a start."""
    with closing(SQLiteStore(tmp_path / "replay.db")) as first:
        first.remember(NOW)
        assert spend(first, a_once("1"))
    second = a_store(NOW + 5)
    assert not spend(second, a_once("1"), NOW + 6)
    assert spend(second, a_once("2"), NOW + 6)  # issued before the restart, and not refused for it
