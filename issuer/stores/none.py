"""No memory at all: a first-class choice, for replicas that share nothing.

A code redeemed twice then yields the same tokens twice, to its own client and within its short
life.
"""

from pathlib import Path
from typing import Self

from issuer.protocol.replay import Once


class NoStore:
    """Lets everything pass."""

    @classmethod
    def open(cls, _: str, __: Path) -> Self:
        """The store that is not there."""
        return cls()

    async def spend(self, once: Once, now: int) -> None:
        """Returns always."""

    async def fault(self, now: int) -> str:
        """None is possible."""
        return ""

    def close(self) -> None:
        """There is nothing to let go of."""
