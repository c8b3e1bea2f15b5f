"""Taking tokens back at a running issuer: two workers, below a path, with and without a store."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from issuer.registry import secret
from tests.builders import API, PASSWORD, PASSWORD_HASH, SECRET, basic
from tests.running import RunningIssuer

ORIGIN = "https://shop.example"
OTHER_API = "https://other.example"


def ready(issuer: RunningIssuer) -> RunningIssuer:
    """Its clients: web, and ``chosen`` whose secret a person chose."""
    table = issuer.read_registry()
    held = [{"hash": secret.sha256_hash(SECRET)}]
    table["resources"][API] |= {"client_id": "api", "client_secrets": held}
    table["resources"][OTHER_API] |= {"client_secrets": [{"hash": PASSWORD_HASH}]}
    clients = table["clients"]
    clients["web"] |= {"scope": "read write openid email", "id_token_signed_response_alg": "ES256"}
    clients["chosen"] = clients["web"] | {"client_secrets": [{"hash": PASSWORD_HASH}]}
    clients["spa"]["allowed_cors_origins"] = [ORIGIN]
    issuer.write_registry(table)
    return issuer


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """Of two workers."""
    directory = tmp_path_factory.mktemp("issuer")
    issuer = ready(RunningIssuer(directory, path="/tenant", replay_store="sqlite:replay.db"))
    yield issuer.start(workers=2)
    issuer.stop()


def post(running: RunningIssuer, path: str, who: str, token: str, **how: Any) -> httpx.Response:
    """Asked on a connection of its own, so that either worker may get it."""
    headers = {"Authorization": basic(who, how.pop("secret", SECRET))} | how.pop("headers", {})
    data = {"token": token} | how
    return httpx.post(running.url + path, data=data, headers=headers, timeout=10)


def userinfo(running: RunningIssuer, token: str) -> httpx.Response:
    return httpx.get(f"{running.url}/userinfo", headers={"Authorization": f"Bearer {token}"})


@contextmanager
def locked(running: RunningIssuer) -> Iterator[None]:
    """Somebody else writes to the store, and does not end."""
    connection = sqlite3.connect(running.directory / "replay.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


def test_whatever_worker_is_asked_a_revoked_token_is_none(running):
    """At /introspect and at /userinfo, from the moment that /revoke has answered."""
    held = running.redeem(running.code(scope="openid read")).json()
    token = held["access_token"]
    for _ in range(4):
        assert post(running, "/introspect", "api", token).json()["active"] is True
        assert userinfo(running, token).json() == {"sub": "alice"}
    answer = post(running, "/revoke", "web", held["refresh_token"])
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["cache-control"] == "no-store"
    for _ in range(4):
        assert post(running, "/introspect", "api", token).json() == {"active": False}
        refused = userinfo(running, token)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_token")
        assert refused.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    running.wait_until(lambda: '"detail":"revoked grant:' in running.log.read_text())
    log = running.log.read_text()
    assert token not in log
    assert held["refresh_token"] not in log


def test_what_the_store_cannot_say_is_no_answer(an_issuer):
    """F7. What was not remembered is not answered by 200, and no token is called bad."""
    running = ready(an_issuer(replay_store="sqlite:replay.db")).start()
    held = running.redeem(running.code(scope="openid read")).json()
    store = running.directory / "replay.db"
    store.unlink()
    store.mkdir()  # which no database can be opened in
    for answer in (
        post(running, "/revoke", "web", held["refresh_token"]),
        post(running, "/revoke", "web", held["access_token"]),
        post(running, "/introspect", "api", held["access_token"]),
        userinfo(running, held["access_token"]),
    ):
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        assert int(answer.headers["retry-after"]) >= 1
        assert "www-authenticate" not in answer.headers
    unknown = post(running, "/revoke", "web", "x"), post(running, "/introspect", "api", "x")
    assert [each.json() for each in unknown] == [{}, {"active": False}]


def test_a_store_that_cannot_be_written_to_is_read_all_the_same(running):
    held = running.redeem(running.code(scope="openid read")).json()
    with locked(running):
        assert post(running, "/revoke", "web", held["access_token"]).status_code == 503
        assert post(running, "/introspect", "api", held["access_token"]).json()["active"] is True
        assert userinfo(running, held["access_token"]).status_code == 200


def test_a_secret_that_a_person_chose_is_as_good(running):
    """Of a client, and of a resource server."""
    token = running.token("web", grant_type="client_credentials", resource=OTHER_API)
    chosen = {"secret": PASSWORD}
    said = post(running, "/introspect", OTHER_API, token.json()["access_token"], **chosen)
    assert said.json()["aud"] == OTHER_API
    for path, who in (("/introspect", OTHER_API), ("/revoke", "chosen")):
        assert post(running, path, who, "x", **chosen).status_code == 200
        refused = post(running, path, who, "x", secret="wrong")
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_client")
        assert refused.headers["www-authenticate"].startswith("Basic ")


def test_a_page_of_a_registered_origin_revokes_and_does_not_introspect(running):
    """RFC 7009 section 2: a public client in a browser needs it."""
    asking = {"Origin": ORIGIN, "Access-Control-Request-Method": "POST"}
    allowed = httpx.options(f"{running.url}/revoke", headers=asking)
    assert allowed.status_code == 204
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    data = {"token": "x", "client_id": "spa"}
    answer = httpx.post(f"{running.url}/revoke", data=data, headers={"Origin": ORIGIN})
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, ORIGIN)
    assert httpx.options(f"{running.url}/introspect", headers=asking).status_code == 405
    stranger = asking | {"Origin": "https://evil.example"}
    assert httpx.options(f"{running.url}/revoke", headers=stranger).status_code == 405


@pytest.mark.parametrize("path", ["/revoke", "/introspect"])
def test_the_endpoints_take_a_posted_form_and_nothing_else(running, path):
    url = running.url + path
    for method in ("GET", "HEAD", "PUT", "DELETE", "OPTIONS"):
        refused = httpx.request(method, url)
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    auth = {"Authorization": basic("web" if path == "/revoke" else "api")}
    assert httpx.post(url, json={"token": "x"}, headers=auth).status_code == 415
    assert httpx.post(url, data={}, headers=auth).json()["error"] == "invalid_request"
    twice = "token=x&token=y"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert httpx.post(url, content=twice, headers=auth | form).status_code == 400
    assert httpx.post(url, data={"token": "x"}).status_code == 401


def test_both_are_announced_below_the_path(running):
    said = running.http.get("/.well-known/openid-configuration").json()
    assert said["revocation_endpoint"] == f"{running.url}/revoke"
    assert said["introspection_endpoint"] == f"{running.url}/introspect"


def test_without_a_store_no_token_is_revoked_and_it_says_why(issuer_server):
    """RFC 7009 section 2.2.1."""
    token = issuer_server.access_token()
    refused = post(issuer_server, "/revoke", "billing", token)
    assert (refused.status_code, refused.json()["error"]) == (400, "unsupported_token_type")
    assert "replay_store" in refused.json()["error_description"]
    said = issuer_server.http.get("/.well-known/oauth-authorization-server").json()
    assert not [each for each in said if "revocation" in each or "introspection" in each]
    assert post(issuer_server, "/introspect", "billing", token).status_code == 401
