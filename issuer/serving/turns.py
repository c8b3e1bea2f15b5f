"""Whose turn it is: one of each address that waits, round and round.

However many one address sends, another's first waits for one of them at most. Addresses that are
suspect stand in a row of their own, which goes on when the other is empty, and once in a while
before it: many of them together hold up nobody else.
"""

from collections import OrderedDict, deque
from typing import Generic, TypeVar

T = TypeVar("T")

EACH = 32
"""That may wait of one address."""
ALL = 128
"""That may wait of all; then whoever has most gives up a place."""
FIRST = 4
"""Every so many turns a suspect goes first, so that it does not wait for ever."""

Row = OrderedDict[str, deque[T]]


class Turns(Generic[T]):
    """Those who wait. It knows neither time nor threads."""

    def __init__(self) -> None:
        self._row: Row[T] = OrderedDict()
        self._last: Row[T] = OrderedDict()
        self._waiting = 0
        self._taken = 0

    def __len__(self) -> int:
        return self._waiting

    def join(self, address: str, item: T, *, last: bool = False) -> T | None:
        """Has ``item`` wait. Returns who has to go for want of room, which may be ``item``."""
        row = self._last if last else self._row
        line = row.get(address, deque())
        if len(line) >= EACH:
            return item
        displaced = None
        if self._waiting >= ALL:
            displaced = self._displaced(len(line), last=last)
            if displaced is None:
                return item
        row.setdefault(address, line).append(item)
        self._waiting += 1
        return displaced

    def next(self) -> T | None:
        """Whose turn it is; they wait no more. None where nobody waits."""
        self._taken += 1
        rows = (self._row, self._last)
        for row in reversed(rows) if self._taken % FIRST == 0 else rows:
            if row:
                address, line = row.popitem(last=False)
                item = line.popleft()
                if line:
                    row[address] = line  # behind all others
                self._waiting -= 1
                return item
        return None

    def _displaced(self, number: int, *, last: bool) -> T | None:
        """The latest of whoever has most, if that is more than ``number`` and one."""
        if not last and self._last:
            return self._give_up(self._last, 0)
        return self._give_up(self._last if last else self._row, number + 1)

    def _give_up(self, row: Row[T], number: int) -> T | None:
        address = max(row, key=lambda each: len(row[each]), default=None)
        if address is None or len(row[address]) <= number:
            return None
        item = row[address].pop()
        if not row[address]:
            del row[address]
        self._waiting -= 1
        return item
