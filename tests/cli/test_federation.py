"""``issuer federation`` and ``issuer explain``: whose tokens are taken, and whose one is."""

import json
from typing import Any

import pytest

from issuer.cli import clock
from issuer.cli.federation import KINDS, RULES
from issuer.registry import files, parse
from issuer.token import OFFERED
from tests.federation.tokens import CLUSTER, github, kubernetes, token
from tests.rfc7523.keys import OTHERS, a_jwks, a_public_jwk

CLIENT = """
[clients.{name}]
token_endpoint_auth_method = "private_key_jwt"
grant_types = ["client_credentials"]
resources = ["https://api.example"]
scope = "read"
federated = [{rules}]
"""
MAIN = '{ federation = "github", subject = "repo:acme/shop:ref:refs/heads/main" }'
OTHER = '{ federation = "github", claims = { repository = "acme/other", ref = "refs/heads/*" } }'


def with_clients(registry: Any, **clients: str) -> None:
    text = registry.read_text()
    registry.write_text(
        text + "".join(CLIENT.format(name=name, rules=each) for name, each in clients.items())
    )


@pytest.fixture
def federated(registry, run):
    """A registry with GitHub, whose keys are in a file, and two clients."""
    jwks = a_jwks(a_public_jwk("RS256"), a_public_jwk("ES256"))
    registry.with_name("github.json").write_text(json.dumps(jwks))
    assert run("federation", "add", "github", "--jwks-file", "github.json").exit_code == 0
    with_clients(registry, deploy=MAIN, other=OTHER)
    return registry


@pytest.mark.parametrize("kind", KINDS)
def test_a_federation_of_each_kind_and_the_rule_that_it_prints_are_good(run, registry, kind):
    result = run("federation", "add", kind, "--issuer", "https://issuer-of.example")
    assert result.exit_code == 0, result.output
    rule = f'{{ federation = "{kind}", {RULES[kind]} }}'
    assert f"federated = [{rule}]" in result.stderr
    with_clients(registry, deploy=rule)
    assert run("check").exit_code == 0
    found = parse(files.read_registry(registry), OFFERED)
    assert found.federations[kind].issuer == "https://issuer-of.example"


@pytest.mark.parametrize("kind", [kind for kind, known in KINDS.items() if "issuer" in known])
def test_whose_issuer_everybody_knows_need_not_be_told(run, registry, kind):
    assert run("federation", "add", kind, "--name", "mine").exit_code == 0
    with_clients(registry, deploy=f'{{ federation = "mine", {RULES[kind]} }}')
    assert run("check").exit_code == 0


def test_a_cluster_says_its_issuer(run, registry):
    result = run("federation", "add", "kubernetes")
    assert result.exit_code == 1
    assert "say the --issuer" in result.stderr
    assert run("federation", "add", "kubernetes", "--issuer", CLUSTER).exit_code == 0
    again = run("federation", "add", "kubernetes", "--issuer", CLUSTER)
    assert again.exit_code == 1
    assert "Nothing was changed" in again.stderr or "already" in again.stderr


def test_explain_says_which_rule_matches_and_of_each_that_does_not_which_claim(run, federated):
    text = token(github(now=clock.now()))
    result = run("explain", "--assertion", "-", stdin=text + "\n")
    assert result.exit_code == 0
    assert "A token of federation github." in result.stdout
    assert "clients.deploy.federated[0]: matches" in result.stdout
    assert 'clients.other.federated[0]: no, repository is "acme/shop"' in result.stdout
    assert text not in result.output
    assert text.split(".")[2] not in result.output
    federated.with_name("token").write_text(text)
    assert run("explain", "--assertion", "token").exit_code == 0
    named = run("explain", "--assertion", "token", "other")
    assert named.exit_code == 1
    assert "clients.deploy" not in named.stdout


@pytest.mark.parametrize(
    ("claims", "key", "said"),
    [
        ({"aud": "https://github.com/acme"}, None,
         "aud is not the federation's audience alone, https://issuer.example"),
        ({"exp": 1_000_000_000, "iat": None, "nbf": None}, None, "Refused: expired"),
        ({"jti": None}, None, "jti is missing, and the federation is not reusable"),
        ({}, OTHERS["RS256"], "the signature does not verify"),
    ],
)  # fmt: skip
def test_explain_says_why_a_token_that_matches_is_refused(run, federated, claims, key, said):
    text = token(github(now=clock.now(), **claims), key=key)
    result = run("explain", "--assertion", "-", stdin=text)
    assert result.exit_code == 1
    assert said in result.stdout
    assert "clients.deploy.federated[0]: matches" in result.stdout


def test_explain_of_what_is_no_token_or_of_nobody(run, federated):
    for text, said in (
        ("x", "This is no token that could be verified"),
        ("A" * 3_000_000, "This is no token that could be verified"),
        (token(kubernetes()), f'No federation has the issuer "{CLUSTER}"'),
    ):
        result = run("explain", "--assertion", "-", stdin=text)
        assert result.exit_code == 1
        assert said in result.stderr
        assert len(result.output) < 500
    text = token(github(now=clock.now()))
    assert "has a rule" in run("explain", "--assertion", "-", "web", stdin=text).stderr
    with_clients(federated, twin=MAIN)
    assert "have to say the client_id" in run("explain", "--assertion", "-", stdin=text).stdout
