"""``issuer client add --private-key-jwt``, ``key`` and ``assertion``: keys in place of secrets."""

import json
import stat
import tomllib
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from issuer.cli import clock
from issuer.load import load
from issuer.protocol.form import Form
from issuer.protocol.request import TokenRequest
from keys.algorithms import ALGORITHMS
from tests.asking import ask
from tests.rfc7523.builders import parameters
from tests.rfc7523.keys import a_jwks, a_public_jwk


def client(registry: Path, client_id: str = "billing") -> dict[str, Any]:
    return tomllib.loads(registry.read_text())["clients"][client_id]


def status_of(run, registry: Path, *arguments: str) -> int:
    """What comes of the token request that the assertion is for."""
    made = run("client", "assertion", *arguments)
    assert made.exit_code == 0, made.stderr
    server = load(registry, registry.parent / "keyring.json", clock.now())
    body = urlencode(parameters(made.stdout.strip())).encode()
    return ask(server, TokenRequest(form=Form.parse(body), received_at=clock.now())).status


@pytest.mark.parametrize("alg", [None, *ALGORITHMS])
def test_the_first_token_by_a_key_takes_two_commands(run, registry, alg):
    added = run(
        "client", "add", "billing", "--private-key-jwt", *(["--key-alg", alg] if alg else [])
    )
    assert added.exit_code == 0
    path = registry.parent / "billing.jwk.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    private = json.loads(path.read_text())
    record = client(registry)
    assert record["token_endpoint_auth_method"] == "private_key_jwt"
    assert "client_secrets" not in record
    (public,) = record["jwks"]["keys"]
    assert public["kid"] == private["kid"]
    assert public["alg"] == private["alg"] == (alg or "ES256")
    assert "d" in private
    assert "d" not in public
    assert private["d"] not in registry.read_text() + added.output
    assert "billing.jwk.json, for the client alone" in added.stderr
    assert status_of(run, registry, "billing") == 200
    assert run("check").exit_code == 0
    assert "billing    private_key_jwt      1 key" in run("client", "list").stdout


def test_a_client_may_bring_its_own_keys(run, registry):
    path = registry.parent / "its.jwks.json"
    path.write_text(json.dumps(a_jwks(a_public_jwk("RS256"))))
    result = run("client", "add", "billing", "--private-key-jwt", "--jwks", str(path))
    assert result.exit_code == 0
    assert client(registry)["jwks"] == a_jwks(a_public_jwk("RS256"))
    assert not (registry.parent / "billing.jwk.json").exists()
    assert run("client", "add", "other", "--jwks", str(path), "--key-alg", "RS256").exit_code == 2
    path.write_text(json.dumps(a_jwks(a_public_jwk(d="hunter2"))))
    refused = run("client", "add", "other", "--private-key-jwt", "--jwks", str(path))
    assert refused.exit_code == 1
    assert "keys[0] must be the public half alone: take out d" in refused.stderr
    assert "hunter2" not in refused.output
    gone = run("client", "add", "other", "--private-key-jwt", "--jwks", "nowhere.json")
    assert gone.exit_code == 1
    assert "nowhere.json: No such file" in gone.stderr


def test_a_client_may_publish_its_keys(run, registry):
    uri = "https://app.example/jwks.json"
    assert run("client", "add", "billing", "--private-key-jwt", "--jwks-uri", uri).exit_code == 0
    assert client(registry)["jwks_uri"] == uri
    assert f"keys at {uri}" in run("client", "list").stdout
    (listed,) = [
        each for each in json.loads(run("client", "list", "--json").stdout)
        if each["client_id"] == "billing"
    ]  # fmt: skip
    assert listed["jwks_uri"] == uri
    refused = run("client", "add", "b", "--private-key-jwt", "--jwks-uri", "http://app.example/")
    assert refused.exit_code == 1
    assert "must be https" in refused.stderr
    both = ("--jwks-uri", uri, "--private-key", "x.json")
    assert run("client", "add", "b", "--private-key-jwt", *both).exit_code == 2


@pytest.mark.parametrize(
    "options", [["--auth-method", "client_secret_basic"], ["--public"], ["--chosen"]], ids=str
)
def test_a_key_is_no_secret_and_nobodys_who_can_keep_none(run, registry, options):
    result = run("client", "add", "billing", "--private-key-jwt", *options)
    assert result.exit_code == 2
    assert not (registry.parent / "billing.jwk.json").exists()


def test_nothing_is_written_where_something_is_wrong(run, registry):
    before = registry.read_text()
    refused = run("client", "add", "billing", "--private-key-jwt", "--scope", "unknown")
    assert refused.exit_code == 1
    assert not (registry.parent / "billing.jwk.json").exists()
    (registry.parent / "billing.jwk.json").write_text("somebody's")
    refused = run("client", "add", "billing", "--private-key-jwt")
    assert refused.exit_code == 1
    assert "File exists; another one can be named with --private-key." in refused.stderr
    assert registry.read_text() == before
    assert (registry.parent / "billing.jwk.json").read_text() == "somebody's"
    named = run("client", "add", "a/b", "--private-key-jwt")
    assert named.exit_code == 2
    assert "give --private-key FILE" in named.stderr


