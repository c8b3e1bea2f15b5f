"""Answers that nobody has to hurry with, so many a second and no more."""

import asyncio

RATE = 100
"""A second. Whoever asks again as soon as they are answered then asks no oftener than that, over
however many connections: a hundredth of what a worker could answer."""
LONGEST = 1.0
"""Seconds that an answer is held back at most."""
MOST = 512
"""Answers that are held back at once; more would take memory, and go out as they come."""


class Pace:
    """Of one event loop. Who comes alone goes on at once."""

    def __init__(self) -> None:
        self._next_at = 0.0
        self._held = 0

    async def __call__(self) -> None:
        """Returns when it is time for the next answer."""
        if self._held >= MOST:
            return
        now = asyncio.get_running_loop().time()
        at = min(max(self._next_at, now), now + LONGEST)
        self._next_at = at + 1 / RATE
        if at > now:
            self._held += 1
            try:
                await asyncio.sleep(at - now)
            finally:
                self._held -= 1
