"""A SQLite file that all workers of one machine share.

It fails closed: where it cannot be asked, nothing is spent. What was issued before its memory
begins it does not vouch for either, so a file that is deleted, replaced or restored from a backup
while the issuer runs opens no door; for the sake of that, each file knows since when it has been
remembering. A backup restored while no worker runs is believed: delete the file instead.
"""

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

from issuer.replay import AlreadySpent, Once, StoreUnavailable

BUSY_TIMEOUT = 0.5
"""Seconds to wait for another process before giving up; as many again for the thread."""
FORGET_EVERY = 60
"""Seconds between two clearings of what has expired."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spent (
    id TEXT PRIMARY KEY,
    forget_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS spent_forget_at ON spent (forget_at);
CREATE TABLE IF NOT EXISTS memory (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    since INTEGER NOT NULL
);
"""


class SQLiteStore:
    """One connection, used from one thread of its own: disks never block the event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="replay-store")
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._since = 0
        self._forget_at = 0

    @classmethod
    def open(cls, path: str, folder: Path) -> Self:
        """The store at ``path``, which counts from ``folder``; made at its first use."""
        return cls(folder / (path or "replay.db"))

    async def spend(self, once: Once, now: int) -> None:
        """See ``ReplayStore``."""
        await self._run(lambda: self._spend(once, now))

    async def fault(self, now: int) -> str:
        """See ``ReplayStore``."""
        try:
            await self._run(lambda: self._probe(now))
        except StoreUnavailable as unavailable:
            return str(unavailable)
        return ""

    def close(self) -> None:
        """See ``ReplayStore``."""
        self._thread.submit(self._disconnect)
        self._thread.shutdown()

    def remember(self, now: int) -> None:
        """Makes the file now, so that its memory begins before anything it will be asked about.

        Raises:
            StoreUnavailable: it cannot be made.
        """
        self._thread.submit(self._probe, now).result()

    async def _run(self, work: Callable[[], None]) -> None:
        """Does ``work`` in the thread, or not at all where that is kept waiting too long.

        Raises:
            StoreUnavailable: whoever came first waits for another process. Waiting behind them,
                the last of many would hear after all their waits together.
        """
        given_up_at = time.monotonic() + BUSY_TIMEOUT

        def in_turn() -> None:
            if time.monotonic() > given_up_at:
                raise StoreUnavailable("others are waiting for it")
            work()

        await asyncio.get_running_loop().run_in_executor(self._thread, in_turn)

    def _probe(self, now: int) -> None:
        try:
            # Writes: a full disk and a file that may only be read answer every question.
            self._connect(now).execute("UPDATE memory SET since = since")
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable(error) from None

    def _spend(self, once: Once, now: int) -> None:
        try:
            connection = self._connect(now)
            if once.issued_at < self._since:
                wait = max(1, once.expires_at - now)
                raise StoreUnavailable("issued before the memory begins", retry_after=wait)
            self._forget(connection, now)
            connection.execute("INSERT INTO spent VALUES (?, ?)", (once.id, once.forget_at))
        except sqlite3.IntegrityError:
            raise AlreadySpent from None
        except (sqlite3.Error, OSError) as error:
            raise self._unavailable(error) from None

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        # Locked, full or not to be written passes. What is broken is opened anew, and believed
        # from then on only.
        if not isinstance(error, sqlite3.OperationalError):
            self._disconnect()
        # The name of the error and nothing of its text, which may quote what was sent.
        return StoreUnavailable(getattr(error, "sqlite_errorname", type(error).__name__))

    def _connect(self, now: int) -> sqlite3.Connection:
        """The connection to the file that is there now: two workers must not use two files."""
        if self._connection is not None and self._file != _identity(self._path):
            self._disconnect()
        if self._connection is None:
            # A second file remembers other things, whatever it says of itself. Its inode does not
            # tell: the second may have got that of the first. What was issued earlier in this
            # very second may have been spent in the first.
            is_second = self._file is not None
            begins = now + 1 if is_second else now
            self._connection, since = _open(self._path, begins)
            self._since = begins if is_second else since
            self._file = _identity(self._path)
        return self._connection

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _forget(self, connection: sqlite3.Connection, now: int) -> None:
        if now >= self._forget_at:
            connection.execute("DELETE FROM spent WHERE forget_at <= ?", (now,))
            self._forget_at = now + FORGET_EVERY


def _open(path: Path, begins: int) -> tuple[sqlite3.Connection, int]:
    connection = sqlite3.connect(
        path, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
    )
    try:
        # WAL survives the death of any process; NORMAL may lose the last moments to a power cut,
        # which outlasts the life of a code.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(_SCHEMA)
        connection.execute("INSERT OR IGNORE INTO memory VALUES (1, ?)", (begins,))
        (since,) = connection.execute("SELECT since FROM memory").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection, since


def _identity(path: Path) -> tuple[int, int] | None:
    """Which file this is; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino
