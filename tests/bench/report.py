"""The figures as a page of Markdown."""

from collections.abc import Iterable, Mapping, Sequence

from tests.bench.figures import Series, Waits
from tests.bench.goals import Goal, goals
from tests.bench.measure import Measured
from tests.bench.names import PEER, SIGNING


def page(measured: Measured, facts: Mapping[str, str]) -> str:
    """All of it."""
    series = measured.series
    parts = [
        rates(series.values(), peer=series[PEER], signing=series[SIGNING]),
        promises(goals(measured)),
        weights(measured),
        crowds(measured),
        workers(measured),
        waits(measured.waits),
        "\n".join(f"- {name}: {fact}" for name, fact in {**facts, "peer": measured.peer}.items()),
    ]
    return "\n\n".join(parts)


def rates(series: Iterable[Series], *, peer: Series, signing: Series) -> str:
    """A row for each contender: its median, its spread, and how it compares."""
    rows = [
        [
            each.name,
            f"{each.median:,.0f}",
            f"{min(each.rates):,.0f} to {max(each.rates):,.0f}",
            f"{each.cores:.0%}",
            f"{each.over(peer):.2f}",
            f"{each.over(signing):.1%}",
            "" if each is signing else f"{each.tail:.2f}",
        ]
        for each in series
    ]
    head = ["", "per second of a core", "rounds", "core it got", "times the peer", "of signing"]
    return table([*head, "p99, times the median wait"], rows)


def promises(held: Iterable[Goal]) -> str:
    """A row for each goal, reached or not."""
    rows = [
        [
            goal.claim,
            goal.form.format(goal.measured),
            "reached" if goal.is_reached else "**not reached**",
        ]
        for goal in held
    ]
    return table(["goal", "measured", ""], rows)


def weights(measured: Measured) -> str:
    """A row for each build: how long it takes to start, and what a worker holds."""
    rows = [
        [
            build,
            f"{each.compiled_modules}",
            f"{each.first_token:.2f} s",
            f"{each.worker.resident:.0f} MB",
            f"{each.worker.proportional:.0f} MB",
        ]
        for build, each in measured.weights.items()
    ]
    head = ["", "compiled modules", "start to first token", "a worker holds"]
    return table([*head, "its share, where pages are shared"], rows)


def crowds(measured: Measured) -> str:
    """A row for each number of clients: how long it takes to read them, and what each weighs."""
    rows = [
        [
            f"{each.clients:,}",
            f"{each.first_token:.1f} s",
            f"{each.bytes_each:,.0f} B",
            f"{each.bytes_each * each.clients / 2**20:,.0f} MB",
        ]
        for each in measured.crowds
    ]
    return table(["clients", "start to first token", "memory for each", "for all"], rows)


def workers(measured: Measured) -> str:
    """What a second worker adds."""
    rows = [
        [each.name, f"{each.median * each.cores:,.0f}", f"{each.cores:.2f}", f"{each.median:,.0f}"]
        for each in measured.workers.values()
    ]
    head = ["sharing two cores with the load", "per second", "cores it got", "per second of a core"]
    return table(head, rows)


def waits(measured: Iterable[Waits]) -> str:
    """A row for each number of connections: how long they wait, and the unluckiest of them."""
    rows = [
        [
            f"{each.connections}",
            f"{each.per_second:,.0f}",
            f"{each.mean * 1000:.0f} ms",
            f"{each.p99 * 1000:.0f} ms",
            f"{each.unluckiest:.2f}",
        ]
        for each in measured
    ]
    head = ["connections at once", "per second", "mean wait", "p99", "times the mean"]
    return table(head, rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; every column but the first is of numbers."""
    rule = ["---", *("---:" for _ in head[1:])]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, rule, *rows))
