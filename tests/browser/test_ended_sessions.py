"""Who logged out is logged out: with a store, whatever copies of the cookie there are.

OpenID Connect RP-Initiated Logout 1.0; P29, F7.
"""

import json
import sqlite3
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from markupsafe import escape

from issuer.browser.pages.languages import CATALOGUES
from tests.browser.browsing import SENT, Browser
from tests.builders import VERIFIER
from tests.relying_parties.builders import a_provider, a_relying_party
from tests.running import RunningIssuer

CALLBACK = "http://127.0.0.1/callback"
RP = {**SENT, "client_id": "rp", "redirect_uri": CALLBACK, "scope": "openid"}


def started(directory, *, path="", workers=1, **settings):
    """Client rp gets a refresh token when it asks for one, client always each time."""
    running = a_provider(directory, path, always=a_relying_party(scope="openid"))
    table = running.read_registry()
    table["issuer"] |= settings
    table["users"]["bob"] = {"password_hash": table["users"]["alice"]["password_hash"]}
    running.write_registry(table)
    running.start(workers=workers)
    return running


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """Two workers that share a memory, and a path in their URL."""
    folder = tmp_path_factory.mktemp("ended")
    running = started(folder, path="/tenant", workers=2, replay_store="sqlite:replay.db")
    yield running
    running.stop()
    assert "unexpected" not in running.log.read_text()


@pytest.fixture
def browser(issuer) -> Iterator[Browser]:
    with Browser(issuer) as opened:
        yield opened


def log_in(browser, username="alice", **changes):
    """Logs in, and agrees where that is asked; what the client is told."""
    page = browser.log_in(browser.authorize(**RP | changes), username)
    return page if isinstance(page, dict) else browser.submit(page, "allow")


def log_out(browser):
    left = browser.submit(browser.get(f"{browser.url}/logout"), "logout")
    assert (left.status, "logout" in left.ids) == (200, False)


def cookie(browser):
    """The browser's session, as a thief copies it."""
    (held,) = browser.http.cookies.jar
    return {held.name: held.value}


def put_back(browser, cookie):
    """In place of whatever the browser has."""
    for name, value in cookie.items():
        browser.http.cookies.set(name, value, domain="127.0.0.1")


def heard(url, cookie, **changes):
    """What client rp hears of a browser with this cookie alone: a connection each, to any worker.

    None where the browser is shown a page.
    """
    sent = {**RP, "prompt": "none", **changes}
    with httpx.Client(cookies=cookie, timeout=20) as http:
        answer = http.get(f"{url}/authorize", params=sent)
        while answer.is_redirect and not answer.headers["location"].startswith(CALLBACK):
            answer = http.get(httpx.URL(url).join(answer.headers["location"]))
    if not answer.is_redirect:
        return None
    return dict(parse_qsl(urlsplit(answer.headers["location"]).query))


def is_dead(url, cookie, times=8):
    """Whether every worker says that nobody is logged in."""
    told = [heard(url, cookie) or {} for _ in range(times)]
    return {each.get("error") for each in told} == {"login_required"}


def sid(tokens):
    payload = tokens["id_token"].split(".")[1]
    return json.loads(urlsafe_b64decode(payload + "=="))["sid"]


