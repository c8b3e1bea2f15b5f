"""Security B1 to B27 and P13 to P17, P29 to P35 at the pages, as a browser is told."""

import socket
import threading
from contextlib import contextmanager
from itertools import product

import httpx
import pytest

from issuer.metadata import AUTHORIZE, CONSENT, LOGIN, LOGIN_CALLBACK, LOGOUT, PAR, USERINFO
from tests.browser.browsing import SENT, Browser, Page
from tests.builders import CALLBACK, SECRET
from tests.running import registry_table

PAGES = [AUTHORIZE, CONSENT, LOGIN, LOGIN_CALLBACK, LOGOUT]


@pytest.fixture
def browser(issuer_server):
    with Browser(issuer_server) as opened:
        yield opened


@pytest.fixture
def logged_in(browser):
    consent = browser.log_in(browser.authorize())
    assert "code" in browser.submit(consent, "allow")
    return browser


CLIENT_IDS = {"its own": "web", "unknown": "nobody", "another's": "billing", "none": None}
REDIRECT_URIS = {
    "its own": CALLBACK,
    "evil": "https://evil.example/",
    "a longer path": CALLBACK + "/x",
    "IDN": "https://\u0430pp.example/callback",
    "punycode": "https://xn--pp-6kc.example/callback",
    "an encoded slash": "https://app.example%2fcallback",
    "a false host": "https://app.example@evil.example/callback",
    "a header": CALLBACK + "\r\nLocation: https://evil.example/",
    "a scheme less": "//app.example/callback",
    "two": [CALLBACK, "https://evil.example/"],
}


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("changes", [{}, {"prompt": "none"}, {"scope": "bad"}, {"request": "x"},
                                     {"response_mode": "form_post", "prompt": "none"}])  # fmt: skip
def test_no_combination_of_strange_client_and_redirect_uri_leads_anywhere(
    logged_in, method, changes
):
    """B1, B2, B3, P13: whoever is logged in or not, and agreed to what."""
    combinations = product(CLIENT_IDS, REDIRECT_URIS)
    for client_id, uri in combinations:
        sent = {**SENT, **changes, "redirect_uri": REDIRECT_URIS[uri]}
        sent["client_id"] = CLIENT_IDS[client_id]
        form = {name: value for name, value in sent.items() if value is not None}
        place = {"params": form} if method == "GET" else {"data": form}
        answer = logged_in.http.request(method, logged_in.url + AUTHORIZE, **place)
        if (client_id, uri) == ("its own", "its own"):
            assert answer.status_code in (200, 303)
        else:
            assert (answer.status_code, "location" in answer.headers) == (400, False)
            assert "evil" not in answer.text


@pytest.mark.parametrize(
    "response_type",
    ["token", "id_token", "none", "id_token token", "code token", "code id_token",
     "code id_token token", "CODE", "code code", "code ", "x"],
)  # fmt: skip
def test_every_response_type_but_code_is_refused(browser, response_type):
    """B10."""
    assert browser.authorize(response_type=response_type)["error"] == "unsupported_response_type"
    assert isinstance(browser.authorize(response_type="code"), Page)


def test_both_forms_are_answered_by_303(browser):
    """B4: at a 307 the browser would post the password to the client."""
    login = browser.authorize()
    filled = {**login.fields, "username": "alice", "password": "wrong"}
    assert browser.http.post(login.action, data=filled).status_code == 403
    consent = browser.log_in(login)
    answer = browser.http.post(consent.action, data={**consent.fields, "decision": "allow"})
    assert answer.status_code == 303
    assert answer.headers["referrer-policy"] == "no-referrer"


def test_success_and_error_name_the_issuer_of_the_metadata(logged_in):
    """B23, P15."""
    document = logged_in.http.get(f"{logged_in.url}/.well-known/oauth-authorization-server").json()
    assert document["authorization_response_iss_parameter_supported"] is True
    for changes in ({}, {"scope": "bad"}, {"prompt": "none", "max_age": "0", "scope": "write"}):
        assert logged_in.authorize(**changes)["iss"] == document["issuer"]


@pytest.mark.parametrize("path", [AUTHORIZE, CONSENT, LOGIN, LOGOUT])
def test_no_header_of_a_proxy_changes_where_a_page_leads(browser, path):
    """B25, P11."""
    spoofed = {
        "Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "https",
        "X-Forwarded-Prefix": "/evil", "Forwarded": "host=evil.example;proto=https",
    }  # fmt: skip
    login = browser.authorize()
    sent = {"interaction": login.fields["interaction"], **SENT} if path != LOGOUT else {}
    for headers in ({}, spoofed):
        answer = httpx.get(browser.url + path, params=sent, headers=headers)
        assert answer.status_code in (200, 303)
        assert answer.headers.get("location", "/").startswith("/")
        assert "Secure" not in answer.headers.get("set-cookie", "")
        assert "evil" not in answer.text


