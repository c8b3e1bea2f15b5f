"""What the issuer has revoked, at hand: one thread of each process follows its feed.

A request never waits for it, but where there is nothing to go by: the first ones, for the first
fetch. The thread begins with the first token, in each process that has one, and ends when nobody
follows any more.
"""

import logging
import os
from collections.abc import Callable, Iterable, KeysView, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import OpenerDirector

from keys import feed
from keys.clock import seconds
from keys.deadline import opener
from keys.errors import AccessRefused, RevocationsUnavailable
from keys.feed import Feed
from keys.fetching import (
    TIMEOUT,
    Document,
    FetchFailed,
    check_url,
    fetch,
    read_file,
    revocations_uri_of,
)
from keys.following import Follower
from keys.key_set import KeySet, Waiting

STALE_AFTER = 300
"""Seconds without news after which no token is accepted, if nobody says otherwise."""

LEAST_STALE_AFTER = 60
"""Seconds of age that a feed can have where all is well."""

MAX_STALE_AFTER = 86400

LEAST_INTERVAL = 5
"""Seconds between two fetches at least."""

MAX_INTERVAL = 30
"""Seconds between two fetches at most, whatever the issuer says."""

_OVERDUE = MAX_INTERVAL + int(TIMEOUT)  # Seconds. Then it is seen that nobody follows: a fork.
_CLOCK_STEP = 60  # Seconds. A clock that is set back further makes everything heard before stale.

_log = logging.getLogger("keys")

Source = Callable[[str], Document]
"""Fetches the feed, given the ETag of what is held."""


class _Held(NamedTuple):
    """What was heard last, to be replaced and never changed."""

    feed: Feed
    etag: str
    names: KeysView[str]
    """Of which something was revoked."""
    begins_at: int
    ends_at: int
    """Until then it is news to everybody, whatever their ``stale_after``, and followed."""

    @staticmethod
    def of(heard: Feed, etag: str, now: int) -> "_Held":
        """What was heard ``now``."""
        ends_at = min(now + _OVERDUE, heard.issued_at + LEAST_STALE_AFTER)
        return _Held(heard, etag, heard.lines.keys(), heard.issued_at - _CLOCK_STEP, ends_at)


