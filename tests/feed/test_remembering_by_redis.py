"""A worker's copy of what was revoked, and a Redis that is flushed, killed or hangs."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from issuer.protocol.replay import RECALL
from issuer.remembered import Remembered
from issuer.stores import open_store
from keys.spent import StoreUnavailable
from tests.builders import ISSUER, NOW
from tests.feed.builders import a_line, a_revocation, a_worker, several
from tests.redis_server import RedisServer, running_redis
from tests.stores.asking import Asked

LATER = NOW + RECALL + 1000


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisServer]:
    with running_redis(tmp_path) as server:
        yield server


@pytest.fixture
def asked(redis, tmp_path) -> Iterator[Asked]:
    made = Asked(open_store(redis.url, folder=tmp_path, issuer=ISSUER))
    assert made.fault() == ""
    yield made
    made.close()


@pytest.fixture
def worker(asked) -> Remembered:
    return a_worker(asked.store)


def synchronize(asked: Asked, worker: Remembered, now: int) -> set[str]:
    asked.run(worker.synchronize(now))
    return set(worker.revocations)


def held(asked: Asked, now: int) -> set[str]:
    return {each.name for each in asked.revocations(now=now).revocations}


def flush(redis: RedisServer) -> None:
    redis.flush()


def restart(redis: RedisServer) -> None:
    redis.kill()
    redis.start()


@pytest.mark.parametrize("lose", [flush, restart])
def test_a_redis_that_has_forgotten_everything_is_told_again(redis, asked, worker, lose):
    asked.revoke(a_line(), a_revocation(at=LATER), now=LATER)
    asked.revoke(*several(1500, at=LATER), now=LATER)
    assert len(synchronize(asked, worker, LATER)) == 1502
    lose(redis)
    for now in (LATER + 5, LATER + 10):
        try:
            synchronize(asked, worker, now)
        except StoreUnavailable:
            continue  # the connection is gone; the next one is not
    assert len(held(asked, LATER + 10)) == 1502
    assert len(worker.revocations) == 1502


def test_a_redis_that_lost_something_is_told_again(redis, asked, worker):
    asked.revoke(a_line(), now=LATER)
    synchronize(asked, worker, LATER)
    names = redis.ask("KEYS", "*revoked*")
    assert names
    redis.ask("DEL", *names)
    assert held(asked, LATER) == set()
    synchronize(asked, worker, LATER + 300)
    assert held(asked, LATER + 300) == {"user:alice"}


def test_while_redis_hangs_the_copy_stays(redis, asked, worker):
    asked.revoke(a_line(), now=LATER)
    synchronize(asked, worker, LATER)
    redis.pause()
    with pytest.raises(StoreUnavailable):
        synchronize(asked, worker, LATER + 5)
    assert set(worker.revocations) == {"user:alice"}
    assert worker.heard_at == LATER
    redis.resume()
