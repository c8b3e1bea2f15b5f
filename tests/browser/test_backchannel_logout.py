"""Relying parties are told that a user logged out: real servers, and how they can behave.

OpenID Connect Back-Channel Logout 1.0. There is no store here: telling takes no memory.
"""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import httpx
import pytest
from idpyoidc.message.oidc.session import LogoutToken
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.browser.browsing import SENT, Browser
from tests.builders import API, VERIFIER
from tests.relying_parties.builders import a_provider, a_relying_party
from tests.running import RunningIssuer, free_port

CALLBACK = "http://127.0.0.1/callback"
BUSY = 503


class RelyingParty(BaseHTTPRequestHandler):
    """The logout endpoint of each client is a path; it takes, or does not, what is posted there."""

    def do_POST(self):
        posted = self.rfile.read(int(self.headers["Content-Length"])).decode()
        name = self.path.partition("?")[0].strip("/")
        self.server.heard[name].append((time.monotonic(), dict(self.headers), posted))
        times = len(self.server.heard[name])
        if name == "hangs":
            self.server.free.wait(20)
        status = {
            "busy": BUSY if times <= 2 else 204,
            "refuses": 400,
            "moved": 307,
        }.get(name, 200)
        self.send_response(status)
        if name == "moved":
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port=0):
        super().__init__(("127.0.0.1", port), RelyingParty)
        self.heard = defaultdict(list)
        self.free = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.free.set()
        self.shutdown()
        self.server_close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


@pytest.fixture
def parties(server) -> Server:
    """They have heard nothing yet."""
    server.free.clear()
    server.heard.clear()
    return server


def started(directory, port) -> RunningIssuer:
    """A client for each way to behave, and two that hear nothing."""
    url = f"http://127.0.0.1:{port}"

    def told_at(uri, **fields):
        return a_relying_party(skip_consent=True, backchannel_logout_uri=uri, **fields)

    running = a_provider(
        directory,
        ok=told_at(f"{url}/ok?tenant=north"),
        api=told_at(f"{url}/api", scope="openid read", resources=[API]),
        es256=told_at(f"{url}/es256", id_token_signed_response_alg="ES256"),
        **{name: told_at(f"{url}/{name}") for name in ("busy", "hangs", "refuses", "moved")},
        unvisited=told_at(f"{url}/unvisited"),
        down=told_at(f"http://127.0.0.1:{free_port()}/down"),
        silent=a_relying_party(skip_consent=True),
    )
    table = running.read_registry()
    table["users"]["bob"] = {"password_hash": table["users"]["alice"]["password_hash"]}
    running.write_registry(table)
    return running.start()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory, server) -> Iterator[RunningIssuer]:
    running = started(tmp_path_factory.mktemp("backchannel"), server.server_port)
    yield running
    running.stop()
    assert "unexpected" not in running.log.read_text()


@pytest.fixture
def browser(issuer) -> Iterator[Browser]:
    with Browser(issuer) as opened:
        yield opened


def visit(browser, *clients, username="alice", **changes):
    """Logs in at the first of these clients, and comes to the others; what each is told."""
    told = {}
    for client_id in clients:
        asked = {"client_id": client_id, "redirect_uri": CALLBACK, "scope": "openid"} | changes
        answer = browser.authorize(**SENT | asked)
        told[client_id] = answer if isinstance(answer, dict) else browser.log_in(answer, username)
        assert "code" in told[client_id]
    return told


def log_out(browser):
    """Seconds that the page took."""
    page = browser.get(f"{browser.url}/logout")
    began = time.monotonic()
    assert browser.submit(page, "logout").status == 200
    return time.monotonic() - began


def wait_for(claim, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not claim():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.02)


def claims_of(issuer, heard, client_id, alg="RS256"):
    """What is in the form, checked as section 2.6 says, by others' libraries."""
    _, headers, posted = heard
    assert headers["Content-Type"] == "application/x-www-form-urlencoded"
    ((name, (token,)),) = parse_qs(posted).items()
    assert name == "logout_token"
    keys = KeySet.import_key_set(issuer.http.get("/.well-known/jwks.json").json())
    decoded = jwt.decode(token, keys, algorithms=[alg])
    assert decoded.header["typ"] == "logout+jwt"
    jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": issuer.url}, aud={"essential": True, "value": client_id}
    ).validate(decoded.claims)
    assert LogoutToken(**decoded.claims).verify(iss=issuer.url, aud=client_id)
    return decoded.claims


def id_token_of(issuer, code, client_id):
    answer = issuer.redeem(code, client_id, code_verifier=VERIFIER)
    keys = KeySet.import_key_set(issuer.http.get("/.well-known/jwks.json").json())
    return jwt.decode(answer.json()["id_token"], keys, algorithms=["RS256", "ES256"]).claims


def logged(issuer, message, client_id):
    lines = [json.loads(each) for each in issuer.log.read_text().splitlines() if "{" in each]
    return [
        each for each in lines
        if each.get("message") == message and each.get("client_id") == client_id
    ]  # fmt: skip


def test_each_client_of_the_session_hears_of_the_session_it_knows(issuer, browser, parties):
    """Sections 2.3 to 2.6; and no other client does."""
    told = visit(browser, "ok", "es256", "silent")
    known = id_token_of(issuer, told["ok"]["code"], "ok")
    log_out(browser)
    wait_for(lambda: len(parties.heard) == 2)
    (heard,) = parties.heard["ok"]
    claims = claims_of(issuer, heard, "ok")
    assert (claims["sub"], claims["sid"]) == (known["sub"], known["sid"])
    (heard,) = parties.heard["es256"]
    assert claims_of(issuer, heard, "es256", "ES256")["sid"] == known["sid"]
    time.sleep(0.3)
    assert set(parties.heard) == {"ok", "es256"}


