"""What this worker remembers of revocations: a copy of what the store does, for two ends.

The feed is made of it, without a question to the store. And where the store has forgotten, it is
told again, so that no revocation is lost while one worker lives.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import islice
from types import MappingProxyType

from issuer.protocol.replay import CLOCK_SKEW, RECALL, ReplayStore, Revocation
from keys.spent import StoreUnavailable

INTERVAL = 5
"""Seconds between two questions of what is new."""

OVERLAP = 2 * CLOCK_SKEW
"""Seconds for which what is new is asked for again: another clock may be behind by so much."""

WHOLE_EVERY = 300
"""Seconds between two questions of all there is: a store may have lost what is old."""

MAX_REMEMBERED = 200_000
"""Revocations. Beyond, those that were made first are forgotten here, and by the feed."""

TOLD_AT_ONCE = 500
"""Revocations that the store is told in one question; others come in between."""

log = logging.getLogger("issuer.revocations")

Revocations = Mapping[str, Revocation]
"""By name, in the order of names."""


class Remembered:
    """Keeps the copy of one worker. While the store cannot be asked, it stays as it is."""

    def __init__(self, store: ReplayStore, *, clock: Callable[[], int]) -> None:
        self._store = store
        self._clock = clock
        self.revocations: Revocations = MappingProxyType({})
        """Replaced, and never changed: whoever reads it may take their time."""
        self.heard_at: int | None = None
        """When the store was last heard: all that was revoked before is in the copy."""
        self._since: int | None = None
        self._whole_at = 0
        self._fault = ""

    async def watch(self) -> None:
        """Keeps the copy until it is cancelled."""
        while True:
            try:
                await self.synchronize(self._clock())
                self._note("")
            except StoreUnavailable as unavailable:
                self._note(str(unavailable))
            except Exception as error:  # noqa: BLE001  an edge: nobody else would start it again
                self._note(f"unexpected {type(error).__name__}")
            await asyncio.sleep(INTERVAL)

    async def synchronize(self, now: int) -> None:
        """Learns what is new, and tells the store again what it has forgotten.

        Raises:
            StoreUnavailable: the store cannot be asked, or told. The next time it will.
        """
        memory = await self._store.revocations(after := self._after(now), now)
        if memory.since != self._since and after:
            memory = await self._store.revocations(after := 0, now)
        # Aside: a hundred thousand of them take a moment.
        compare = partial(compared, self.revocations, memory.revocations, after, now)
        lost, self.revocations = await asyncio.to_thread(compare)
        self.heard_at = now
        for first in range(0, len(lost), TOLD_AT_ONCE):
            await self._store.revoke(lost[first : first + TOLD_AT_ONCE], now)
        if lost:
            log.warning(
                "the store had forgotten revocations, and was told them again",
                extra={"fields": {"number": len(lost)}},
            )
        # Not before it was told: a memory that is not whole is told again.
        self._since = memory.since
        self._whole_at = self._whole_at if after else now

    def _after(self, now: int) -> int:
        """From when on to ask what was revoked; 0 for all."""
        if self._since is None or self.heard_at is None:
            return 0
        # Others are telling a young memory what they know of it, and that may be old.
        if now < self._since + RECALL or not self._whole_at <= now < self._whole_at + WHOLE_EVERY:
            return 0
        return min(self.heard_at, now) - OVERLAP

    def _note(self, fault: str) -> None:
        if fault and fault != self._fault:
            fields = {"fault": fault}
            log.error("the store says nothing of revocations", extra={"fields": fields})
        elif self._fault and not fault:
            log.info("the store says again what was revoked")
        self._fault = fault


def compared(
    held: Revocations, told: Iterable[Revocation], after: int, now: int
) -> tuple[list[Revocation], Revocations]:
    """What a store has forgotten that has ``told`` all since ``after``, and what is known now."""
    by_name = {each.name: each for each in told}
    return list(forgotten(held, by_name, after, now)), merged(held, by_name, now)


def forgotten(held: Revocations, told: Revocations, after: int, now: int) -> Iterable[Revocation]:
    """What of ``held`` a store does not know, which has ``told`` all that is since ``after``."""
    for name, each in held.items():
        if each.revoked_at < after or each.forget_at <= now:
            continue
        known = told.get(name)
        if known is None or (known.not_before, known.forget_at) != _later(known, each):
            yield each


def merged(held: Revocations, told: Revocations, now: int) -> Revocations:
    """What is known of both and still matters; ``held`` itself, where that is nothing else."""
    new = [each for name, each in told.items() if held.get(name) != each]
    if not new and all(each.forget_at > now for each in held.values()):
        return held
    both = {name: each for name, each in held.items() if each.forget_at > now}
    for each in new:
        known = both.get(each.name)
        if known is None or each.not_before > known.not_before:
            known = each
        not_before, forget_at = _later(known, each)
        both[each.name] = Revocation(each.name, not_before, known.revoked_at, forget_at)
    if len(both) > MAX_REMEMBERED:
        log.error("too much was revoked to be remembered; what was revoked first is not")
        newest = sorted(both.values(), key=lambda each: each.revoked_at, reverse=True)
        both = {each.name: each for each in islice(newest, MAX_REMEMBERED)}
    return MappingProxyType({name: both[name] for name in sorted(both)})


def _later(one: Revocation, other: Revocation) -> tuple[int, int]:
    return max(one.not_before, other.not_before), max(one.forget_at, other.forget_at)
