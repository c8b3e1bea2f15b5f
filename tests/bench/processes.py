"""Where processes run, when they run, and what they use."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


@contextmanager
def pinned(cores: set[int]) -> Iterator[None]:
    """What starts within stays on ``cores``, with everything that it starts itself."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def pause(group: int) -> None:
    """Stops a process group: whoever is not measured must not take time from whoever is."""
    os.killpg(group, signal.SIGSTOP)


@contextmanager
def running(group: int) -> Iterator[None]:
    """Lets a paused process group run within."""
    os.killpg(group, signal.SIGCONT)
    try:
        yield
    finally:
        pause(group)


def children(pid: int) -> list[int]:
    """The processes that ``pid`` started: gunicorn's workers."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def cpu_seconds(pid: int) -> float:
    """Seconds of processor time that ``pid`` and its children have used."""
    return sum(map(_ticks, [pid, *children(pid)])) / TICKS


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@dataclass(frozen=True, slots=True)
class Memory:
    """Of one process, in megabytes."""

    resident: float
    proportional: float
    """Pages shared with others count by their share."""


def memory(pid: int) -> Memory:
    """What ``pid`` holds now."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kilobytes = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return Memory(kilobytes["Rss"] / 1024, kilobytes["Pss"] / 1024)


def shared_objects(pid: int, *, below: Path) -> set[str]:
    """The shared objects from the folder ``below`` that ``pid`` has loaded."""
    mapped = Path(f"/proc/{pid}/maps").read_text().splitlines()
    files = {line.split(maxsplit=5)[-1] for line in mapped if line.endswith(".so")}
    return {file for file in files if Path(file).is_relative_to(below.resolve())}
