"""Pairwise subs for whoever runs the issuer: the key, and what is done to a user by such a sub."""

import json
import stat

import pytest
from msgspec.structs import replace

from issuer.cli import clock
from issuer.load import load
from issuer.protocol.sealed import AuthorizationCode
from keys.ring import KeyRing
from tests.asking import ask
from tests.builders import SECRET, VERIFIER, a_code, a_request
from tests.cli.test_revoke import with_a_store

PAIRWISE = 'client_name = "Web"        # what people call it\nsubject_type = "pairwise"\n'


@pytest.fixture
def server(run, registry):
    """Of a registry with a store, whose client web is pairwise."""
    with_a_store(registry, "sqlite:replay.db")
    assert run("keys", "add", "--subject-key").exit_code == 0
    text = registry.read_text()
    registry.write_text(text.replace(PAIRWISE.splitlines()[0] + "\n", PAIRWISE))
    return load(registry, registry.with_name("keyring.json"), clock.now())


def a_token(server) -> str:
    now = clock.now()
    code = server.sealer.open(AuthorizationCode, a_code(server, now=now - 5), now=now)
    text = server.seal(replace(code, issued_at=now - 5), now=now)
    request = a_request("authorization_code", code=text, code_verifier=VERIFIER, now=now)
    response = ask(server, request)
    assert response.status == 200, (response.log, SECRET)
    return str(response.access_token)


def test_the_key_is_added_once_and_stays_through_rotations(run, registry, tmp_path):
    assert run("keys", "add", "--subject-key").exit_code == 0
    path = tmp_path / "keyring.json"
    key = KeyRing.parse(path.read_bytes()).subject_key
    assert key is not None
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    listed = run("keys", "list").stdout
    assert "pairwise subs" in listed
    assert json.loads(path.read_text())["subject_key"]["k"] not in listed
    again = run("keys", "add", "--subject-key")
    assert (again.exit_code, "must never change" in again.stderr) == (1, True)
    assert run("keys", "add", "--alg", "EdDSA", "--at-once").exit_code == 0
    assert run("keys", "rotate", "--sealing").exit_code == 0
    assert KeyRing.parse(path.read_bytes()).subject_key == key


@pytest.mark.parametrize("arguments", [[], ["--alg", "RS256", "--subject-key"]])
def test_one_key_is_named_at_a_time(run, registry, arguments):
    assert run("keys", "add", *arguments).exit_code == 2


def test_check_names_the_key_that_is_missing(run, registry):
    text = registry.read_text()
    registry.write_text(text.replace(PAIRWISE.splitlines()[0] + "\n", PAIRWISE))
    result = run("check")
    assert result.exit_code == 1
    assert "`issuer keys add --subject-key`" in result.stderr
    assert run("keys", "add", "--subject-key").exit_code == 0
    assert run("check").exit_code == 0


def test_inspect_says_who_that_is(run, server):
    token = a_token(server)
    result = run("inspect", stdin=token)
    assert (result.exit_code, "It is good." in result.stdout) == (0, True)
    assert 'its sub is pairwise: to the issuer this user is "alice"' in result.stdout
    assert "not registered" not in result.stdout


@pytest.mark.parametrize("by", ["username", "pairwise sub"])
def test_all_of_a_user_is_revoked_by_either_name(run, server, by):
    token = a_token(server)
    sub = "alice" if by == "username" else server.told_sub(server.registry.clients["web"], "alice")
    result = run("revoke", "--user", sub)
    assert result.exit_code == 0
    assert 'everything of the user "alice"' in result.stdout
    refused = run("inspect", stdin=token)
    assert refused.exit_code == 1
    assert "its user" in refused.stdout
    assert run("revoke", "--user", "nobody").exit_code == 1
