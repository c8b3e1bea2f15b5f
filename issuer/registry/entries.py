"""The entries of a document one after the other, while there is nothing to say against it.

All of a hundred thousand at once would be three times as large as the records that they become.
Whatever is unusual is left to ``documents``, which says what is wrong, or that nothing is.
"""

import codecs
import json
import re
from collections.abc import Collection, Iterator
from typing import Any

from issuer.registry import documents
from keys import file_text

_SPACE = r"[ \t\n\r]*"
_NAME = rf'"([^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*)"{_SPACE}:{_SPACE}'
_FIRST = re.compile(rf"{_SPACE}\{{{_SPACE}(?:{_NAME}|\}}{_SPACE})")
_NEXT = re.compile(rf"{_SPACE}(?:,{_SPACE}{_NAME}|\}}{_SPACE})")
_END = re.compile(_SPACE)

PIECE = 2**20
"""Bytes that are decoded at a time: no thread waits for more than that, which takes 2 ms."""

Entry = tuple[str, str, Any]
"""The table that it stands in, its name, and what it says."""


class Unusual(ValueError):
    """There may be something wrong."""


def read(file: str, content: bytes, known: Collection[str]) -> Iterator[Entry]:
    """What ``documents.read`` finds; of a name that JSON has twice in a table, two entries.

    Raises:
        ValueError: there may be something wrong, such as a table that is not ``known``.
        RecursionError: the same.
    """
    if not file.endswith(".json"):
        return _of_tables(documents.read(file, content), known)
    if len(content) > documents.MAX_BYTES:
        raise Unusual
    return _of_json(content, known)


def _of_tables(tables: dict[str, Any], known: Collection[str]) -> Iterator[Entry]:
    for table, entries in tables.items():
        if table not in known or not isinstance(entries, dict):
            raise Unusual
        for name, entry in entries.items():
            yield table, name, entry
        while entries:  # one by one, so that no thread has to wait for all of them
            entries.popitem()


def _of_json(content: bytes, known: Collection[str]) -> Iterator[Entry]:
    cursor, seen = _Cursor(content), set[str]()
    for table in cursor.members():
        if table not in known or table in seen:
            raise Unusual
        seen.add(table)
        for name in cursor.members():
            yield table, name, cursor.value()
    if not cursor.is_at_end():
        raise Unusual


class _Cursor:
    """A place in a JSON text, of which there is a piece at a time.

    Whatever ends where the piece ends may go on in the next, and is read again with it.
    """

    def __init__(self, content: bytes) -> None:
        self._content = memoryview(file_text.unmarked(content))
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._text, self._at = "", 0
        self._may_be_torn = False
        """True where the piece can have half a surrogate pair, which is no text."""
        # A name of its own in the standard library, which its types leave out.
        self._scan = documents.strict_json().scan_once  # type: ignore[attr-defined]

    def members(self) -> Iterator[str]:
        """The names in the object that begins here; the value of each is read before the next."""
        found = self._match(_FIRST)
        while found is not None:
            name = found[1]
            if name is None:
                return
            yield _unescaped(name) if "\\" in name else name
            found = self._match(_NEXT)
        raise Unusual

    def value(self) -> Any:
        """The value that begins here, whole."""
        while True:
            try:
                value, end = self._scan(self._text, self._at)
            except (ValueError, StopIteration):
                end = len(self._text)
            if end < len(self._text):
                break
            if not self._read_on():
                raise Unusual
        if self._may_be_torn and "\\u" in self._text[self._at : end]:
            json.dumps(value, ensure_ascii=False).encode()
        self._at = end
        return value

    def is_at_end(self) -> bool:
        """True where nothing but space is left."""
        self._match(_END)
        return self._at == len(self._text) and not self._content

    def _match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._text, self._at)
        while (found is None or found.end() == len(self._text)) and self._read_on():
            found = pattern.match(self._text, self._at)
        if found is not None:
            self._at = found.end()
        return found

    def _read_on(self) -> bool:
        """False where there is no more."""
        if not self._content:
            return False
        piece, self._content = self._content[:PIECE], self._content[PIECE:]
        more = self._decode(piece, final=not self._content)
        self._text, self._at = self._text[self._at :] + more, 0
        self._may_be_torn = "\\u" in self._text
        return True


def _unescaped(name: str) -> str:
    whole: str = json.loads(f'"{name}"')
    whole.encode()  # raises at half a surrogate pair
    return whole
