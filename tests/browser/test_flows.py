"""Whole flows over HTTP, as a browser and a person without hurry go through them."""

import json
import re
import time

import httpx
import pytest

from issuer.protocol.sealed import AuthorizationCode
from tests.browser.browsing import SENT, Browser, Page
from tests.builders import API, CALLBACK, OTHER_API, PASSWORD, SECRET, VERIFIER


@pytest.fixture
def browser(issuer_server):
    with Browser(issuer_server) as opened:
        yield opened


@pytest.fixture
def logged_in(browser):
    consent = browser.log_in(browser.authorize())
    assert browser.submit(consent, "allow")["code"]
    return browser


def redeem(issuer_server, code):
    return httpx.post(
        f"{issuer_server.url}/token",
        data={
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": VERIFIER,
        },
        auth=("web", SECRET),
    )


def test_a_person_logs_in_agrees_and_the_client_gets_a_token(browser, issuer_server):
    login = browser.authorize()
    assert {"username", "password", "login"} <= login.ids
    consent = browser.log_in(login)
    assert {"allow", "deny"} <= consent.ids
    told = browser.submit(consent, "allow")
    assert (told["to"], told["state"], told["iss"]) == (CALLBACK, "a-state", issuer_server.url)
    answer = redeem(issuer_server, told["code"])
    assert answer.status_code == 200
    assert answer.json()["scope"] == "read"


def test_who_says_no_is_asked_again_the_next_time(browser):
    consent = browser.log_in(browser.authorize())
    assert browser.submit(consent, "deny")["error"] == "access_denied"
    assert "allow" in browser.authorize().ids


def test_what_was_agreed_to_is_not_asked_again_and_more_is(logged_in):
    assert "code" in logged_in.authorize()
    assert "allow" in logged_in.authorize(scope="read write").ids


def test_prompt_none_never_shows_a_page(logged_in, issuer_server):
    assert "code" in logged_in.authorize(prompt="none")
    assert logged_in.authorize(prompt="none", scope="write")["error"] == "consent_required"
    with Browser(issuer_server) as stranger:
        assert stranger.authorize(prompt="none")["error"] == "login_required"


def test_prompt_login_shows_the_login_page_to_whoever_is_logged_in(logged_in):
    login = logged_in.authorize(prompt="login")
    assert "username" in login.ids
    assert "code" in logged_in.log_in(login)


def test_max_age_is_judged_when_the_code_is_made(browser):
    """A page that was left open leads to no code with a login that is too old by then."""
    consent = browser.log_in(browser.authorize(max_age="2"))
    assert "allow" in browser.get(consent.url).ids
    time.sleep(3.1)
    assert "username" in browser.get(consent.url).ids
    assert "code" in browser.submit(browser.log_in(browser.get(consent.url)), "allow")


def test_a_slow_person_logs_in_once_more_and_is_not_asked_twice(browser):
    consent = browser.log_in(browser.authorize(prompt="consent", max_age="2"))
    time.sleep(3.1)
    login = browser.submit(consent, "allow")
    assert "username" in login.ids
    assert "code" in browser.log_in(login)


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_new_login_is_good_for_one_code(browser, changes):
    consent = browser.log_in(browser.authorize(**changes))
    assert "allow" in browser.get(consent.url).ids
    assert "code" in browser.submit(consent, "allow")
    assert "username" in browser.get(consent.url).ids
    assert "username" in browser.submit(consent, "allow").ids
    assert "code" in browser.authorize()


@pytest.mark.parametrize("username", ["alice", "nobody", "", "alice\x00", "é"])
def test_a_wrong_password_is_refused_alike_for_everybody(browser, username):
    """P24."""
    login = browser.authorize()
    again = browser.log_in(login, username, "wrong")
    assert (again.status, "error" in again.ids) == (403, True)
    assert again.fields["username"] == username
    assert "allow" in browser.log_in(again).ids


def test_a_login_form_that_was_not_shown_here_logs_nobody_in(browser, issuer_server):
    """P29: login CSRF."""
    with Browser(issuer_server) as attacker:
        shown_to_attacker = attacker.authorize()
    again = browser.log_in(shown_to_attacker)
    assert (again.status, "username" in again.ids) == (403, True)
    own = browser.authorize()
    stripped = browser.submit(own, username="alice", password=PASSWORD, form_token="")
    assert "username" in stripped.ids
    assert "allow" in browser.log_in(stripped).ids


