"""The tables of the SQLite store: what was spent, what was revoked, what was counted.

``keys.spent`` says how the file is opened, and since when it remembers.
"""

import sqlite3
from collections.abc import Sequence
from typing import ClassVar

from issuer.protocol.replay import (
    AlreadySpent,
    Memory,
    Once,
    Revocation,
    Revoked,
    Standing,
    Tally,
    Use,
    vouch,
)
from keys import spent
from keys.spent import SpentIds

_SCHEMA = """
CREATE TABLE IF NOT EXISTS revoked (
    name TEXT PRIMARY KEY,
    not_before INTEGER NOT NULL,
    revoked_at INTEGER NOT NULL,
    forget_at INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS revoked_revoked_at ON revoked (revoked_at);
CREATE TABLE IF NOT EXISTS tallies (
    name TEXT PRIMARY KEY,
    count INTEGER NOT NULL,
    forget_at INTEGER NOT NULL
) WITHOUT ROWID;
"""

_REVOKE = """
INSERT INTO revoked VALUES (?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET
    revoked_at = CASE WHEN excluded.not_before > not_before
        THEN excluded.revoked_at ELSE revoked_at END,
    not_before = max(not_before, excluded.not_before),
    forget_at = max(forget_at, excluded.forget_at)
"""

_TALLY = """
INSERT INTO tallies VALUES (?1, max(?2, 0), ?3) ON CONFLICT (name) DO UPDATE SET
    count = max(?2 + CASE WHEN forget_at > ?4 THEN count ELSE 0 END, 0),
    forget_at = ?3
"""


class SQLiteMemory(SpentIds):
    """One connection, for one thread at a time; it may wait for a disk and for other processes.

    Each method raises ``StoreUnavailable`` where the file cannot be asked.
    """

    schema: ClassVar[str] = spent.SCHEMA + _SCHEMA
    expiring: ClassVar[tuple[str, ...]] = ("spent", "revoked", "tallies")

    def use(self, use: Use, now: int) -> tuple[int, ...]:
        """See ``ReplayStore``."""
        try:
            connection = self.connect(now)
            vouch(use, self.since, now)
            for standing in use.standing:
                self._check(connection, standing)
            return tuple([self._spend(connection, once, now) for once in use.once])
        except (sqlite3.Error, OSError) as error:
            raise self.unavailable(error) from None

    def revoke(self, revocations: Sequence[Revocation], now: int) -> None:
        """See ``ReplayStore``."""
        rows = [(r.name, r.not_before, r.revoked_at, r.forget_at) for r in revocations]
        try:
            connection = self.connect(now)
            with _Transaction(connection):
                connection.executemany(_REVOKE, rows)
        except (sqlite3.Error, OSError) as error:
            raise self.unavailable(error) from None

    def revocations(self, after: int, now: int) -> Memory:
        """See ``ReplayStore``."""
        query = "SELECT * FROM revoked WHERE revoked_at >= ? AND forget_at > ?"
        try:
            rows = self.connect(now).execute(query, (after, now)).fetchall()
        except (sqlite3.Error, OSError) as error:
            raise self.unavailable(error) from None
        return Memory(self.since, tuple([Revocation(*row) for row in rows]))

    def spent(self, ids: Sequence[str], now: int) -> tuple[int | None, ...]:
        """See ``ReplayStore``."""
        query = "SELECT spent_at FROM spent WHERE id = ?"
        try:
            connection = self.connect(now)
            found = [connection.execute(query, (id_,)).fetchone() for id_ in ids]
        except (sqlite3.Error, OSError) as error:
            raise self.unavailable(error) from None
        return tuple([row[0] if row else None for row in found])

    def tally(self, names: Sequence[str], add: int, forget_at: int, now: int) -> tuple[Tally, ...]:
        """See ``ReplayStore``."""
        query = "SELECT count, forget_at FROM tallies WHERE name = ? AND forget_at > ?"
        try:
            connection = self.connect(now)
            with _Transaction(connection):
                if add:
                    rows = [(name, add, forget_at, now) for name in names]
                    connection.executemany(_TALLY, rows)
                found = [connection.execute(query, (name, now)).fetchone() for name in names]
        except (sqlite3.Error, OSError) as error:
            raise self.unavailable(error) from None
        return tuple([Tally(*row) if row else Tally() for row in found])

    def _check(self, connection: sqlite3.Connection, standing: Standing) -> None:
        for name in standing.names:
            query = "SELECT not_before FROM revoked WHERE name = ?"
            row = connection.execute(query, (name,)).fetchone()
            if row is not None and standing.issued_at < row[0]:
                raise Revoked(standing)

    def _spend(self, connection: sqlite3.Connection, once: Once, now: int) -> int:
        try:
            self.insert(connection, once.id, forget_at=once.forget_at, now=now)
        except spent.AlreadySpent as before:
            if now < before.spent_at + once.grace:
                return before.spent_at
            raise AlreadySpent(once) from None
        return now


class _Transaction:
    """All or nothing, and nobody else in between."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def __enter__(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, _: object, __: object) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT" if kind is None else "ROLLBACK")