def test_a_key_is_rolled_over_and_nothing_fails_meanwhile(run, registry):
    run("client", "add", "billing", "--private-key-jwt")
    (first,) = client(registry)["jwks"]["keys"]
    rolled = run("client", "key", "billing", "--private-key", "second.json")
    assert rolled.exit_code == 0, rolled.output
    assert client(registry)["jwks"]["keys"][0]["kid"] == first["kid"]
    assert len(client(registry)["jwks"]["keys"]) == 2
    assert status_of(run, registry, "billing") == 200
    assert status_of(run, registry, "billing", "--private-key", "second.json") == 200
    assert run("client", "key", "billing", "--remove", first["kid"]).exit_code == 0
    assert status_of(run, registry, "billing") == 401
    assert status_of(run, registry, "billing", "--private-key", "second.json") == 200
    unknown = run("client", "key", "billing", "--remove", "unknown")
    assert unknown.exit_code == 1
    assert "billing has no key unknown; it has " in unknown.stderr
    rolled = run("client", "key", "billing", "--private-key", "third.json", "--revoke-old")
    assert rolled.exit_code == 0
    assert len(client(registry)["jwks"]["keys"]) == 1
    assert status_of(run, registry, "billing", "--private-key", "third.json") == 200


def test_the_last_key_of_a_client_that_signs_stays(run, registry):
    run("client", "add", "billing", "--private-key-jwt")
    (kept,) = client(registry)["jwks"]["keys"]
    refused = run("client", "key", "billing", "--remove", kept["kid"])
    assert refused.exit_code == 1
    assert "Nothing was changed." in refused.stderr
    assert client(registry)["jwks"]["keys"] == [kept]


def test_a_client_changes_over_from_its_secret(run, registry):
    """In one step, or first the key and then the method."""
    web = client(registry, "web")
    assert web["client_secrets"]
    assert run("client", "key", "web").exit_code == 0
    assert client(registry, "web")["client_secrets"] == web["client_secrets"]
    assert run("client", "key", "web", "--private-key-jwt", "--revoke-old").exit_code == 1
    changed = ("--private-key-jwt", "--private-key", "next.json")
    assert run("client", "key", "web", *changed).exit_code == 0
    assert "client_secrets" not in client(registry, "web")
    assert client(registry, "web")["token_endpoint_auth_method"] == "private_key_jwt"
    assert "# what people call it" in registry.read_text()
    assert run("check").exit_code == 0


@pytest.mark.parametrize("where", ["jwks_uri", "jwks_file"])
def test_keys_that_are_elsewhere_are_changed_there(run, registry, where):
    (registry.parent / "its.json").write_text(json.dumps(a_jwks()))
    value = "https://app.example/jwks.json" if where == "jwks_uri" else "its.json"
    text = registry.read_text().replace("[clients.web]", f'[clients.web]\n{where} = "{value}"')
    registry.write_text(text)
    refused = run("client", "key", "web")
    assert refused.exit_code == 1
    assert f"web has its keys at {value}, its {where}" in refused.stderr
    assert registry.read_text() == text
    assert not (registry.parent / "web.jwk.json").exists()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No such file"),
        ("{}", "not a key for ES256"),
        ('{"alg": "HS256"}', "its alg is none of"),
        ("x", "Expecting value"),
    ],
)
def test_an_assertion_takes_a_private_key(run, registry, content, sentence):
    path = registry.parent / "its.jwk.json"
    if content is not None:
        path.touch(mode=0o600)
        path.write_text(content)
    result = run("client", "assertion", "billing", "--private-key", str(path))
    assert result.exit_code == 1
    assert sentence in result.stderr


@pytest.mark.parametrize("alg", [None, "PS256", "EdDSA"])
def test_fapi_2_is_one_word_and_takes_a_store(run, registry, alg):
    add = "client", "add", "bank", "--fapi2", "--redirect-uri", "https://bank.example/cb"
    add = (*add, *(["--key-alg", alg] if alg else []))
    refused = run(*add, "--scope", "openid read")
    assert refused.exit_code == 1
    assert "clients.bank.profile: needs a replay_store under [issuer]" in refused.stderr
    assert not (registry.parent / "bank.jwk.json").exists()
    remembering = registry.read_text().replace("[issuer]", '[issuer]\nreplay_store = "sqlite:"')
    registry.write_text(remembering)
    assert run(*add, "--scope", "openid read").exit_code == 0
    record = client(registry, "bank")
    assert record["profile"] == "fapi2"
    assert record["token_endpoint_auth_method"] == "private_key_jwt"
    assert record["dpop_bound_access_tokens"] is True
    assert record["id_token_signed_response_alg"] == "ES256"
    assert run("check").exit_code == 0


def test_fapi_2_by_certificates_needs_no_key(run, registry):
    """What else it takes is said, with the section of the profile that wants it."""
    refused = run("client", "add", "bank", "--fapi2", "--auth-method", "tls_client_auth")
    assert refused.exit_code == 1
    assert "clients.bank.dpop_bound_access_tokens: must be true, or" in refused.stderr
