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


class GroupReadable(UnfitFile):
    """Nothing else is wrong with the file than that its group can read it."""


def read(path: Path, *, group_readable: bool = False) -> bytes:
    """What the file holds.

    ``group_readable`` is for a file that somebody else's tool puts there, mode 0440 or 0640, with
    a group that the process alone is in. Nobody beyond owner and group may read it even so.

    Raises:
        GroupReadable: its group can read it, nobody said that it may, and chmod could change that.
        UnfitFile: it cannot be read, is no regular file, is too large, or is open to others.
    """
    try:
        # Not blocking: a pipe in the file's place would keep us waiting before we could refuse it.
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return _read(descriptor, group_readable=group_readable)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise UnfitFile(f"{path.name}: {error.strerror}") from None
    except UnfitFile as unfit:
        raise type(unfit)(f"{path.name}: {unfit}") from None


def group_can_read(path: Path) -> bool:
    """True where the file is ours, and others of its group can read it as well as we can."""
    try:
        status = path.stat()
    except OSError:
        return False
    return status.st_uid == os.geteuid() and bool(status.st_mode & stat.S_IRGRP)


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


def _fill(descriptor: int, text: str) -> None:
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _read(descriptor: int, *, group_readable: bool) -> bytes:
    status = os.fstat(descriptor)  # of the opened file: its name may lead elsewhere by now
    if not stat.S_ISREG(status.st_mode):
        raise UnfitFile("not a regular file")
    open_to = stat.S_IMODE(status.st_mode) & 0o077
    if open_to & ~stat.S_IRGRP:
        raise UnfitFile("others than its owner can read or change it; chmod 600")
    if open_to and not (group_readable or _is_mounted_secret(descriptor, status)):
        raise GroupReadable("its group can read it; chmod 600, or mount it read-only")
    with os.fdopen(descriptor, "rb", closefd=False) as file:
        data = file.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise UnfitFile(f"larger than {MAX_BYTES} bytes")
    return data


def _is_mounted_secret(descriptor: int, status: os.stat_result) -> bool:
    """True where the mode is not ours to change, as Kubernetes mounts a secret.

    It makes it root's, and readable by the group of the pod (fsGroup): a process that is not root
    reads it through that group. One that is root owns it, on a mount that is read-only.
    """
    return status.st_uid != os.geteuid() or bool(os.fstatvfs(descriptor).f_flag & os.ST_RDONLY)


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
