"""HAProxy in front of two replicas: each request on a connection of its own, to the next one."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIGURATION = """
global
    maxconn 2000
defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 30s
    # Sends again only what no replica can have got.
    retries 3
    retry-on conn-failure
    option redispatch 1
    # So that every worker gets its share, and no answer waits in a connection that is dead.
    option http-server-close
frontend issuer
    bind 127.0.0.1:{port}
    default_backend replicas
backend replicas
    balance roundrobin
{servers}
"""


def is_installed() -> bool:
    """Whether Debian's haproxy is there."""
    return bool(_program())


@contextmanager
def started(folder: Path, port: int, *behind: int) -> Iterator[None]:
    """HAProxy at ``port`` in front of the replicas at the ports ``behind``.

    It never takes a replica out: what a client sees is what the replicas do.
    """
    servers = [f"    server replica-{each} 127.0.0.1:{each}" for each in behind]
    configuration = folder / "haproxy.cfg"
    configuration.write_text(CONFIGURATION.format(port=port, servers="\n".join(servers)))
    with (folder / "log.haproxy").open("wb") as log:
        process = subprocess.Popen(
            [_program(), "-db", "-f", configuration],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(port, process)
        yield
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait_for(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("haproxy did not start")


def _program() -> str:
    return shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""
