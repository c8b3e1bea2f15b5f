"""``PORT=8000 gunicorn``: reached over IPv6 and IPv4 where there are both, and never in the way.

A kernel that has no IPv6 is made by a seccomp filter, one that switched it off or keeps it apart by
a network namespace; skipped where neither may be had.
"""

import ctypes
import errno
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from issuer.serving import listening
from tests.running import CHECKOUT, GUNICORN, RunningIssuer, free_port

IPV4, IPV6 = "http://127.0.0.1:{}", "http://[::1]:{}"

ASK = """
import sys, urllib.request
print(urllib.request.urlopen(sys.argv[1] + "/healthz", timeout=5).status)
"""


@dataclass(frozen=True)
class Served:
    """A gunicorn that was told a port and nothing else."""

    port: int
    log: Path
    inside: Sequence[str] = ()
    """The command that leads into its network."""

    def answers(self, url: str) -> bool:
        """Whether it is reached there."""
        command = [*self.inside, sys.executable, "-c", ASK, url.format(self.port)]
        asked = subprocess.run(command, capture_output=True, check=False)
        return asked.stdout.strip() == b"200"

    def listens(self) -> list[str]:
        """The sockets that it says it has."""
        lines = self.log.read_text().splitlines()
        said = next(each for each in lines if "Listening at: " in each)
        return sorted(said.partition("Listening at: ")[2].partition(" (")[0].split(","))


@contextmanager
def serving(
    directory: Path,
    *,
    port: str | None = "",
    before: Sequence[str] = (),
    limit: Callable[[], None] | None = None,
) -> Iterator[Served]:
    """Within, it runs; ``limit`` is called in its process, ``before`` is what it is started by."""
    running = RunningIssuer(directory)
    running.http.close()
    shutil.copy(CHECKOUT / "gunicorn.conf.py", directory)
    environment = {name: value for name, value in os.environ.items() if name != "PORT"} | {
        "ISSUER_REGISTRY": str(running.registry),
        "ISSUER_KEYRING": str(running.keyring),
        "WEB_CONCURRENCY": "1",
        "PYTHONPATH": str(CHECKOUT),
    }
    number = free_port()
    if port is not None:
        environment["PORT"] = port or str(number)
    options: dict[str, Any] = {"preexec_fn": limit} if limit else {}
    with running.log.open("wb") as log:
        process = subprocess.Popen(
            [*before, *GUNICORN], cwd=directory, env=environment, stdout=log, stderr=log, **options
        )
    try:
        deadline = time.monotonic() + 60
        while "Application startup complete" not in running.log.read_text():
            assert process.poll() is None, running.log.read_text()
            assert time.monotonic() < deadline, running.log.read_text()
            time.sleep(0.05)
        inside = ["nsenter", "-t", str(process.pid), "-n"] if before else []
        yield Served(number, running.log, inside)
    finally:
        process.terminate()
        process.wait(30)


def test_it_is_reached_over_both(tmp_path):
    """One socket takes both, so that they cannot be in each other's way."""
    if listening._takes_both() is not True:
        pytest.skip("this system has no IPv6, or keeps it apart")
    with serving(tmp_path) as served:
        assert served.listens() == [f"http://[::]:{served.port}"]
        assert served.answers(IPV4)
        assert served.answers(IPV6)
    text = served.log.read_text()
    addresses = [
        json.loads(line)["remote_addr"] for line in text.splitlines() if "/healthz" in line
    ]
    assert addresses == ["127.0.0.1", "::1"]  # not ::ffff:127.0.0.1


MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""What a filter knows each by: its architecture, and its number of socket(2)."""


class _Step(ctypes.Structure):
    _fields_ = (
        ("code", ctypes.c_ushort), ("jt", ctypes.c_ubyte), ("jf", ctypes.c_ubyte),
        ("k", ctypes.c_uint32),
    )  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("steps", ctypes.POINTER(_Step)))


def without_ipv6() -> None:
    """From now on this process is told what a kernel without IPv6 says: seccomp(2), bpf(2)."""
    architecture, socket_call = MACHINES[platform.machine()]
    load, equals, answer = 0x20, 0x15, 0x06
    allow, refuse = 0x7FFF0000, 0x00050000 | errno.EAFNOSUPPORT
    steps = [
        (load, 0, 0, 4), (equals, 0, 5, architecture),
        (load, 0, 0, 0), (equals, 0, 3, socket_call),
        (load, 0, 0, 16), (equals, 0, 1, 10),  # AF_INET6
        (answer, 0, 0, refuse), (answer, 0, 0, allow),
    ]  # fmt: skip
    program = _Program(len(steps), (_Step * len(steps))(*steps))
    libc = ctypes.CDLL(None, use_errno=True)
    no_new_privileges, set_seccomp, by_filter = 38, 22, 2
    if libc.prctl(no_new_privileges, 1, 0, 0, 0) or libc.prctl(
        set_seccomp, by_filter, ctypes.byref(program), 0, 0
    ):
        raise OSError(ctypes.get_errno(), "no filter")


def test_without_ipv6_it_is_reached_over_ipv4(tmp_path):
    """As on a kernel that was built or started without."""
    try:
        subprocess.run(["true"], preexec_fn=without_ipv6, check=True)
    except (KeyError, OSError, subprocess.SubprocessError):
        pytest.skip("no seccomp filter may be set here")
    with serving(tmp_path, limit=without_ipv6) as served:
        assert served.listens() == [f"http://0.0.0.0:{served.port}"]
        assert served.answers(IPV4)
        assert not served.answers(IPV6)


def a_network(*settings: str) -> list[str]:
    """The command that starts another in a network of its own, with these kernel settings."""
    said = " && ".join(f"echo 1 > /proc/sys/net/ipv6/{each}" for each in settings)
    command = ["unshare", "-n", "sh", "-c", f'ip link set lo up && {said} && exec "$@"', "sh"]
    try:
        tried = subprocess.run([*command, "true"], capture_output=True, check=False)
    except OSError:
        pytest.skip("there is no unshare")
    if tried.returncode or not (shutil.which("nsenter") and Path("/proc/net/if_inet6").exists()):
        pytest.skip("no network namespace may be made here, or there is no IPv6")
    return command


def test_where_ipv6_is_switched_off_it_is_reached_over_ipv4(tmp_path):
    """As in most containers: sockets can be made, and no address is there."""
    network = a_network("conf/all/disable_ipv6", "conf/default/disable_ipv6")
    with serving(tmp_path, before=network) as served:
        assert served.answers(IPV4)
        assert not served.answers(IPV6)


def test_where_ipv6_is_kept_apart_there_are_two_sockets(tmp_path):
    """net.ipv6.bindv6only: one would be reached over IPv6 alone."""
    with serving(tmp_path, before=a_network("bindv6only")) as served:
        assert served.listens() == [f"http://0.0.0.0:{served.port}", f"http://[::]:{served.port}"]
        assert served.answers(IPV4)
        assert served.answers(IPV6)


@pytest.mark.parametrize("port", [None, ""])
def test_without_a_port_nobody_else_reaches_it(port):
    assert listening.addresses(port) == ["127.0.0.1:8000"]
