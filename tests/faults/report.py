"""The table that the README quotes."""

from collections.abc import Sequence

from tests.faults.ledger import Outcome
from tests.faults.run import Found

HEADINGS = (
    "fault", "requests", "accepted", "refused", "503", "connections lost",
    "new logins needed", "all that is new is good after", "all that is old",
)  # fmt: skip


def table(found: Sequence[Found]) -> str:
    """As Markdown."""
    rows = [HEADINGS, ("---", *["---:"] * (len(HEADINGS) - 1)), *map(_row, found)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _row(found: Found) -> tuple[str, ...]:
    counted = found.outcomes
    return (
        f"{found.fault.store}: {found.fault.name}",
        f"{counted.total():,}",
        f"{counted[Outcome.ACCEPTED]:,}",
        f"{counted[Outcome.REFUSED]:,}",
        f"{counted[Outcome.LATER]:,}",
        f"{counted[Outcome.LOST]:,}",
        f"{found.logins:,}",
        f"{found.recovered:.1f} s",
        f"{found.remembered:.1f} s",
    )
