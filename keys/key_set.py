"""The keys of an issuer, at hand: fetched rarely, by one thread at a time, and kept in an outage.

Keys are fetched when the first token comes, and again shortly before they stop being fresh, while
the old ones serve. A token whose ``kid`` is unknown is worth a fetch too, but not often: anybody
can make one up. For the same reason nobody waits long for a fetch while there are keys: its thread
is the only one that does.
"""

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent import futures
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from keys.errors import RETRY_AFTER, KeysUnavailable
from keys.fetching import (
    TIMEOUT,
    Document,
    FetchFailed,
    check_url,
    fetch,
    fetch_jwks_of,
    read_file,
)
from keys.jwks import Keys, VerificationKey, parse_jwks, read_jwks

REFETCH_INTERVAL = 30
"""Seconds between two fetches; also the shortest time for which keys are fresh."""

DEFAULT_FRESHNESS = 300
"""Seconds for which keys are fresh if the issuer does not say."""

MAX_FRESHNESS = 3600
"""Seconds for which keys are fresh at most, whatever the issuer says."""

MAX_STALENESS = 86400
"""Seconds after fetching them for which keys serve while the issuer cannot be reached."""

PATIENCE = 0.05
"""Seconds, from the start of a fetch, for which it is waited for where there are keys at hand.

Enough for an issuer nearby that is well. All who wait do so until the same moment, so this is also
the most that a server with a single thread loses, whatever arrives.
"""

_CLOCK_STEP = 60  # Seconds. A clock that is set back further makes everything fetched before stale.
_EARLY = 0.8  # The part of their freshness after which keys are fetched again, while they serve.

_log = logging.getLogger("keys")


