"""What may be used once and what may be taken back, and the one gate where both are asked.

A store is negative memory: names of what was spent or revoked, each kept no longer than it could
matter. What is remembered is the id inside a sealed or signed value, never its text: text is
malleable.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import msgspec

from issuer.errors import AccessTokenException, TemporarilyUnavailable
from keys.spent import StoreUnavailable

CLOCK_SKEW = 60
"""Seconds by which the clocks of two replicas may differ."""

RECALL = 60
"""Seconds after a store's memory begins in which what was issued before waits for the old memory
to come back. From then on what is good once is refused: nobody can say whether it was used."""

RETAUGHT = 15
"""Seconds after a store's memory begins in which the workers have told it what they remember of
revocations. From then on what is good until it is revoked is believed."""


class Revocation(msgspec.Struct, frozen=True):
    """What was issued under ``name`` before ``not_before`` is revoked."""

    name: str
    not_before: int
    revoked_at: int
    forget_at: int
    """When nothing that was issued before ``not_before`` is good any more, whoever's clock it is.
    For a single grant or token it is ``not_before`` as well."""


class Once(msgspec.Struct, frozen=True, kw_only=True):
    """Something that may be used once, and what to answer the second time."""

    id: str
    """Its purpose and its own id, so that no two kinds of things meet."""
    issued_at: int
    expires_at: int
    refusal: Callable[[], AccessTokenException]
    grace: int = 0
    """Seconds after its use in which it counts as that same use: for an answer that got lost."""
    revokes: Revocation | None = None
    """What is taken back where it is used again."""

    @property
    def forget_at(self) -> int:
        """When no replica, however slow its clock, accepts it any more."""
        return self.expires_at + 2 * CLOCK_SKEW


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Something that is good until it is revoked, and what to answer then."""

    names: tuple[str, ...]
    """All under which it can have been revoked, as ``protocol.revocation`` spells them."""
    issued_at: int
    refusal: Callable[[], AccessTokenException]


class Use(msgspec.Struct, frozen=True):
    """All that a request asks of the store, in one question."""

    once: tuple[Once, ...] = ()
    standing: tuple[Standing, ...] = ()


class Memory(msgspec.Struct, frozen=True):
    """What a store has to say of revocations."""

    since: int
    """The instant from which it remembers. If it changes, the store has forgotten."""
    revocations: tuple[Revocation, ...]


class Tally(msgspec.Struct, frozen=True):
    """How often something happened."""

    count: int = 0
    forget_at: int = 0
    """When the count starts anew."""


class Note(msgspec.Struct, frozen=True):
    """What stands under a name."""

    text: str | None
    """None where nothing does, or it is forgotten."""
    since: int
    """The instant from which the store remembers: what was noted before may be lost."""


class AlreadySpent(Exception):
    """It was used before; ``once`` says what."""

    def __init__(self, once: Once) -> None:
        super().__init__("already spent")
        self.once = once


class Forgotten(Exception):
    """Whether it was used before nobody will ever know; ``once`` says what."""

    def __init__(self, once: Once) -> None:
        super().__init__("issued before the memory begins")
        self.once = once


class Revoked(Exception):
    """It was taken back; ``standing`` says what."""

    def __init__(self, standing: Standing) -> None:
        super().__init__("revoked")
        self.standing = standing


