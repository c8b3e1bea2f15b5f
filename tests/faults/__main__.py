"""``python -m tests.faults``: everything that can fail fails once; what holds all the while?"""

import argparse
import signal
import sys

from tests.faults.report import table
from tests.faults.run import FAULTS, can_run, run

SHORT = 3.0
LONG = 20.0


def main() -> int:
    """Prints the table; 0 where every invariant held, 1 where one did not, 2 where nothing ran."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--seconds", type=float, default=LONG, help="how long each fault lasts")
    parser.add_argument("--short", action="store_true", help=f"{SHORT:.0f} seconds each")
    parser.add_argument("--only", metavar="TEXT", default="", help="faults with TEXT in their name")
    given = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))  # and let everything end
    if why := can_run():
        print(why, file=sys.stderr)
        return 2
    chosen = tuple(each for each in FAULTS if given.only in f"{each.store}: {each.name}")
    found, broken, skipped = run(SHORT if given.short else given.seconds, chosen)
    print(table(found))
    for each in skipped:
        print(f"\nNot shown: {each}.")
    for each in broken:
        print(f"\nDid not hold: {each}.")
    print("\nEvery invariant held." if not broken else f"\n{len(broken)} did not hold.")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
