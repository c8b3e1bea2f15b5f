"""Who asks to leave may leave, and nobody is sent anywhere that a client did not register.

OpenID Connect RP-Initiated Logout 1.0; rules B1, B27, P17.
"""

import json
import re
from collections.abc import Iterator
from urllib.parse import urlencode

import httpx
import pytest

from keys.signing import SigningKey
from tests.browser.browsing import Browser, Page
from tests.builders import SECRET, VERIFIER
from tests.relying_parties.builders import a_provider, a_relying_party
from tests.running import RunningIssuer

GOODBYE = "http://127.0.0.1/goodbye"
EVIL = "https://evil.example/"
CALLBACK = "http://127.0.0.1/callback"
HOME = "https://rp.example/"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    running = a_provider(
        tmp_path_factory.mktemp("leaving"),
        rp=a_relying_party(client_uri=HOME),
        other=a_relying_party(),
    )
    running.start()
    yield running
    running.stop()
    assert "unexpected" not in running.log.read_text()


@pytest.fixture
def browser(issuer) -> Iterator[Browser]:
    with Browser(issuer) as opened:
        yield opened


@pytest.fixture
def id_token(browser, issuer) -> str:
    """Alice is logged in, and this is what client rp knows of her."""
    login = browser.authorize(client_id="rp", redirect_uri=CALLBACK, scope="openid")
    told = browser.submit(browser.log_in(login), "allow")
    return str(issuer.redeem(told["code"], "rp", code_verifier=VERIFIER).json()["id_token"])


def is_logged_in(browser: Browser) -> bool:
    """Whether another request is answered without anybody logging in."""
    answered = browser.authorize(
        client_id="rp", redirect_uri=CALLBACK, scope="openid", prompt="none"
    )
    assert isinstance(answered, dict)
    return answered.get("error") != "login_required"


BROKEN = [
    pytest.param({"id_token_hint": "undefined"}, id="what scripts send that lost the token"),
    pytest.param({"id_token_hint": "null"}, id="null"),
    pytest.param({"id_token_hint": "x" * 3000}, id="a long one"),
    pytest.param({"id_token_hint": "$foreign"}, id="an ID token of another issuer"),
    pytest.param({"id_token_hint": "$cut"}, id="one with a character less"),
    pytest.param({"id_token_hint": "$ours", "client_id": "other"}, id="another client's hint"),
    pytest.param({"id_token_hint": "$ours", "client_id": "nobody"}, id="a hint of no client"),
    pytest.param({"client_id": "nobody"}, id="a client that is not there"),
    pytest.param({"post_logout_redirect_uri": GOODBYE}, id="a way back of nobody"),
    pytest.param({"post_logout_redirect_uri": EVIL, "client_id": "rp"}, id="another way back"),
    pytest.param({"post_logout_redirect_uri": EVIL, "id_token_hint": "$ours"},
                 id="another way back, with a hint"),
    pytest.param({"post_logout_redirect_uri": GOODBYE, "client_id": "nobody"},
                 id="a way back of a client that is not there"),
    pytest.param({"post_logout_redirect_uri": GOODBYE, "id_token_hint": "undefined"},
                 id="a way back with a broken hint"),
    pytest.param({"post_logout_redirect_uri": GOODBYE, "id_token_hint": "undefined",
                  "client_id": "rp"}, id="a client's way back with a broken hint"),
    pytest.param({"post_logout_redirect_uri": GOODBYE + "/", "client_id": "rp"},
                 id="a way back with a slash more"),
    pytest.param({"post_logout_redirect_uri": "javascript:alert(1)", "client_id": "rp"},
                 id="a script"),
    pytest.param({}, id="nothing at all"),
]  # fmt: skip


def sent(parameters: dict[str, str], id_token: str) -> dict[str, str]:
    foreign = SigningKey.generate("RS256", activates_at=0).sign("JWT", {"sub": "alice"})
    named = {"$ours": id_token, "$cut": id_token[:-1], "$foreign": foreign}
    return {name: named.get(value, value) for name, value in parameters.items()}


@pytest.mark.parametrize("parameters", BROKEN)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whoever_asks_to_leave_is_asked_and_leaves(browser, id_token, parameters, method):
    """Whatever a client got wrong: nothing of it is on the page, and no redirect follows it."""
    parameters = sent(parameters, id_token) | {"state": "s"}
    url = f"{browser.url}/logout"
    if method == "GET":
        page = browser.get(url, params=parameters)
    else:
        page = browser._follow(browser.http.post(url, data=parameters))
    assert isinstance(page, Page)
    assert (page.status, "logout" in page.ids) == (200, True)
    assert "evil" not in page.html + page.headers["content-security-policy"]
    assert page.fields.keys() <= {"form_token", "client_id", "state"}
    assert is_logged_in(browser)
    left = browser.submit(page, "logout")
    assert isinstance(left, Page)
    assert (left.status, "logout" in left.ids) == (200, False)
    assert not is_logged_in(browser)