class ReplayStore(Protocol):
    """Remembers what was spent and what was revoked. Safe to use from many tasks at once."""

    async def use(self, use: Use, now: int) -> tuple[int, ...]:
        """Spends what is good once, where nothing that it stands on was revoked.

        Of all who ever ask with the id of a ``Once``, exactly one is answered, and within its
        ``grace`` the others as well.

        Returns:
            When each of ``use.once`` was spent: ``now``, or earlier within its grace.

        Raises:
            Revoked: of ``use.standing``; nothing was spent.
            AlreadySpent, Forgotten: of ``use.once``; those before it are spent.
            StoreUnavailable: where that cannot be known.
        """

    async def revoke(self, revocations: Sequence[Revocation], now: int) -> None:
        """Remembers ``revocations``. Of two of one name the later line and end hold.

        Raises:
            StoreUnavailable: they are not, or not all, remembered.
        """

    async def revocations(self, after: int, now: int) -> Memory:
        """All that was revoked at ``after`` or later and may still matter, in no order.

        Raises:
            StoreUnavailable: that cannot be known.
        """

    async def spent(self, ids: Sequence[str], now: int) -> tuple[int | None, ...]:
        """When each was spent, None where it was not; asking spends nothing.

        Raises:
            StoreUnavailable: that cannot be known.
        """

    async def tally(
        self, names: Sequence[str], add: int, forget_at: int, now: int
    ) -> tuple[Tally, ...]:
        """The count of each of ``names``, once ``add`` was added to it.

        Where something is added the count is kept until ``forget_at``. A negative ``add`` takes
        away, and never below zero.

        Raises:
            StoreUnavailable: that cannot be known.
        """

    async def note(
        self, name: str, text: str, *, instead_of: str | None, forget_at: int, now: int
    ) -> bool:
        """Notes ``text`` under ``name``, where ``instead_of`` stands there now.

        It stays until ``forget_at`` at least. None is for a name under which nothing stands. Of all
        who ask with the same ``instead_of``, exactly one is answered with True. No text is empty.

        Raises:
            StoreUnavailable: it is not noted, or nobody knows.
        """

    async def noted(self, name: str, now: int) -> Note:
        """What stands under ``name``.

        Raises:
            StoreUnavailable: that cannot be known.
        """

    async def fault(self, now: int) -> str:
        """Why nothing can be spent now; empty where it can."""

    def close(self) -> None:
        """Lets go of files, sockets and threads."""


async def spend(store: ReplayStore, use: Use, now: int) -> tuple[int, ...]:
    """``store.use``, with what was used again revoked, and every refusal as an answer.

    It comes before minting. If the process dies in between, the credential is spent and nobody has
    a token: the right trade, as the other order would let two have one.

    Raises:
        AccessTokenException: the refusal of what was spent before, or revoked.
        TemporarilyUnavailable: the store cannot say. Never ``invalid_grant``: at that a client
            throws its tokens away.
    """
    if not use.once and not use.standing:
        return ()
    try:
        return await _used(store, use, now)
    except StoreUnavailable as unavailable:
        raise unavailable_store(unavailable) from None


async def _used(store: ReplayStore, use: Use, now: int) -> tuple[int, ...]:
    try:
        return await store.use(use, now)
    except Revoked as revoked:
        raise revoked.standing.refusal() from None
    except Forgotten as forgotten:
        refusal = forgotten.once.refusal()
        refusal.detail = "issued before the store remembers, so the user has to log in again"
        raise refusal from None
    except AlreadySpent as spent:
        # First of all, and if that fails the request may be sent again: a thief is about.
        if spent.once.revokes is not None:
            await store.revoke((spent.once.revokes,), now)
        raise spent.once.refusal() from None


def unavailable_store(unavailable: StoreUnavailable) -> TemporarilyUnavailable:
    """The answer where the store cannot say."""
    return TemporarilyUnavailable(
        "The replay store is unavailable; try again.",
        detail=f"replay store: {unavailable}",
        retry_after=unavailable.retry_after,
    )


def vouch(use: Use, since: int, now: int) -> None:
    """Returns where a memory that begins at ``since`` can say something of all in ``use``.

    Raises:
        StoreUnavailable: not yet, or the memory that could may come back.
        Forgotten: it never will.
    """
    for standing in use.standing:
        if standing.issued_at < since and now < since + RETAUGHT:
            raise _before(since + RETAUGHT - now)
    for once in use.once:
        if once.issued_at < since:
            if now >= since + RECALL:
                raise Forgotten(once)
            raise _before(min(once.expires_at, since + RECALL) - now)


def _before(wait: int) -> StoreUnavailable:
    return StoreUnavailable("issued before the memory begins", retry_after=max(1, wait))
