"""What may be used once, and the one gate where it is.

A store is negative memory: the ids of what was spent, each kept no longer than it could matter.
What is remembered is the id inside a sealed or signed value, never its text: text is malleable.
"""

from collections.abc import Callable, Iterable
from typing import Protocol

import msgspec

from issuer.errors import AccessTokenException, TemporarilyUnavailable
from keys.spent import AlreadySpent, StoreUnavailable

CLOCK_SKEW = 60
"""Seconds by which the clocks of two replicas may differ."""


class Once(msgspec.Struct, frozen=True, kw_only=True):
    """Something that may be used once, and what to answer the second time."""

    id: str
    """Its purpose and its own id, so that no two kinds of things meet."""
    issued_at: int
    expires_at: int
    refusal: Callable[[], AccessTokenException]

    @property
    def forget_at(self) -> int:
        """When no replica, however slow its clock, accepts it any more."""
        return self.expires_at + 2 * CLOCK_SKEW


class ReplayStore(Protocol):
    """Remembers what was spent. Safe to use from many tasks at once."""

    async def spend(self, once: Once, now: int) -> None:
        """Returns for exactly one of all who ever call it with this id.

        Raises:
            AlreadySpent: for all the others.
            StoreUnavailable: where that cannot be known.
        """

    async def fault(self, now: int) -> str:
        """Why nothing can be spent now; empty where it can."""

    def close(self) -> None:
        """Lets go of files and threads."""


async def spend(store: ReplayStore, onces: Iterable[Once], now: int) -> None:
    """Spends each of ``onces``: the one side effect of a token request.

    It comes before minting. If the process dies in between, the credential is spent and nobody has
    a token: the right trade, as the other order would let two have one.

    Raises:
        AccessTokenException: its refusal, where one was spent before.
        TemporarilyUnavailable: the store cannot say. Never ``invalid_grant``: at that a client
            throws its tokens away.
    """
    for once in onces:
        try:
            await store.spend(once, now)
        except AlreadySpent:
            raise once.refusal() from None
        except StoreUnavailable as unavailable:
            raise TemporarilyUnavailable(
                "The replay store is unavailable; try again.",
                detail=f"replay store: {unavailable}",
                retry_after=unavailable.retry_after,
            ) from None
