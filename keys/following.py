"""Fetching something again and again, aside: a thread of one process, and those who wait for it."""

import threading
import time
import weakref
from typing import Protocol

from keys.errors import RETRY_AFTER
from keys.fetching import TIMEOUT, FetchFailed
from keys.key_set import Fetch, Waiting


class Followed(Protocol):
    """What is to be fetched."""

    def refresh(self) -> int:
        """Fetches it; the seconds until that is due again.

        Raises:
            FetchFailed: it cannot be had.
        """

    def note(self, fault: str) -> None:
        """Is told why it could not, or that it could."""


class Follower:
    """The thread of one process. It ends when nobody else holds what it follows."""

    def __init__(self) -> None:
        self._wake = threading.Event()
        self._lock = threading.Lock()
        self._fetch = Fetch.new()
        self._ended_at = 0.0
        self._failed = False

    def start(self, followed: Followed) -> None:
        """Begins.

        Raises:
            RuntimeError: there is no thread to be had.
        """
        held = weakref.ref(followed, lambda _: self._wake.set())
        thread = threading.Thread(target=self._run, args=(held,), name="revocations", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._failed = True
            self._end()
            raise

    def waiting(self) -> Waiting | None:
        """For the fetch that is under way, for those to whom what is held will not do."""
        if self._failed:
            return None  # who comes would only wait to be told so; it is tried again aside
        with self._lock:
            if self._fetch.fetched.done():
                # It slept while what it had fetched became too old: so did the machine.
                if time.monotonic() < self._ended_at + RETRY_AFTER:
                    return None
                self._fetch = Fetch.new()
                self._wake.set()
            fetch = self._fetch
        until = fetch.began_at + TIMEOUT
        return Waiting(fetch.fetched, until) if until > time.monotonic() else None

    def _run(self, held: "weakref.ref[Followed]") -> None:
        while (followed := held()) is not None:
            with self._lock:
                self._wake.clear()
                if self._fetch.fetched.done():
                    self._fetch = Fetch.new()
            pause = self._attempt(followed)
            del followed
            self._wake.wait(pause)

    def _attempt(self, followed: Followed) -> float:
        """Seconds until the next."""
        fault = ""
        try:
            pause = followed.refresh()
        except FetchFailed as failed:
            pause, fault = RETRY_AFTER, str(failed)
        except Exception as error:  # noqa: BLE001  an edge: nobody else would start it again
            pause, fault = RETRY_AFTER, f"unexpected {type(error).__name__}"
        followed.note(fault)
        self._failed = bool(fault)
        self._end()
        return pause

    def _end(self) -> None:
        self._ended_at = time.monotonic()
        self._fetch.fetched.set_result(None)
