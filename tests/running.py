"""A real issuer in a directory of its own, behind real gunicorn."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from secrets import randbelow
from typing import Any

import httpx

from issuer.load import load
from issuer.registry import secret
from issuer.server import AuthorizationServer
from keys.mac.key_wrapping import public_jwk
from keys.ring import KeyRing, write
from tests.builders import (
    API,
    CALLBACK,
    MAC_API,
    MAC_PRIVATE_JWK,
    OTHER_API,
    PASSWORD_HASH,
    SECRET,
    VERIFIER,
    a_code,
)
from tests.forking import Forked, fork_gunicorn

GUNICORN = [sys.executable, "-m", "gunicorn"]
CHECKOUT = Path(__file__).parents[1]

# Each client of httpx reads the certificates of all authorities anew, which costs more than a
# start of ours has to: once is enough, as nobody here is asked by TLS.
httpx._transports.default.create_ssl_context = cache(httpx.create_ssl_context)


def free_port() -> int:
    """A port that nobody listens on now, and that no outgoing connection is given meanwhile."""
    while True:
        port = 10_000 + randbelow(20_000)  # what Linux gives by itself begins at 32768
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def registry_table(url: str, **settings: Any) -> dict[str, Any]:
    """A registry with a client of each kind, as JSON spells it."""
    secrets = [{"hash": secret.sha256_hash(SECRET)}]
    everywhere = {"scope": "read write", "resources": [API]}
    return {
        "issuer": {"url": url, **settings},
        "resources": {
            API: {"scopes": ["read", "write"]},
            OTHER_API: {"scopes": ["read", "pay"]},
            MAC_API: {
                "scopes": ["read", "write"],
                "access_token_type": "mac",
                "jwks": {"keys": [public_jwk(MAC_PRIVATE_JWK)]},
            },
        },
        "clients": {
            "web": {
                "client_secrets": secrets,
                "grant_types": [
                    "authorization_code", "refresh_token", "password", "client_credentials"
                ],
                "redirect_uris": [CALLBACK],
                "scope": "read write",
                "resources": [API, OTHER_API, MAC_API],
            },
            "billing": {"client_secrets": secrets, "grant_types": ["client_credentials"]}
            | everywhere,
            "poster": {
                "token_endpoint_auth_method": "client_secret_post",
                "client_secrets": secrets,
                "grant_types": ["client_credentials"],
            }
            | everywhere,
            "spa": {
                "token_endpoint_auth_method": "none",
                "grant_types": ["authorization_code"],
                "redirect_uris": [CALLBACK],
            }
            | everywhere,
        },
        "users": {"alice": {"password_hash": PASSWORD_HASH, "email": "alice@example.com"}},
    }  # fmt: skip


class RunningIssuer:
    """One gunicorn over two files. Start it, ask it, stop it.

    A second one in the same directory is a replica of the first: it reads the same two files.
    """

    audience = API
    python = sys.executable
    """The interpreter that runs it."""
    checkout = CHECKOUT
    """The folder from which it imports the issuer, before all others."""

    def __init__(
        self, directory: Path, *, port: int | None = None, path: str = "", **settings: Any
    ) -> None:
        self.directory = directory
        self.port = port or free_port()
        self.origin = f"http://127.0.0.1:{self.port}"
        self.url = self.origin + path
        self.registry = directory / "registry.json"
        self.keyring = directory / "keyring.json"
        self.log = directory / f"log.{self.port}"
        self.process: subprocess.Popen[bytes] | Forked | None = None
        self.http = httpx.Client(base_url=self.url, timeout=10)
        self._is_replica = self.registry.exists()
        if not self._is_replica:
            self.write_registry(registry_table(self.url, **settings))
        if not self.keyring.exists():
            write(self.keyring, KeyRing.new("ES256", int(time.time()) - 10))

    def write_registry(self, table: Mapping[str, Any]) -> None:
        """Replaces the registry the way one should: whole."""
        partial = self.registry.with_suffix(".partial")
        partial.write_text(json.dumps(table, indent=1))
        partial.replace(self.registry)

    def read_registry(self) -> dict[str, Any]:
        """The registry as it is on disk."""
        table: dict[str, Any] = json.loads(self.registry.read_text())
        return table

    def start(self, *arguments: str, workers: int = 1) -> "RunningIssuer":
        """Starts gunicorn; it answers, by any of its workers, and spends what is new."""
        before = self._complete()
        if self._is_replica:  # nothing may depend on what the seed of the hashes orders
            self.spawn(*arguments, workers=workers)
        else:
            given = self._prepared(arguments, workers)
            self.process = fork_gunicorn(*given, directory=self.directory, log=self.log)
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if self._complete() >= before + workers and self._answers():
                self._outlast_the_first_second()
                return self
            if self.process is not None and self.process.poll() is not None:
                break
            time.sleep(0.05)
        self.stop()
        raise AssertionError(f"the issuer did not start:\n{self.log.read_text()}")

    def _outlast_the_first_second(self) -> None:
        """What was issued in the second in which a memory began counts as spent."""
        second = int(time.time())
        remembers = self.files().registry.issuer.has_store
        while remembers and int(time.time()) == second:
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.origin}/healthz").status_code == 200
        except httpx.TransportError:
            return False

    def _complete(self) -> int:
        """How many workers have ever started."""
        log = self.log.read_text() if self.log.exists() else ""
        return log.count("Application startup complete")

    def spawn(self, *arguments: str, workers: int = 1) -> subprocess.Popen[bytes]:
        """Starts gunicorn from nothing and returns at once."""
        given, environment = self._prepared(arguments, workers)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [self.python, *GUNICORN[1:], *given], cwd=self.directory, env=environment,
                stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        return self.process

    def _prepared(self, arguments: Sequence[str], workers: int) -> tuple[list[str], dict[str, str]]:
        """What gunicorn is started with, and the environment that it finds."""
        shutil.copy(CHECKOUT / "gunicorn.conf.py", self.directory)
        environment = os.environ | {
            "ISSUER_REGISTRY": str(self.registry),
            "ISSUER_KEYRING": str(self.keyring),
            "WEB_CONCURRENCY": str(workers),
            "PYTHONPATH": str(self.checkout),
        }
        return ["--bind", f"127.0.0.1:{self.port}", *arguments], environment

    def stop(self, how: int = signal.SIGTERM) -> None:
        """Stops every process of it and waits for the first."""
        self.http.close()
        if self.process is not None and self.process.poll() is None:
            if how == signal.SIGKILL:
                os.killpg(self.process.pid, how)
            else:
                self.process.send_signal(how)
            self.process.wait(30)

    def workers(self) -> list[int]:
        """The processes that answer."""
        assert self.process is not None
        pid = self.process.pid
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]

    def token(self, client_id: str = "web", **parameters: str) -> httpx.Response:
        """The answer to a token request by client_secret_basic."""
        return self.http.post("/token", data=parameters, auth=(client_id, SECRET))

    def files(self) -> AuthorizationServer:
        """What the two files on disk describe: what an application that logs users in reads."""
        return load(self.registry, self.keyring, int(time.time()))

    def code(self, **fields: Any) -> str:
        """A code for client web and user alice, issued now."""
        return a_code(self.files(), now=int(time.time()), **fields)

    def redeem(self, code: str, client_id: str = "web", **parameters: str) -> httpx.Response:
        """The answer to the redemption of ``code``."""
        given = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
        return self.token(client_id, **(given | parameters))

    def refresh(
        self, refresh_token: str, client_id: str = "web", **parameters: str
    ) -> httpx.Response:
        """The answer to the use of ``refresh_token``."""
        given = {"grant_type": "refresh_token", "refresh_token": refresh_token}
        return self.token(client_id, **(given | parameters))

    def access_token(self, scope: str | None = None) -> str:
        """An access token of client billing."""
        parameters = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
        return str(self.token("billing", **parameters).json()["access_token"])

    def wait_until(self, claim: Any, seconds: float = 8) -> None:
        """Returns as soon as ``claim()`` is true."""
        deadline = time.monotonic() + seconds
        while not claim():
            assert time.monotonic() < deadline, "it never came true"
            time.sleep(0.1)
