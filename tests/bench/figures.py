"""Series of rounds, and how they compare."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from statistics import median


@dataclass(frozen=True, slots=True)
class Series:
    """One contender's rates, one for each round, in answers per second."""

    name: str
    rates: tuple[float, ...]

    @property
    def median(self) -> float:
        """The middle round: a disturbed one does not move it."""
        return median(self.rates)

    def over(self, other: "Series") -> float:
        """How many times as fast as ``other``: the median of the rounds' own ratios.

        The two rates of a round were measured seconds apart, so what slows the machine for a while
        slows both.
        """
        return median(a / b for a, b in zip(self.rates, other.rates, strict=True))


def interleaved(contenders: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, Series]:
    """Measures each contender once a round; each round begins with another one."""
    names = list(contenders)
    rates: dict[str, list[float]] = {name: [] for name in names}
    for number in range(rounds):
        first = number % len(names)
        for name in names[first:] + names[:first]:
            rates[name].append(contenders[name]())
    return {name: Series(name, tuple(measured)) for name, measured in rates.items()}
