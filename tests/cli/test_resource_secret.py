"""``issuer resource add --introspect`` and ``secret``: a resource server that may ask."""

import re
import shlex
from pathlib import Path
from urllib.parse import unquote_plus

import pytest

from issuer.registry import parse, secret
from issuer.token import OFFERED

URI = "https://api.example"
NEW = "https://bills.example"


def resource(path: Path, uri: str = URI):
    return parse({path.name: path.read_bytes()}, OFFERED).resources[uri]


def credentials(stdout: str) -> dict[str, str]:
    return dict(line.split() for line in stdout.splitlines())


def named(stderr: str) -> str:
    """What the command that it shows sends as the name."""
    told = shlex.split(" ".join(stderr.split()).partition("It asks: ")[2])
    return unquote_plus(told[told.index("-u") + 1].partition(":")[0])


@pytest.mark.parametrize("client_id", ["bills", None])
def test_a_resource_is_added_with_a_secret_that_is_shown_once(run, registry, client_id):
    options = ["--client-id", client_id] if client_id else []
    added = run("resource", "add", NEW, "--scope", "pay", "--introspect", *options)
    assert added.exit_code == 0, added.output
    made = credentials(added.stdout)
    held = resource(registry, NEW)
    assert made["client_id"] == held.name_at_introspection == named(added.stderr)
    assert held.client_secrets[0].hash == secret.sha256_hash(made["client_secret"])
    assert made["client_secret"] not in registry.read_text() + added.stderr
    assert held.name_at_introspection == (client_id or NEW)
    assert run("check").exit_code == 0


def test_without_the_flag_it_has_none(run, registry):
    assert run("resource", "add", NEW).stdout == ""
    assert not resource(registry, NEW).introspects
    for wrong in (("--client-id", "x"), ("--mac", "--introspect")):
        assert run("resource", "add", "https://x.example", *wrong).exit_code == 2


def test_a_mac_resource_may_ask_as_well(run, registry, tmp_path):
    key = tmp_path / "bills.jwks.json"
    added = run("resource", "add", NEW, "--mac", "--introspect", "--private-key", str(key))
    assert added.exit_code == 0
    assert resource(registry, NEW).introspects
    assert key.exists()


def test_a_resource_gets_its_first_secret_and_a_second(run, registry):
    """The comments stay, and so does the first for some days."""
    first = run("resource", "secret", URI, "--client-id", "api")
    assert named(first.stderr) == "api"
    second = run("resource", "secret", URI, "--expires-old-in", "2h")
    held = resource(registry).client_secrets
    assert [each.hash for each in held] == [
        secret.sha256_hash(each.stdout.strip()) for each in (first, second)
    ]
    assert held[0].expires_at is not None
    assert resource(registry).client_id == "api"
    assert "# the API" in registry.read_text()
    third = run("resource", "secret", URI, "--revoke-old")
    assert len(resource(registry).client_secrets) == 1
    assert "are gone" in third.stderr


def test_a_chosen_secret_is_stretched_and_never_shown(run, registry):
    result = run("resource", "secret", URI, "--secret-stdin", stdin="open sesame\n")
    assert "sesame" not in result.output
    assert secret.matches(resource(registry).client_secrets[0].hash, "open sesame")


def test_a_resource_that_is_not_there_gets_none(run, registry):
    before = registry.read_text()
    assert run("resource", "secret", "https://nowhere.example").exit_code == 1
    assert run("resource", "secret", URI, "--client-id", "web").exit_code == 1
    assert registry.read_text() == before


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        pytest.param('client_id = "api"', "takes client_secrets", id="a name without a secret"),
        pytest.param(
            'introspection_endpoint_auth_method = "none"',
            r'"none" is for clients; a resource server asks by client_secret_basic or client',
            id="a method that proves nothing",
        ),
        pytest.param(
            'client_id = "web"\nclient_secrets = [{ hash = "HASH" }]',
            '"web" is a client',
            id="the name of a client",
        ),
        pytest.param(
            f'client_id = "{NEW}"\nclient_secrets = [{{ hash = "HASH" }}]\n'
            f'[resources."{NEW}"]\nclient_secrets = [{{ hash = "HASH" }}]',
            "what another resource calls itself",
            id="the name of another resource",
        ),
        pytest.param(
            'client_secrets = [{ hash = "HASH", not_before = 2027-01-01T00:00:00Z, '
            "expires_at = 2026-01-01T00:00:00Z }]",
            "must be later than not_before",
            id="a secret that ends before it begins",
        ),
        pytest.param('client_secrets = [{ hash = "x" }]', "must be a hash", id="no hash"),
        pytest.param(
            'client_secrets = [{ hash = "HASH", name = "x" }]', "unknown key", id="an unknown key"
        ),
        pytest.param(
            'client_secrets = [{ hash = "HASH" }]\nintrospection_signed_response_alg = "PS256"',
            "no PS256 key is current",
            id="an algorithm that the ring has no key for",
        ),
        pytest.param(
            'introspection_signed_response_alg = "none"', "must be one of", id="no algorithm"
        ),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(run, registry, lines, refusal):
    text = registry.read_text()
    hashed = lines.replace("HASH", secret.sha256_hash("x"))
    scopes = 'scopes = ["read", "write"]\n'
    registry.write_text(text.replace(scopes, f"{scopes}{hashed}\n", 1))
    result = run("check")
    assert result.exit_code == 1
    assert re.search(refusal, " ".join(result.stderr.split()))
