"""The SQLite file in which ``keys.spent`` remembers: opened, told from another, put aside."""

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

File = tuple[int, int]
"""Which file it is: its device and inode."""


def open_file(
    path: Path, schema: str, begins: int, *, patience: float
) -> tuple[sqlite3.Connection, int]:
    """A connection to the file at ``path``, and the instant from which that remembers.

    A file that is made here remembers from ``begins`` on. ``patience`` is the seconds to wait for
    another process.

    Raises:
        sqlite3.Error: it cannot be opened.
    """
    connection = sqlite3.connect(
        path, timeout=patience, isolation_level=None, check_same_thread=False
    )
    try:
        # WAL survives the death of any process; NORMAL may lose the last moments to a power cut,
        # which outlasts the life of what is spent here.
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.executescript(schema)
        _add_missing_column(connection)
        connection.execute("INSERT OR IGNORE INTO memory VALUES (1, ?)", (begins,))
        (since,) = connection.execute("SELECT since FROM memory").fetchone()
    except BaseException:
        connection.close()
        raise
    return connection, since


def _add_missing_column(connection: sqlite3.Connection) -> None:
    """Files of earlier versions do not say when something was spent."""
    if any(row[1] == "spent_at" for row in connection.execute("PRAGMA table_info(spent)")):
        return
    try:
        connection.execute("ALTER TABLE spent ADD COLUMN spent_at INTEGER NOT NULL DEFAULT 0")
    except sqlite3.OperationalError as error:
        if "duplicate column" not in str(error):  # another process was faster
            raise


def identity(path: Path) -> File | None:
    """Which file this is; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def put_aside(path: Path, opened: File) -> bool:
    """Renames the file at ``path``, if it is still the one that was ``opened``.

    That is the same as if somebody had deleted it: a new memory begins, and nothing that was issued
    before is believed. What it is renamed to stays for whoever wants to know why.

    Returns:
        False where another process was faster: what is there now may be good.

    Raises:
        OSError: it cannot be renamed.
    """
    with _alone_in(path.parent):
        if identity(path) != opened:
            return False
        # First: beside a new file they would be taken for its own.
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        path.replace(f"{path}.broken")
    return True


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """While it holds, no other process puts a file of this folder aside."""
    directory = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)
