"""JARM through the pages of a running issuer, with and without a path in its URL."""

import time

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.browser.browsing import Browser, Page
from tests.builders import CALLBACK, SECRET, VERIFIER
from tests.running import RunningIssuer


@pytest.fixture(scope="module", params=["", "/tenant"])
def running(tmp_path_factory, request):
    running = RunningIssuer(tmp_path_factory.mktemp("issuer"), path=request.param)
    table = running.read_registry()
    table["clients"]["signed"] = {
        **table["clients"]["web"], "authorization_signed_response_alg": "ES256"
    }  # fmt: skip
    running.write_registry(table)
    running.start()
    yield running
    running.stop()


@pytest.fixture
def browser(running):
    with Browser(running) as opened:
        yield opened


def read(running, response, client_id="web"):
    """What it says, by the published keys alone."""
    keys = KeySet.import_key_set(httpx.get(f"{running.url}/.well-known/jwks.json").json())
    claims = jwt.decode(response, keys, algorithms=["ES256"]).claims
    assert (claims["iss"], claims["aud"]) == (running.url, client_id)
    assert 0 < claims["exp"] - time.time() <= 600
    return claims


def redeem(running, code, client_id="web"):
    given = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    return httpx.post(f"{running.url}/token", data=given, auth=(client_id, SECRET))


@pytest.mark.parametrize("client_id", ["web", "signed"])
def test_a_code_comes_back_in_one_signed_parameter(browser, running, client_id):
    login = browser.authorize(response_mode="jwt", client_id=client_id)
    told = browser.submit(browser.log_in(login), "allow")
    assert told.keys() == {"to", "response"}
    assert told["to"] == CALLBACK
    claims = read(running, told["response"], client_id)
    assert claims["state"] == "a-state"
    assert redeem(running, claims["code"], client_id).status_code == 200


def test_a_code_comes_back_in_a_form(browser, running):
    """Section 2.3.3: the page that posts itself has one field."""
    login = browser.authorize(response_mode="form_post.jwt")
    page = browser.submit(browser.log_in(login), "allow")
    assert isinstance(page, Page)
    assert (page.action, page.fields.keys()) == (CALLBACK, {"response"})
    assert redeem(running, read(running, page.fields["response"])["code"]).status_code == 200
    silent = browser.authorize(response_mode="form_post.jwt", prompt="none", scope="write")
    assert read(running, silent.fields["response"])["error"] == "consent_required"


def test_a_no_and_a_silent_no_are_signed(browser, running):
    told = browser.authorize(response_mode="query.jwt", prompt="none")
    assert read(running, told["response"])["error"] == "login_required"
    consent = browser.log_in(browser.authorize(response_mode="query.jwt"))
    told = browser.submit(consent, "deny")
    assert read(running, told["response"])["error"] == "access_denied"


def test_a_client_that_registered_it_hears_nothing_unsigned_but_that(browser, running):
    told = browser.authorize(client_id="signed")
    assert told["error"] == "invalid_request"
    assert "response_mode" in told["error_description"]
    assert "username" in browser.authorize(client_id="signed", response_mode="jwt").ids


def test_a_state_that_would_do_harm_comes_back_whole(browser, running):
    """P17."""
    for state in ('"><script>alert(1)</script>', "a\r\nSet-Cookie: x=y", "é" * 10, "s" * 4000):
        told = browser.authorize(response_mode="jwt", prompt="none", state=state)
        assert read(running, told["response"])["state"] == state


def test_looking_brings_no_answer(browser):
    """HEAD: where it would lead, without what it would bring."""
    sent = {"client_id": "web", "redirect_uri": CALLBACK, "response_mode": "jwt"}
    head = browser.http.head(f"{browser.url}/authorize", params=sent)
    assert (head.status_code, head.headers["location"]) == (303, CALLBACK)
