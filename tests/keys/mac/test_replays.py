"""What is remembered of signed requests: each once, within bounds, and closed beyond them."""

import subprocess
import sys
import threading
import tracemalloc
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from keys.mac import MemoryReplays, Replays, ReplaysUnavailable, SQLiteReplays
from keys.spent import FORGET_EVERY, SpentIds
from tests.keys.builders import NOW
from tests.running import CHECKOUT

CLAIMING = """
import sys
from pathlib import Path
from keys.mac import SQLiteReplays
from tests.keys.mac.test_replays import NOW, claim

replays = SQLiteReplays(Path(sys.argv[1]), clock=lambda: NOW)
sys.stdin.readline()
for number in range(200):
    if claim(replays, str(number)):
        print(number)
replays.close()
"""


def claim(
    replays: Replays,
    use: str = "n1",
    *,
    jti: str = "t1",
    client_id: str = "web",
    at: int = NOW,
    now: int = NOW,
):
    return replays.claim(jti, use, client_id=client_id, issued_at=at, expires_at=at + 120, now=now)


@pytest.fixture(params=["memory", "sqlite"])
def replays(request, tmp_path):
    if request.param == "memory":
        yield MemoryReplays()
        return
    store = SQLiteReplays(tmp_path / "replays.db", clock=lambda: NOW)
    yield store
    store.close()


def test_a_use_is_claimed_once_and_its_neighbours_are_not_touched(replays):
    assert claim(replays)
    assert not claim(replays)
    assert claim(replays, "n2")
    assert claim(replays, jti="t2")


def test_a_use_is_remembered_until_nobody_accepts_it_and_not_much_longer(replays):
    assert claim(replays)
    assert not claim(replays, now=NOW + 119)
    later = NOW + 120 + FORGET_EVERY
    assert claim(replays, at=later, now=later)


def test_of_many_threads_exactly_one_claims(replays):
    uses = [str(number) for number in range(100)]
    with ThreadPoolExecutor(8) as threads:
        won = threads.map(lambda _: [each for each in uses if claim(replays, each)], range(8))
    assert Counter(each for list_ in won for each in list_) == Counter(uses)


# --- in memory ---


def test_beyond_its_bound_the_memory_accepts_nothing_until_there_is_room():
    """It does not forget what could be replayed: it fails closed."""
    replays = MemoryReplays(max_entries=3)
    assert [claim(replays, str(number), at=NOW + number) for number in range(3)] == [True] * 3
    with pytest.raises(ReplaysUnavailable) as refused:
        claim(replays, "3")
    assert refused.value.status == 503
    assert not claim(replays, "0")
    assert claim(replays, "3", at=NOW + 120, now=NOW + 120)
    with pytest.raises(ReplaysUnavailable):
        claim(replays, "4", at=NOW + 120, now=NOW + 120)


def test_one_client_does_not_take_the_room_of_the_others_by_however_many_tokens():
    replays = MemoryReplays(max_entries=20, max_per_client=10)
    for number in range(10):
        assert claim(replays, jti=f"t{number}")
    for jti in ("t0", "t10"):
        with pytest.raises(ReplaysUnavailable) as refused:
            claim(replays, "n2", jti=jti)
        assert refused.value.status == 503
    assert not claim(replays, jti="t0")
    for number in range(10):
        assert claim(replays, jti=f"o{number}", client_id="other")
    assert claim(replays, jti="t10", at=NOW + 120, now=NOW + 120)


def test_the_room_of_a_client_is_given_back_one_by_one():
    replays = MemoryReplays(max_per_client=2)
    assert claim(replays, "1")
    assert claim(replays, "2", at=NOW + 30)
    with pytest.raises(ReplaysUnavailable):
        claim(replays, "3", at=NOW + 30, now=NOW + 119)
    assert claim(replays, "3", at=NOW + 120, now=NOW + 120)
    with pytest.raises(ReplaysUnavailable):
        claim(replays, "4", at=NOW + 120, now=NOW + 120)
    assert claim(replays, "4", at=NOW + 150, now=NOW + 150)
    assert claim(replays, "5", at=NOW + 999, now=NOW + 999)
    assert len(replays._held) == len(replays._uses) == len(replays._by_expiry) == 1


