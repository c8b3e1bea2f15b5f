"""Workloads at a running issuer, whose keys a real https issuer publishes by discovery."""

import time
from typing import Any

import httpx
import pytest

from issuer.registry.federation import JWT_BEARER
from tests.builders import API
from tests.federation.asking import PLACES, as_client, as_grant
from tests.federation.tokens import github, kubernetes, token
from tests.rfc7523.keys import OTHERS, a_jwks, a_public_jwk
from tests.rfc7523.publishing import publishing

pytestmark = pytest.mark.parametrize("replay_store", ["none", "sqlite:replay.db"])


@pytest.fixture
def forge(tmp_path, monkeypatch):
    """An issuer of tokens for workloads: one document says where its keys are, and which."""
    with publishing(tmp_path) as (publisher, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        url = publisher.jwks_uri.removesuffix("/jwks.json")
        publisher.url = url
        publisher.jwks = {
            "issuer": url, "jwks_uri": publisher.jwks_uri, **a_jwks(a_public_jwk("RS256")),
        }  # fmt: skip
        yield publisher


@pytest.fixture
def running(an_issuer, forge, replay_store):
    running = an_issuer(replay_store=replay_store, jwks_uri_networks=["127.0.0.0/8", "::1"])
    table = running.read_registry()
    table["federations"] = {
        "forge": {"issuer": forge.url, "map": {"repository": "repository"}},
        "cluster": {
            "issuer": "https://kubernetes.default.svc.cluster.local",
            "jwks": a_jwks(a_public_jwk("RS256")),
            "reusable": True,
        },
    }
    rules = [
        {"federation": "forge", "subject": "repo:acme/shop:ref:refs/heads/*"},
        {"federation": "cluster", "subject": "system:serviceaccount:shop:api"},
    ]
    table["clients"]["deploy"] = {
        "token_endpoint_auth_method": "private_key_jwt",
        "grant_types": ["client_credentials", JWT_BEARER],
        "scope": "read",
        "resources": [API],
        "federated": rules,
    }
    running.write_registry(table)
    return running.start(workers=2)


def a_run(running: Any, forge: Any, **changes: Any) -> dict[str, Any]:
    said = {"iss": forge.url, "aud": running.url, **changes}
    return github(now=int(time.time()), **said)


def ask(running: Any, parameters: dict[str, str]) -> httpx.Response:
    return httpx.post(f"{running.url}/token", data=parameters)


@pytest.mark.parametrize("place", PLACES)
def test_a_run_gets_a_token_without_any_secret_and_once_where_that_is_remembered(
    running, forge, place, replay_store
):
    text = token(a_run(running, forge))
    answer = ask(running, place(text))
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"access_token", "token_type", "expires_in", "scope"}
    now = int(time.time())
    claims = running.files().issued.verify(answer.json()["access_token"], now).claims
    assert claims["sub"] == claims["client_id"] == "deploy"
    assert claims["repository"] == "acme/shop"
    again = [ask(running, other(text)).status_code for other in PLACES]
    assert again == ([200, 200] if replay_store == "none" else [401, 400])
    assert ask(running, place(token(a_run(running, forge)))).status_code == 200


def test_what_is_not_good_is_refused_and_says_nothing(running, forge, replay_store):
    evil = a_run(running, forge, sub="repo:evil/shop:ref:refs/heads/main")
    for text in (
        token(evil), token(a_run(running, forge), key=OTHERS["RS256"]), "x", "a.b.c", "é" * 3000,
        token(a_run(running, forge, aud="https://github.com/acme")),
    ):  # fmt: skip
        refused = ask(running, as_client(text, client_id="deploy"))
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        refused = ask(running, as_grant(text))
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert text not in refused.text
    assert ask(running, as_grant(token(a_run(running, forge)))).status_code == 200


def test_a_pod_comes_with_the_same_token_until_it_is_replaced(running, replay_store):
    text = token(kubernetes(now=int(time.time()), aud=[running.url]))
    assert [ask(running, place(text)).status_code for place in PLACES * 2] == [200] * 4


def test_an_issuer_that_is_down_loses_nothing(running, forge, replay_store):
    forge.status = 500
    text = token(a_run(running, forge))
    answer = ask(running, as_grant(text))
    assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    pod = token(kubernetes(now=int(time.time()), aud=[running.url]))
    assert ask(running, as_grant(pod)).status_code == 200
    forge.status = 200
    running.wait_until(lambda: ask(running, as_grant(text)).status_code == 200, seconds=30)
