"""A resource server as a real process, and nginx before it."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import httpx

from tests.builders import MAC_API, MAC_PRIVATE_JWK
from tests.running import CHECKOUT, RunningIssuer, free_port

COMMANDS = {
    "uvicorn": ["uvicorn", "tests.mac.api:for_uvicorn", "--http", "httptools"],
    "uvicorn with h11": ["uvicorn", "tests.mac.api:for_uvicorn", "--http", "h11"],
    "gunicorn": ["gunicorn", "tests.mac.api:for_gunicorn"],
    "gunicorn with threads": ["gunicorn", "tests.mac.api:for_gunicorn", "--threads", "2"],
}


class RunningApi:
    """A resource server for bearer tokens and for MAC credentials. A context manager.

    Args:
        server: one of COMMANDS.
        issuer: whose tokens it takes.
        directory: for its private keys and its log.
        host: on loopback, as URLs spell it.
        environment: more variables, for ``tests/mac/api.py``.
    """

    def __init__(
        self,
        server: str,
        issuer: RunningIssuer,
        directory: Path,
        host: str = "127.0.0.1",
        **environment: str,
    ) -> None:
        self.host, self.port = host, free_port()
        self.netloc = f"{host}:{self.port}"
        self.url = f"http://{self.netloc}"
        self._directory = directory
        self._log = directory / f"api.{self.port}.log"
        keys = directory / "mac-keys.json"
        keys.touch(mode=0o600)
        keys.write_text(json.dumps({"keys": [MAC_PRIVATE_JWK]}))
        where = {
            "uvicorn": ["--host", host.strip("[]"), "--port", str(self.port)],
            "gunicorn": ["--bind", self.netloc],
        }
        self._command = [sys.executable, "-m", *COMMANDS[server]]
        self._command += where[COMMANDS[server][0]]
        self._environment = {
            **os.environ,
            "PYTHONPATH": str(CHECKOUT),
            "ISSUER": issuer.url,
            "AUDIENCE": issuer.audience,
            "MAC_AUDIENCE": MAC_API,
            "MAC_KEYS": str(keys),
            **environment,
        }

    def __enter__(self) -> "RunningApi":
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                self._command, cwd=self._directory, env=self._environment, stdout=log, stderr=log
            )
        wait_until_it_answers(f"{self.url}/healthz", self._process, self._log)
        return self

    def __exit__(self, *failure: object) -> None:
        self._process.terminate()
        self._process.wait(20)


NGINX = """
daemon off;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://{upstream};
            proxy_set_header X-Forwarded-Host $http_host;
        }}
    }}
}}
"""


class RunningProxy:
    """nginx as it comes: upstream it names the upstream in Host, and changes no target."""

    def __init__(self, directory: Path, port: int, upstream: str) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._log = directory / "nginx.log"
        self._config = directory / "nginx.conf"
        self._config.write_text(NGINX.format(directory=directory, port=port, upstream=upstream))

    def __enter__(self) -> "RunningProxy":
        self._process = subprocess.Popen(
            ["nginx", "-e", str(self._log), "-p", str(self._log.parent), "-c", str(self._config)]
        )
        wait_until_it_answers(f"{self.url}/healthz", self._process, self._log)
        return self

    def __exit__(self, *failure: object) -> None:
        self._process.terminate()
        self._process.wait(20)


def wait_until_it_answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        try:
            httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    process.terminate()
    raise AssertionError(f"{url} does not answer:\n{log.read_text()}")
