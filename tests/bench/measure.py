"""The measurement: rates, and what else is promised."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median

from tests.bench import ours, peer, reloading, waiting
from tests.bench.builds import PURE, Build
from tests.bench.clients import client_credentials
from tests.bench.figures import Crowd, Series, Waits, Weight, interleaved
from tests.bench.names import FEW, MANY
from tests.bench.rates import WARM_UP, Plan, rates, say


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """Everything that was measured."""

    peer: str
    series: dict[str, Series]
    weights: dict[str, Weight]
    """What each build weighs with few clients."""
    crowds: tuple[Crowd, ...]
    """What more clients weigh."""
    workers: dict[str, Series]
    """One worker and two on both cores, which they share with the load."""
    waits: tuple[Waits, ...]
    """Of ever more connections at once to one worker."""
    longest_answer: float
    """Seconds that one request waited while a registry of many clients was read anew."""


def measure(plan: Plan, directory: Path) -> Measured:
    """Everything, in ``directory``."""
    say("installing the peer")
    version = peer.install(directory / "peer")
    measured = rates(plan, directory)
    say("one worker and two")
    workers = _workers(plan, directory)
    say("many connections at once")
    waits = waiting.waits(
        directory / "waiting", FEW, rounds=plan.rounds, seconds=plan.seconds, warm_up=WARM_UP
    )
    say("reloading")
    longest = reloading.longest_answer(directory / "reloading", MANY)
    say("starting, again and again")
    first_tokens = _first_tokens((PURE, *plan.builds), plan.rounds, directory)
    return Measured(
        peer=version,
        series=measured.series,
        weights={
            name: Weight(first, measured.memory[name], measured.compiled_modules[name])
            for name, first in first_tokens.items()
        },
        crowds=measured.crowds,
        workers=workers,
        waits=waits,
        longest_answer=longest,
    )


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


def _first_tokens(builds: Sequence[Build], rounds: int, directory: Path) -> dict[str, float]:
    taken: dict[str, list[float]] = {build.name: [] for build in builds}
    for number in range(rounds):
        for position, build in enumerate(builds):
            folder = directory / f"start-{number}-{position}"
            taken[build.name].append(ours.seconds_to_first_token(folder, FEW, build))
    return {name: median(seconds) for name, seconds in taken.items()}
