"""Edits of a registry: nothing invalid is ever written, and no edit is lost to another.

The whole registry is locked, read, changed and judged in memory; only then is one file replaced,
and its mode stays.
"""

import fcntl
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkstemp
from typing import Any

from issuer.registry import documents, edited_text, files, parsing
from issuer.registry.consistency import Offered
from issuer.registry.documents import dotted, near
from issuer.registry.edited_text import Change, Refused, Table

__all__ = ["Change", "Refused", "Table", "add", "change", "locked", "replace"]


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
        content = edited_text.added(chosen, contents.get(chosen, b""), at, record)
        parsing.parse(files.with_key_files(path, {**contents, chosen: content}), offered)
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
            content = edited_text.changed(
                holder, contents[holder], lambda whole: change(whole[at[0]][at[1]])
            )
        except (AttributeError, KeyError, TypeError):
            parsing.parse(contents, offered)  # says it better: something in there is no record
            raise
        parsing.parse(files.with_key_files(path, {**contents, holder: content}), offered)
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
        if documents.is_key_file(file):
            continue
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
