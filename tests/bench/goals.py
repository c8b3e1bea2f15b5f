"""What is promised of the figures."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.bench.measure import (
    CODE,
    CROWDED,
    INTROSPECTION,
    MANY,
    PEER,
    REFRESH,
    SIGNING,
    TOKENS,
    Measured,
)


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


def goals(measured: Measured) -> Sequence[Goal]:
    """Every promise, in the order in which the table shows the contenders."""
    series = measured.series
    tokens = series[TOKENS]
    return (
        Goal(
            claim="client_credentials: 2.5 times the peer (aiming for 3)",
            measured=tokens.over(series[PEER]), at_least=2.5, form="{:.2f} times",
        ),
        Goal(
            claim="client_credentials: 25% of bare signing",
            measured=tokens.over(series[SIGNING]), at_least=0.25, form="{:.1%}",
        ),
        Goal(
            claim="refresh_token: 75% of client_credentials",
            measured=series[REFRESH].over(tokens), at_least=0.75,
        ),
        Goal(
            claim="authorization_code: 75% of client_credentials",
            measured=series[CODE].over(tokens), at_least=0.75,
        ),
        Goal(
            claim="introspect: as fast as client_credentials",
            measured=series[INTROSPECTION].over(tokens), at_least=1,
        ),
        Goal(
            claim=f"{MANY:,} clients: 95% of the rate with few",
            measured=series[CROWDED].over(tokens), at_least=0.95,
        ),
        *(
            Goal(
                claim=f"{each.connections} connections at once: p99 at most 3 times the mean wait",
                measured=each.unluckiest, at_most=3, form="{:.2f} times",
            )
            for each in measured.waits
        ),
        Goal(
            claim="start to first token: under 2 s",
            measured=measured.first_token, at_most=2, form="{:.2f} s",
        ),
        Goal(
            claim=f"a reload of {MANY:,} clients: no answer takes more than 50 ms",
            measured=measured.longest_answer * 1000, at_most=50, form="{:.0f} ms",
        ),
        Goal(
            claim="a worker after the load: under 80 MB resident",
            measured=measured.worker.resident, at_most=80, form="{:.0f} MB",
        ),
    )  # fmt: skip