def test_a_consent_form_that_was_not_shown_here_grants_nothing(browser, issuer_server):
    """P29, P34."""
    consent = browser.log_in(browser.authorize())
    with Browser(issuer_server) as other:
        foreign = other.log_in(other.authorize())
    for token in ("", foreign.fields["form_token"], "x"):
        again = browser.submit(consent, "allow", form_token=token)
        assert (again.status, "allow" in again.ids) == (403, True)
    assert "code" in browser.submit(again, "allow")


def test_nothing_can_be_agreed_to_but_what_was_shown(browser):
    """P34: the form of one request with the interaction of another."""
    little = browser.log_in(browser.authorize(scope="read"))
    much = browser.authorize(scope="read write")
    swapped = browser.submit(little, "allow", interaction=much.fields["interaction"])
    assert isinstance(swapped, Page)
    assert "allow" in swapped.ids


def test_the_page_names_the_resource_and_another_is_asked_for_anew(browser):
    """P34, RFC 8707: by its host, where it has no name."""
    consent = browser.log_in(browser.authorize(resource=API))
    assert "<bdi>api.example</bdi>" in consent.html
    assert "other.example" not in consent.html
    assert "code" in browser.submit(consent, "allow")
    assert "code" in browser.authorize(resource=API)
    other = browser.authorize(resource=OTHER_API)
    assert "<bdi>other.example</bdi>" in other.html
    assert browser.authorize(resource=OTHER_API, prompt="none")["error"] == "consent_required"
    assert "code" in browser.submit(other, "allow")
    for each in (API, OTHER_API):
        assert "code" in browser.authorize(resource=each)


def test_no_resource_can_be_agreed_to_but_what_was_shown(browser):
    """P34: the form of one request with the interaction of another."""
    first = browser.log_in(browser.authorize(resource=API))
    second = browser.authorize(resource=OTHER_API)
    swapped = browser.submit(first, "allow", interaction=second.fields["interaction"])
    assert (swapped.status, "other.example" in swapped.html) == (403, True)


def test_a_resource_has_a_name_and_a_login_its_class(an_issuer):
    """RFC 9728 section 2, resource_name; OpenID Connect Core section 2, acr."""
    named = an_issuer(acr_values_supported=["urn:example:password", "2"])
    table = named.read_registry()
    table["resources"][API]["resource_name"] = "Invoices & <more>"
    named.write_registry(table)
    named.start()
    with Browser(named) as browser:
        consent = browser.log_in(browser.authorize(resource=API))
        assert "<bdi>Invoices &amp; &lt;more&gt;</bdi>" in consent.html
        assert "<bdi>api.example</bdi>" not in consent.html
        code = browser.submit(consent, "allow")["code"]
    held = named.files().sealer.open(AuthorizationCode, code, now=0)
    assert (held.login.acr, held.login.amr) == ("urn:example:password", ("pwd",))


def test_the_session_cookie_is_for_this_host_alone_and_changes_with_the_login(browser):
    """P29."""
    login = browser.authorize()
    before = browser.http.cookies["session"]
    response = browser.http.post(
        login.action, data={**login.fields, "username": "alice", "password": PASSWORD}
    )
    cookie = response.headers["set-cookie"]
    assert re.search(r"HttpOnly", cookie)
    assert re.search(r"SameSite=Lax", cookie)
    assert re.search(r"Path=/(;|$)", cookie)
    assert "Domain" not in cookie
    assert browser.http.cookies["session"] != before


def test_logging_out_takes_the_cookie_away(logged_in):
    """With the attributes it was set with, and nothing of it is left behind."""
    asked = logged_in.get(f"{logged_in.url}/logout")
    assert "session" in logged_in.http.cookies
    response = logged_in.http.post(asked.action, data=asked.fields)
    assert re.search(r"session=.*Thu, 01 Jan 1970.*HttpOnly", response.headers["set-cookie"])
    assert "session" not in logged_in.http.cookies
    assert "username" in logged_in.authorize().ids


def test_the_back_button_shows_pages_that_still_work(browser):
    login = browser.authorize()
    consent = browser.log_in(login)
    assert browser.submit(consent, "allow")["code"]
    assert "username" in browser.get(login.url).ids
    assert "code" in browser.get(consent.url)


def test_submitting_twice_leads_to_the_client_twice(browser):
    login = browser.authorize()
    consent = browser.log_in(login)
    assert "allow" in browser.log_in(login).ids
    assert "code" in browser.submit(consent, "allow")
    assert "code" in browser.submit(consent, "allow")


def test_two_tabs_log_in_once(browser):
    first, second = browser.authorize(), browser.authorize(state="second")
    consent = browser.log_in(first)
    assert "allow" in browser.log_in(second).ids
    assert browser.submit(consent, "allow")["state"] == "a-state"
    assert browser.get(second.url.replace("/login", "/consent"))["state"] == "second"


