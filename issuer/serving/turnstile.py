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
GROUP = 64
"""The most that go in together, in the order in which they came: of more, what each needs does not
stay in the processor's caches any longer, and the first of them would wait for the last."""
PATIENCE = 256
"""Connections, accepted one after the other, that are waited for: a hundredth of a second or so.

To accept them takes little longer than to answer a full group, so whoever connects without end can
slow the others down, but not hold them up. Four times as many come in as go on: of a full queue,
gunicorn's ``backlog`` of 2048, nobody is passed more than twice by the same."""


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
        self._patience = PATIENCE
        admitted, self._waiting = self._waiting[:GROUP], self._waiting[GROUP:]
        if not admitted:
            self._is_turning = False
            return
        # Whoever is alone has nothing to share, and is not made to wait.
        self._loop.call_soon(self._turn, TURNS if len(admitted) > 1 else 0)
        for proceed in admitted:
            self._loop.call_soon(proceed)  # not called here: one that fails must not stop the rest