def test_where_there_is_https_the_cookie_is_of_this_host_alone(an_issuer):
    """P29: __Host-, Secure, HttpOnly, SameSite=Lax; also where it is taken away."""
    issuer = an_issuer()
    issuer.write_registry(registry_table("https://id.example"))
    issuer.start()
    asked = issuer.http.get(AUTHORIZE, params=SENT).headers["location"]
    shown = issuer.http.get(asked.replace(CONSENT, LOGIN))
    left = issuer.http.get(LOGOUT)
    for answer in (shown, left):
        cookie, *attributes = answer.headers["set-cookie"].split("; ")
        assert cookie.startswith("__Host-session=")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(attributes)
        assert "Domain" not in answer.headers["set-cookie"]


def test_a_session_that_somebody_set_before_is_not_the_one_that_is_logged_in(
    browser, issuer_server
):
    """P29: session fixation, by a cookie that the attacker got by right."""
    with Browser(issuer_server) as attacker:
        planted = attacker.authorize()
        fixed = attacker.http.cookies["session"]
        browser.http.cookies.set("session", fixed, domain="127.0.0.1", path="/")
        assert "allow" in browser.log_in(browser.get(planted.url)).ids
        assert browser.http.cookies["session"] != fixed
        assert "username" in attacker.authorize().ids


@pytest.mark.parametrize("client_id", ["web", "spa"])
def test_without_consent_prompt_none_gives_nothing(browser, client_id):
    """P34."""
    login = browser.authorize(client_id=client_id)
    browser.log_in(login)
    silent = browser.authorize(client_id=client_id, prompt="none")
    assert silent["error"] == "consent_required"
    assert "code" not in silent


def test_what_is_posted_beside_the_consent_changes_nothing(browser, issuer_server):
    """P34: client, scope and redirect_uri are those that were shown."""
    consent = browser.log_in(browser.authorize(scope="read"))
    more = {"scope": "read write", "client_id": "spa", "redirect_uri": "https://evil.example/"}
    told = browser.submit(consent, "allow", **more)
    assert told["to"] == CALLBACK
    answer = issuer_server.redeem(told["code"])
    assert answer.json()["scope"] == "read"


@contextmanager
def a_listener():
    """An address, and how many have come there."""
    visits = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.1)
        done = threading.Event()

        def accept():
            while not done.is_set():
                try:
                    visits.append(listening.accept()[0].close())
                except TimeoutError:
                    continue

        thread = threading.Thread(target=accept)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/request.jwt", visits
        done.set()
        thread.join()


def test_nothing_that_a_request_names_is_fetched(browser):
    """P35: no SSRF, by /authorize or by /par."""
    with a_listener() as (url, visits):
        told = browser.authorize(request_uri=url)
        assert (told["to"], told["error"]) == (CALLBACK, "request_uri_not_supported")
        for elsewhere in (None, url, "https://evil.example/"):
            refused = browser.authorize(request_uri=url, redirect_uri=elsewhere)
            assert (refused.status, "error" in refused.ids) == (400, True)
        for name in ("request_uri", "client_uri", "jwks_uri", "logo_uri"):
            data = {**SENT, name: url}
            pushed = browser.http.post(browser.url + PAR, data=data, auth=("web", SECRET))
            assert pushed.status_code == (400 if name == "request_uri" else 201)
        assert visits == []
        httpx.get(f"{browser.url}/healthz")
        with pytest.raises(httpx.TransportError):
            httpx.get(url)
        assert visits == [None]


def test_a_pushed_request_is_its_clients_and_no_others(browser):
    """P35, over HTTP; once only where there is a store."""
    pushed = browser.http.post(browser.url + PAR, data=SENT, auth=("web", SECRET)).json()
    only = {name: None for name in SENT} | {"request_uri": pushed["request_uri"]}
    refused = browser.authorize(**only | {"client_id": "spa"})
    assert (refused.status, "error" in refused.ids) == (400, True)
    nameless = browser.authorize(**only)
    assert nameless.status == 400
    assert "username" in browser.authorize(**only | {"client_id": "web"}).ids


@pytest.mark.parametrize("path", [*PAGES, PAR, USERINFO])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "OPTIONS"])
def test_another_method_is_not_allowed_on_any_page(browser, path, method):
    """P33: TRACE echoes nothing."""
    answer = browser.http.request(method, browser.url + path, headers={"X-Echo": "echoed"})
    assert answer.status_code == 405
    assert "echoed" not in answer.text
