"""TOML and JSON documents as plain tables, and where in them something is wrong."""

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from issuer.registry import malformed
from keys import file_text

MAX_BYTES = 64 * 2**20
"""Bytes of one file: 100 000 clients take about 40 MB."""

Finding = tuple[tuple[str | int, ...], str]
"""A path in the registry, and a sentence about what is there."""

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where. It never quotes a value."""

    file: str
    path: tuple[str | int, ...]
    message: str

    def __str__(self) -> str:
        where = f"{self.file}: {dotted(self.path)}" if self.path else self.file
        return f"{where}: {self.message}"


def problem(file: str, error: ValueError) -> Problem:
    """What ``read`` raised, as a problem of ``file``."""
    return Problem(file, getattr(error, "path", ()), str(error))


def dotted(path: Iterable[str | int]) -> str:
    """A path the way a TOML file spells it: ``clients.billing.redirect_uris[0]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            key = step if _BARE_KEY.fullmatch(step) else json.dumps(step, ensure_ascii=False)
            text += f".{key}" if text else key
    return text


def key_file(name: str) -> str:
    """What the file of clients' keys that ``name`` leads to is called among the registry's files:
    it has a slash, which no document of a registry has in its name."""
    return name if "/" in name else f"./{name}"


def is_key_file(name: str) -> bool:
    """True where, of the registry's files, this one has keys."""
    return "/" in name


def near(name: str, known: Iterable[str]) -> str:
    """A half-sentence naming what was probably meant; empty where nothing is near."""
    close = get_close_matches(name, list(known), n=1)
    return f'; did you mean "{close[0]}"?' if close else ""


def read(file: str, content: bytes) -> dict[str, Any]:
    """The table that the text of ``file`` holds; its suffix says whether it is TOML or JSON.

    Raises:
        Malformed: it is not of its format.
        ValueError: it is too large, not UTF-8, or says something twice.
    """
    if len(content) > MAX_BYTES:
        raise ValueError(
            f"is larger than {MAX_BYTES // 2**20} MiB; a directory of files may hold more"
        )
    try:
        text = file_text.decode(content)
        if file.endswith(".json"):
            table = strict_json().decode(text)
            if "\\u" in text:
                # Half a surrogate pair is text that can be neither signed nor logged.
                json.dumps(table, ensure_ascii=False).encode()
        else:
            table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise malformed.toml(text, error) from None
    except json.JSONDecodeError as error:
        raise malformed.json(text, error) from None
    except UnicodeEncodeError:
        raise ValueError("has half a surrogate pair: one \\u escape without the other") from None
    except RecursionError:
        raise ValueError("is nested too deeply") from None
    if not isinstance(table, dict):
        raise ValueError('must be an object at its top, such as {"issuer": {…}}')  # noqa: TRY004  one kind of refusal
    return table


def strict_json() -> json.JSONDecoder:
    """A decoder of JSON without what Python adds to it, and without a name twice in one object."""
    return json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_constant)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"has {json.dumps(twice)} twice in one object")
    return table


def _no_constant(_: str) -> Any:
    raise ValueError("has a number that JSON does not have")


def merge(
    documents: Mapping[str, Mapping[str, Any]], tables: Iterable[str]
) -> tuple[dict[str, dict[str, tuple[str, Any]]], list[Problem]]:
    """The entries of each table over all documents, each with the file it stands in.

    An entry that stands in two files belongs to neither: that is a problem, naming both.
    """
    merged: dict[str, dict[str, tuple[str, Any]]] = {table: {} for table in tables}
    problems: list[Problem] = []
    for file, document in documents.items():
        for table, entries in document.items():
            if table not in merged:
                problems.append(Problem(file, (table,), "unknown table" + near(table, merged)))
            elif not isinstance(entries, Mapping):
                problems.append(Problem(file, (table,), "must be a table of fields, not a value"))
            else:
                for name, entry in entries.items():
                    first = merged[table].setdefault(name, (file, entry))[0]
                    if first != file:
                        message = f"is also defined in {first}: take it out of one of the two"
                        problems.append(Problem(file, (table, name), message))
    return merged, problems
