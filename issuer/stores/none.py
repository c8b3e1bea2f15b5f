"""No memory at all: a first-class choice, for replicas that share nothing.

A code redeemed twice then yields the same tokens twice, to its own client and within its short
life.
"""

from collections.abc import Sequence
from typing import Self

from issuer.protocol.replay import Memory, Note, Revocation, Tally, Use
from keys.spent import StoreUnavailable


class NoStore:
    """Lets everything pass, and takes nothing back."""

    @classmethod
    def open(cls, *_: object) -> Self:
        """The store that is not there."""
        return cls()

    async def use(self, use: Use, now: int) -> tuple[int, ...]:
        """Says always that it is the first time."""
        return (now,) * len(use.once)

    async def revoke(self, revocations: Sequence[Revocation], now: int) -> None:
        """Never can."""
        raise StoreUnavailable("there is no store")

    async def revocations(self, after: int, now: int) -> Memory:
        """None."""
        return Memory(0, ())

    async def spent(self, ids: Sequence[str], now: int) -> tuple[int | None, ...]:
        """None ever is."""
        return (None,) * len(ids)

    async def tally(
        self, names: Sequence[str], add: int, forget_at: int, now: int
    ) -> tuple[Tally, ...]:
        """Never can: each process has to count by itself."""
        raise StoreUnavailable("there is no store")

    async def note(
        self, name: str, text: str, *, instead_of: str | None, forget_at: int, now: int
    ) -> bool:
        """Never can."""
        raise StoreUnavailable("there is no store")

    async def noted(self, name: str, now: int) -> Note:
        """Never can."""
        raise StoreUnavailable("there is no store")

    async def fault(self, now: int) -> str:
        """None is possible."""
        return ""

    def close(self) -> None:
        """There is nothing to let go of."""
