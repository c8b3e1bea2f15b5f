"""The entries of a document one after the other, while there is nothing to say against it.

All of a hundred thousand at once would be three times as large as the records that they become.
Whatever is unusual is left to ``documents``, which says what is wrong, or that nothing is.
"""

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
    return _of_json(file_text.decode(content), known)


def _of_tables(tables: dict[str, Any], known: Collection[str]) -> Iterator[Entry]:
    for table, entries in tables.items():
        if table not in known or not isinstance(entries, dict):
            raise Unusual
        for name, entry in entries.items():
            yield table, name, entry
        while entries:  # one by one, so that no thread has to wait for all of them
            entries.popitem()


def _of_json(text: str, known: Collection[str]) -> Iterator[Entry]:
    cursor, seen = _Cursor(text), set[str]()
    for table in cursor.members():
        if table not in known or table in seen:
            raise Unusual
        seen.add(table)
        for name in cursor.members():
            yield table, name, cursor.value()
    if cursor.at != len(text):
        raise Unusual


class _Cursor:
    """A place in a JSON text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self.at = 0
        self._may_be_torn = "\\u" in text
        """True where there can be half a surrogate pair, which is no text."""
        # A name of its own in the standard library, which its types leave out.
        self._scan = documents.strict_json().scan_once  # type: ignore[attr-defined]

    def members(self) -> Iterator[str]:
        """The names in the object that begins here; the value of each is read before the next."""
        found = _FIRST.match(self._text, self.at)
        while found is not None:
            self.at, name = found.end(), found[1]
            if name is None:
                return
            yield _unescaped(name) if "\\" in name else name
            found = _NEXT.match(self._text, self.at)
        raise Unusual

    def value(self) -> Any:
        """The value that begins here, whole."""
        begins = self.at
        try:
            value, self.at = self._scan(self._text, begins)
        except StopIteration:
            raise Unusual from None
        if self._may_be_torn and "\\u" in self._text[begins : self.at]:
            json.dumps(value, ensure_ascii=False).encode()
        return value


def _unescaped(name: str) -> str:
    whole: str = json.loads(f'"{name}"')
    whole.encode()  # raises at half a surrogate pair
    return whole
