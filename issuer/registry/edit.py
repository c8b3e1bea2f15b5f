"""Edits of registry files: comments, order and mode stay, and nothing invalid is ever written.

The whole registry is read, changed and judged in memory; only then is one file replaced.
"""

import fcntl
import json
import os
import re
import tomllib
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from tempfile import mkstemp
from typing import Any

import tomlkit
from tomlkit.items import Item

from issuer.registry import documents, files, parsing
from issuer.registry.consistency import Offered
from issuer.registry.documents import dotted, near
from issuer.registry.record import rfc3339
from keys import file_text

Table = MutableMapping[str, Any]
Change = Callable[[Table], None]
"""Changes a record in place. It is called twice: on the text's tree, and on plain tables."""

_INDENTATION = re.compile(rb"^[\[{]\r?\n([ \t]+)")
_CROWDED = re.compile(
    r"""(?P<text>"[^"]*"|'[^']*')|(?P<open>\{(?=\S))|(?<=\S)(?P<shut>\})|,(?=\S)"""
)


class Refused(Exception):
    """The edit was not made; the sentence says why."""


def add(
    path: Path,
    at: tuple[str, str],
    record: Mapping[str, Any],
    *,
    offered: Offered,
    file: str | None = None,
    first: Callable[[], object] = lambda: None,
) -> Path:
    """The file of the registry at ``path`` that now holds one record more, at table and name.

    ``first`` is called when all is well and nothing was written yet; what it raises ends the edit.

    Raises:
        Refused: there is such a record, or no telling which file it should go to.
        parsing.InvalidRegistry: with the problems the registry would have had.
        files.Unreadable, OSError: it cannot be read or replaced.
    """
    with locked(path):
        contents = files.read_registry(path)
        holder = _holder(contents, at)
        if holder:
            raise Refused(f"{holder} already has {dotted(at)}")
        chosen = _destination(path, contents, at[0], file)
        content = _added(chosen, contents.get(chosen, b""), at, record)
        parsing.parse({**contents, chosen: content}, offered)
        first()
        return replace(_place(path, chosen), content)


def change(
    path: Path,
    at: tuple[str, str],
    change: Change,
    *,
    offered: Offered,
    first: Callable[[], object] = lambda: None,
) -> Path:
    """The file of the registry at ``path`` in which the record at table and name is now changed.

    ``first`` is called when all is well and nothing was written yet; what it raises ends the edit.

    Raises:
        Refused: there is no such record.
        parsing.InvalidRegistry: with the problems the registry has or would have had.
        files.Unreadable, OSError: it cannot be read or replaced.
    """
    with locked(path):
        contents = files.read_registry(path)
        holder = _holder(contents, at)
        if not holder:
            raise Refused(f"The registry has no {dotted(at)}{near(at[1], _names(contents, at[0]))}")
        try:
            content = _changed(holder, contents[holder], lambda whole: change(whole[at[0]][at[1]]))
        except (AttributeError, KeyError, TypeError):
            parsing.parse(contents, offered)  # says it better: something in there is no record
            raise
        parsing.parse({**contents, holder: content}, offered)
        first()
        return replace(_place(path, holder), content)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """While it holds, no other edit of this registry can be read over or get lost."""
    directory = os.open(path if path.is_dir() else path.resolve().parent, os.O_RDONLY)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def _names(contents: Mapping[str, bytes], table: str) -> dict[str, str]:
    """The names in one table over all files, each with its file."""
    names: dict[str, str] = {}
    for file, content in contents.items():
        try:
            entries = documents.read(file, content).get(table)
        except ValueError as error:
            raise parsing.InvalidRegistry((documents.problem(file, error),)) from None
        names |= dict.fromkeys(entries if isinstance(entries, Mapping) else (), file)
    return names


def _holder(contents: Mapping[str, bytes], at: tuple[str, str]) -> str | None:
    return _names(contents, at[0]).get(at[1])


def _place(path: Path, file: str) -> Path:
    return path / file if path.is_dir() else path


def _destination(path: Path, contents: Mapping[str, bytes], table: str, file: str | None) -> str:
    """The file that a new record of ``table`` goes to."""
    if not path.is_dir():
        only = next(iter(contents))
        if file not in (None, only):
            raise Refused(f"the registry is one file, {only}; --file is for a directory of them")
        return only
    if file:
        if Path(file).name != file or not file.endswith((".toml", ".json")):
            raise Refused("--file is the name of a .toml or .json file of the registry's directory")
        return file
    candidates = sorted(set(_names(contents, table).values()))
    if len(candidates) > 1:
        raise Refused(f"{', '.join(candidates)} all have {table}; name one of them with --file")
    return candidates[0] if candidates else f"{table}.toml"


def _marked_as(old: bytes, new: bytes) -> bytes:
    """``new`` with a byte order mark where ``old`` has one: some editor may count on it."""
    return new if old == file_text.unmarked(old) else file_text.BYTE_ORDER_MARK + new


def _added(file: str, content: bytes, at: tuple[str, str], record: Mapping[str, Any]) -> bytes:
    return _marked_as(content, _added_to(file, file_text.unmarked(content), at, record))


def _added_to(file: str, content: bytes, at: tuple[str, str], record: Mapping[str, Any]) -> bytes:
    table, name = at
    if file.endswith(".json"):
        whole = documents.read(file, content or b"{}")
        whole.setdefault(table, {})[name] = dict(record)
        return _json(whole, content)
    text = content.decode()
    expected = tomllib.loads(text)
    expected.setdefault(table, {})[name] = dict(record)
    for edited in _insertions(text, at, record):
        if _says(edited, expected):
            return edited.encode()
    raise Refused(
        f"{file} writes {table} in a way that cannot be added to; write it as [{table}.…]"
    )


