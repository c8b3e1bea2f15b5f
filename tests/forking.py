"""gunicorn forked from a process that has imported the issuer already, which is most of a start.

What runs is ``python -m gunicorn`` in every other way: its directory, environment, arguments,
session, cores and log are its own. Only the seed of its hashes is that of all the others.
"""

import atexit
import json
import os
import runpy
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path

IMPORTED = ("gunicorn.app.wsgiapp", "issuer.app", "issuer.serving.worker")
"""Not issuer.gunicorn_settings, which reads the environment when it is imported."""


class Forked:
    """A process that somebody else waits for: as much of a ``Popen`` as an issuer needs."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._ended = os.pidfd_open(pid)

    def poll(self) -> int | None:
        """Zero when it has ended, however it did."""
        return 0 if select.select([self._ended], [], [], 0)[0] else None

    def wait(self, seconds: float) -> None:
        """Returns when it has ended."""
        if not select.select([self._ended], [], [], seconds)[0]:
            raise subprocess.TimeoutExpired("gunicorn", seconds)

    def send_signal(self, which: int) -> None:
        """Nothing happens where it has ended."""
        if self.poll() is None:
            signal.pidfd_send_signal(self._ended, which)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def __del__(self) -> None:
        os.close(self._ended)


def fork_gunicorn(
    arguments: Sequence[str], environment: Mapping[str, str], *, directory: Path, log: Path
) -> Forked:
    """gunicorn with these in ``directory``, which writes to the end of ``log``."""
    asked = _forking()
    assert asked.stdin is not None
    assert asked.stdout is not None
    cores = list(os.sched_getaffinity(0))
    order = [list(arguments), dict(environment), str(directory), str(log), cores]
    asked.stdin.write(json.dumps(order) + "\n")
    asked.stdin.flush()
    return Forked(int(asked.stdout.readline()))


@cache
def _forking() -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", __name__], cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip


def end() -> None:
    """What forks ends, where it has begun."""
    if _forking.cache_info().currsize:
        _forking().communicate()  # it ends when its input does
        _forking.cache_clear()


atexit.register(end)


def _fork_for_whoever_asks() -> None:
    for each in IMPORTED:
        import_module(each)
    while order := sys.stdin.readline():
        # Who ended before is waited for now; the one below, at the latest when this ends.
        while _one_has_ended():
            pass
        pid = os.fork()
        if pid == 0:
            _become_gunicorn(*json.loads(order))
            return
        print(pid, flush=True)


def _one_has_ended() -> bool:
    try:
        return os.waitpid(-1, os.WNOHANG)[0] != 0
    except ChildProcessError:
        return False


def _become_gunicorn(
    arguments: list[str], environment: dict[str, str], directory: str, log: str, cores: list[int]
) -> None:
    os.setsid()
    os.sched_setaffinity(0, cores)
    os.chdir(directory)
    os.environ.clear()
    os.environ.update(environment)
    nothing = os.open(os.devnull, os.O_RDONLY)
    written = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    for here, there in ((nothing, 0), (written, 1), (written, 2)):
        os.dup2(here, there)
    sys.argv[1:] = arguments
    runpy.run_module("gunicorn", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _fork_for_whoever_asks()
