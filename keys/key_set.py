"""The keys of an issuer, at hand: fetched rarely, by one thread at a time, and kept in an outage.

Keys are fetched when the first token comes, and again shortly before they stop being fresh, while
the old ones serve. A token whose ``kid`` is unknown is worth a fetch too, but not often: anybody
can make one up.
"""

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keys.errors import RETRY_AFTER, KeysUnavailable
from keys.fetching import Document, FetchFailed, check_url, fetch, fetch_jwks_of, read_file
from keys.jwks import Keys, VerificationKey, parse_jwks, read_jwks

REFETCH_INTERVAL = 30
"""Seconds between two fetches; also the shortest time for which keys are fresh."""

DEFAULT_FRESHNESS = 300
"""Seconds for which keys are fresh if the issuer does not say."""

MAX_FRESHNESS = 3600
"""Seconds for which keys are fresh at most, whatever the issuer says."""

MAX_STALENESS = 86400
"""Seconds after fetching them for which keys serve while the issuer cannot be reached."""

_CLOCK_STEP = 60  # Seconds. A clock that is set back further makes everything fetched before stale.
_EARLY = 0.8  # The part of their freshness after which keys are fetched again, while they serve.

_log = logging.getLogger("keys")


class KeySet:
    """Keys that never change."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

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

    def must_wait(self, kid: str, now: int) -> bool:
        """Whether ``find`` would fetch first, and so take its time."""
        return False


@dataclass(frozen=True, slots=True)
class _Held:
    """Keys as they were fetched at ``at``, to be replaced and never changed."""

    keys: Keys
    at: int
    freshness: int

    def is_within(self, seconds: float, now: int) -> bool:
        return self.at - _CLOCK_STEP <= now < self.at + seconds


class FetchedKeySet(KeySet):
    """Keys that are fetched from ``source`` when they are needed, and kept for a while."""

    def __init__(self, source: Callable[[], Document]) -> None:
        self._source = source
        self._held: _Held | None = None
        self._attempts = 0
        self._attempted_at: int | None = None
        self._failed = False
        self._fetching = threading.Lock()

    def find(self, kid: str, now: int) -> VerificationKey | None:
        """The key called ``kid``, after fetching if that is needed."""
        attempts = self._attempts
        if self.must_wait(kid, now):
            self._fetch_once(attempts, now, wait=not self._knows(kid, now))
        elif self._is_worth_refreshing(now):
            thread = threading.Thread(
                target=self._fetch_once, args=(attempts, now), kwargs={"wait": False}, daemon=True
            )
            thread.start()
        held = self._usable(now)
        if held is None:
            raise KeysUnavailable("the keys of the issuer could not be fetched")
        return held.keys.get(kid)

    def must_wait(self, kid: str, now: int) -> bool:
        """Whether the keys at hand do not answer for ``kid`` and it is time to ask for others."""
        held = self._usable(now)
        if held is None:
            return self._is_due(now, RETRY_AFTER)
        if kid in held.keys:
            if held.is_within(held.freshness, now):
                return False
            # A key may have been withdrawn since. But once it is known that the issuer cannot be
            # asked, nobody waits for it again soon: the next attempts are made aside.
            return not self._failed or self._is_due(now, held.freshness)
        return self._is_due(now, REFETCH_INTERVAL)

    def _usable(self, now: int) -> _Held | None:
        held = self._held
        return held if held is not None and now < held.at + MAX_STALENESS else None

    def _knows(self, kid: str, now: int) -> bool:
        held = self._usable(now)
        return held is not None and kid in held.keys

    def _is_worth_refreshing(self, now: int) -> bool:
        held = self._held
        if held is None or held.is_within(held.freshness * _EARLY, now) or self._fetching.locked():
            return False
        return self._is_due(now, REFETCH_INTERVAL)

    def _is_due(self, now: int, interval: int) -> bool:
        at = self._attempted_at
        return at is None or not at - _CLOCK_STEP <= now < at + interval

    def _fetch_once(self, attempts: int, now: int, *, wait: bool) -> None:
        """Fetch, unless another thread does: then wait for what it brings, or go on without."""
        if not self._fetching.acquire(blocking=wait):
            return
        try:
            if self._attempts == attempts:
                self._fetch(now)
        finally:
            self._fetching.release()

    def _fetch(self, now: int) -> None:
        try:
            document = self._source()
            keys = parse_jwks(document.body)
        except (FetchFailed, ValueError) as error:
            self._failed = True
            _log.warning("the keys of the issuer stay as they are: %s", error)
        else:
            age = DEFAULT_FRESHNESS if document.max_age is None else document.max_age
            freshness = min(max(age, REFETCH_INTERVAL), MAX_FRESHNESS)
            self._held = _Held(keys, now, freshness)
            self._failed = False
        finally:
            # Last: until then whoever needs these keys waits for them instead of giving up.
            self._attempted_at = now
            self._attempts += 1
