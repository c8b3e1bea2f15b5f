"""The measurement: who runs where, in which order, for how long."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench import load, ours, peer, reloading, waiting
from tests.bench.clients import client_credentials
from tests.bench.endpoint import INTROSPECT, TOKEN, Endpoint
from tests.bench.figures import Rate, Series, Waits, interleaved
from tests.bench.load import TokenForm
from tests.bench.processes import Memory, memory, pinned, running
from tests.builders import MAC_API

FEW, MANY = 10, 100_000
MORE_THAN_REMEMBERED = 4
"""Tokens of each client that, sent in turn, are forgotten before they come again."""
SIGNING = "ES256 signatures, nothing else"
PEER = "oidc-provider: client_credentials"
TOKENS = "issuer: client_credentials"
WITH_KEYS = "issuer: client_credentials, type mac"
REFRESH = "issuer: refresh_token"
CODE = "issuer: authorization_code"
INTROSPECTION = "issuer: introspect"
UNSEEN = "issuer: introspect, tokens not seen before"
CROWDED = f"issuer: client_credentials, {MANY:,} clients"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to measure."""

    rounds: int
    seconds: float
    warm_up: float
    """Seconds of load before the first round: V8 compiles what it sees often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that was measured."""

    peer: str
    series: dict[str, Series]
    worker: Memory
    """Of a worker with few clients, after the load."""
    workers: dict[str, Series]
    """One worker and two on both cores, which they share with the load."""
    waits: tuple[Waits, ...]
    """Of ever more connections at once to one worker."""
    first_token: float
    """Seconds from starting gunicorn to the first token."""
    longest_answer: float
    """Seconds that one request waited while a registry of many clients was read anew."""


def measure(plan: Plan) -> Measured:
    """Everything, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        directory = Path(folder)
        say("installing the peer")
        version = peer.install(directory / "peer")
        series, worker = _rates(plan, directory)
        say("one worker and two")
        workers = _workers(plan, directory)
        say("many connections at once")
        waits = waiting.waits(
            directory / "waiting", FEW,
            rounds=plan.rounds, seconds=plan.seconds, warm_up=plan.warm_up,
        )  # fmt: skip
        say("reloading")
        longest = reloading.longest_answer(directory / "reloading", MANY)
        say("starting, again and again")
        first = [
            ours.seconds_to_first_token(directory / f"start-{number}", FEW)
            for number in range(plan.rounds)
        ]
    return Measured(
        peer=version,
        series=series,
        worker=worker,
        workers=workers,
        waits=waits,
        first_token=median(first),
        longest_answer=longest,
    )


def say(what: str) -> None:
    """Tells whoever waits what they wait for."""
    print(f"… {what}", file=sys.stderr, flush=True)


def _rates(plan: Plan, directory: Path) -> tuple[dict[str, Series], Memory]:
    requests = directory / "requests"
    with ExitStack() as stack:
        say("starting the contenders")
        rival = stack.enter_context(peer.started(directory / "peer", FEW, 0))
        few = stack.enter_context(ours.started(directory / "few", FEW, 0))
        many = stack.enter_context(ours.started(directory / "many", MANY, 0))
        bystander = stack.enter_context(ours.started(directory / "bystander", FEW, 1))
        with running(few.endpoint.group):
            refreshing = few.refresh_tokens()

        def of(
            endpoint: Endpoint, forms: Callable[[], list[TokenForm]], path: str = TOKEN
        ) -> Callable[[], Rate]:
            endpoint.rate(forms(), requests, plan.warm_up, path=path)
            return lambda: endpoint.rate(forms(), requests, plan.seconds, path=path)

        say("warming up")
        contenders = {
            SIGNING: lambda: _signing(bystander.endpoint, requests, plan.seconds),
            PEER: of(rival, lambda: client_credentials(FEW)),
            TOKENS: of(few.endpoint, lambda: client_credentials(FEW)),
            WITH_KEYS: of(few.endpoint, lambda: client_credentials(FEW, resource=MAC_API)),
            REFRESH: of(few.endpoint, lambda: refreshing),
            CODE: of(few.endpoint, few.codes),
            INTROSPECTION: of(few.endpoint, few.introspections, INTROSPECT),
            UNSEEN: of(few.endpoint, lambda: few.introspections(MORE_THAN_REMEMBERED), INTROSPECT),
            CROWDED: of(many.endpoint, lambda: client_credentials(MANY)),
        }
        say(f"{plan.rounds} rounds of {len(contenders)} times {plan.seconds:.0f} s")
        return interleaved(contenders, plan.rounds), memory(few.workers[0])


def _signing(bystander: Endpoint, requests: Path, seconds: float) -> Rate:
    """Signatures on core 0, while load and what answers it keep core 1 as busy."""
    load.write(requests, client_credentials(FEW))
    command = [sys.executable, "-m", "tests.bench.signing", str(seconds)]
    with (
        running(bystander.group),
        load.in_background(bystander.token, requests, cores="1"),
        pinned({0}),
    ):
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    per_second, cores = map(float, said.split())
    return Rate(per_second, cores)


def _workers(plan: Plan, directory: Path) -> dict[str, Series]:
    forms, requests = client_credentials(FEW), directory / "requests"
    with (
        ours.started(directory / "one", FEW, 0, 1, workers=1) as one,
        ours.started(directory / "two", FEW, 0, 1, workers=2) as two,
    ):
        contenders = {
            "one worker": partial(one.endpoint.rate, forms, requests, plan.seconds, cores="0,1"),
            "two workers": partial(two.endpoint.rate, forms, requests, plan.seconds, cores="0,1"),
        }
        return interleaved(contenders, plan.rounds)
