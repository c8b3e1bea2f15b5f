"""Calls that take microseconds, measured in turn: what slows one down slows the others as well."""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping

from tests.bench.report import table

ROUNDS, CALLS = 9, 200

Call = Callable[[], object]


def microseconds(calls: Iterator[Call]) -> float:
    """Of processor time for one call; every call has to succeed."""
    ready = [next(calls) for _ in range(CALLS)]
    start = time.process_time()
    answers = [call() for call in ready]
    used = time.process_time() - start
    assert all(answers)
    return used / CALLS * 1e6


def measured(running: Mapping[str, Iterator[Call]]) -> dict[str, list[float]]:
    """The microseconds of each, in ``ROUNDS`` rounds of all."""
    rounds: dict[str, list[float]] = {name: [] for name in running}
    for _ in range(ROUNDS):
        for name, calls in running.items():
            rounds[name].append(microseconds(calls))
    return rounds


def page(rounds: Mapping[str, list[float]]) -> str:
    """A table of the least and the median of each."""
    rows = [
        [name, f"{min(each):.1f}", f"{statistics.median(each):.1f}"]
        for name, each in rounds.items()
    ]
    return table(["µs", "least", "median"], rows)
