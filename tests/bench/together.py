"""``python -m tests.bench.together``: what requests that come together save each other.

The issuer lets them through its stages side by side (``issuer/serving/turnstile.py``), so code and
tables are fetched into the processor's caches once for all of them. The more connections, the more
of them there are. A contender's rate is of the processor time that it used, as everywhere here.
"""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from tests.bench import needs, ours, peer
from tests.bench.clients import client_credentials
from tests.bench.figures import Rate, interleaved
from tests.bench.names import FEW
from tests.bench.rates import say
from tests.bench.report import table

CONNECTIONS = (1, 2, 4, 8, 16, 32, 64)
ROUNDS, SECONDS, WARM_UP = 3, 2.0, 5.0


def main() -> None:
    """Measures, and prints a table."""
    needs.need("wrk", "taskset", "node", "npm")
    forms = client_credentials(FEW)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        directory = Path(folder)
        requests = directory / "requests"
        say("installing the peer")
        peer.install(directory / "peer")
        with (
            peer.started(directory / "peer", FEW, 0) as rival,
            ours.started(directory / "ours", FEW, 0) as issuer,
        ):
            endpoints = {"issuer": issuer.endpoint, "oidc-provider": rival}
            for endpoint in endpoints.values():
                endpoint.rate(forms, requests, WARM_UP)
            contenders: dict[str, Callable[[], Rate]] = {
                f"{name} {number}": partial(
                    endpoint.rate, forms, requests, SECONDS, connections=number
                )
                for number in CONNECTIONS
                for name, endpoint in endpoints.items()
            }
            say(f"{ROUNDS} rounds of {len(contenders)} times {SECONDS:.0f} s")
            series = interleaved(contenders, ROUNDS)
    rows = []
    for number in CONNECTIONS:
        here, there = series[f"issuer {number}"], series[f"oidc-provider {number}"]
        rows.append(
            [
                f"{number}",
                f"{here.median:,.0f}",
                f"{1e6 / here.median:.0f}",
                f"{there.median:,.0f}",
                f"{here.over(there):.2f}",
            ]
        )
    head = ["connections", "issuer, per second of a core", "µs", "oidc-provider", "times"]
    print(table(head, rows))


if __name__ == "__main__":
    main()
