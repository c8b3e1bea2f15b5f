"""``python -m tests.bench.anatomy``: where the time of one request goes.

Each layer is what it adds to those below it, in microseconds of processor time by the median of
many interleaved rounds; by ``--instructions``, in thousands of instructions as valgrind counts
them, which come out the same whatever else the machine does.
"""

import argparse
import gc
import os
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TextIO

import uvloop

from tests.bench import chart, instructions, needs
from tests.bench.layers import (
    FALCON,
    GRANTS,
    OURS,
    PARSER,
    SIGNATURE,
    STACKS,
    TOKEN_PATH,
    UVICORN,
    WHOLE,
    stacks,
)
from tests.bench.report import table

REQUESTS = 160
"""Of one stack in one round: short enough that what disturbs one disturbs the others too."""

Costs = Mapping[str, float]
"""What one request costs each stack."""


def layered(costs: Costs) -> dict[str, float]:
    """What each layer adds; together they are ``WHOLE``."""
    above = costs[WHOLE] - costs[FALCON] - costs[TOKEN_PATH]
    return {
        "the parser, httptools": costs[PARSER],
        "our protocol, on uvicorn's": costs[OURS] - costs[PARSER],
        "Falcon": costs[FALCON] - costs[OURS],
        "middleware, log, resource": above,
        "the token path": costs[TOKEN_PATH] - costs[SIGNATURE],
        "the signature": costs[SIGNATURE],
    }


def page(costs: Mapping[str, Costs], unit: str, form: str) -> str:
    """A row for each layer, a column for each grant."""
    split = {grant: layered(each) for grant, each in costs.items()}
    layers = next(iter(split.values()))
    rows = [[layer, *(form.format(each[layer]) for each in split.values())] for layer in layers]
    rows.append(["**together**", *(f"**{form.format(each[WHOLE])}**" for each in costs.values())])
    beside = [form.format(each[UVICORN] - each[PARSER]) for each in costs.values()]
    rows.append(["uvicorn's own protocol, instead of ours", *beside])
    return table([unit, *costs], rows)


async def timed(grants: Sequence[str], rounds: int, directory: Path) -> dict[str, Costs]:
    """Microseconds of processor time, of each grant by each stack."""
    driven = {
        (grant, name): ask
        for grant in grants
        for name, ask in (await stacks(directory / grant, grant)).items()
    }
    taken: dict[tuple[str, str], list[float]] = {each: [] for each in driven}
    for ask in driven.values():
        await ask(REQUESTS)
    gc.collect()
    gc.freeze()  # as a worker does
    for _ in range(rounds):
        for each, ask in driven.items():
            start = time.process_time()
            await ask(REQUESTS)
            taken[each].append((time.process_time() - start) / REQUESTS * 1e6)
    return {
        grant: {name: median(taken[of, name]) for of, name in taken if of == grant}
        for grant in grants
    }


async def driven(grant: str, directory: Path) -> None:
    """Each stack once, between two marks: what ``instructions`` counts."""
    asks = await stacks(directory / grant, grant)
    gc.collect()
    gc.freeze()
    instructions.begin()
    for ask in asks.values():
        await ask(instructions.WARM_UP)
    for ask in asks.values():
        instructions.mark()
        await ask(instructions.REQUESTS)
        instructions.mark()


def silenced() -> TextIO:
    """What can still be printed to, now that the issuer's access log is written to nobody."""
    heard = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    return heard


def main() -> None:
    """Measures, and prints a table."""
    arguments = _arguments()
    heard = silenced()
    with tempfile.TemporaryDirectory(prefix="anatomy-") as folder:
        if arguments.drive:
            uvloop.run(driven(arguments.drive, Path(folder)))
            return
        if arguments.instructions:
            needs.need("valgrind")
            unit, form = "thousands of instructions", "{:,.0f}"
            costs = {
                grant: instructions.counted(grant, STACKS) for grant in arguments.grant or GRANTS
            }
        else:
            unit, form = "µs of processor time", "{:,.1f}"
            costs = uvloop.run(timed(arguments.grant or GRANTS, arguments.rounds, Path(folder)))
    print(page(costs, unit, form), file=heard, flush=True)
    if arguments.svg is not None:
        split = {grant: layered(each) for grant, each in costs.items()}
        title = f"Where a request's time goes, in {unit}"
        arguments.svg.write_text(chart.stacked(title, split, form=form))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.anatomy", description=__doc__)
    parser.add_argument("--rounds", type=int, default=40, help="of all layers (40)")
    parser.add_argument("--instructions", action="store_true", help="count them, by valgrind")
    parser.add_argument("--grant", choices=GRANTS, action="append", help="this one alone")
    parser.add_argument("--svg", type=Path, help="draw the layers into this file too")
    parser.add_argument("--drive", choices=GRANTS, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