@pytest.mark.parametrize("parameters", BROKEN)
def test_nobody_has_to_be_logged_in_to_hear_that_they_are_out(browser, parameters):
    answer = browser.http.get(f"{browser.url}/logout", params=sent(parameters, "undefined"))
    assert answer.status_code == 200
    assert "location" not in answer.headers


@pytest.mark.parametrize(
    "query",
    ["state=a&state=b", "id_token_hint=%ff", "%", "a=%zz", "&".join(f"p{n}=" for n in range(500))],
)
def test_a_query_that_cannot_be_read_holds_nobody_up(browser, id_token, query):
    page = browser.get(f"{browser.url}/logout?{query}")
    assert (page.status, "logout" in page.ids) == (200, True)
    browser.submit(page, "logout")
    assert not is_logged_in(browser)


@pytest.mark.parametrize("content_type", [None, "application/json", "text/plain"])
def test_a_post_that_is_no_form_is_led_to_the_question(browser, id_token, content_type):
    headers = {"Content-Type": content_type} if content_type else {}
    answer = browser.http.post(f"{browser.url}/logout", content=b"{}", headers=headers)
    page = browser._follow(answer)
    assert (page.status, "logout" in page.ids) == (200, True)


@pytest.mark.parametrize(
    ("parameters", "location"),
    [
        ({"id_token_hint": "$ours"}, None),
        ({"id_token_hint": "$ours", "client_id": "rp"}, None),
        ({"id_token_hint": "$ours", "post_logout_redirect_uri": GOODBYE}, GOODBYE),
        ({"id_token_hint": "$ours", "post_logout_redirect_uri": GOODBYE, "state": "s"},
         f"{GOODBYE}?state=s"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_client_that_knows_who_is_there_logs_them_out(
    browser, id_token, parameters, location, method
):
    """The accepted neighbours: no question, and the way back that it registered."""
    parameters, url = sent(parameters, id_token), f"{browser.url}/logout"
    if method == "GET":
        answer = browser.http.get(url, params=parameters)
    else:
        led = browser.http.post(url, data=parameters)
        assert led.status_code == 303
        answer = browser.http.get(browser.url + led.headers["location"])
    assert answer.headers.get("location") == location
    assert answer.status_code == (200 if location is None else 303)
    assert not is_logged_in(browser)


def test_a_client_that_does_not_is_believed_after_the_question(browser, id_token):
    asked = {"client_id": "rp", "post_logout_redirect_uri": GOODBYE, "state": "s"}
    page = browser.get(f"{browser.url}/logout", params=asked)
    assert browser.submit(page, "logout") == {"to": GOODBYE, "state": "s"}
    assert not is_logged_in(browser)


def test_a_client_whose_way_back_is_wrong_is_still_offered_by_its_name(browser, id_token):
    """A link that a person may follow, to what the registry says and nothing else."""
    asked = {"client_id": "rp", "post_logout_redirect_uri": EVIL}
    left = browser.submit(browser.get(f"{browser.url}/logout", params=asked), "logout")
    assert re.findall('href="(.*?)"', left.html) == [HOME]


def test_another_site_cannot_log_anybody_out_by_a_form(browser, id_token):
    """It comes without the cookie (SameSite=Lax), so that nobody seems to be logged in."""
    for form in ({}, {"form_token": "x"}, {"id_token_hint": id_token}):
        answer = httpx.post(f"{browser.url}/logout", data=form)
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/logout")
        assert "set-cookie" not in answer.headers
    assert is_logged_in(browser)


def test_the_log_says_what_was_passed_over_and_for_whom(browser, id_token, issuer):
    browser.get(f"{browser.url}/logout?{urlencode({'id_token_hint': 'undefined'})}")
    browser.get(f"{browser.url}/logout", params={"client_id": "rp",
                                                 "post_logout_redirect_uri": EVIL})  # fmt: skip

    def logged() -> list[tuple[str, str]]:
        lines = [json.loads(each) for each in issuer.log.read_text().splitlines() if "{" in each]
        return [
            (each["client_id"], each["detail"].partition(":")[0])
            for each in lines
            if each.get("path") == "/logout" and each["sub"] == "alice" and "detail" in each
        ]

    issuer.wait_until(
        lambda: logged()[-2:] == [("", "id_token_hint"), ("rp", "post_logout_redirect_uri")]
    )
    log = issuer.log.read_text()
    assert "evil" not in log
    assert SECRET not in log
