"""Series of rounds, and how they compare."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median

from tests.bench.load import Load
from tests.bench.processes import Memory


@dataclass(frozen=True, slots=True)
class Rate:
    """What one contender did in one round."""

    per_second: float
    """Answers, by the clock."""
    cores: float
    """Processor time that it got, in seconds per second."""
    tail: float = math.nan
    """How many times the median wait the p99 was, where anybody waited."""

    @property
    def per_core(self) -> float:
        """Answers for a second of processor time.

        On an idle machine the same as ``per_second``, since each contender can use its core whole.
        What somebody else takes of the core does not change it.
        """
        return self.per_second / self.cores


@dataclass(frozen=True, slots=True)
class Series:
    """One contender's rounds."""

    name: str
    rounds: tuple[Rate, ...]

    @property
    def rates(self) -> tuple[float, ...]:
        """Answers for a second of processor time, in each round."""
        return tuple(each.per_core for each in self.rounds)

    @property
    def median(self) -> float:
        """The middle round's: a disturbed one does not move it."""
        return median(self.rates)

    @property
    def cores(self) -> float:
        """Processor time that it got in the middle round, in seconds per second."""
        return median(each.cores for each in self.rounds)

    @property
    def tail(self) -> float:
        """How many times the median wait the p99 was, in the middle round."""
        return median(each.tail for each in self.rounds)

    def over(self, other: "Series") -> float:
        """How many times as fast as ``other``: the median of the rounds' own ratios.

        The two rates of a round were measured seconds apart, so what slows the machine for a while
        slows both.
        """
        return median(a / b for a, b in zip(self.rates, other.rates, strict=True))


@dataclass(frozen=True, slots=True)
class Waits:
    """How long so many connections waited that all ask at once, in each round."""

    connections: int
    rounds: tuple[Load, ...]

    @property
    def per_second(self) -> float:
        """Answers, by the clock, in the middle round."""
        return median(each.answers / each.seconds for each in self.rounds)

    @property
    def mean(self) -> float:
        """Seconds, in the middle round."""
        return median(each.mean_wait for each in self.rounds)

    @property
    def p99(self) -> float:
        """Seconds, in the middle round."""
        return median(each.p99_wait for each in self.rounds)

    @property
    def unluckiest(self) -> float:
        """How many times the mean wait the p99 is: the median of the rounds' own ratios."""
        return median(each.p99_wait / each.mean_wait for each in self.rounds)


@dataclass(frozen=True, slots=True)
class Weight:
    """What one build of the issuer weighs with few clients."""

    first_token: float
    """Seconds from starting gunicorn to the first token, in the middle of some starts."""
    worker: Memory
    """After the load."""
    compiled_modules: int
    """How many of its modules the worker had imported compiled."""


@dataclass(frozen=True, slots=True)
class Crowd:
    """What so many clients weigh."""

    clients: int
    first_token: float
    """Seconds from starting gunicorn to the first token."""
    bytes_each: float
    """What all processes hold for one client, beyond what they hold with few."""


def interleaved(contenders: Mapping[str, Callable[[], Rate]], rounds: int) -> dict[str, Series]:
    """Measures each contender once a round; each round begins with another one."""
    names = list(contenders)
    rates: dict[str, list[Rate]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            rates[name].append(contenders[name]())
    return {name: Series(name, tuple(measured)) for name, measured in rates.items()}
