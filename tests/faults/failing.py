"""What goes wrong, for as long as it goes wrong: one context manager each."""

import errno
import os
import shutil
import signal
import sqlite3
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from io import RawIOBase
from pathlib import Path

from tests.faults.stage import Stage

KILL_EVERY = 2.0
"""Seconds."""
SMALL = 32 * 2**20
"""Bytes of the file system that is filled."""


@contextmanager
def a_worker_killed_every_two_seconds(stage: Stage) -> Iterator[None]:
    """F1: by SIGKILL, now of one replica and now of the other."""
    is_over = threading.Event()

    def kill() -> None:
        turn = 0
        while not is_over.is_set():
            with suppress(ProcessLookupError, IndexError):
                os.kill(stage.replicas[turn % 2].workers()[0], signal.SIGKILL)
            turn += 1
            is_over.wait(KILL_EVERY)

    killer = threading.Thread(target=kill)
    killer.start()
    yield
    is_over.set()
    killer.join()


@contextmanager
def sqlite_locked(stage: Stage) -> Iterator[None]:
    """F7: another process has the file to itself."""
    connection = sqlite3.connect(stage.database, isolation_level=None, timeout=5)
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@contextmanager
def small_disk(directory: Path) -> Iterator[bool]:
    """A file system of its own for the SQLite file; False where this may not be mounted."""
    folder = directory / "store"
    folder.mkdir(exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={SMALL}", "none", str(folder)]
    mounted = (
        shutil.which("mount") is not None
        and os.geteuid() == 0
        and (subprocess.run(command, check=False, capture_output=True).returncode == 0)
    )
    try:
        yield mounted
    finally:
        if mounted:
            subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextmanager
def sqlite_full(stage: Stage) -> Iterator[None]:
    """F8: no room is left on the file system, until somebody makes some."""
    # SQLite's log would have room in it for minutes.
    connection = sqlite3.connect(stage.database, timeout=5)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    filler = stage.database.with_name("filler")
    with filler.open("wb", buffering=0) as file:
        _fill(file)
        yield
    filler.unlink()


def _fill(file: RawIOBase) -> None:
    try:
        while True:
            file.write(b"\0" * 4096)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise


@contextmanager
def sqlite_deleted(stage: Stage) -> Iterator[None]:
    """F10: the file is gone while all have it open."""
    for each in stage.database.parent.glob("replay.db*"):
        each.unlink()
    yield


@contextmanager
def sqlite_corrupted(stage: Stage) -> Iterator[None]:
    """F10: every byte of the file, and of what SQLite keeps beside it, is another, in place."""
    with ExitStack() as opened:
        # All first: as soon as one is another, somebody puts them aside.
        found = [each for each in stage.database.parent.glob("replay.db*") if each.is_file()]
        files = [opened.enter_context(each.open("r+b")) for each in found]
        for file in files:
            size = os.fstat(file.fileno()).st_size
            file.write((b"garbage." * (size // 8 + 1))[:size])
    yield


@contextmanager
def redis_refused(stage: Stage) -> Iterator[None]:
    """F13: nobody listens; then it is back, with all that it knew."""
    assert stage.redis is not None
    stage.redis.stop()
    yield
    stage.redis.start()


@contextmanager
def redis_hung(stage: Stage) -> Iterator[None]:
    """F13: it takes connections and answers nothing, until it goes on."""
    assert stage.redis is not None
    stage.redis.pause()
    yield
    stage.redis.resume()


@contextmanager
def redis_emptied(stage: Stage) -> Iterator[None]:
    """F15: it is killed, and comes back with nothing."""
    assert stage.redis is not None
    stage.redis.kill()
    for each in stage.redis.directory.iterdir():
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    stage.redis.start()
    yield
