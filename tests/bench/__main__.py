"""``python -m tests.bench``: measures, and prints a page of Markdown."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.bench import builds, chart, machine, needs, ours
from tests.bench.measure import measure
from tests.bench.names import FEW, MANY, MILLION, SIGNING
from tests.bench.rates import Plan, say
from tests.bench.readme import section
from tests.bench.report import page


def main() -> int:
    """Measures. It says which goals were not reached, and fails only where it cannot measure."""
    arguments = _arguments()
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            needs.need("wrk", "taskset", "node", "npm")
            others = [builds.under(python) for python in arguments.python]
        except (needs.Missing, builds.Unusable) as missing:
            print(missing, file=sys.stderr)
            return 1
        facts = machine.facts(others)
        if not arguments.pure:
            say("compiling the core")
            try:
                others.insert(0, _compiled(Path(folder)))
            except builds.Unusable as reason:
                facts["no compiled core"] = str(reason)
        plan = Plan(
            rounds=2 if arguments.quick else arguments.rounds,
            seconds=1 if arguments.quick else arguments.seconds,
            warm_up=2 if arguments.quick else 5,
            builds=tuple(others),
            crowds=(MANY, MILLION) if arguments.million else (MANY,),
        )
        measured = measure(plan, Path(folder))
    print("For the README:", section(measured, plan, facts), "All of it:", sep="\n\n")
    print("", page(measured, facts), sep="\n")
    if arguments.svg is not None:
        tokens = [each for name, each in measured.series.items() if name != SIGNING]
        arguments.svg.write_text(chart.bars("Tokens per second of one core", tokens, ours="issuer"))
    return 0


def _compiled(directory: Path) -> builds.Build:
    """The compiled core, which has given a token once.

    Raises:
        Unusable: there is none, or it did not.
    """
    build = builds.compiled(directory / "compiled")
    try:
        ours.seconds_to_first_token(directory / "trial", FEW, build)
    except AssertionError as log:
        raise builds.Unusable(str(log).strip().splitlines()[-1]) from log
    return build


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--rounds", type=int, default=4, help="of all contenders (4)")
    parser.add_argument("--seconds", type=int, default=3, help="of load for each in a round (3)")
    parser.add_argument("--quick", action="store_true", help="see that it runs: two short rounds")
    parser.add_argument("--pure", action="store_true", help="without a compiled core beside it")
    parser.add_argument("--million", action="store_true", help="a million clients too")
    parser.add_argument(
        "--python", type=Path, action="append", default=[], metavar="PATH",
        help="another interpreter that has the extra `server`; may be given again",
    )  # fmt: skip
    parser.add_argument("--svg", type=Path, help="draw the rates into this file too")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
