"""The text of one registry file with a record added or changed: comments and order stay.

How TOML is laid out is partly a guess, so what came out is read again: unless it says exactly what
was meant, the edit is refused.
"""

import tomllib
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any

import tomlkit

from issuer.registry import documents, json_layout, toml_layout
from keys import file_text

Table = MutableMapping[str, Any]
Change = Callable[[Table], None]
"""Changes a record in place. It is called twice: on the text's tree, and on plain tables."""


class Refused(Exception):
    """The edit was not made; the sentence says why."""


def added(file: str, content: bytes, at: tuple[str, str], record: Mapping[str, Any]) -> bytes:
    """The content of ``file`` with one record more, at table and name.

    Raises:
        Refused: the TOML is written in a way that nothing can be added to.
    """
    return _marked_as(content, _added_to(file, file_text.unmarked(content), at, record))


def _added_to(file: str, content: bytes, at: tuple[str, str], record: Mapping[str, Any]) -> bytes:
    table, name = at
    if file.endswith(".json"):
        whole = documents.read(file, content or b"{}")
        whole.setdefault(table, {})[name] = dict(record)
        return json_layout.written(whole, content)
    text = content.decode()
    expected = tomllib.loads(text)
    expected.setdefault(table, {})[name] = dict(record)
    for edited in toml_layout.insertions(text, at, record):
        if _says(edited, expected):
            return edited.encode()
    raise Refused(
        f"{file} writes {table} in a way that cannot be added to; write it as [{table}.…]"
    )


def changed(file: str, content: bytes, change: Change) -> bytes:
    """The content of ``file`` after ``change``, which gets the whole document.

    Raises:
        Refused: the TOML is written in a way that cannot be edited safely.
    """
    return _marked_as(content, _changed_in(file, file_text.unmarked(content), change))


def _changed_in(file: str, content: bytes, change: Change) -> bytes:
    if file.endswith(".json"):
        whole = documents.read(file, content)
        change(whole)
        return json_layout.written(whole, content)
    expected = tomllib.loads(content.decode())
    change(expected)
    tree = tomlkit.parse(content.decode())
    change(tree)
    for edited in (toml_layout.spaced(tree.as_string(), content.decode()), tree.as_string()):
        if _says(edited, expected):
            return edited.encode()
    raise Refused(f"{file} is written in a way that cannot be edited safely; edit it by hand")


def _marked_as(old: bytes, new: bytes) -> bytes:
    """``new`` with a byte order mark where ``old`` has one: some editor may count on it."""
    return new if old == file_text.unmarked(old) else file_text.BYTE_ORDER_MARK + new


def _says(text: str, expected: Mapping[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == expected
    except tomllib.TOMLDecodeError:
        return False
