"""What was spent, in a SQLite file that all processes of one machine share.

It fails closed: where it cannot be asked, nothing is spent. What was issued before its memory
begins it does not vouch for either, so a file that is deleted, replaced or restored from a backup
while a process runs opens no door; for the sake of that, each file knows since when it has been
remembering. One that is no database any more is put aside, and a new memory begins. A backup
restored while no process runs is believed: delete the file instead.
"""

import json
import sqlite3
import time
from contextlib import suppress
from pathlib import Path
from typing import ClassVar

from keys import spent_file

BUSY_TIMEOUT = 0.25
"""Seconds to wait for another process before giving up."""
FORGET_EVERY = 60
"""Seconds between two clearings of what has expired, or more where one takes long."""
FORGET_AT_ONCE = 1000
"""Rows that one clearing deletes before others may write again."""

SCHEMA = """
CREATE TABLE IF NOT EXISTS spent (
    id TEXT PRIMARY KEY,
    forget_at INTEGER NOT NULL,
    spent_at INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
DROP INDEX IF EXISTS spent_forget_at;
CREATE TABLE IF NOT EXISTS memory (
    only INTEGER PRIMARY KEY CHECK (only = 1),
    since INTEGER NOT NULL
);
"""

_FORGET = "DELETE FROM spent WHERE id IN (SELECT value FROM json_each(?))"


class AlreadySpent(Exception):
    """Somebody used it before, at ``spent_at``."""

    def __init__(self, spent_at: int) -> None:
        super().__init__("already spent")
        self.spent_at = spent_at


class StoreUnavailable(Exception):
    """The store cannot say whether it was used; ``detail`` for the log says why."""

    def __init__(self, detail: str, *, retry_after: int = 1) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        """Seconds."""


class SpentIds:
    """One connection, for one thread at a time; it may wait for a disk and for other processes."""

    schema: ClassVar[str] = SCHEMA
    """What makes the tables where they are not there yet."""
    expiring: ClassVar[tuple[str, ...]] = ()
    """Further tables whose rows have a ``forget_at``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._opened: tuple[int, int] | None = None
        """The file of the last try to open one."""
        self.since = 0
        """The instant from which the file of the last ``connect`` remembers."""
        self._forget_at = 0
        self._patience = BUSY_TIMEOUT

    def probe(self, now: int) -> None:
        """Nothing, if something could be spent now; makes the file if there is none.

        Raises:
            StoreUnavailable: nothing could.
        """
        try:
            # Writes: a full disk and a file that may only be read answer every question.
            self.connect(now).execute("UPDATE memory SET since = since")
        except (sqlite3.Error, OSError) as error:
            raise self.unavailable(error) from None

    def spend(self, id_: str, *, issued_at: int, expires_at: int, forget_at: int, now: int) -> None:
        """Returns for exactly one of all who ever call it with this id.

        Args:
            issued_at: since when it could be spent.
            expires_at: when it is worth nothing any more.
            forget_at: when no other process believes it any more, however slow its clock.

        Raises:
            AlreadySpent: for all the others.
            StoreUnavailable: where that cannot be known.
        """
        try:
            connection = self.connect(now)
            if issued_at < self.since:
                wait = max(1, expires_at - now)
                raise StoreUnavailable("issued before the memory begins", retry_after=wait)
            self.insert(connection, id_, forget_at=forget_at, now=now)
        except (sqlite3.Error, OSError) as error:
            raise self.unavailable(error) from None

    def insert(self, connection: sqlite3.Connection, id_: str, *, forget_at: int, now: int) -> None:
        """Remembers that ``id_`` was spent now.

        Raises:
            AlreadySpent: it was before.
            sqlite3.Error: that cannot be known.
        """
        try:
            connection.execute("INSERT INTO spent VALUES (?, ?, ?)", (id_, forget_at, now))
        except sqlite3.IntegrityError:
            query = "SELECT spent_at FROM spent WHERE id = ?"
            # Another process may have forgotten it in between, at its own clock's time.
            (spent_at,) = connection.execute(query, (id_,)).fetchone() or (0,)
            raise AlreadySpent(spent_at) from None

    def wait_at_most(self, seconds: float) -> None:
        """From now on waits for other processes so long before giving up, give or take a tenth."""
        if abs(seconds - self._patience) < BUSY_TIMEOUT / 10:
            return
        self._patience = max(seconds, 0.01)
        if self._connection is not None:
            self._connection.execute(f"PRAGMA busy_timeout = {int(self._patience * 1000)}")

    def disconnect(self) -> None:
        """Lets go of the file; the next call opens it again."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def unavailable(self, error: Exception) -> StoreUnavailable:
        """What to raise for ``error``, which a connection raised."""
        # Locked, full or not to be written passes. What is broken is opened anew, and believed
        # from then on only.
        if not isinstance(error, sqlite3.OperationalError):
            self.disconnect()
        if self._is_broken(getattr(error, "sqlite_errorcode", 0) & 0xFF):
            with suppress(OSError):
                if self._opened is not None and spent_file.put_aside(self._path, self._opened):
                    self._file = self._opened
        # The name of the error and nothing of its text, which may quote what was sent.
        return StoreUnavailable(getattr(error, "sqlite_errorname", type(error).__name__))

    def connect(self, now: int) -> sqlite3.Connection:
        """The connection to the file that is there now: two workers must not use two files.

        What has expired is cleared from it, now and then.

        Raises:
            sqlite3.Error, OSError: it cannot be opened.
        """
        if self._connection is not None and self._file != spent_file.identity(self._path):
            self.disconnect()
        if self._connection is None:
            # A second file remembers other things, whatever it says of itself. Its inode does not
            # tell: the second may have got that of the first. What was issued earlier in this
            # very second may have been spent in the first.
            is_second = self._file is not None
            begins = now + 1 if is_second else now
            self._opened = spent_file.identity(self._path)
            connection, since = spent_file.open_file(
                self._path, self.schema, begins, patience=self._patience
            )
            self._file = spent_file.identity(self._path)
            if self._opened not in (None, self._file):
                connection.close()
                raise sqlite3.OperationalError("replaced while it was opened")
            self._connection, self._opened = connection, self._file
            self.since = begins if is_second else since
        self._forget(self._connection, now)
        return self._connection

    def _is_broken(self, primary_code: int) -> bool:
        """True of a file that waiting does not mend, and that is one of ours.

        What is no database at all may be another file whose name got into the configuration, unless
        there was a database under that name.
        """
        is_ours = self._file is not None
        return primary_code == sqlite3.SQLITE_CORRUPT or (
            primary_code == sqlite3.SQLITE_NOTADB and is_ours
        )

    def _forget(self, connection: sqlite3.Connection, now: int) -> None:
        if now < self._forget_at:
            return
        began = time.monotonic()
        # An index would find them at once, and double what it takes to spend. Looking through all
        # keeps nobody from writing, and takes a thousandth of the time.
        found = connection.execute("SELECT id FROM spent WHERE forget_at <= ?", (now,))
        expired = [id_ for (id_,) in found]
        for first in range(0, len(expired), FORGET_AT_ONCE):
            ids = json.dumps(expired[first : first + FORGET_AT_ONCE])
            connection.execute(_FORGET, (ids,))
        for table in self.expiring:
            connection.execute(f"DELETE FROM {table} WHERE forget_at <= ?", (now,))  # noqa: S608
        took = time.monotonic() - began
        self._forget_at = now + max(FORGET_EVERY, int(1000 * took))
