"""What is promised of the figures."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.bench.builds import COMPILED, PURE
from tests.bench.measure import Measured
from tests.bench.names import INTROSPECTION, MANY, MILLION, PEER, SIGNING, of, of_many


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A promise, and what was measured of it."""

    claim: str
    measured: float
    at_least: float = float("-inf")
    at_most: float = float("inf")
    form: str = "{:.0%}"
    """How the number reads."""

    @property
    def is_reached(self) -> bool:
        """It is neither less nor more than was promised."""
        return self.at_least <= self.measured <= self.at_most


KEPT_BY = {MANY: 0.95, MILLION: 0.9}
"""How much of its rate with few clients an issuer keeps that has so many."""


def goals(measured: Measured) -> Sequence[Goal]:
    """Every promise, in the order in which the table shows the contenders."""
    series = measured.series
    promised = [*_of_build(measured, PURE.name)]
    promised.append(
        Goal(
            claim="introspect: as fast as client_credentials",
            measured=series[INTROSPECTION].over(series[of(PURE.name, "client_credentials")]),
            at_least=1,
        )
    )
    if COMPILED in measured.weights:
        promised.extend(_of_build(measured, COMPILED))
    return (*promised, *_of_waits(measured), *_of_weights(measured))


def _of_build(measured: Measured, build: str) -> Iterator[Goal]:
    series = measured.series
    tokens = series[of(build, "client_credentials")]
    yield Goal(
        claim=f"{build}: client_credentials is 4 times the peer (aiming for 5)",
        measured=tokens.over(series[PEER]), at_least=4, form="{:.2f} times",
    )  # fmt: skip
    yield Goal(
        claim=f"{build}: client_credentials is 30% of bare signing",
        measured=tokens.over(series[SIGNING]), at_least=0.3, form="{:.1%}",
    )  # fmt: skip
    yield Goal(
        claim=f"{build}: p99 at most 2.5 times the median wait",
        measured=tokens.tail, at_most=2.5, form="{:.2f} times",
    )  # fmt: skip
    for grant in ("refresh_token", "authorization_code"):
        yield Goal(
            claim=f"{build}: {grant} is 85% of client_credentials",
            measured=series[of(build, grant)].over(tokens), at_least=0.85,
        )  # fmt: skip
    for clients, kept in KEPT_BY.items():
        if (crowded := of_many(build, clients)) in series:
            yield Goal(
                claim=f"{build}: {clients:,} clients keep {kept:.0%} of the rate with few",
                measured=series[crowded].over(tokens), at_least=kept,
            )  # fmt: skip


def _of_waits(measured: Measured) -> Iterator[Goal]:
    for each in measured.waits:
        yield Goal(
            claim=f"{each.connections} connections at once: p99 at most 3 times the mean wait",
            measured=each.unluckiest, at_most=3, form="{:.2f} times",
        )  # fmt: skip


def _of_weights(measured: Measured) -> Iterator[Goal]:
    weight = measured.weights[PURE.name]
    yield Goal(
        claim="start to first token: under 2 s",
        measured=weight.first_token, at_most=2, form="{:.2f} s",
    )  # fmt: skip
    for crowd in measured.crowds:
        if crowd.clients == MILLION:
            yield Goal(
                claim=f"{MILLION:,} clients: start to first token under 15 s",
                measured=crowd.first_token, at_most=15, form="{:.1f} s",
            )  # fmt: skip
    yield Goal(
        claim=f"a reload of {MANY:,} clients: no answer takes more than 30 ms",
        measured=measured.longest_answer * 1000, at_most=30, form="{:.0f} ms",
    )  # fmt: skip
    yield Goal(
        claim="a worker after the load: under 80 MB resident",
        measured=weight.worker.resident, at_most=80, form="{:.0f} MB",
    )  # fmt: skip
