"""``python -m tests.bench.storing``: what it costs that something is remembered.

The same requests to three issuers that differ in their store alone. A code can be redeemed once
where there is one, so each round has as many of them as could be redeemed in its time.
"""

import argparse
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from tests.bench import ours
from tests.bench.endpoint import INTROSPECT, REVOKE
from tests.bench.figures import Rate, Series, interleaved
from tests.bench.goals import Goal
from tests.bench.load import TokenForm
from tests.bench.processes import pinned, running
from tests.bench.report import promises, table
from tests.redis_server import running_redis

FEW = 10
MOST = 8_000
"""Codes that nobody redeems within a second of a core."""
NONE, SQLITE, REDIS = "none", "sqlite", "redis"
CODE, REFRESH = "authorization_code", "refresh_token"
INTROSPECTION, REVOCATION = "introspect", "revoke"


def rates(directory: Path, *, rounds: int, seconds: float, warm_up: float) -> dict[str, Series]:
    """A series for each grant with each store, called as ``name`` does."""
    directory.mkdir()
    requests = directory / "requests"
    with ExitStack() as stack:
        (directory / "kept").mkdir()
        with pinned({1}):  # where the load is: a store of many machines is on none of them
            redis = stack.enter_context(running_redis(directory / "kept"))
        stores = {NONE: "none", SQLITE: "sqlite:replay.db", REDIS: redis.url}
        contenders = {}
        for store, replay_store in stores.items():
            issuer = stack.enter_context(
                ours.started(directory / store, FEW, 0, replay_store=replay_store)
            )
            with running(issuer.endpoint.group):
                refreshing = issuer.refresh_tokens()

            def redeem(issuer: ours.Ours = issuer, seconds: float = seconds) -> Rate:
                codes = issuer.codes(int(seconds * MOST))
                return issuer.endpoint.rate(codes, requests, seconds)

            redeem(seconds=warm_up)
            contenders[name(CODE, store)] = redeem
            contenders[name(REFRESH, store)] = partial(
                issuer.endpoint.rate, refreshing, requests, seconds
            )

            def ask(
                path: str, make: Callable[[], list[TokenForm]], issuer: ours.Ours = issuer
            ) -> Rate:
                return issuer.endpoint.rate(make(), requests, seconds, path=path)

            contenders[name(INTROSPECTION, store)] = partial(ask, INTROSPECT, issuer.introspections)
            if store != NONE:  # nothing else can be revoked with
                contenders[name(REVOCATION, store)] = partial(ask, REVOKE, issuer.revocations)
        return interleaved(contenders, rounds)


def name(grant: str, store: str) -> str:
    """What the series of ``grant`` with ``store`` is called."""
    return f"{grant}, {store}"


def ratio(series: Mapping[str, Series], grant: str, store: str) -> float:
    """How much of its rate without a store is left."""
    return series[name(grant, store)].over(series[name(grant, NONE)])


def rows(series: Mapping[str, Series]) -> str:
    """A Markdown table of them."""
    cells = [
        [
            grant,
            *(f"{series[name(grant, store)].median:,.0f}" for store in (NONE, SQLITE, REDIS)),
            *(f"{ratio(series, grant, store):.0%}" for store in (SQLITE, REDIS)),
        ]
        for grant in (CODE, REFRESH, INTROSPECTION)
    ]
    revoked = [f"{series[name(REVOCATION, store)].median:,.0f}" for store in (SQLITE, REDIS)]
    cells.append([REVOCATION, "", *revoked, "", ""])
    head = ["per second of a core", NONE, SQLITE, REDIS, "with sqlite", "with redis"]
    return table(head, cells)


def goals(series: Mapping[str, Series]) -> list[Goal]:
    """What is promised: at most a quarter of what a token costs goes to the store."""
    return [
        Goal(
            claim=f"{grant} with {store}: 75% of its rate without a store",
            measured=ratio(series, grant, store),
            at_least=0.75,
        )
        for grant in (CODE, REFRESH)
        for store in (SQLITE, REDIS)
    ]


def main() -> None:
    """Measures the three, and nothing else."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=3)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        measured = rates(
            Path(folder) / "stores", rounds=told.rounds, seconds=told.seconds, warm_up=2
        )
    print(rows(measured), promises(goals(measured)), sep="\n\n")


if __name__ == "__main__":
    main()
