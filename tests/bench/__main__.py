"""``python -m tests.bench``: measures, and prints a page of Markdown."""

import argparse
import sys
from pathlib import Path

from tests.bench import builds, chart, machine, needs
from tests.bench.measure import measure
from tests.bench.names import MANY, MILLION, SIGNING
from tests.bench.rates import Plan
from tests.bench.readme import section
from tests.bench.report import page


def main() -> int:
    """Measures. It says which goals were not reached, and fails only where it cannot measure."""
    arguments = _arguments()
    try:
        needs.need("wrk", "taskset", "node", "npm")
        others = tuple(builds.under(python) for python in arguments.python)
    except (needs.Missing, builds.Unusable) as missing:
        print(missing, file=sys.stderr)
        return 1
    quick = arguments.quick
    plan = Plan(
        rounds=2 if quick else arguments.rounds,
        seconds=1 if quick else arguments.seconds,
        warm_up=2 if quick else 5,
        builds=others,
        crowds=(MANY, MILLION) if arguments.million else (MANY,),
    )
    facts = machine.facts(others)
    measured = measure(plan)
    print("For the README:", section(measured, plan, facts), "All of it:", sep="\n\n")
    print("", page(measured, facts), sep="\n")
    if arguments.svg is not None:
        tokens = [each for name, each in measured.series.items() if name != SIGNING]
        arguments.svg.write_text(chart.bars("Tokens per second of one core", tokens, ours="issuer"))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="of all contenders (4)")
    parser.add_argument("--seconds", type=int, default=3, help="of load for each in a round (3)")
    parser.add_argument("--quick", action="store_true", help="see that it runs: two short rounds")
    parser.add_argument("--million", action="store_true", help="a million clients too")
    parser.add_argument(
        "--python", type=Path, action="append", default=[], metavar="PATH",
        help="another interpreter that has the extra `server`; may be given again",
    )  # fmt: skip
    parser.add_argument("--svg", type=Path, help="draw the rates into this file too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
