"""What the README shows is what runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from issuer import registry
from issuer.metadata import JWKS, TOKEN
from issuer.token import OFFERED
from issuer.token_types import TOKEN_TYPES
from keys import InsufficientScope, Verifier
from tests.running import RunningIssuer

TEXT = (Path(__file__).parents[1] / "README.md").read_text()


def blocks(language: str) -> list[str]:
    """The fenced blocks in this language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


def test_the_registry_it_shows_is_valid():
    (example,) = blocks("toml")
    parsed = registry.parse({"registry.toml": example.encode()}, OFFERED)
    assert set(parsed.clients) == {"billing", "reports", "shop", "tablet", "editor", "tv", "wiki"}
    assert {each.access_token_type for each in parsed.resources.values()} == set(TOKEN_TYPES)


def test_a_resource_server_verifies_as_it_shows(issuer_server: RunningIssuer):
    program = blocks("python")[0]
    assert 'Verifier(issuer="https://id.example", audience="https://api.example")' in program
    verifier = Verifier(issuer=issuer_server.url, audience=issuer_server.audience)
    token = verifier.verify_header("Bearer " + issuer_server.access_token("read"))
    token.require("read")
    with pytest.raises(InsufficientScope):
        token.require("write")


@pytest.mark.parametrize(
    "command",
    [
        "init", "check", "client add", "client secret", "client key", "client list", "client hash",
        "client assertion",
        "resource add", "resource rotate", "user add", "keys list", "keys rotate", "keys export",
        "code", "device", "inspect", "revoke", "schema", "federation add", "explain",
    ],
)  # fmt: skip
def test_every_command_it_names_is_there(command):
    words = command.split()
    assert re.search(rf"`(issuer {words[0]}.*)?{words[-1]}`|`issuer {command}`", TEXT)
    subprocess.run([sys.executable, "-m", "issuer", *words, "--help"], check=True)


@pytest.mark.parametrize("module", ["tests.bench", "tests.faults"])
def test_the_measurements_it_names_are_there(module):
    assert f"python -m {module}" in TEXT
    subprocess.run([sys.executable, "-m", module, "--help"], check=True)


@pytest.mark.parametrize("path", [TOKEN, JWKS, "/healthz", "/readyz"])
def test_every_endpoint_it_names_is_there(issuer_server: RunningIssuer, path):
    assert path in TEXT
    assert issuer_server.http.get(path).status_code in (200, 405)
