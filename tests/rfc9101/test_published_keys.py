"""Request objects of a client that publishes its keys by https, at both endpoints."""

import time

import httpx
import pytest

from tests.browser.browsing import Browser, Page
from tests.builders import SECRET
from tests.rfc7523.keys import OTHERS, a_jwks, a_public_jwk
from tests.rfc7523.publishing import publishing
from tests.rfc9101.builders import a_request_object


@pytest.fixture
def published(tmp_path, monkeypatch):
    with publishing(tmp_path) as (publisher, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        yield publisher


@pytest.fixture
def running(an_issuer, published):
    running = an_issuer(replay_store="sqlite:replay.db", jwks_uri_networks=["127.0.0.0/8", "::1"])
    table = running.read_registry()
    table["clients"]["web"]["jwks_uri"] = published.jwks_uri
    running.write_registry(table)
    return running.start()


def signed(running, **changes):
    now = int(time.time())
    return a_request_object(now=now, aud=running.url, **({"jti": None} | changes))


def push(running, text):
    return httpx.post(f"{running.url}/par", data={"request": text}, auth=("web", SECRET))


def test_they_are_fetched_once_and_a_new_one_is_found(running, published):
    published.jwks = a_jwks()
    with Browser(running) as browser:
        link = {"client_id": "web", "request": signed(running)}
        head = browser.http.head(f"{running.url}/authorize", params=link)
        assert (head.status_code, head.headers["location"]) == (303, "/consent")
        page = browser.get(f"{running.url}/authorize", params=link)
        assert isinstance(page, Page)
        assert "username" in page.ids
    assert push(running, signed(running)).status_code == 201
    assert published.asked == 1
    made_up = push(running, signed(running, how={"key": OTHERS["ES256"]}))
    assert made_up.json()["error"] == "invalid_request_object"
    assert published.asked == 1
    assert push(running, "ey").json()["error"] == "invalid_request_object"
    key = a_public_jwk("EdDSA", kid="new")
    published.jwks = a_jwks(a_public_jwk(), key)
    rolled = {"how": {"alg": "EdDSA"}, "header": {"kid": "new"}}
    running.wait_until(
        lambda: push(running, signed(running, **rolled)).status_code == 201, seconds=60
    )
    assert published.asked == 2


def test_where_they_are_not_to_be_had_nothing_is_lost(running, published):
    """A page that asks the person to wait, and 503 for the client: the object may be good."""
    published.status = 500
    with Browser(running) as browser:
        link = {"client_id": "web", "request": signed(running)}
        page = browser.get(f"{running.url}/authorize", params=link)
        assert page.status == 503
        assert int(page.headers["retry-after"]) > 0
        answer = push(running, signed(running))
        assert (answer.status_code, answer.json()["error"]) == (503, "temporarily_unavailable")
        published.status, published.jwks = 200, a_jwks()
        running.wait_until(lambda: push(running, signed(running)).status_code == 201)
        assert "username" in browser.get(f"{running.url}/authorize", params=link).ids
