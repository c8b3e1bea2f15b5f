"""Lets requests in together, so that they share what the processor has just loaded.

A token made alone costs over half as much again as one of sixteen: most of the difference is
fetching code and tables into the processor's caches. Requests that go through parsing, validating,
signing and answering side by side pay that once for all of them. Who comes while others are inside
waits for the fraction of a millisecond until they are through.

It opens only when nobody stands outside. A loop over libuv accepts one connection a turn, and a
turn lasts as long as a stage does for all who are inside: the more they were, the longer would the
others wait in the listening socket's queue, where those inside pass them again and again. With
nobody inside, a turn takes little more than accepting the next.
"""

import asyncio
from collections.abc import Callable

TURNS = 8
"""Turns of the event loop until the next are let in: a token request takes six, and in two more
those who were answered can ask again."""
PATIENCE = 256
"""Connections, accepted one after the other, that are waited for: some hundredths of a second."""
PATIENCE_EACH = 2
"""Connections for each request that was let in last, where that makes more than ``PATIENCE``.

To accept one takes a third of what a request takes, so whoever connects without end gets no more of
the processor than those who ask, if they are many. Those inside can treble each time: 256, 768 and
2304 are more than a full queue holds, gunicorn's ``backlog`` of 2048, so nobody in it is passed
more than twice."""


class Turnstile:
    """Of one event loop. It never waits for those inside, so none of them can hold it up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Callable[[], None]] = []
        self._is_turning = False
        self._is_followed = False  # somebody was accepted; there may be more behind them
        self._patience = PATIENCE

    def approach(self) -> None:
        """Tells of a connection that was accepted, whether or not it has asked for anything yet."""
        self._is_followed = True

    def enter(self, proceed: Callable[[], None]) -> None:
        """Calls ``proceed`` when it is its turn: the next, where nobody is inside."""
        self._waiting.append(proceed)
        if not self._is_turning:
            self._is_turning = True
            self._loop.call_soon(self._turn, 0)

    def _turn(self, left: int) -> None:
        if left:
            self._loop.call_soon(self._turn, left - 1)
            return
        if self._is_followed and self._patience:
            self._is_followed = False
            self._patience -= 1
            self._loop.call_soon(self._turn, 0)
            return
        admitted, self._waiting = self._waiting, []
        self._patience = max(PATIENCE, PATIENCE_EACH * len(admitted))
        if not admitted:
            self._is_turning = False
            return
        # Whoever is alone has nothing to share, and is not made to wait.
        self._loop.call_soon(self._turn, TURNS if len(admitted) > 1 else 0)
        for proceed in admitted:
            self._loop.call_soon(proceed)  # not called here: one that fails must not stop the rest
