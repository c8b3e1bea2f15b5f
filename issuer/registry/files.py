"""Reading the two files from disk, within bounds, whatever lies there."""

import os
import stat
from collections.abc import Mapping
from io import BufferedReader
from pathlib import Path

from issuer.registry import client_keys, documents, key_files
from issuer.registry.documents import MAX_BYTES

REGISTRY_VARIABLE = "ISSUER_REGISTRY"
KEYRING_VARIABLE = "ISSUER_KEYRING"
GROUP_READABLE_VARIABLE = "ISSUER_KEYRING_GROUP_READABLE"

SUFFIXES = (".toml", ".json")
MAX_FILES = 1000
_PIECE = 2**18
"""Bytes that are read at once."""


class Unreadable(Exception):
    """A file is missing, not a file, too large, or not ours to read."""


def registry_path() -> Path:
    """Where the registry is: a file, or a directory of them."""
    return Path(os.environ.get(REGISTRY_VARIABLE, "registry.toml"))


def keyring_path() -> Path:
    """Where the key ring is."""
    return Path(os.environ.get(KEYRING_VARIABLE, "keyring.json"))


def group_may_read_keyring() -> bool:
    """True where the environment says that the key ring's group is no danger."""
    return os.environ.get(GROUP_READABLE_VARIABLE) == "1"


def folder_of(registry: Path) -> Path:
    """The folder that the registry's relative paths count from."""
    return registry if registry.is_dir() else registry.parent


def read_registry(path: Path) -> dict[str, bytes]:
    """The content of the registry's files by their names, those with clients' keys included.

    Of a directory, the ``.toml`` and ``.json`` files right in it, hidden ones left out:
    Kubernetes keeps its own bookkeeping in those.

    Raises:
        Unreadable: there is no registry, or a part of it cannot be read.
    """
    return with_key_files(path, _read_documents(path))


def with_key_files(path: Path, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """The documents in ``contents``, of the registry at ``path``, and the files of keys and of
    authorities that are named in them.

    Those may lie right among the documents of a directory, as they do in a ConfigMap.

    Raises:
        Unreadable: one of them is not there, or cannot be read.
    """
    folder = folder_of(path)
    held = {name: each for name, each in contents.items() if not documents.is_key_file(name)}
    found: dict[str, bytes] = {}
    for name, place in key_files.named(held).items():
        try:
            found[documents.key_file(name)] = read_file(folder / name, client_keys.MAX_BYTES)
        except Unreadable as error:
            raise Unreadable(f"{documents.dotted(place)}: {error}") from None
        if path.is_dir() and (folder / name).parent == path:
            held.pop(Path(name).name, None)
    if len(found) > MAX_FILES:
        raise Unreadable(f"{path.name}: its clients name more than {MAX_FILES} files of keys")
    return held | found


def key_files_of(path: Path, contents: Mapping[str, bytes]) -> tuple[Path, ...]:
    """Where the files of keys among ``contents`` lie."""
    folder = folder_of(path)
    return tuple(folder / name for name in contents if documents.is_key_file(name))


def _read_documents(path: Path) -> dict[str, bytes]:
    try:
        if not path.is_dir():
            return {path.name: read_file(path, MAX_BYTES)}
        found = sorted(
            each
            for each in path.iterdir()
            if each.suffix in SUFFIXES and not each.name.startswith(".")
        )
    except OSError as error:
        raise Unreadable(f"{path.name}: {error.strerror}") from None
    if not found:
        raise Unreadable(f"{path.name}: there is no .toml or .json file in this directory")
    if len(found) > MAX_FILES:
        raise Unreadable(f"{path.name}: there are more than {MAX_FILES} files in this directory")
    return {each.name: read_file(each, MAX_BYTES) for each in found}


def read_file(path: Path, most: int) -> bytes:
    """The content of a regular file of ``most`` bytes or fewer.

    Raises:
        Unreadable: it is anything else.
    """
    try:
        # Not blocking, so that opening a FIFO returns; what it is, is asked of what was opened.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123  a descriptor has no path
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                raise Unreadable(f"{path.name}: is not a regular file")
            # Not read only to be refused, as it is looked at every second; it may still grow.
            content = b"" if status.st_size > most else _read(file, most + 1)
    except OSError as error:
        raise Unreadable(f"{path.name}: {error.strerror}") from None
    if max(len(content), status.st_size) > most:
        size = f"{most // 2**20} MiB" if most >= 2**20 else f"{most // 2**10} KiB"
        raise Unreadable(f"{path.name}: is larger than {size}")
    return content


def _read(file: BufferedReader, most: int) -> bytes:
    """What is left of ``file``, ``most`` bytes at most.

    In pieces: while it copies all at once, a kernel may let nobody else run on this core.
    """
    pieces = []
    while most and (piece := file.read(min(most, _PIECE))):
        pieces.append(piece)
        most -= len(piece)
    return b"".join(pieces)


def stamp(path: Path, *beside: Path) -> tuple[int, tuple[tuple[int, ...], ...]] | None:
    """When what lies at ``path`` last changed, and what the system says of it; None if nothing.

    What lies ``beside`` counts as a part of it.

    Any change of a file's content changes its stamp, if the clock of the file system has moved on
    since: a stamp that is two seconds old when the file is read cannot hide one.
    """
    try:
        paths = sorted(path.iterdir()) if path.is_dir() else [path]
        found = [each.stat() for each in (path, *paths, *beside) if each.exists()]
    except OSError:
        return None
    if not found:
        return None
    facts = tuple((s.st_dev, s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns) for s in found)
    return max(each.st_ctime_ns for each in found) // 10**9, facts