def test_a_client_that_never_asked_who_it_is_hears_nothing(issuer, browser, parties):
    """It has no ID token, and so no session that it could end."""
    visit(browser, "api", scope="read")
    log_out(browser)
    time.sleep(0.5)
    assert not parties.heard
    visit(browser, "api", scope="openid read")
    log_out(browser)
    wait_for(lambda: len(parties.heard["api"]) == 1)


def test_nobody_waits_for_whoever_hangs(issuer, browser, parties):
    """Neither the page nor another client nor another person."""
    visit(browser, "hangs", "ok")
    assert log_out(browser) < 4
    wait_for(lambda: len(parties.heard["ok"]) == 1, 4.5)
    for number in range(2, 5):
        visit(browser, "hangs", "ok")
        assert log_out(browser) < 4
        wait_for(lambda number=number: len(parties.heard["ok"]) == number, 4.5)
    assert len(parties.heard["hangs"]) == 1
    parties.free.set()
    wait_for(lambda: len(parties.heard["hangs"]) >= 4, 30)


def test_whoever_is_busy_is_told_again_with_a_new_token_each_time(issuer, browser, parties):
    """And later each time; then it is told no more."""
    visit(browser, "busy")
    log_out(browser)
    wait_for(lambda: len(parties.heard["busy"]) == 3)
    first, second, third = (at for at, _, _ in parties.heard["busy"])
    assert (second - first > 0.9, third - second > 1.9) == (True, True)
    heard = [claims_of(issuer, each, "busy") for each in parties.heard["busy"]]
    assert len({each["jti"] for each in heard}) == 3
    assert len({each["sid"] for each in heard}) == 1
    time.sleep(1)
    assert len(parties.heard["busy"]) == 3
    (line,) = logged(issuer, "not told yet", "busy")
    assert line["detail"] == "answered 503"


def test_whoever_is_down_is_told_when_they_are_back(issuer, browser, parties):
    visit(browser, "down", "ok")
    log_out(browser)
    wait_for(lambda: len(parties.heard["ok"]) == 1)
    issuer.wait_until(lambda: logged(issuer, "not told yet", "down"))
    assert "refused" in logged(issuer, "not told yet", "down")[0]["detail"]
    uri = issuer.read_registry()["clients"]["down"]["backchannel_logout_uri"]
    back = Server(httpx.URL(uri).port)
    try:
        wait_for(lambda: len(back.heard["down"]) == 1)
        claims_of(issuer, back.heard["down"][0], "down")
    finally:
        back.close()


@pytest.mark.parametrize(("client_id", "status"), [("refuses", 400), ("moved", 307)])
def test_a_no_is_final_and_a_redirect_is_not_followed(issuer, browser, parties, client_id, status):
    """Section 2.8; nobody registered where it leads."""
    visit(browser, client_id, "ok")
    log_out(browser)
    issuer.wait_until(lambda: logged(issuer, "not told", client_id))
    (line,) = logged(issuer, "not told", client_id)
    assert (line["detail"], line["number"]) == (f"answered {status}", 1)
    time.sleep(1.5)
    assert len(parties.heard[client_id]) == 1
    assert "elsewhere" not in parties.heard


def test_somebody_else_who_logs_in_is_a_logout_too(issuer, browser, parties):
    told = visit(browser, "ok")
    known = id_token_of(issuer, told["ok"]["code"], "ok")
    visit(browser, "es256", username="bob", prompt="login")
    wait_for(lambda: len(parties.heard["ok"]) == 1)
    claims = claims_of(issuer, parties.heard["ok"][0], "ok")
    assert (claims["sub"], claims["sid"]) == ("alice", known["sid"])
    assert "es256" not in parties.heard


def test_the_same_user_who_logs_in_once_more_is_not(issuer, browser, parties):
    """And all are told by the one ``sid`` in the end."""
    told = visit(browser, "ok") | visit(browser, "es256", prompt="login")
    sids = {id_token_of(issuer, each["code"], name)["sid"] for name, each in told.items()}
    time.sleep(0.3)
    assert not parties.heard
    log_out(browser)
    wait_for(lambda: len(parties.heard) == 2)
    heard = [claims_of(issuer, parties.heard["ok"][0], "ok"),
             claims_of(issuer, parties.heard["es256"][0], "es256", "ES256")]  # fmt: skip
    assert {each["sid"] for each in heard} == sids


def test_a_worker_that_stops_tells_what_it_can_and_says_what_it_could_not(tmp_path, parties):
    running = started(tmp_path, parties.server_port)
    try:
        with Browser(running) as browser:
            visit(browser, "ok", "down", "hangs")
            log_out(browser)
            began = time.monotonic()
    finally:
        running.stop()
    assert time.monotonic() - began < 15
    assert len(parties.heard["ok"]) == 1
    lines = {name: logged(running, "not told", name) for name in ("down", "hangs")}
    assert [each["detail"] for each in lines["hangs"]] == ["the worker stops"]
    assert len(lines["down"]) == 1


def test_whoever_looks_at_the_page_tells_nobody(issuer, browser, parties):
    """``HEAD``, the question, and a form of another site."""
    told = visit(browser, "ok")
    hint = issuer.redeem(told["ok"]["code"], "ok", code_verifier=VERIFIER).json()["id_token"]
    url = f"{browser.url}/logout"
    assert browser.http.head(url, params={"id_token_hint": hint}).status_code == 200
    assert "logout" in browser.get(url).ids
    assert httpx.post(url, data={"id_token_hint": hint}).status_code == 303
    time.sleep(0.5)
    assert not parties.heard
    browser.get(url, params={"id_token_hint": hint})
    wait_for(lambda: len(parties.heard["ok"]) == 1)