@contextmanager
def locked(running: RunningIssuer) -> Iterator[None]:
    """Somebody else writes to the store, and nobody besides."""
    connection = sqlite3.connect(running.directory / "replay.db", isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    yield
    connection.execute("ROLLBACK")
    connection.close()


@contextmanager
def away(running: RunningIssuer) -> Iterator[None]:
    """The store's file is elsewhere, and comes back."""
    aside = running.directory / "aside"
    aside.mkdir()
    for each in running.directory.glob("replay.db*"):
        each.rename(aside / each.name)
    (running.directory / "replay.db").mkdir()
    yield
    (running.directory / "replay.db").rmdir()
    for each in aside.iterdir():
        each.rename(running.directory / each.name)
    aside.rmdir()


def test_a_copied_cookie_is_dead_on_every_worker_and_replica(issuer, browser):
    log_in(browser)
    copied = cookie(browser)
    assert all("code" in heard(browser.url, copied) for _ in range(4))
    log_out(browser)
    assert is_dead(browser.url, copied)
    replica = RunningIssuer(issuer.directory, path=urlsplit(issuer.url).path).start()
    try:
        assert is_dead(replica.url, copied, times=1)
        assert heard(replica.url, copied, prompt="login") is None
    finally:
        replica.stop()


def test_other_sessions_of_the_user_go_on(issuer, browser):
    log_in(browser)
    with Browser(issuer) as elsewhere:
        log_in(elsewhere)
        log_out(browser)
        assert "code" in heard(browser.url, cookie(elsewhere))


def test_whoever_is_sent_away_by_a_client_is_as_dead(issuer, browser):
    """With a hint, by GET, and no question."""
    tokens = issuer.redeem(log_in(browser)["code"], "rp", code_verifier=VERIFIER).json()
    copied = cookie(browser)
    browser.get(f"{browser.url}/logout", params={"id_token_hint": tokens["id_token"]})
    assert is_dead(browser.url, copied)


def test_a_copy_does_not_outlive_a_logout_because_its_user_logged_in_once_more(issuer, browser):
    """To clients it is one session, and so is its end: whichever of the cookies is left."""
    first = issuer.redeem(log_in(browser)["code"], "rp", code_verifier=VERIFIER).json()
    copied = cookie(browser)
    told = log_in(browser, prompt="login")
    again = issuer.redeem(told["code"], "rp", code_verifier=VERIFIER).json()
    assert cookie(browser) != copied
    assert sid(first) == sid(again)
    # Of whoever is there now, so no question, though the ID token is from before.
    left = browser.get(f"{browser.url}/logout", params={"id_token_hint": first["id_token"]})
    assert "logout" not in left.ids
    assert is_dead(browser.url, copied)


def test_a_cookie_from_before_the_login_never_had_anybody_in_it(browser):
    """P29."""
    browser.authorize(**RP)
    copied = cookie(browser)
    log_in(browser)
    assert is_dead(browser.url, copied, times=2)
    log_out(browser)


def test_whoever_logs_in_after_that_is_logged_in(browser):
    log_in(browser)
    dead = cookie(browser)
    log_out(browser)
    put_back(browser, dead)
    page = browser.authorize(**RP)
    assert page.url.startswith(f"{browser.url}/login")
    told = log_in(browser)
    assert "code" in told
    assert "code" in heard(browser.url, cookie(browser))
    assert is_dead(browser.url, dead)


def test_a_form_from_before_does_nothing_after(browser):
    """It is shown again to whoever logs in."""
    consent = browser.log_in(browser.authorize(**RP))
    with_copy = cookie(browser)
    log_out(browser)
    put_back(browser, with_copy)
    assert browser.submit(consent, "allow").url.startswith(f"{browser.url}/login")


def test_somebody_else_who_logs_in_ends_the_session_in_whose_place_theirs_is(issuer, browser):
    """Nobody could log out of it any more."""
    tokens = issuer.redeem(log_in(browser)["code"], "rp", code_verifier=VERIFIER).json()
    copied = cookie(browser)
    told = log_in(browser, "bob", prompt="login")
    other = issuer.redeem(told["code"], "rp", code_verifier=VERIFIER).json()
    assert sid(tokens) != sid(other)
    assert is_dead(browser.url, copied)
    assert "code" in heard(browser.url, cookie(browser))


def test_a_wrong_password_ends_nothing(browser):
    log_in(browser)
    page = browser.authorize(**RP | {"prompt": "login"})
    assert browser.log_in(page, "bob", "wrong").status == 403
    assert "code" in heard(browser.url, cookie(browser))


def test_what_goes_with_a_session_ends_with_it(issuer, browser):
    """B26: a code, and a refresh token, but for one that was asked for to outlive it."""
    always = {"client_id": "always"}
    kept = issuer.redeem(log_in(browser, **always)["code"], "always").json()
    log_in(browser, scope="openid offline_access", prompt="login consent")
    told = [heard(browser.url, cookie(browser), scope="openid offline_access") for _ in "12"]
    offline = issuer.redeem(told[0]["code"], "rp").json()
    assert issuer.refresh(kept["refresh_token"], "always").status_code == 200
    log_out(browser)
    code = issuer.redeem(told[1]["code"], "rp")
    assert (code.status_code, code.json()["error"]) == (400, "invalid_grant")
    ended = issuer.refresh(kept["refresh_token"], "always")
    assert (ended.status_code, ended.json()["error"]) == (400, "invalid_grant")
    assert issuer.refresh(offline["refresh_token"], "rp").status_code == 200


def test_where_the_store_cannot_be_told_nobody_seems_to_be_out(issuer, browser):
    """F7, F16: they keep the cookie, without which they could not try again."""
    tokens = issuer.redeem(log_in(browser)["code"], "rp", code_verifier=VERIFIER).json()
    held, asked = cookie(browser), browser.get(f"{browser.url}/logout")
    hint = {"id_token_hint": tokens["id_token"]}
    with locked(issuer):
        for left in (
            browser.submit(asked, "logout"),
            browser.get(f"{browser.url}/logout", params=hint),
        ):
            assert (left.status, "logout" in left.ids) == (503, False)
            assert "set-cookie" not in left.headers
    assert cookie(browser) == held
    assert browser.submit(asked, "logout").status == 200
    assert is_dead(browser.url, held)


def test_where_the_store_cannot_be_asked_nobody_is_in_or_out(tmp_path):
    """F10: the pages say so in the person's language, and what needs no store goes on.

    Once it is back, sessions from before wait until the workers have told it again what was
    revoked; then they go on, and those that were ended stay so.
    """
    running = started(tmp_path, replay_store="sqlite:replay.db")
    try:
        with Browser(running) as browser, Browser(running) as gone:
            log_in(gone)
            dead = cookie(gone)
            log_out(gone)
            log_in(browser)
            held = cookie(browser)
            page = browser.http.get(f"{browser.url}/authorize", params=RP).headers["location"]
            page = httpx.URL(browser.url).join(page)
            with away(running):
                for language, catalogue in CATALOGUES.items():
                    answer = browser.http.get(page, headers={"Accept-Language": language})
                    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
                    assert escape(catalogue["error.later"]) in answer.text
                    assert f'lang="{language}"' in answer.text
                assert browser.get(f"{browser.url}/logout").status == 503
                with Browser(running) as stranger:  # nobody is in their session
                    assert "password" in stranger.authorize(**RP).ids
                    assert stranger.get(f"{browser.url}/logout").status == 200
            assert cookie(browser) == held
            waits = browser.http.get(page)
            assert waits.status_code == 503
            assert 1 < int(waits.headers["retry-after"]) <= 16
            with Browser(running) as stranger:
                time.sleep(1.1)
                assert "code" in log_in(stranger)
            running.wait_until(lambda: heard(browser.url, held), 25)
            assert "code" in heard(browser.url, held)
            assert is_dead(browser.url, dead, times=1)
    finally:
        running.stop()


def test_without_a_store_a_copy_lives_until_its_own_end(tmp_path):
    """What the README says of ``none``; the browser that was asked is out all the same."""
    running = started(tmp_path)
    try:
        with Browser(running) as browser:
            log_in(browser)
            copied = cookie(browser)
            log_out(browser)
            assert not [*browser.http.cookies.jar]
            assert "code" in heard(browser.url, copied)
    finally:
        running.stop()