class Revocations:
    """What an issuer has revoked. Several verifiers may share one, and so one thread.

    Args:
        issuer: the issuer identifier, exactly as in ``iss``.
        keys: the issuer's keys, or where they are, as for ``Verifier``.
        source: where the feed is: a URL, or a path. By default it is found from the issuer's URL.
        clock: the time in seconds.

    Raises:
        ValueError: an argument makes no sense.
    """

    def __init__(
        self,
        issuer: str,
        keys: KeySet | str | Path | Mapping[str, Any] | None = None,
        source: str | Path | None = None,
        *,
        clock: Callable[[], int] = seconds,
    ) -> None:
        self.issuer = issuer
        self._keys = KeySet.of(keys, issuer)
        self._source = _source(source, issuer)
        self._clock = clock
        self._held: _Held | None = None
        self._fault = ""
        # By process, and no lock: whoever is forked off has neither thread nor holder.
        self._followers: dict[int, Follower] = {}

    @staticmethod
    def of(
        revocations: "Wanted",
        issuer: str,
        keys: KeySet,
        clock: Callable[[], int],
    ) -> "Revocations | None":
        """What a verifier of ``issuer`` is to look at; ``None`` if it is told to look at nothing.

        Raises:
            ValueError: they are another issuer's, or are nowhere.
        """
        if isinstance(revocations, bool):
            return Revocations(issuer, keys, clock=clock) if revocations else None
        if isinstance(revocations, str | Path):
            return Revocations(issuer, keys, revocations, clock=clock)
        if revocations.issuer != issuer:
            raise ValueError("the revocations are another issuer's")
        return revocations

    def clears(self, names: Iterable[str], now: int) -> bool:
        """Whether ``check`` would find nothing, as is mostly known at once."""
        held = self._held
        return (
            held is not None
            and held.begins_at <= now < held.ends_at
            and held.names.isdisjoint(names)
        )

    def ask(self, now: int, stale_after: int | None) -> Waiting | None:
        """What should be waited for before ``check``, if anything. Begins to follow the feed."""
        held = self._held
        if held is not None and held.begins_at <= now < held.ends_at:
            return None
        follower = self._followers.get(os.getpid()) or self._follow()
        held = self._held
        if held is None or not _is_fresh(held.feed, now, stale_after):
            return follower.waiting()
        return None

    def check(
        self, names: Iterable[str], issued_at: int, now: int, stale_after: int | None
    ) -> None:
        """Nothing, where what was issued under ``names`` was not revoked, as far as is known.

        Raises:
            InvalidToken: it was.
            RevocationsUnavailable: nobody can say. Never, where ``stale_after`` is ``None``.
        """
        held = self._held
        if held is not None:
            # What is revoked stays so, however long ago it was heard.
            feed.check(held.feed.lines, names, issued_at)
        if stale_after is not None and (held is None or not _is_fresh(held.feed, now, stale_after)):
            why = self._fault or "heard too long ago"
            raise RevocationsUnavailable(f"the revocations of the issuer: {why}")

    def refresh(self) -> int:
        """Fetches the feed; the seconds until that is due again. For the follower alone.

        Raises:
            FetchFailed: it is not to be had, or is not to be believed.
        """
        held, now = self._held, self._clock()
        document = self._source("" if held is None else held.etag)
        heard = held.feed if held and document.is_known else self._read(document, now)
        self._held = _Held.of(heard, document.etag, now)
        if now >= heard.issued_at + LEAST_STALE_AFTER:
            raise FetchFailed(f"the issuer itself has had no news since {heard.issued_at}")
        freshness = MAX_INTERVAL if document.max_age is None else document.max_age
        return min(max(freshness, LEAST_INTERVAL), MAX_INTERVAL)

    def note(self, fault: str) -> None:
        """Says why the feed could not be had, or that it could, once, however often it is tried."""
        if fault and fault != self._fault:
            _log.warning("the revocations of the issuer stay as they are: %s", fault)
        elif self._fault and not fault:
            _log.warning("the revocations of the issuer are heard again")
        self._fault = fault

    def _follow(self) -> Follower:
        """The follower of this process; begun here, if no other thread did."""
        for parent in self._followers.keys() - {os.getpid()}:
            self._followers.pop(parent, None)
        mine = Follower()
        follower = self._followers.setdefault(os.getpid(), mine)
        if follower is mine:
            try:
                mine.start(self)
            except RuntimeError as error:  # there are too many threads
                self._followers.clear()
                self.note(str(error))
        return follower

    def _read(self, document: Document, now: int) -> Feed:
        try:
            text = document.body.decode("ascii").strip()
            heard = feed.read(text, self.issuer, self._keys.find, now)
            return heard.after(None if self._held is None else self._held.feed)
        except AccessRefused as refused:
            raise FetchFailed(refused.detail) from None
        except ValueError as error:
            raise FetchFailed(str(error)) from None


Wanted = Revocations | str | Path | bool
"""The issuer's revocations, or where they are, or whether they are wanted at all."""


class _Announced:
    """The feed that the issuer's metadata names; it is asked for that again where it fails."""

    def __init__(self, issuer: str) -> None:
        check_url(issuer)
        self._issuer = issuer
        self._uri = ""

    def __call__(self, etag: str) -> Document:
        by = opener(TIMEOUT)
        uri, self._uri = self._uri or revocations_uri_of(self._issuer, by), ""
        document = _fetch(uri, etag, by)
        self._uri = uri
        return document


def _source(source: str | Path | None, issuer: str) -> Source:
    if source is None:
        return _Announced(issuer)
    if isinstance(source, Path):
        return lambda _: read_file(source, feed.MAX_FEED)
    check_url(source)
    return lambda etag: _fetch(source, etag)


def _fetch(url: str, etag: str, by: OpenerDirector | None = None) -> Document:
    return fetch(url, by, accept=feed.MEDIA_TYPE, etag=etag, max_bytes=feed.MAX_FEED)


def _is_fresh(heard: Feed, now: int, stale_after: int | None) -> bool:
    if stale_after is None:
        return True
    return heard.issued_at - _CLOCK_STEP <= now < heard.issued_at + stale_after
