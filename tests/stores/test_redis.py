"""What a Redis can do to those who rely on it, and what they notice."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from redis.crc import key_slot

from issuer.protocol.replay import Forgotten, Use
from issuer.stores import open_store, redis_url
from issuer.stores.redis_line import OPENS_AFTER, QUESTION_TIMEOUT
from keys.spent import StoreUnavailable
from tests.builders import NOW, a_once
from tests.redis_server import RedisServer, running_redis
from tests.running import free_port
from tests.stores.asking import Asked, Backing, unavailable
from tests.stores.test_contract import a_grant, a_standing

SLACK = 0.5
"""Seconds by which a busy machine may be late."""


@pytest.fixture
def backing(redis_server: RedisServer, tmp_path: Path) -> Iterator[Backing]:
    found = Backing("redis", tmp_path, redis_server)
    yield found
    found.close()


def refused_after(worker: Asked, ask: Callable[[], Any] | None = None) -> float:
    """Seconds until the store says that it is unavailable."""
    began = time.monotonic()
    assert unavailable(ask or (lambda: worker.use(a_once("x"))))
    return time.monotonic() - began


def recovered_after(worker: Asked) -> float:
    """Seconds until something can be spent again."""
    began = time.monotonic()
    for now in range(NOW + 100, NOW + 300):
        if not unavailable(lambda now=now: worker.use(a_once(f"after {now}", now=now), now=now)):
            return time.monotonic() - began
        worker.run(asyncio.sleep(0.05))
    raise AssertionError(worker.fault())


def hung(server: RedisServer) -> None:
    server.pause()


def killed(server: RedisServer) -> None:
    server.kill()


@pytest.mark.parametrize("harm", [hung, killed])
def test_nobody_waits_longer_than_a_quarter_of_a_second(backing, harm):
    """F13: one after the other, and many at once."""
    worker = backing.open()
    harm(backing.redis)
    assert max(refused_after(worker) for _ in range(2 * OPENS_AFTER)) < QUESTION_TIMEOUT + SLACK

    async def many() -> list[BaseException]:
        uses = [worker.store.use(Use((a_once(str(n)),)), NOW) for n in range(500)]
        return await asyncio.gather(*uses, return_exceptions=True)

    began = time.monotonic()
    answers = worker.run(many())
    assert {type(each) for each in answers} == {StoreUnavailable}
    assert time.monotonic() - began < QUESTION_TIMEOUT + SLACK
    assert len(worker.run(tasks())) <= 2  # that which asks, and that which connects


async def tasks() -> set[asyncio.Task[Any]]:
    return asyncio.all_tasks()


@pytest.mark.parametrize("harm", [hung, killed])
def test_after_a_few_failures_nobody_is_kept_waiting(backing, harm):
    """F13: a breaker, which opens by itself and closes by itself within five seconds."""
    worker = backing.open()
    harm(backing.redis)
    for _ in range(3 * OPENS_AFTER):
        refused_after(worker)
    assert min(refused_after(worker) for _ in range(5)) < QUESTION_TIMEOUT / 3
    assert worker.fault()
    if harm is hung:
        backing.redis.resume()
    else:
        backing.redis.start()
    assert recovered_after(worker) < 5
    assert worker.fault(NOW + 300) == ""


def test_what_was_given_up_is_not_done_later(backing):
    """A client that was told to try again would find its code spent, by nobody."""
    worker, other = backing.open(), backing.open()
    backing.redis.pause()
    once = a_once(now=NOW + 100)
    refused_after(worker, lambda: worker.use(once, now=NOW + 100))
    backing.redis.resume()
    time.sleep(0.1)
    assert recovered_after(other) < 5
    assert other.spend(once, NOW + 101)


def test_nothing_is_connected_to_before_it_is_asked(tmp_path):
    """F27: no socket is shared across a fork."""
    backing = Backing("redis", tmp_path, RedisServer(tmp_path))
    worker = backing.open(None)
    assert "connection" in worker.fault().lower()
    backing.close()


def test_a_redis_that_hangs_up_is_called_again(backing):
    worker = backing.open()
    backing.redis.ask("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    assert recovered_after(worker) < 1


def test_a_redis_that_forgot_the_scripts_is_told_them_again(backing):
    worker = backing.open()
    backing.redis.ask("SCRIPT", "FLUSH")
    assert worker.spend(a_once())


@pytest.mark.parametrize(("command", "undo", "why"), [
    pytest.param(
        ("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"), "READONLY", id="a replica"),
    pytest.param(
        ("CONFIG", "SET", "maxmemory", "1"), ("CONFIG", "SET", "maxmemory", "0"), "OOM",
        id="full"),
    pytest.param(
        ("CONFIG", "SET", "min-replicas-to-write", "1"),
        ("CONFIG", "SET", "min-replicas-to-write", "0"), "NOREPLICAS", id="without its replicas"),
    pytest.param(
        ("ACL", "SETUSER", "default", "-@scripting"), ("ACL", "SETUSER", "default", "+@all"),
        "NOPERM", id="closed to scripts"),
])  # fmt: skip
def test_a_redis_that_cannot_write_spends_nothing(backing, command, undo, why):
    """F15: and what was spent stays spent."""
    worker, once = backing.open(), a_once()
    assert worker.spend(once)
    backing.redis.ask(*command)
    for _ in range(2 * OPENS_AFTER):
        refused = unavailable(lambda: worker.use(a_once("2")))
        assert refused
        assert refused.args[0] == why
    assert worker.fault() == why
    backing.redis.ask(*undo)
    recovered_after(worker)
    assert worker.spend(a_once("2"))
    assert not worker.spend(once)


def test_a_redis_that_cannot_save_spends_nothing(tmp_path):
    """MISCONF: it refuses writes once a snapshot has failed."""
    directory = tmp_path / "redis"
    directory.mkdir()
    with running_redis(directory) as server:
        backing = Backing("redis", tmp_path, server)
        worker = backing.open()
        server.ask("CONFIG", "SET", "save", "3600 1")
        directory.rmdir()
        with pytest.raises(redis.ResponseError):
            server.ask("SAVE")
        server.ask("BGSAVE")
        time.sleep(0.5)
        refused = unavailable(lambda: worker.use(a_once()))
        assert refused
        assert refused.args[0] == "MISCONF"
        backing.close()


def test_a_redis_that_is_not_there_at_all_spends_nothing(tmp_path):
    """Refused: nobody listens."""
    server = RedisServer(tmp_path)
    worker = Backing("redis", tmp_path, server).open(None)
    assert refused_after(worker) < QUESTION_TIMEOUT + SLACK
    worker.close()


def test_a_redis_that_swallows_everything_spends_nothing(tmp_path):
    """F13, blackholed: a socket that is listened to by nobody who accepts."""
    with socket.create_server(("127.0.0.1", free_port()), backlog=1) as listening:
        server = RedisServer(tmp_path)
        server.port = listening.getsockname()[1]
        worker = Backing("redis", tmp_path, server).open(None)
        assert max(refused_after(worker) for _ in range(4)) < QUESTION_TIMEOUT + SLACK
        worker.close()


def test_a_redis_that_was_restarted_empty_opens_no_door(backing):
    """F15."""
    worker, once = backing.open(), a_once(now=NOW)
    assert worker.spend(once)
    backing.redis.kill()
    backing.redis.start()
    worker.run(asyncio.sleep(0.6))
    with pytest.raises(StoreUnavailable):
        worker.use(once, now=NOW + 10)
    with pytest.raises(Forgotten):
        worker.use(once, now=NOW + 10 + 62)


def test_a_redis_that_was_restored_from_a_backup_opens_no_door(backing):
    """F11: it says that it remembers from long ago, and does not."""
    one, idle = backing.open(), backing.open()
    backing.redis.ask("SAVE")
    once = a_once()
    assert one.spend(once, NOW + 1)
    one.revoke(a_grant(), now=NOW + 1)
    backing.redis.kill()
    backing.redis.start("--dbfilename", "dump.rdb")
    assert backing.redis.ask("DBSIZE") > 0
    one.run(asyncio.sleep(0.2))
    idle.run(asyncio.sleep(0.2))
    assert unavailable(lambda: one.use(once, now=NOW + 10))
    for worker in (one, idle, backing.open(NOW + 11)):
        assert unavailable(lambda worker=worker: worker.use(once, now=NOW + 11))
        refused = unavailable(
            lambda worker=worker: worker.use(standing=(a_standing("grant:1"),), now=NOW + 11)
        )
        assert refused


def test_a_worker_notices_that_its_own_last_write_is_missing(backing):
    """F14: a replica that lagged was promoted, and others wrote to it before this one asked."""
    one, other = backing.open(), backing.open()
    backing.redis.ask("SAVE")
    once = a_once()
    assert one.spend(once, NOW + 1)
    backing.redis.kill()
    backing.redis.start("--dbfilename", "dump.rdb")
    for number in range(10):  # so that the count of writes says nothing
        other.run(asyncio.sleep(0.05))
        unavailable(lambda number=number: other.use(a_once(str(number), now=NOW + 2), now=NOW + 2))
    one.run(asyncio.sleep(0.2))
    assert unavailable(lambda: one.use(once, now=NOW + 10))
    assert unavailable(lambda: other.use(once, now=NOW + 11))


def test_every_worker_that_knew_the_earlier_memory_draws_the_line_by_its_own_clock(backing):
    """F17: what a worker whose clock is ahead issued is older than the new memory, too."""
    slow, fast = backing.open(), backing.open()
    once = a_once(now=NOW + 50)
    assert fast.spend(once, NOW + 50)
    backing.redis.flush()
    assert slow.fault(NOW + 1) == ""
    assert unavailable(lambda: fast.use(once, now=NOW + 52))
    assert unavailable(lambda: slow.use(once, now=NOW + 3))
    assert slow.revocations(now=NOW + 4).since == NOW + 53
    assert fast.revocations(now=NOW + 60).since == NOW + 53


def test_two_issuers_share_one_redis_and_nothing_else(backing):
    one = backing.open()
    other = Asked(
        open_store(backing.replay_store, folder=backing.folder, issuer="https://other.example")
    )
    assert one.spend(a_once())
    assert other.spend(a_once())
    one.revoke(a_grant())
    assert other.revocations().revocations == ()
    other.close()


def test_all_keys_of_an_issuer_lie_in_one_slot_and_end(backing):
    """Lua and several keys need one slot in a cluster; Redis forgets what can matter no more."""
    worker = backing.open()
    worker.use(a_once())
    worker.tally("a", add=1, until=NOW + 60)
    worker.revoke(a_grant())
    ask = backing.redis.ask
    keys = ask("KEYS", "*")
    assert len({key_slot(key.encode()) for key in keys}) == 1
    endless = {key.rpartition(":")[2] for key in keys if ask("TTL", key) < 0}
    assert endless == {"memory", "revoked", "by_revoked_at", "by_forget_at"}
    (spent,) = [key for key in keys if ":spent:" in key]
    assert a_once().forget_at - NOW <= ask("TTL", spent) <= a_once().forget_at - NOW + 60


def test_revocations_that_can_matter_no_more_are_forgotten(backing):
    worker = backing.open()
    worker.revoke(*[a_grant(f"grant:{n}", forget_at=NOW + 10) for n in range(50)])
    worker.revoke(a_grant("grant:last"), now=NOW + 10)
    (key,) = backing.redis.ask("KEYS", "*:revoked")
    assert backing.redis.ask("HKEYS", key) == ["grant:last"]


def test_the_log_and_the_answers_name_no_secret(backing, monkeypatch, caplog):
    monkeypatch.setenv(redis_url.PASSWORD_VARIABLE, "hunter2")
    worker = backing.open(None)
    for _ in range(2 * OPENS_AFTER):
        assert "hunter2" not in worker.fault()
    (said,) = [each for each in caplog.records if each.name == "issuer.stores"]
    assert said.getMessage() == "the replay store is unavailable"
    assert said.fields == {"fault": "AuthenticationError"}
    assert "hunter2" not in str(vars(said))
