"""Whether a file of SQLite lies where it can do its work: on a disk of this machine."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

MOUNTS = Path("/proc/self/mountinfo")
_ESCAPE = re.compile(r"\\([0-7]{3})")

_NETWORK = (
    "on a network file system ({kind}), where SQLite's locks and shared memory do not hold: two "
    "machines could spend the same; keep it on a disk of this machine, or use redis://"
)
_MEMORY = "in memory ({kind}), and gone when the machine restarts: {cost}; keep it on a disk"
_CONTAINER = (
    "in the file system of a container ({kind}), and gone with it: {cost}; keep it on a volume"
)
COST = "whoever holds a refresh token that rotates has to log in again"
"""What it costs that a memory is lost."""

_SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(
            ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre",
             "gfs2", "ocfs2", "gpfs", "beegfs", "davfs", "fuse"), _NETWORK,
        ),
        **dict.fromkeys(("tmpfs", "ramfs"), _MEMORY),
        **dict.fromkeys(("overlay", "aufs"), _CONTAINER),
    }
)  # fmt: skip


def warnings(path: Path, mounts: Path = MOUNTS) -> Iterator[str]:
    """What to say of a file at ``path``, there or not; nothing where the system does not tell."""
    kind = file_system(path, mounts)
    sentence = _SENTENCES.get(kind) or _SENTENCES.get(kind.partition(".")[0])  # fuse.sshfs
    if sentence:
        yield f"is {sentence.format(kind=kind, cost=COST)}"


def file_system(path: Path, mounts: Path = MOUNTS) -> str:
    """The kind of file system that ``path`` is in; empty where the system does not tell (Linux)."""
    try:
        lines = mounts.read_text("utf-8", "surrogateescape").splitlines()
    except OSError:
        return ""
    place, kind, longest = path.resolve(), "", -1
    for line in lines:
        # proc_pid_mountinfo(5): the fifth field is where, and the first behind the dash what.
        before, _, after = line.partition(" - ")
        where = Path(_ESCAPE.sub(lambda found: chr(int(found[1], 8)), before.split(" ")[4]))
        # Of two at one place the later one hides the other.
        if place.is_relative_to(where) and len(where.parts) >= longest:
            kind, longest = after.split(" ")[0], len(where.parts)
    return kind