def _changed(file: str, content: bytes, change: Change) -> bytes:
    return _marked_as(content, _changed_in(file, file_text.unmarked(content), change))


def _changed_in(file: str, content: bytes, change: Change) -> bytes:
    if file.endswith(".json"):
        whole = documents.read(file, content)
        change(whole)
        return _json(whole, content)
    expected = tomllib.loads(content.decode())
    change(expected)
    tree = tomlkit.parse(content.decode())
    change(tree)
    for edited in (_spaced(tree.as_string(), content.decode()), tree.as_string()):
        if _says(edited, expected):
            return edited.encode()
    raise Refused(f"{file} is written in a way that cannot be edited safely; edit it by hand")


def _says(text: str, expected: Mapping[str, Any]) -> bool:
    try:
        return tomllib.loads(text) == expected
    except tomllib.TOMLDecodeError:
        return False


def _insertions(text: str, at: tuple[str, str], record: Mapping[str, Any]) -> Iterator[str]:
    """``text`` with the record behind the last of its kind, or else at its end.

    Where a section ends is judged by the look of the lines, so the caller checks what came out.
    """
    newline = "\r\n" if "\r\n" in text else "\n"
    section = _section(at, record).replace("\n", newline)
    lines = text.splitlines(keepends=True)
    for line in (_end_of_sections(lines, at[0]), len(lines)):
        before, after = "".join(lines[:line]).rstrip("\r\n"), "".join(lines[line:]).lstrip("\r\n")
        parts = [before + newline if before else "", section, after]
        yield newline.join(part for part in parts if part)


def _section(at: tuple[str, str], record: Mapping[str, Any]) -> str:
    document = tomlkit.document()
    for key, value in record.items():
        document.add(key, _toml(value))
    return _spaced(f"[{dotted(at)}]\n{document.as_string()}")


def _spaced(text: str, old: str = "") -> str:
    """``text`` with blanks around what stands in braces, in the lines that are not of ``old``."""
    kept = set(old.splitlines(keepends=True))
    lines = text.splitlines(keepends=True)
    return "".join(line if line in kept else _CROWDED.sub(_space, line) for line in lines)


def _space(crowded: re.Match[str]) -> str:
    if crowded["text"]:
        return crowded["text"]
    return "{ " if crowded["open"] else " }" if crowded["shut"] else ", "


def _toml(value: Any) -> Item:
    """``value`` as it stands in a registry: tables within lists inline, one to a line."""
    if isinstance(value, Mapping):
        inline = tomlkit.inline_table()
        for key, inner in value.items():
            inline.add(key, _toml(inner))
        return inline
    if isinstance(value, list | tuple):
        array = tomlkit.array()
        array.extend(map(_toml, value))
        array.multiline(multiline=any(isinstance(inner, Mapping) for inner in value))
        return array
    plain: Item = tomlkit.item(value)
    return plain


def _end_of_sections(lines: list[str], table: str) -> int:
    """The line behind the last section of ``table``: behind its comments, before the next one's."""
    opened = [(number, _opens(line)) for number, line in enumerate(lines)]
    headers = [(number, name) for number, name in opened if name]
    ours = [number for number, name in headers if name == table]
    if not ours:
        return len(lines)
    stop = next((number for number, _ in headers if number > ours[-1]), len(lines))
    spoken = [number for number in range(ours[-1], stop) if lines[number].split("#")[0].strip()]
    end = spoken[-1] + 1
    while end < stop and lines[end].strip():
        end += 1
    # A comment that touches the next header is about what it heads.
    return end if end < stop or stop == len(lines) else spoken[-1] + 1


def _opens(line: str) -> str | None:
    """The table at the top that a header line opens; None for any other line."""
    if not line.lstrip().startswith("["):
        return None
    try:
        return next(iter(tomllib.loads(line)), None)
    except tomllib.TOMLDecodeError:
        return None


def _json(whole: Mapping[str, Any], content: bytes) -> bytes:
    """``whole`` with the indentation and the last newline of ``content``."""
    found = _INDENTATION.match(content)
    indent = found[1].decode() if found else None if content.strip() else "  "
    text = json.dumps(whole, indent=indent, ensure_ascii=False, default=_instant)
    return text.encode() + (b"\n" if not content or content.endswith(b"\n") else b"")


def _instant(value: object) -> str:
    if not isinstance(value, datetime):
        raise TypeError(f"JSON has no {type(value).__name__}")
    return rfc3339(int(value.timestamp()))


def replace(path: Path, content: bytes) -> Path:
    """The file behind ``path``, which from one instant to the next holds ``content``."""
    target = path.resolve()
    handle, temporary = mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            _take_after(target, handle)
            file.write(content)
            file.flush()
            os.fsync(handle)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink()
        raise
    return path


def _take_after(target: Path, handle: int) -> None:
    """Gives the new file the old one's mode and, where that is allowed, its owner."""
    try:
        old = target.stat()
    except FileNotFoundError:
        os.fchmod(handle, 0o644)  # a registry holds no secret
        return
    with suppress(PermissionError):
        os.fchown(handle, old.st_uid, old.st_gid)
    os.fchmod(handle, old.st_mode & 0o7777)
