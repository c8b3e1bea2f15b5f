"""The faults in their order, and what was found."""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests import redis_server
from tests.faults import balancer, failing
from tests.faults.customers import Customer, Expected, Market, shopping
from tests.faults.ledger import Ledger, Outcome
from tests.faults.stage import Stage, check_afterwards, set_up

CALM = 2.0
"""Seconds before a fault."""
SETTLED = 3.0
"""Seconds within which everything is accepted again where nothing was forgotten."""
RETAUGHT = 25.0
"""The same where the memory was lost: 15 seconds of it by the issuer's own rule."""
MOST_LOGINS = 6
"""How many a stopping store may leave without an answer: each newcomer's question, twice."""
KEEPS_ALL = ("--appendonly", "yes", "--appendfsync", "always")
"""How Redis remembers across a restart."""


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong."""

    name: str
    store: str
    fails: Callable[[Stage], AbstractContextManager[None]]
    is_forgetful: bool = False
    """True where the store loses its memory."""
    may_lose: bool = False
    """True where connections may break."""
    is_abrupt: bool = False
    """True where the store's process ends or stops, in the middle of what it does."""
    recovers_within: float = SETTLED


FAULTS = (
    Fault("a worker killed every 2 s", "none", failing.a_worker_killed_every_two_seconds,
          may_lose=True),
    Fault("a worker killed every 2 s", "sqlite", failing.a_worker_killed_every_two_seconds,
          may_lose=True),
    Fault("locked", "sqlite", failing.sqlite_locked),
    Fault("disk full", "sqlite", failing.sqlite_full),
    Fault("deleted", "sqlite", failing.sqlite_deleted, is_forgetful=True,
          recovers_within=RETAUGHT),
    Fault("corrupted", "sqlite", failing.sqlite_corrupted, is_forgetful=True,
          recovers_within=RETAUGHT),
    Fault("a worker killed every 2 s", "redis", failing.a_worker_killed_every_two_seconds,
          may_lose=True),
    Fault("refused", "redis", failing.redis_refused, is_abrupt=True),
    Fault("hung", "redis", failing.redis_hung, is_abrupt=True),
    Fault("killed, back empty", "redis", failing.redis_emptied, is_forgetful=True,
          is_abrupt=True, recovers_within=RETAUGHT),
)  # fmt: skip


@dataclass(frozen=True)
class Found:
    """What one fault did."""

    fault: Fault
    outcomes: Counter[Outcome]
    logins: int
    recovered: float
    """Seconds until whoever logged in was served again without fail."""
    remembered: float
    """Seconds until every refresh token was accepted again without fail."""


def run(
    seconds: float, faults: tuple[Fault, ...] = FAULTS
) -> tuple[list[Found], list[str], list[str]]:
    """What each fault of so many seconds did; what did not hold; what could not be shown here."""
    found: list[Found] = []
    broken: list[str] = []
    skipped: list[str] = []
    for store in dict.fromkeys(each.store for each in faults):
        mine = [each for each in faults if each.store == store]
        if store == "redis" and not redis_server.PROGRAM:
            skipped.append("redis: no redis-server is installed")
            continue
        with staged(store) as (stage, has_small_disk):
            if not has_small_disk:
                full = [each for each in mine if each.fails is failing.sqlite_full]
                skipped += [f"{store}, {each.name}: no file system can be mounted" for each in full]
                mine = [each for each in mine if each not in full]
            ledger = Ledger()
            for each in mine:
                print(f"  {store}, {each.name} …", flush=True)
                found.append(_one(stage, ledger, each, seconds))
                broken += [f"{store}, {each.name}: {why}" for why in ledger.reported()]
            check_afterwards(stage, ledger)
            broken += [f"{store}: {why}" for why in ledger.reported()]
    return found, broken, skipped


@contextmanager
def staged(store: str) -> Iterator[tuple[Stage, bool]]:
    """A stage with a store of this kind, and whether its disk can be filled."""
    with ExitStack() as closing:
        directory = Path(closing.enter_context(tempfile.TemporaryDirectory()))
        mounted = store == "sqlite" and closing.enter_context(failing.small_disk(directory))
        redis = None
        if store == "redis":
            folder = directory / "redis"
            folder.mkdir()
            redis = redis_server.RedisServer(
                folder, "--appendonly", "yes", "--appendfsync", "always"
            )
            closing.callback(redis.kill)
            redis.start()
        yield closing.enter_context(set_up(store, directory, redis)), mounted


def _one(stage: Stage, ledger: Ledger, fault: Fault, seconds: float) -> Found:
    expected = Expected(remembers=fault.store != "none", may_lose=fault.may_lose)
    market = Market(
        stage.url, stage.replicas[0].files(), ledger, expected, stage.revocation_endpoint()
    )
    began_at = time.time()
    with shopping(market):
        time.sleep(CALM)
        if fault.is_forgetful:
            # Each worker finds out for itself, within the five seconds in which each asks.
            expected.forgotten_before = time.time() + 6
        if fault.is_abrupt:
            expected.stops_at = time.time()
        with fault.fails(stage):
            time.sleep(0 if fault.is_forgetful else seconds)
        ended_at = time.time()
        time.sleep(fault.recovers_within)
        calm_at = time.time()
        time.sleep(CALM)
    after = Counter(each.outcome for each in ledger.between(calm_at, time.time()))
    for outcome in (Outcome.LATER, Outcome.LOST, Outcome.WRONG):
        if after[outcome]:
            ledger.report(f"I5: not over after {fault.recovers_within} s: {outcome}")
    logins = sum(began_at <= each for each in ledger.logins)
    if not fault.is_forgetful and logins > MOST_LOGINS + ledger.counted(began_at, calm_at)["lost"]:
        ledger.report(f"{logins} had to log in again")
    _come_again(market)
    return Found(
        fault,
        ledger.counted(began_at, calm_at + CALM),
        logins,
        ledger.failing_after(ended_at, new=True),
        ledger.failing_after(ended_at, new=False),
    )


def _come_again(market: Market) -> None:
    """Whoever got a refresh token before the fault has it still; what was revoked still is."""
    customer = Customer(market)
    market.is_over.clear()
    oldest = market.ledger.refresh_tokens[:20] + market.ledger.refresh_tokens[-20:]
    for each in oldest:
        customer.until_accepted(each, "web")
    for held, client_id in market.ledger.revoked[-40:]:
        if customer.send(held, client_id)[0] is Outcome.ACCEPTED:
            market.ledger.report("accepted after it was revoked: a refresh token")
    customer.http.close()


def can_run() -> str:
    """Why nothing can be shown here; empty where it can."""
    return "" if balancer.is_installed() else "haproxy is not installed"
