"""Signed requests that came before: the only thing that verifying a MAC or a proof remembers.

In memory, of one process: a request can then be replayed once to each other process, within its
seconds. In a SQLite file: once on one machine. Anything else that is ``Replays`` may be shared
more widely.
"""

import heapq
import threading
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Protocol

from keys.clock import seconds
from keys.errors import ReplaysUnavailable
from keys.spent import BUSY_TIMEOUT, AlreadySpent, SpentIds, StoreUnavailable

MAX_ENTRIES = 200_000
"""Requests that are remembered in memory at once."""

MAX_PER_CLIENT = 20_000
"""Those of one client among them, by however many tokens: it takes no room of the others."""


class Replays(Protocol):
    """Remembers signed requests. Safe to share between threads."""

    may_block: bool
    """Whether ``claim`` may wait for others; in an event loop it is then called in a thread."""

    def claim(
        self, jti: str, use: str, *, client_id: str, issued_at: int, expires_at: int, now: int
    ) -> bool:
        """Whether this is the first time that ``use`` of the token ``jti`` is claimed.

        Args:
            jti: the token; ``use`` tells its requests apart.
            client_id: whose token it is, and so whose room the request takes.
            issued_at: the second at which the request was signed.
            expires_at: the second from which no verifier whose clock is forgiven accepts it.
            now: the second in which it came.

        Raises:
            ReplaysUnavailable: that cannot be known, or could not be remembered.
        """


class MemoryReplays:
    """Of this process alone, and bounded: beyond the bounds nothing more is accepted.

    Raises:
        ValueError: a bound leaves no room.
    """

    may_block: ClassVar[bool] = False

    def __init__(
        self, max_entries: int = MAX_ENTRIES, max_per_client: int = MAX_PER_CLIENT
    ) -> None:
        if max_entries < 1 or max_per_client < 1:
            raise ValueError("there is room for one request at least")
        self._max_entries = max_entries
        self._max_per_client = max_per_client
        self._uses: dict[str, set[str]] = {}  # by token
        self._held: dict[str, int] = {}  # by client
        self._by_expiry: list[tuple[int, str, str, str]] = []
        self._lock = threading.Lock()

    def claim(
        self, jti: str, use: str, *, client_id: str, issued_at: int, expires_at: int, now: int
    ) -> bool:
        """See ``Replays``."""
        with self._lock:
            self._forget(now)
            uses = self._uses.get(jti, set())
            if use in uses:
                return False
            if len(self._by_expiry) >= self._max_entries:
                raise ReplaysUnavailable(f"{self._max_entries} requests are remembered already")
            held = self._held.get(client_id, 0)
            if held >= self._max_per_client:
                raise ReplaysUnavailable(f"{self._max_per_client} requests of one client already")
            uses.add(use)
            self._uses[jti] = uses
            self._held[client_id] = held + 1
            heapq.heappush(self._by_expiry, (expires_at, client_id, jti, use))
        return True

    def _forget(self, now: int) -> None:
        while self._by_expiry and self._by_expiry[0][0] <= now:
            _, client_id, jti, use = heapq.heappop(self._by_expiry)
            uses = self._uses[jti]
            uses.remove(use)
            if not uses:
                del self._uses[jti]
            self._held[client_id] -= 1
            if not self._held[client_id]:
                del self._held[client_id]


class SQLiteReplays:
    """Of all processes of one machine, in the file at ``path``, which may be the issuer's own.

    What was signed before the file was made is answered with 503: nobody knows whether it came
    before. The file is made here and left again, so that processes may fork afterwards.

    Raises:
        ValueError: the file cannot be made or written.
    """

    may_block: ClassVar[bool] = True

    def __init__(self, path: Path, *, clock: Callable[[], int] = seconds) -> None:
        self._spent = SpentIds(path)  # connects at its first use
        self._lock = threading.Lock()
        first = SpentIds(path)
        try:
            first.probe(clock())
        except StoreUnavailable as unavailable:
            raise ValueError(f"{path.name} cannot remember requests: {unavailable}") from None
        finally:
            first.disconnect()

    def claim(
        self, jti: str, use: str, *, client_id: str, issued_at: int, expires_at: int, now: int
    ) -> bool:
        """See ``Replays``."""
        # As long as for another process and no longer: the last of many would wait for them all.
        if not self._lock.acquire(timeout=BUSY_TIMEOUT):
            raise ReplaysUnavailable("others are waiting for the store")
        try:
            self._spent.spend(
                f"mac:{jti}:{use}",  # of proofs too: no token has both, and files have this
                issued_at=issued_at,
                expires_at=expires_at,
                forget_at=expires_at,
                now=now,
            )
        except AlreadySpent:
            return False
        except StoreUnavailable as unavailable:
            raise ReplaysUnavailable(
                f"replay store: {unavailable}", retry_after=unavailable.retry_after
            ) from None
        finally:
            self._lock.release()
        return True

    def close(self) -> None:
        """Lets go of the file."""
        with self._lock:
            self._spent.disconnect()
