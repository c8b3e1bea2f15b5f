"""nginx in front of two replicas: each request goes to the other one, whoever's it is."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.running import free_port

CONFIGURATION = """
daemon off;
worker_processes 1;
pid {folder}/pid;
error_log {folder}/errors;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    upstream issuer {{ {servers} }}
    server {{
        listen 127.0.0.1:{port} backlog=1024;
        location / {{
            proxy_pass http://issuer;
            proxy_connect_timeout 2s;
            proxy_set_header Host $http_host;
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"""


def is_installed() -> bool:
    """Whether Debian's nginx is there."""
    return bool(_program())


@dataclass(frozen=True)
class RoundRobin:
    """The URL under which both replicas are one issuer."""

    url: str


@contextmanager
def started(folder: Path, url: str, *ports: int) -> Iterator[RoundRobin]:
    """nginx at ``url`` in front of the replicas at ``ports``."""
    folder.mkdir()
    servers = " ".join(f"server 127.0.0.1:{port};" for port in ports)
    own = url.rpartition(":")[2]
    text = CONFIGURATION.format(folder=folder, servers=servers, port=own)
    (folder / "nginx.conf").write_text(text)
    command = [_program(), "-e", folder / "errors", "-p", folder, "-c", folder / "nginx.conf"]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        _wait_for(url, process)
        yield RoundRobin(url)
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def a_url() -> str:
    """Where a proxy can listen."""
    return f"http://127.0.0.1:{free_port()}"


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}/nowhere")
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError("nginx did not start")


def _program() -> str:
    return shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") or ""
