"""oauth2-proxy in front of a service that answers with the headers it was sent."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx

from tests.relying_parties.libraries import fetch, need

MODULE = "github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6"
REFRESHED_AFTER = 1
"""Seconds after which it refreshes a session; it counts whole ones."""


def install(folder: Path) -> Path:
    """The program, in ``folder``. Go keeps what it compiled: the first time takes minutes."""
    need("go")
    environment = os.environ | {"GOBIN": str(folder)}
    fetch("the Go module oauth2-proxy", "go", "install", MODULE, patience=580, env=environment)
    return folder / "oauth2-proxy"


@contextmanager
def started(
    program: Path, registered: Mapping[str, str], port: int, **options: str
) -> Iterator[str]:
    """oauth2-proxy as the client that ``registered`` describes; the URL that it protects.

    ``options`` are more of its own, with underscores for hyphens.
    """
    url = f"http://127.0.0.1:{port}"
    with _service() as upstream, (program.parent / f"log.{port}").open("w+") as log:
        given = {
            "provider": "oidc",
            "oidc-issuer-url": registered["issuer"],
            "client-id": registered["client_id"],
            "client-secret": registered["client_secret"],
            "scope": registered["scope"],
            "redirect-url": f"{url}/oauth2/callback",
            "code-challenge-method": "S256",
            "insecure-oidc-skip-nonce": "false",
            "skip-provider-button": "true",
            "email-domain": "*",
            "cookie-secret": "0123456789abcdef0123456789abcdef",
            "cookie-secure": "false",
            "cookie-refresh": f"{REFRESHED_AFTER}s",
            "pass-access-token": "true",
            "http-address": f"127.0.0.1:{port}",
            "upstream": upstream,
            **{name.replace("_", "-"): value for name, value in options.items()},
        }
        process = subprocess.Popen(
            [program, *(f"--{name}={value}" for name, value in given.items())],
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            _wait_for(url, process, Path(log.name))
            yield url + "/"
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """It says nothing."""


@contextmanager
def _service() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Echo) as server:
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/"
        finally:
            server.shutdown()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(f"{url}/ping").raise_for_status()
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"oauth2-proxy did not start:\n{log.read_text()}")
