"""``python -m tests.bench``: measures, and prints a page of Markdown."""

import argparse
import sys
from pathlib import Path

from tests.bench import chart, machine, needs
from tests.bench.measure import SIGNING, Plan, measure
from tests.bench.report import page

QUICK = Plan(rounds=2, seconds=2, warm_up=2)


def main() -> int:
    """Measures. It says which goals were not reached, and fails only where it cannot measure."""
    arguments = _arguments()
    plan = QUICK if arguments.quick else Plan(
        rounds=arguments.rounds, seconds=arguments.seconds, warm_up=5
    )  # fmt: skip
    try:
        needs.need("wrk", "taskset", "node", "npm")
    except needs.Missing as missing:
        print(missing, file=sys.stderr)
        return 1
    facts = machine.facts()
    measured = measure(plan)
    print(page(measured, facts))
    if arguments.svg is not None:
        tokens = [each for name, each in measured.series.items() if name != SIGNING]
        arguments.svg.write_text(chart.bars("Tokens per second of one core", tokens, ours="issuer"))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5, help="of all contenders (5)")
    parser.add_argument("--seconds", type=int, default=5, help="of load for each in a round (5)")
    parser.add_argument("--quick", action="store_true", help="see that it runs: two short rounds")
    parser.add_argument("--svg", type=Path, help="draw the rates into this file too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
