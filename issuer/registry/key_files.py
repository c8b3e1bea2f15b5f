"""The files in which keys of clients and federations lie, and their authorities, beside the
registry: which there are.

Who names one says so within the documents.
"""

from collections.abc import Iterator, Mapping

from issuer.registry import documents, entries
from issuer.registry.parsing import ALL_TABLES

_KEYS, _AUTHORITIES = "jwks_file", "client_certificate_authorities_file"

_HOLDERS = ("clients", "federations")
"""The tables whose records have keys."""

_PIECE = 2**20
"""Bytes that are looked through in one go."""

Path = tuple[str, ...]
"""Of a field within the documents."""


def named(contents: Mapping[str, bytes]) -> Mapping[str, Path]:
    """The files that are named in these documents, each with a place where it is.

    What is wrong with a document is for ``parsing`` to say.
    """
    found: dict[str, Path] = {}
    for file, content in contents.items():
        # So in few registries, and this is asked of all of them.
        if _mentions(content, _KEYS.encode()) or _mentions(content, _AUTHORITIES.encode()):
            for path, name in _named_in(file, content):
                if isinstance(name, str) and name:
                    found.setdefault(name, path)
    return found


def _mentions(content: bytes, word: bytes) -> bool:
    """Whether it is there; other threads are let through after each piece."""
    return any(
        content.find(word, start, start + _PIECE + len(word)) >= 0
        for start in range(0, len(content), _PIECE)
    )


def _named_in(file: str, content: bytes) -> Iterator[tuple[Path, object]]:
    try:
        for table, key, entry in entries.read(file, content, ALL_TABLES):
            yield from _named_by(table, key, entry)
    except (ValueError, RecursionError):
        try:
            tables = documents.read(file, content)
        except ValueError:
            return
        for table in ("issuer", *_HOLDERS):
            held = tables.get(table)
            for key, entry in held.items() if isinstance(held, Mapping) else ():
                yield from _named_by(table, key, entry)


def _named_by(table: str, key: str, entry: object) -> Iterator[tuple[Path, object]]:
    if table == "issuer" and key == _AUTHORITIES:
        yield (table, key), entry
    elif table in _HOLDERS and isinstance(entry, Mapping):
        yield (table, key, _KEYS), entry.get(_KEYS)
