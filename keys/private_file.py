"""A file of private keys: read only if nobody else can read it, replaced whole or not at all."""

import os
import stat
from pathlib import Path
from tempfile import mkstemp

MAX_BYTES = 1 << 20
"""Size of the largest file."""

_OWNER_ONLY = 0o600


class UnfitFile(ValueError):
    """The file is not one to read keys from; the sentence says its name and why."""


def read(path: Path) -> bytes:
    """What the file holds.

    Raises:
        UnfitFile: it cannot be read, is no regular file, is too large, or is open to others.
    """
    try:
        # Not blocking: a pipe in the file's place would keep us waiting before we could refuse it.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return _read(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnfitFile(f"{path.name}: {error.strerror}") from None
    except _Unfit as unfit:
        raise UnfitFile(f"{path.name}: {unfit}") from None


def write(path: Path, text: str) -> None:
    """``text`` in the place of whatever was at ``path``, readable by the owner alone.

    A reader sees the old file or the new one, also after a loss of power.
    """
    target = path.resolve()  # A symbolic link keeps pointing at what it names.
    descriptor, temporary = mkstemp(dir=target.parent, prefix=f".{target.name}.")  # mode 0600
    try:
        _fill(descriptor, text)
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    _sync_directory(target.parent)


def create(path: Path, text: str) -> None:
    """A new file at ``path``, readable by the owner alone, that holds ``text``.

    Raises:
        OSError: it is there already, whatever it is, or cannot be made.
    """
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    descriptor = os.open(path, flags, _OWNER_ONLY)
    try:
        _fill(descriptor, text)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    _sync_directory(path.parent)


class _Unfit(Exception):
    """Why, without the name."""


def _fill(descriptor: int, text: str) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read(descriptor: int) -> bytes:
    status = os.fstat(descriptor)  # of the opened file: its name may lead elsewhere by now
    if not stat.S_ISREG(status.st_mode):
        raise _Unfit("not a regular file")
    # Kubernetes mounts a secret as root's and lets the process read it through its group (fsGroup).
    ours = status.st_uid == os.geteuid()
    allowed = _OWNER_ONLY if ours else _OWNER_ONLY | stat.S_IRGRP
    if stat.S_IMODE(status.st_mode) & 0o077 & ~allowed:
        raise _Unfit("others than its owner can read or change it; chmod 600")
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise _Unfit(f"larger than {MAX_BYTES} bytes")
    return data


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
