"""Text that is no TOML or no JSON: at which line and key that is, and what helps.

A parser says at which character it gave up. Somebody who edits a file wants to know which of the
things they wrote it was. No value is quoted, for one may be a secret, except what is a date.
"""

import re
import tomllib
from collections.abc import Mapping
from json import JSONDecodeError, loads
from types import MappingProxyType

from keys import instants

_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_STRING = re.compile(r'"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'")
# The fields of records are such words. What else stands before a = may be the end of a secret.
_KEY = re.compile(r"(?:^|[{,])[ \t]*([a-z_.]+)[ \t]*=")
_BEGINS_WITH_KEY = re.compile(r"[ \t]*[a-z_.]+[ \t]*=")
_NEW_STATEMENT = ("Invalid statement", "Expected '='", "Expected ']'", "Cannot declare")
_TOKEN = re.compile(r'(?P<text>"(?:[^"\\]|\\.)*")(?P<names>\s*:)?|(?P<mark>[][{},])')

_QUOTES = "a name of other characters than A-Z a-z 0-9 - _ stands in quotes"
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "Invalid value": 'text stands in "quotes"; true and false are lower case',
        "Invalid date or datetime": "a time is like 2026-11-01T00:00:00Z",
        "Illegal character '\\n'": "a text has no closing quote",
        "Unterminated string": "a text has no closing quote",
        'Expected \'"""\'': "a text has no closing quotes",
        "Expected \"'''\"": "a text has no closing quotes",
        "Unescaped '\\'": "a backslash in \"quotes\" is doubled, or stands in 'single quotes'",
        "Unclosed array": "a comma or the closing ] is missing",
        "Unclosed inline table": "a comma or the closing } is missing, and { } stands on one line",
        "Expected newline or end of document": 'one key = value to a line, and text in "quotes"',
        "Invalid statement": "a line is [a table], key = value, or # a comment",
        "Cannot overwrite a value": "the key is there twice",
        "Duplicate inline table key": "the key is there twice",
        "Expected '=' after a key": f"key = value, and {_QUOTES}",
        "Expected ']' at the end": f'{_QUOTES}, such as [resources."https://api.example"]',
        "Invalid initial character for a key": f"{_QUOTES}; {{ }} stands on one line",
        "Cannot declare": "the table is there twice, or was written in another way before",
        "Expecting value": 'text stands in "quotes"; true and false are lower case',
        "Expecting property name": "no comma stands before a closing }",
        "Expecting ',' delimiter": "a comma or a closing bracket is missing",
        "Extra data": "the first bracket is closed already",
        "Invalid control character": "a line end within a text is written \\n",
        "Invalid \\escape": "a backslash is doubled",
    }
)
"""What helps, by how the parser's sentence begins."""


class Malformed(ValueError):
    """The sentence says at which line, and what helps; ``path`` at which key, if that is clear."""

    def __init__(self, message: str, path: tuple[str | int, ...] = ()) -> None:
        super().__init__(message)
        self.path = path


def toml(text: str, error: tomllib.TOMLDecodeError) -> Malformed:
    """Why ``text`` is refused, of which the parser said ``error``."""
    said, place = _said(error)
    if place is None:
        # The last character is where it looks for whatever is missing; with lines behind it, the
        # end of the document is another place than the end of what is wrong.
        try:
            tomllib.loads(f"{text}\n\n")
        except tomllib.TOMLDecodeError as again:
            place = _said(again)[1] if _said(again)[0] == said else None
    lines = text.splitlines() or [""]
    number, column = place or (len(lines), len(lines[-1]) + 1)
    number = min(number, len(lines))
    line = lines[number - 1]
    date = _impossible_date(line)
    if date:
        (column, sentence) = date
    else:
        sentence = _hinted(said)
    return Malformed(
        f"line {number}: {sentence}",
        _path(lines, number, 0 if said.startswith(_NEW_STATEMENT) else column),
    )


def json(text: str, error: JSONDecodeError) -> Malformed:
    """Why ``text`` is refused, of which the parser said ``error``."""
    return Malformed(f"line {error.lineno}: {_hinted(error.msg)}", _members(text, error.pos))


def _hinted(said: str) -> str:
    hint = next((words for begins, words in _HINTS.items() if said.startswith(begins)), "")
    return f"{said}; {hint}" if hint else said


def _members(text: str, end: int) -> tuple[str | int, ...]:
    """The names and the numbers that lead to ``end`` in JSON which is sound up to there."""
    path: list[str | int | None] = []
    for found in _TOKEN.finditer(text, 0, end):
        mark = found["mark"]
        if found["names"] and path:
            path[-1] = str(loads(found["text"], strict=False))
        elif mark in ("{", "["):
            path.append(0 if mark == "[" else None)
        elif mark == "," and path:
            path[-1] = path[-1] + 1 if isinstance(path[-1], int) else None
        elif mark in ("}", "]") and path:
            path.pop()
    return tuple(each for each in path if each is not None)


def _said(error: tomllib.TOMLDecodeError) -> tuple[str, tuple[int, int] | None]:
    """The parser's sentence, and its line and column, both from 1."""
    said = str(error)
    found = _AT.search(said)
    if not found:
        return said, None
    place = (int(found[1]), int(found[2])) if found[1] else None
    return said[: found.start()], place


def _impossible_date(line: str) -> tuple[int, str] | None:
    """The column and the fault of the first date in ``line`` that no calendar or clock has."""
    for found in instants.DATE.finditer(_masked(line)):
        sentence = instants.impossible(found[0])
        if sentence:
            return found.start() + 1, sentence
    return None


def _masked(line: str) -> str:
    """``line`` without what stands in quotes or, as a comment, behind them; as long, at most."""
    masked = _STRING.sub(lambda found: " " * len(found[0]), line)
    return re.split(r"[\"'#]", masked, maxsplit=1)[0]


def _path(lines: list[str], number: int, column: int) -> tuple[str, ...]:
    """The table and the keys that the column of the line with this number, from 1, belongs to.

    Column 0 is before the line: its table alone.
    """
    line = lines[number - 1]
    keys = _KEY.findall(_masked(line[: max(column - 1, 0)]))
    if not column:
        if line.lstrip().startswith("["):
            return ()
        held = []
    elif keys and _BEGINS_WITH_KEY.match(line):
        held = list(dict.fromkeys([*keys[:1], *keys[-1:]]))
    else:  # a further line of some key's value
        above = (each for each in reversed(lines[: number - 1]) if _BEGINS_WITH_KEY.match(each))
        held = [*_KEY.findall(_masked(next(above, "")))[:1], *keys[-1:]]
    headers = filter(None, map(_table, reversed(lines[: number - 1])))
    return (*next(headers, ()), *(name for key in held for name in key.split(".")))


def _table(line: str) -> tuple[str, ...]:
    """The names in a header such as ``[clients.billing]``; none for any other line."""
    if not line.lstrip().startswith("["):
        return ()
    try:
        found = tomllib.loads(line)
    except tomllib.TOMLDecodeError:
        return ()
    names: list[str] = []
    while isinstance(found, dict) and len(found) == 1:
        ((name, found),) = found.items()
        names.append(name)
    return tuple(names)