def test_two_tokens_of_one_name_do_not_share_a_room():
    """Of two issuers: the request is remembered for the token, the room is the client's."""
    replays = MemoryReplays(max_per_client=1)
    assert claim(replays)
    assert not claim(replays, client_id="other")
    assert claim(replays, "n2", client_id="other")


def test_what_came_out_of_order_is_forgotten_in_order():
    replays = MemoryReplays(max_entries=2)
    assert claim(replays, "late", at=NOW + 50)
    assert claim(replays, "early", at=NOW - 50)
    assert claim(replays, "next", at=NOW + 70, now=NOW + 70)
    assert not claim(replays, "late", at=NOW + 50, now=NOW + 70)


def test_a_bound_leaves_room_for_something():
    for bounds in ((0, 1), (1, 0)):
        with pytest.raises(ValueError, match="room"):
            MemoryReplays(*bounds)


def test_the_memory_is_given_back_and_small():
    """Less than half a kilobyte for each request."""
    replays = MemoryReplays()
    tracemalloc.start()
    for number in range(10_000):
        claim(replays, f"{NOW}:{number:032}")
    held, _ = tracemalloc.get_traced_memory()
    claim(replays, "later", at=NOW + 120, now=NOW + 120)
    left, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < 10_000 * 512
    assert left < held / 4


# --- in a file ---


def test_of_several_processes_exactly_one_claims(tmp_path):
    """P28: two workers of one machine, each with its own connection."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CLAIMING, str(tmp_path / "replays.db")],
            cwd=CHECKOUT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            env={"PYTHONPATH": str(CHECKOUT)},
        )
        for _ in range(2)
    ]  # fmt: skip
    won = [each.communicate("\n", timeout=30)[0].split() for each in processes]
    assert [each.returncode for each in processes] == [0, 0]
    assert Counter(each for list_ in won for each in list_) == Counter(map(str, range(200)))


def test_what_was_signed_before_the_memory_began_is_not_vouched_for(tmp_path):
    """F10: who deletes the file opens no door."""
    replays = SQLiteReplays(tmp_path / "replays.db", clock=lambda: NOW)
    assert claim(replays)
    with pytest.raises(ReplaysUnavailable):
        claim(replays, "older", at=NOW - 1)
    (tmp_path / "replays.db").unlink()
    with pytest.raises(ReplaysUnavailable) as refused:
        claim(replays, now=NOW + 20)
    assert refused.value.headers["Retry-After"] == "100"
    assert claim(replays, at=NOW + 21, now=NOW + 21)
    replays.close()


def test_the_file_outlives_a_restart(tmp_path):
    path = tmp_path / "replays.db"
    first = SQLiteReplays(path, clock=lambda: NOW)
    assert claim(first)
    first.close()
    second = SQLiteReplays(path, clock=lambda: NOW + 5)
    assert not claim(second, now=NOW + 5)
    assert claim(second, "n2", now=NOW + 5)
    second.close()


def test_the_file_may_be_that_of_the_issuer(tmp_path):
    """Its ids have their purpose before them, as ours have."""
    issuers = SpentIds(tmp_path / "replay.db")
    issuers.spend("t1:n1", issued_at=NOW, expires_at=NOW, forget_at=NOW + 60, now=NOW)
    replays = SQLiteReplays(tmp_path / "replay.db", clock=lambda: NOW)
    assert claim(replays)
    replays.close()
    issuers.disconnect()


def test_nobody_waits_for_the_sum_of_all_waits(tmp_path):
    """F7: a thread that holds the store for long is given up like another process."""
    replays = SQLiteReplays(tmp_path / "replays.db", clock=lambda: NOW)
    is_held, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with replays._lock:
            is_held.set()
            may_go.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    is_held.wait(10)
    try:
        with pytest.raises(ReplaysUnavailable):
            claim(replays)
    finally:
        may_go.set()
        thread.join()
    assert claim(replays)
    replays.close()


def test_a_file_that_cannot_be_made_is_said_at_start(tmp_path):
    with pytest.raises(ValueError, match=r"replays\.db cannot remember requests"):
        SQLiteReplays(tmp_path / "missing" / "replays.db", clock=lambda: NOW)
