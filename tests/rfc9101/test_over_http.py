"""Request objects at a running issuer, at both endpoints, through its pages to a token."""

import time
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from keys.ring import KeyRing, write
from tests.browser.browsing import Browser, Page
from tests.builders import CALLBACK, SECRET, VERIFIER
from tests.rfc7523.keys import OTHERS, a_jwks
from tests.rfc9101.builders import a_request_object
from tests.running import RunningIssuer


@pytest.fixture(scope="module", params=["", "/tenant"])
def running(tmp_path_factory, request):
    running = RunningIssuer(tmp_path_factory.mktemp("issuer"), path=request.param)
    table = running.read_registry()
    table["issuer"]["replay_store"] = "sqlite:replay.db"
    table["clients"]["web"] |= {"jwks": a_jwks(), "scope": "read write openid"}
    table["clients"]["strict"] = {
        **table["clients"]["web"],
        "require_signed_request_object": True,
        "authorization_signed_response_alg": "ES256",
    }
    table["clients"]["spa"] |= {"jwks": a_jwks()}
    running.write_registry(table)
    write(running.keyring, KeyRing.new("ES256", int(time.time()) - 1000, "RS256"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def browser(running):
    with Browser(running) as opened:
        yield opened


_number = iter(range(10_000))


def signed(running, client_id="web", **changes):
    """A request object for the running issuer, with a name that none had."""
    given = {"aud": running.url, "iss": client_id, "client_id": client_id,
             "jti": f"jti-{next(_number)}"}  # fmt: skip
    return a_request_object(now=int(time.time()), **(given | changes))


def push(running, text, client_id="web", auth="web", **beside):
    data = {"request": text, "client_id": client_id, **beside}
    sent = {name: value for name, value in data.items() if value is not None}
    credentials = (auth, SECRET) if auth else None
    return httpx.post(f"{running.url}/par", data=sent, auth=credentials)


def redeem(running, code, client_id="web"):
    given = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    return httpx.post(f"{running.url}/token", data=given, auth=(client_id, SECRET))


def authorize(browser, **sent):
    return browser.get(f"{browser.url}/authorize", params=sent)


def test_a_signed_request_leads_to_a_token(browser, running):
    login = authorize(browser, client_id="web", request=signed(running), scope="write", state="x")
    told = browser.submit(browser.log_in(login), "allow")
    assert (told["to"], told["state"], told["iss"]) == (CALLBACK, "signed", running.url)
    assert redeem(running, told["code"]).json()["scope"] == "read"


def test_it_may_be_posted(browser, running):
    sent = {"client_id": "web", "request": signed(running, prompt="none")}
    answer = browser.http.post(f"{browser.url}/authorize", data=sent)
    assert answer.status_code == 303
    told = browser.get(f"{running.origin}{answer.headers['location']}")
    assert told["error"] == "login_required"


def test_it_may_be_as_long_as_it_is_read(browser, running):
    """P9: a URL of more than eight thousand characters reaches it."""
    text = signed(running, state="s" * 5_000)
    assert len(text) > 7_000
    assert isinstance(authorize(browser, client_id="web", request=text), Page)


@pytest.mark.parametrize("client_id", ["web", "spa"])
@pytest.mark.parametrize("beside", [{}, {"scope": "nonsense", "redirect_uri": "https://evil/"}])
def test_it_may_be_pushed(browser, running, client_id, beside):
    """RFC 9126 section 3: beside it, who authenticates there counts, and nothing else."""
    auth = "web" if client_id == "web" else None
    answer = push(running, signed(running, client_id), client_id, auth, **beside)
    assert answer.status_code == 201
    link = {"client_id": client_id, "request_uri": answer.json()["request_uri"]}
    told = browser.submit(browser.log_in(authorize(browser, **link)), "allow")
    assert told["state"] == "signed"


def test_pushed_by_basic_it_alone_says_whose_it_is(running):
    assert push(running, signed(running), client_id=None).status_code == 201


def test_a_pushed_one_that_is_no_good_is_refused_to_its_client(running):
    """RFC 9126 section 2.3: 400, and which rule it was."""
    for text in (
        signed(running, aud="https://other.example"),
        signed(running, nbf=None),
        signed(running, exp=1),
        a_request_object(how={"key": OTHERS["ES256"]}),
        "ey",
    ):
        answer = push(running, text)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request_object")
        assert answer.headers["cache-control"] == "no-store"
    assert push(running, signed(running)).status_code == 201


def test_whose_key_it_is_is_who_pushes(running):
    """Another client's request, signed by the same key, is not that client's."""
    for auth, object_of in (("strict", "web"), ("web", "strict")):
        answer = push(running, signed(running, object_of), client_id=None, auth=auth)
        assert answer.status_code == 400
    assert push(running, signed(running), client_id=None).status_code == 201


def test_client_authentication_comes_first(running):
    answer = httpx.post(
        f"{running.url}/par", data={"request": signed(running)}, auth=("web", "wrong" * 9)
    )
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    without = push(running, signed(running), auth=None)
    assert without.status_code == 401


def test_it_begins_one_interaction_and_is_pushed_once(browser, running):
    text = signed(running)
    link = {"client_id": "web", "request": text}
    assert browser.http.head(f"{browser.url}/authorize", params=link).status_code == 303
    assert isinstance(authorize(browser, **link), Page)
    told = authorize(browser, **link)
    assert (told["error"], told["state"]) == ("invalid_request_object", "signed")
    assert push(running, text).json()["error"] == "invalid_request_object"
    text = signed(running)
    assert push(running, text).status_code == 201
    assert push(running, text).json()["error"] == "invalid_request_object"
    assert authorize(browser, client_id="web", request=text)["error"] == "invalid_request_object"


def test_who_must_sign_may_push_what_it_signed_and_nothing_else(browser, running):
    """FAPI 2.0 Message Signing: signed and pushed, and answered by a JWT."""
    plain = {"client_id": "strict", "response_type": "code", "redirect_uri": CALLBACK}
    answer = httpx.post(f"{running.url}/par", data=plain, auth=("strict", SECRET))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert "request object" in answer.json()["error_description"]
    text = signed(running, "strict", response_mode="jwt")
    uri = push(running, text, client_id="strict", auth="strict").json()["request_uri"]
    login = authorize(browser, client_id="strict", request_uri=uri)
    told = browser.submit(browser.log_in(login), "allow")
    assert told.keys() == {"to", "response"}
    keys = KeySet.import_key_set(httpx.get(f"{running.url}/.well-known/jwks.json").json())
    claims = jwt.decode(told["response"], keys, algorithms=["ES256"]).claims
    assert (claims["aud"], claims["iss"], claims["state"]) == ("strict", running.url, "signed")
    assert redeem(running, claims["code"], "strict").status_code == 200


def test_the_answer_to_it_may_be_a_signed_form(browser, running):
    text = signed(running, response_mode="form_post.jwt", prompt="none", scope="openid")
    page = authorize(browser, client_id="web", request=text)
    assert (page.action, page.fields.keys()) == (CALLBACK, {"response"})


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("beside", [{}, {"redirect_uri": "https://evil.example/"}])
def test_what_the_client_did_not_sign_is_a_page(browser, running, method, beside):
    """B2, P17, P35."""
    for text in (
        signed(running, how={"key": OTHERS["ES256"]}, redirect_uri="https://evil.example/"),
        signed(running, aud="https://evil.example", redirect_uri=CALLBACK),
        signed(running, request_uri="https://evil.example/"),
        '"><script>alert(1)</script>',
    ):
        sent = {"client_id": "web", "request": text, **beside}
        place = {"params": sent} if method == "GET" else {"data": sent}
        answer = browser.http.request(method, f"{browser.url}/authorize", **place)
        assert (answer.status_code, "location" in answer.headers) == (400, False)
        assert "evil" not in answer.text
        assert "alert(1)" not in answer.text
        assert "invalid_request_object" in answer.text


def test_what_would_have_to_be_fetched_is_told_to_whom_it_can_be(browser, running):
    """P35; OpenID Connect Core section 3.1.2.6."""
    link = {"client_id": "web", "request_uri": "http://127.0.0.1:9/request.jwt"}
    page = authorize(browser, **link)
    assert (page.status, "request_uri_not_supported" in page.html) == (400, True)
    told = authorize(browser, **link, redirect_uri=CALLBACK, state="x")
    assert (told["to"], told["error"]) == (CALLBACK, "request_uri_not_supported")


def test_nothing_of_it_is_in_the_log(browser, running):
    """B24."""
    text = signed(running, state="a-very-visible-state")
    authorize(browser, client_id="web", request=text)
    push(running, signed(running, aud="a-visible-audience"))
    log = running.log.read_text()
    assert text[:60] not in log
    assert "visible" not in log
    assert '"client_id": "web"' in log or '"client_id":"web"' in log


def test_the_metadata_have_it(running):
    found = httpx.get(f"{running.url}/.well-known/openid-configuration").json()
    assert found["request_parameter_supported"] is True
    assert found["request_object_signing_alg_values_supported"] == ["ES256"]


def test_the_query_of_a_redirect_is_what_was_signed(browser, running):
    answer = browser.http.get(
        f"{browser.url}/authorize",
        params={"client_id": "web", "request": signed(running, scope="bad", state="é&\r\n")},
    )
    found = parse_qs(urlsplit(answer.headers["location"]).query)
    assert (found["error"], found["state"]) == (["invalid_scope"], ["é&\r\n"])
