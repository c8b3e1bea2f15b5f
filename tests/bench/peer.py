"""oidc-provider, the most complete issuer on Node.js: the newest, in memory, and with no log."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.bench.clients import client_credentials, client_id, client_secret
from tests.bench.endpoint import Endpoint, is_answered
from tests.bench.processes import pause, pinned
from tests.builders import API
from tests.running import free_port

SERVER = Path(__file__).with_name("peer.mjs")
PACKAGES = ["oidc-provider@latest", "node@24"]  # the newest long-term Node.js: it asks for one


def install(directory: Path) -> str:
    """Puts oidc-provider into ``directory``; says which version of what."""
    directory.mkdir()
    (directory / SERVER.name).write_text(SERVER.read_text())
    quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
    subprocess.run(
        ["npm", "install", "--prefix", directory, *quiet, *PACKAGES],
        check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    package = json.loads((directory / "node_modules/oidc-provider/package.json").read_text())
    node = subprocess.run([_node(directory), "-v"], check=True, capture_output=True, text=True)
    return f"oidc-provider {package['version']} on Node.js {node.stdout.strip()}"


@contextmanager
def started(directory: Path, clients: int, *cores: int) -> Iterator[Endpoint]:
    """One process of it that is ready and paused."""
    port = free_port()
    (directory / "clients.json").write_text(json.dumps([_client(each) for each in range(clients)]))
    with pinned(set(cores)), (directory / "log").open("wb") as log:
        process = subprocess.Popen(
            [_node(directory), SERVER.name, str(port), "clients.json", API],
            cwd=directory, env=os.environ | {"NODE_ENV": "production"},
            stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    endpoint = Endpoint(url=f"http://127.0.0.1:{port}", jwks_path="/jwks", group=process.pid)
    try:
        while not is_answered(endpoint.token, client_credentials(clients)[0]):
            assert process.poll() is None, (directory / "log").read_text()
            time.sleep(0.05)
        pause(process.pid)
        yield endpoint
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _node(directory: Path) -> Path:
    return directory / "node_modules/.bin/node"


def _client(number: int) -> dict[str, object]:
    return {
        "client_id": client_id(number),
        "client_secret": client_secret(number),
        "token_endpoint_auth_method": "client_secret_basic",
        "grant_types": ["client_credentials"],
        "redirect_uris": [],
        "response_types": [],
        "id_token_signed_response_alg": "ES256",
    }
