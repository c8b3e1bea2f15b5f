"""The tables of the SQLite store: what was spent, what was revoked, what was counted and noted.

``keys.spent`` says how the file is opened, and since when it remembers.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import ClassVar

from msgspec import json

from issuer.protocol.replay import (
    AlreadySpent,
    Forgotten,
    Memory,
    Note,
    Once,
    Revocation,
    Revoked,
    Tally,
    Use,
    vouch,
)
from keys import spent
from keys.spent import SpentIds, StoreUnavailable

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
CREATE TABLE IF NOT EXISTS notes (
    name TEXT PRIMARY KEY,
    text TEXT NOT NULL,
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

_LINES = "SELECT name, not_before FROM revoked WHERE name IN (SELECT value FROM json_each(?))"

_SPEND = """
INSERT INTO spent
SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]')
FROM json_each(?) WHERE true ON CONFLICT (id) DO NOTHING
"""

_TALLY = """
INSERT INTO tallies VALUES (?1, max(?2, 0), ?3) ON CONFLICT (name) DO UPDATE SET
    count = max(?2 + CASE WHEN forget_at > ?4 THEN count ELSE 0 END, 0),
    forget_at = ?3
"""

_NOTE_FIRST = """
INSERT INTO notes VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET
    text = ?2, forget_at = ?3 WHERE forget_at <= ?5 AND ?4 IS NULL
"""

_NOTE_INSTEAD = """
UPDATE notes SET text = ?2, forget_at = ?3 WHERE name = ?1 AND text = ?4 AND forget_at > ?5
"""


class SQLiteMemory(SpentIds):
    """One connection, for one thread at a time; it may wait for a disk and for other processes.

    Each method raises ``StoreUnavailable`` where the file cannot be asked.
    """

    schema: ClassVar[str] = spent.SCHEMA + _SCHEMA
    expiring: ClassVar[tuple[str, ...]] = ("revoked", "tallies", "notes")

    def use(self, use: Use, now: int) -> tuple[int, ...]:
        """See ``ReplayStore``."""
        try:
            connection = self.connect(now)
            vouch(use, self.since, now)
            with _Transaction(connection, is_needed=bool(use.once)):
                _check(use, self._lines(connection, [use]))
                spent_at, refused = self._spend_each(connection, use.once, now)
        except (sqlite3.Error, OSError) as error:
            raise self.unavailable(error) from None
        if refused is not None:
            raise AlreadySpent(refused)
        return spent_at

    def use_together(self, uses: Sequence[tuple[Use, int]]) -> bool:
        """Answers all of ``uses`` at once, as ``use`` would answer each with ``now``.

        Four statements do for any number of them, so threads change four times.

        Returns:
            False where one of them is refused, and then nothing was done.
        """
        rows = [(once.id, once.forget_at, now) for use, now in uses for once in use.once]
        if len({id_ for id_, _, _ in rows}) < len(rows):
            return False
        try:
            connection = self.connect(max([now for _, now in uses]))
            for use, now in uses:
                vouch(use, self.since, now)
            with _Transaction(connection, is_needed=bool(rows)):
                lines = self._lines(connection, [use for use, _ in uses])
                for use, _ in uses:
                    _check(use, lines)
                _spend_all(connection, rows)
        except (_Refused, Revoked, Forgotten, StoreUnavailable):
            return False
        except (sqlite3.Error, OSError) as error:
            raise self.unavailable(error) from None
        return True

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

    def note(self, row: tuple[str, str, int], instead_of: str | None, now: int) -> bool:
        """See ``ReplayStore``; ``row`` is the name, the text and when to forget it."""
        query = _NOTE_FIRST if instead_of is None else _NOTE_INSTEAD
        try:
            # One statement is one transaction.
            return self.connect(now).execute(query, (*row, instead_of, now)).rowcount == 1
        except (sqlite3.Error, OSError) as error:
            raise self.unavailable(error) from None

    def noted(self, name: str, now: int) -> Note:
        """See ``ReplayStore``."""
        query = "SELECT text FROM notes WHERE name = ? AND forget_at > ?"
        try:
            row = self.connect(now).execute(query, (name, now)).fetchone()
        except (sqlite3.Error, OSError) as error:
            raise self.unavailable(error) from None
        return Note(row[0] if row else None, self.since)

    def _lines(self, connection: sqlite3.Connection, uses: Sequence[Use]) -> dict[str, int]:
        """The lines that were drawn for any name in ``uses``."""
        names = [name for use in uses for standing in use.standing for name in standing.names]
        if not names:
            return {}
        return dict(connection.execute(_LINES, (json.encode(names),)).fetchall())

    def _spend_each(
        self, connection: sqlite3.Connection, onces: Sequence[Once], now: int
    ) -> tuple[tuple[int, ...], Once | None]:
        """When each was spent, and the first that was spent before: there it ends."""
        spent_at: list[int] = []
        for once in onces:
            try:
                self.insert(connection, once.id, forget_at=once.forget_at, now=now)
                spent_at.append(now)
            except spent.AlreadySpent as before:
                # Without a grace no clock is asked: one that is behind would lend it some.
                if not once.grace or now >= before.spent_at + once.grace:
                    return (), once
                spent_at.append(before.spent_at)
        return tuple(spent_at), None


def _check(use: Use, lines: Mapping[str, int]) -> None:
    for standing in use.standing if lines else ():
        for name in standing.names:
            if standing.issued_at < lines.get(name, 0):
                raise Revoked(standing)


def _spend_all(connection: sqlite3.Connection, rows: Sequence[tuple[str, int, int]]) -> None:
    if rows and connection.execute(_SPEND, (json.encode(rows),)).rowcount < len(rows):
        raise _Refused


class _Refused(Exception):
    """Something was spent before."""


class _Transaction:
    """All or nothing, and nobody else in between."""

    def __init__(self, connection: sqlite3.Connection, *, is_needed: bool = True) -> None:
        self._connection = connection
        self._is_needed = is_needed

    def __enter__(self) -> None:
        if self._is_needed:  # whoever only reads keeps nobody waiting
            self._connection.execute("BEGIN IMMEDIATE")

    def __exit__(self, kind: object, _: object, __: object) -> None:
        if self._connection.in_transaction:
            self._connection.execute("COMMIT" if kind is None else "ROLLBACK")
