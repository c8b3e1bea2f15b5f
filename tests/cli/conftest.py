"""The command, run where its two files are."""

from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from issuer.cli.command import issuer
from tests.builders import ISSUER

Run = Callable[..., Result]

REGISTRY = f"""\
# The registry of the tests.
[issuer]
url = "{ISSUER}"

[resources."https://api.example"]  # the API
scopes = ["read", "write"]

# Web, the shop.
[clients.web]
client_name = "Web"        # what people call it
client_secrets = [{{ hash = "sha256:{"A" * 43}" }}]
grant_types = ["authorization_code", "refresh_token"]
redirect_uris = ["https://app.example/callback"]
scope = "read write"
resources = ["https://api.example"]
# require_pkce = false

# ---- people ----

[users.alice]
email = "alice@example.com"
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `issuer` in an empty directory; nothing of the environment names other files."""
    monkeypatch.chdir(tmp_path)
    for name in ("ISSUER_REGISTRY", "ISSUER_KEYRING", "PORT"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str, stdin: str | bytes = "") -> Result:
        result = CliRunner().invoke(issuer, arguments, input=stdin, prog_name="issuer")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def registry(run: Run, tmp_path: Path) -> Path:
    """The file of a registry with comments, beside a key ring."""
    path = tmp_path / "registry.toml"
    path.write_text(REGISTRY)
    assert run("init").exit_code == 0
    return path
