"""The measurement: who runs where, in which order, for how long."""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.bench import load, ours, peer
from tests.bench.clients import client_credentials
from tests.bench.endpoint import Endpoint
from tests.bench.figures import Series, interleaved
from tests.bench.load import TokenForm
from tests.bench.processes import Memory, cpu_seconds, memory, pinned, running

FEW, MANY = 10, 100_000
SIGNING = "ES256 signatures, nothing else"
PEER = "oidc-provider: client_credentials"
TOKENS = "issuer: client_credentials"
REFRESH = "issuer: refresh_token"
CODE = "issuer: authorization_code"
CROWDED = f"issuer: client_credentials, {MANY:,} clients"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How long to measure."""

    rounds: int
    seconds: float
    warm_up: float
    """Seconds of load before the first round: V8 compiles what it sees often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Workers:
    """Some number of workers on both cores, which they share with the load."""

    number: int
    rate: float
    per_cpu_second: float
    """Tokens for a second of processor time of the workers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that was measured."""

    peer: str
    series: dict[str, Series]
    worker: Memory
    """Of a worker with few clients, after the load."""
    workers: tuple[Workers, ...]
    first_token: float
    """Seconds from starting gunicorn to the first token."""


def measure(plan: Plan) -> Measured:
    """Everything, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        directory = Path(folder)
        say("installing the peer")
        version = peer.install(directory / "peer")
        series, worker = _rates(plan, directory)
        say("one worker and two")
        workers = tuple(_workers(plan, directory / f"{number}", number) for number in (1, 2))
        say("starting, again and again")
        first = [
            ours.seconds_to_first_token(directory / f"start-{number}", FEW)
            for number in range(plan.rounds)
        ]
    return Measured(
        peer=version, series=series, worker=worker, workers=workers, first_token=median(first)
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

        def of(endpoint: Endpoint, forms: Callable[[], list[TokenForm]]) -> Callable[[], float]:
            endpoint.rate(forms(), requests, plan.warm_up)
            return lambda: endpoint.rate(forms(), requests, plan.seconds)

        say("warming up")
        contenders = {
            SIGNING: lambda: _signing(bystander.endpoint, requests, plan.seconds),
            PEER: of(rival, lambda: client_credentials(FEW)),
            TOKENS: of(few.endpoint, lambda: client_credentials(FEW)),
            REFRESH: of(few.endpoint, lambda: refreshing),
            CODE: of(few.endpoint, few.codes),
            CROWDED: of(many.endpoint, lambda: client_credentials(MANY)),
        }
        say(f"{plan.rounds} rounds of {len(contenders)} times {plan.seconds:.0f} s")
        return interleaved(contenders, plan.rounds), memory(few.workers[0])


def _signing(bystander: Endpoint, requests: Path, seconds: float) -> float:
    """Signatures per second on core 0, while load and what answers it keep core 1 as busy."""
    load.write(requests, client_credentials(FEW))
    command = [sys.executable, "-m", "tests.bench.signing", str(seconds)]
    with (
        running(bystander.group),
        load.in_background(bystander.token, requests, cores="1"),
        pinned({0}),
    ):
        return float(subprocess.run(command, check=True, capture_output=True).stdout)


def _workers(plan: Plan, directory: Path, number: int) -> Workers:
    """``number`` workers, free to run on both cores, as the load is."""
    with ours.started(directory, FEW, 0, 1, workers=number) as issuer:
        forms, requests = client_credentials(FEW), directory / "requests"
        issuer.endpoint.rate(forms, requests, plan.warm_up, cores="0,1")
        before = sum(map(cpu_seconds, issuer.workers))
        rate = issuer.endpoint.rate(forms, requests, plan.seconds, cores="0,1")
        used = sum(map(cpu_seconds, issuer.workers)) - before
    return Workers(number=number, rate=rate, per_cpu_second=rate * plan.seconds / used)
