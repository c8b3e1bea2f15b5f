"""``HEAD`` on every page: as ``GET`` without a body, and nothing comes of it (RFC 9110 9.3.2)."""

import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from keys.signing import SigningKey
from tests.browser.browsing import SENT, Browser
from tests.builders import SECRET, VERIFIER
from tests.relying_parties.builders import a_provider
from tests.running import RunningIssuer

LOGIN_KEY = SigningKey.generate("ES256", activates_at=0)
CALLBACK = "http://127.0.0.1/callback"
RP = {**SENT, "client_id": "rp", "redirect_uri": CALLBACK, "scope": "openid"}


def started(directory, **settings: Any) -> RunningIssuer:
    running = a_provider(directory)
    table = running.read_registry()
    table["issuer"] |= {"replay_store": "sqlite:replay.db", **settings}
    running.write_registry(table)
    return running.start()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """It remembers what was used once."""
    running = started(tmp_path_factory.mktemp("head"))
    yield running
    running.stop()
    assert "unexpected" not in running.log.read_text()


@pytest.fixture
def browser(issuer) -> Iterator[Browser]:
    with Browser(issuer) as opened:
        yield opened


def assert_nothing_came_of(head: httpx.Response, got: httpx.Response) -> None:
    """The same status and headers as GET, without a body, a cookie or anything sealed."""
    assert (head.status_code, head.content) == (got.status_code, b"")
    assert "set-cookie" not in head.headers
    for name in ("content-type", "cache-control", "content-security-policy", "referrer-policy"):
        assert head.headers.get(name) == got.headers.get(name)
    to, led = head.headers.get("location"), got.headers.get("location")
    assert (to is None) == (led is None)
    if to is not None:
        assert to == led.partition("?")[0]


def test_a_link_can_be_tried_before_it_is_followed(browser):
    """As link checkers and chat programs do."""
    head = browser.http.head(f"{browser.url}/authorize", params=RP)
    got = browser.http.get(f"{browser.url}/authorize", params=RP)
    assert_nothing_came_of(head, got)
    assert head.headers["location"] == "/consent"


@pytest.mark.parametrize(
    ("changes", "status"),
    [({"client_id": "nobody"}, 400), ({"redirect_uri": "https://evil.example/"}, 400),
     ({"response_type": "token"}, 303), ({"prompt": "x", "response_mode": "form_post"}, 200)],
)  # fmt: skip
def test_a_link_that_is_no_good_is_refused_as_it_would_be(browser, changes, status):
    head = browser.http.head(f"{browser.url}/authorize", params=RP | changes)
    assert head.status_code == status
    assert_nothing_came_of(head, browser.http.get(f"{browser.url}/authorize", params=RP | changes))


def test_a_pushed_request_is_not_used_up_by_looking(browser):
    """RFC 9126 section 4: once, by whoever follows the link."""
    pushed = httpx.post(f"{browser.url}/par", data=RP, auth=("rp", SECRET)).json()
    link = {"client_id": "rp", "request_uri": pushed["request_uri"]}
    for _ in range(2):
        head = browser.http.head(f"{browser.url}/authorize", params=link)
        assert (head.status_code, head.headers["location"]) == (303, "/consent")
    got = browser.http.get(f"{browser.url}/authorize", params=link)
    assert got.headers["location"].startswith("/consent?interaction=")
    again = browser.http.get(f"{browser.url}/authorize", params=link)
    assert "error=invalid_request_uri" in again.headers["location"]


def test_no_session_begins_at_the_login_page(browser):
    login = browser.authorize(**RP)
    browser.http.cookies.clear()
    head = browser.http.head(login.url)
    assert "session" not in browser.http.cookies
    assert_nothing_came_of(head, browser.http.get(login.url))
    assert "session" in browser.http.cookies


def test_no_code_is_given_and_no_session_renewed_at_the_consent_page(browser):
    consent = browser.log_in(browser.authorize(**RP))
    assert_nothing_came_of(browser.http.head(consent.url), browser.http.get(consent.url))
    browser.submit(consent, "allow")
    before = browser.http.cookies["session"]
    head = browser.http.head(consent.url)
    assert head.headers["location"] == CALLBACK
    assert browser.http.cookies["session"] == before
    assert "code=" in browser.http.get(consent.url).headers["location"]


def test_nobody_is_logged_out_by_looking(browser, issuer):
    told = browser.submit(browser.log_in(browser.authorize(**RP)), "allow")
    id_token = issuer.redeem(told["code"], "rp", code_verifier=VERIFIER).json()["id_token"]
    for query in ({}, {"id_token_hint": id_token}, {"id_token_hint": "undefined"},
                  {"id_token_hint": id_token,
                   "post_logout_redirect_uri": "http://127.0.0.1/goodbye"}):  # fmt: skip
        head = browser.http.head(f"{browser.url}/logout", params=query)
        assert head.status_code == (303 if len(query) == 2 else 200)
        assert "set-cookie" not in head.headers
    assert "code" in browser.authorize(**RP)


def test_userinfo_says_its_headers(issuer, browser):
    told = browser.submit(browser.log_in(browser.authorize(**RP)), "allow")
    tokens = issuer.redeem(told["code"], "rp", code_verifier=VERIFIER).json()
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    got = issuer.http.get("/userinfo", headers=bearer)
    assert_nothing_came_of(issuer.http.head("/userinfo", headers=bearer), got)
    head = issuer.http.head("/userinfo", headers=bearer)
    assert head.headers["content-length"] == str(len(got.content))
    refused = issuer.http.head("/userinfo")
    assert (refused.status_code, refused.content) == (401, b"")
    assert refused.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/login", "/consent"])
def test_a_page_without_a_request_says_so(browser, path):
    head = browser.http.head(browser.url + path)
    assert head.status_code == 400
    assert_nothing_came_of(head, browser.http.get(browser.url + path))


@pytest.mark.parametrize("path", ["/token", "/par"])
def test_what_has_no_get_has_no_head(browser, path):
    head = browser.http.head(browser.url + path)
    assert (head.status_code, head.headers["allow"]) == (405, "POST")


def test_the_answer_of_a_login_application_is_not_used_up_by_looking(tmp_path):
    keys = {"keys": [dict(LOGIN_KEY.public_jwk)]}
    url = "https://login.example/start"
    running = started(tmp_path, login_url=url, login_jwks=keys)
    try:
        with Browser(running) as browser:
            sent = browser.http.get(f"{running.url}/authorize", params=RP)
            consent = browser.http.get(running.url + sent.headers["location"])
            login = running.url + consent.headers["location"]
            head = browser.http.head(login)
            assert (head.status_code, head.headers["location"]) == (303, url)
            assert "set-cookie" not in head.headers
            led = browser.http.get(login).headers["location"]
            now = int(time.time())
            claims = {"login_challenge": httpx.URL(led).params["login_challenge"],
                      "aud": running.url, "sub": "carol", "iat": now, "exp": now + 60,
                      "jti": "1"}  # fmt: skip
            answer = {"login_response": LOGIN_KEY.sign("login-response+jwt", claims)}
            callback = f"{running.url}/login/callback"
            for _ in range(2):
                head = browser.http.head(callback, params=answer)
                assert (head.status_code, head.headers["location"]) == (303, "/consent")
                assert "set-cookie" not in head.headers
            got = browser.http.get(callback, params=answer)
            assert urlsplit(got.headers["location"]).query.startswith("interaction=")
            assert browser.http.get(callback, params=answer).status_code == 400
    finally:
        running.stop()