def test_a_session_that_ended_midway_leads_back_to_the_login_page(browser):
    consent = browser.log_in(browser.authorize())
    browser.http.cookies.clear()
    login = browser.submit(consent, "allow")
    assert "username" in login.ids
    assert "allow" in browser.log_in(login).ids


@pytest.mark.parametrize("path", ["/login", "/consent"])
@pytest.mark.parametrize("text", [None, "", "x", "1.a.b", "1." + "A" * 2000])
def test_a_page_that_belongs_to_no_request_says_so(browser, path, text):
    parameters = {"other": "x"} if text is None else {"interaction": text}
    page = browser.get(browser.url + path, params=parameters)
    assert page.status == 400
    posted = browser.http.post(browser.url + path, data=parameters)
    assert posted.status_code == 400
    assert posted.headers["content-type"].startswith("text/html")


def test_a_request_can_be_posted_from_anywhere(browser, issuer_server):
    """OpenID Connect Core section 3.1.2.1: GET and POST."""
    response = browser.http.post(f"{issuer_server.url}/authorize?scope=evil", data=SENT)
    login = browser._follow(response)
    assert "username" in login.ids
    assert "allow" in browser.log_in(login).ids


def test_the_answer_can_be_a_form(browser):
    """OAuth 2.0 Form Post Response Mode."""
    consent = browser.log_in(browser.authorize(response_mode="form_post"))
    page = browser.submit(consent, "allow")
    assert page.action == CALLBACK
    assert page.fields["state"] == "a-state"
    assert {"code", "iss"} <= page.fields.keys()
    refused = browser.authorize(response_mode="form_post", scope="bad")
    assert refused.fields["error"] == "invalid_scope"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "nobody"},
        {"client_id": None},
        {"redirect_uri": "https://evil.example/"},
        {"client_id": '"><script>alert(1)</script>'},
        {"redirect_uri": 'https://evil.example/"><script>'},
    ],
)
def test_a_request_of_nobody_shows_a_page_and_goes_nowhere(browser, changes):
    """B2, P17: nothing of it is on the page."""
    page = browser.authorize(**changes)
    assert (page.status, "error" in page.ids) == (400, True)
    assert "evil" not in page.html
    assert "<script>" not in page.html


@pytest.mark.parametrize("state", ['"><script>', "a\r\nSet-Cookie: x=y", "é" * 10, "x" * 5000])
def test_a_state_comes_back_as_it_went(browser, state):
    """P17."""
    answered = browser.authorize(state=state, prompt="none")
    assert (answered["error"], answered["state"]) == ("login_required", state)


def test_every_page_has_the_headers_that_keep_it_whole(browser):
    """B20, B27."""
    login = browser.authorize()
    consent = browser.log_in(login)
    for page in (login, consent, browser.authorize(client_id="nobody")):
        policy = page.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy
        assert page.headers["x-frame-options"] == "DENY"
        assert page.headers["referrer-policy"] == "no-referrer"
        assert page.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", ["/authorize", "/login", "/consent", "/logout", "/par"])
def test_no_page_is_for_other_origins(browser, path):
    """B19: there is no CORS here."""
    for method in ("GET", "OPTIONS"):
        response = browser.http.request(
            method, browser.url + path, headers={"Origin": "https://evil.example"}
        )
        assert not [name for name in response.headers if name.startswith("access-control")]


def test_the_access_log_says_who_logged_in_and_agreed_and_no_secret(browser, issuer_server):
    """B24, P32."""
    consent = browser.log_in(browser.log_in(browser.authorize(), "alice", "wrong-password-1"))
    told = browser.submit(consent, "allow")

    def last_three() -> list[dict[str, str]]:
        lines = issuer_server.log.read_text().splitlines()
        logged = [json.loads(each) for each in lines if "{" in each]
        return [each for each in logged if each.get("method") == "POST"][-3:]

    issuer_server.wait_until(lambda: last_three()[0].get("detail") == "wrong user or password")
    posted = last_three()
    assert [each["path"] for each in posted] == ["/login", "/login", "/consent"]
    assert [each["client_id"] for each in posted] == ["web"] * 3
    assert posted[0]["detail"] == "wrong user or password"
    assert [each["sub"] for each in posted[1:]] == ["alice", "alice"]
    assert posted[2]["decision"] == "allow"
    log = issuer_server.log.read_text()
    secrets = (PASSWORD, "wrong-password-1", told["code"], *browser.http.cookies.values())
    assert not [each for each in (*secrets, *consent.fields.values()) if each in log]
