"""Lets requests in together, so that they share what the processor has just loaded.

A token made alone costs over half as much again as one of sixteen: most of the difference is
fetching code and tables into the processor's caches. Requests that go through parsing, validating,
signing and answering side by side pay that once for all of them. Who comes while others are inside
waits for the fraction of a millisecond until they are through.
"""

import asyncio
from collections.abc import Callable

TURNS = 8
"""Turns of the event loop until the next are let in: a token request takes six, and in two more
those who were answered can ask again."""


class Turnstile:
    """Of one event loop. It never waits for anybody, so nobody inside can hold it up."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Callable[[], None]] = []
        self._is_turning = False

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
        admitted, self._waiting = self._waiting, []
        if not admitted:
            self._is_turning = False
            return
        # Whoever is alone has nothing to share, and is not made to wait.
        self._loop.call_soon(self._turn, TURNS if len(admitted) > 1 else 0)
        for proceed in admitted:
            self._loop.call_soon(proceed)  # not called here: one that fails must not stop the rest