class KeySet:
    """Keys that never change."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    @staticmethod
    def of(keys: "KeySet | str | Path | Mapping[str, Any] | None", issuer: str) -> "KeySet":
        """``keys`` themselves, those of a URL, of a path or of a JWKS, or else those of ``issuer``.

        Raises:
            ValueError: as the way by which they come.
        """
        if keys is None:
            return KeySet.from_issuer(issuer)
        if isinstance(keys, KeySet):
            return keys
        if isinstance(keys, str):
            return KeySet.from_url(keys)
        if isinstance(keys, Path):
            return KeySet.from_file(keys)
        return KeySet.from_dict(keys)

    @staticmethod
    def from_dict(jwks: Mapping[str, Any]) -> "KeySet":
        """The keys in ``jwks``.

        Raises:
            ValueError: it is no JWKS.
        """
        return KeySet(read_jwks(jwks))

    @staticmethod
    def from_file(path: Path) -> "KeySet":
        """The keys in the JWKS at ``path``, which is read again every minute."""
        return FetchedKeySet(lambda: read_file(path))

    @staticmethod
    def from_url(url: str) -> "KeySet":
        """The keys in the JWKS at ``url``.

        Raises:
            ValueError: the URL is not https, and not http on loopback.
        """
        check_url(url)
        return FetchedKeySet(lambda: fetch(url))

    @staticmethod
    def from_issuer(issuer: str) -> "KeySet":
        """The keys that ``issuer`` names in its metadata (RFC 8414), with nothing but its URL.

        Raises:
            ValueError: the URL is not https, and not http on loopback.
        """
        check_url(issuer)
        return FetchedKeySet(lambda: fetch_jwks_of(issuer))

    def find(self, kid: str, now: int) -> VerificationKey | None:
        """The key called ``kid``, or ``None`` if the issuer has none of that name.

        Raises:
            KeysUnavailable: nobody can say.
        """
        return self._keys.get(kid)

    def ask(self, kid: str, now: int) -> "Waiting | None":
        """What should be waited for before ``kid`` is looked up ``at_hand``, if anything.

        Keys are fetched where it is time to, by a thread of their own.
        """
        return None

    def at_hand(self, kid: str, now: int) -> VerificationKey | None:
        """``find`` without asking anybody."""
        return self._keys.get(kid)


@dataclass(frozen=True, slots=True)
class Waiting:
    """For a fetch that is under way. Whether it is over or not, ``at_hand`` answers then."""

    fetched: "futures.Future[None]"
    until: float
    """By ``time.monotonic``."""

    def wait(self) -> None:
        """Hold up this thread."""
        futures.wait([self.fetched], self._left())

    async def wait_async(self) -> None:
        """Hold up this task, and no thread."""
        fetched = asyncio.wrap_future(self.fetched)
        try:
            await asyncio.wait([fetched], timeout=self._left())
        finally:
            fetched.cancel()  # the fetch runs on, and may end after the loop was closed

    def _left(self) -> float:
        return max(self.until - time.monotonic(), 0)


@dataclass(frozen=True, slots=True)
class _Held:
    """Keys as they were fetched at ``at``, to be replaced and never changed."""

    keys: Keys
    at: int
    freshness: int

    def is_within(self, seconds: float, now: int) -> bool:
        return self.at - _CLOCK_STEP <= now < self.at + seconds


class Fetch(NamedTuple):
    """A fetch that is under way."""

    fetched: "futures.Future[None]"
    began_at: float
    """By ``time.monotonic``."""

    @staticmethod
    def new() -> "Fetch":
        """One that begins now."""
        fetched: futures.Future[None] = futures.Future()
        fetched.set_running_or_notify_cancel()
        return Fetch(fetched, time.monotonic())


class FetchedKeySet(KeySet):
    """Keys that are fetched from ``source`` when they are needed, and kept for a while."""

    def __init__(self, source: Callable[[], Document]) -> None:
        self._source = source
        self._held: _Held | None = None
        self._attempts = 0
        self._attempted_at: int | None = None
        self._failed = False
        # By process, and no lock: whoever is forked off meanwhile has neither thread nor holder.
        self._under_way: dict[int, Fetch] = {}

    def find(self, kid: str, now: int) -> VerificationKey | None:
        """See ``KeySet``; what ``ask`` names is waited for in this thread."""
        waiting = self.ask(kid, now)
        if waiting is not None:
            waiting.wait()
        return self.at_hand(kid, now)

    def ask(self, kid: str, now: int) -> Waiting | None:
        """See ``KeySet``."""
        attempts = self._attempts
        held = self._usable(now)
        is_known = held is not None and kid in held.keys
        if held is not None and is_known and held.is_within(held.freshness * _EARLY, now):
            return None
        seconds = self._patience(held, now, is_known=is_known)
        fetch = self._under_way.get(os.getpid())
        if fetch is None:
            if not self._is_due(now, RETRY_AFTER if held is None else REFETCH_INTERVAL):
                return None
            fetch = self._begin(attempts, now)
        elif is_known:
            return None  # one caller is enough to find out whether its key was withdrawn
        until = fetch.began_at + seconds
        return Waiting(fetch.fetched, until) if until > time.monotonic() else None

    def at_hand(self, kid: str, now: int) -> VerificationKey | None:
        """See ``KeySet``."""
        held = self._usable(now)
        if held is None:
            raise KeysUnavailable("the keys of the issuer could not be fetched")
        return held.keys.get(kid)

    def _patience(self, held: _Held | None, now: int, *, is_known: bool) -> float:
        """Seconds, from the start of a fetch, for which it is worth waiting for."""
        if held is None:
            # Nobody can be let in without. But once it is known that the issuer cannot be asked,
            # those who come would only wait to be told so.
            return PATIENCE if self._failed else TIMEOUT
        if not is_known:
            return PATIENCE
        if held.is_within(held.freshness, now):
            return 0
        # A key may have been withdrawn since.
        return PATIENCE if not self._failed or self._is_due(now, held.freshness) else 0

    def _usable(self, now: int) -> _Held | None:
        held = self._held
        return held if held is not None and now < held.at + MAX_STALENESS else None

    def _is_due(self, now: int, interval: int) -> bool:
        at = self._attempted_at
        return at is None or not at - _CLOCK_STEP <= now < at + interval

    def _begin(self, attempts: int, now: int) -> Fetch:
        """The one fetch that is under way in this process; begun here, if no other thread did."""
        mine = Fetch.new()
        fetch = self._under_way.setdefault(os.getpid(), mine)
        if fetch is not mine:
            return fetch
        if self._attempts != attempts:  # another one ended since it was found that one is due
            self._end(mine)
            return mine
        thread = threading.Thread(target=self._fetch, args=(mine, now), name="keys", daemon=True)
        try:
            thread.start()
        except RuntimeError as error:  # there are too many
            self._note_failure(error)
            self._note_attempt(mine, now)
        return mine

    def _fetch(self, fetch: Fetch, now: int) -> None:
        try:
            document = self._source()
            keys = parse_jwks(document.body)
        except (FetchFailed, ValueError) as error:
            self._note_failure(error)
        else:
            age = DEFAULT_FRESHNESS if document.max_age is None else document.max_age
            freshness = min(max(age, REFETCH_INTERVAL), MAX_FRESHNESS)
            self._held = _Held(keys, now, freshness)
            self._failed = False
        finally:
            self._note_attempt(fetch, now)

    def _note_failure(self, error: Exception) -> None:
        self._failed = True
        _log.warning("the keys of the issuer stay as they are: %s", error)

    def _note_attempt(self, fetch: Fetch, now: int) -> None:
        self._attempted_at = now
        self._attempts += 1
        self._end(fetch)

    def _end(self, fetch: Fetch) -> None:
        # In this order: who finds no fetch under way finds what it brought, and that none is due.
        self._under_way.clear()
        fetch.fetched.set_result(None)
