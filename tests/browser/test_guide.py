"""``issuer/browser/README.md``: its registries are valid, its login application logs people in."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest

from issuer import registry
from issuer.token import OFFERED
from keys.signing import SigningKey
from tests.browser.browsing import SENT, Browser
from tests.builders import CALLBACK, SECRET, VERIFIER
from tests.chromium import chromium
from tests.running import RunningIssuer, free_port

GUIDE = (Path(__file__).parents[2] / "issuer" / "browser" / "README.md").read_text()
(PROGRAM,) = re.findall(r"```python\n(# login_app\.py, .*?)```", GUIDE, re.DOTALL)
TABLES = re.findall(r"```toml\n(.*?)```", GUIDE, re.DOTALL)
PASSWORD = "tr0ub4dor and 3"
KEY = SigningKey.generate("ES256", activates_at=0)


def test_the_registries_it_shows_are_valid_together():
    rest = '[resources."https://api.example"]\nscopes = ["read"]\n'
    parsed = registry.parse({"registry.toml": "".join([*TABLES, rest]).encode()}, OFFERED)
    assert set(parsed.clients) == {"shop", "editor", "bank", "intranet", "dashboards"}
    assert "1" in parsed.issuer.login_keys


def test_the_application_is_under_fifty_lines():
    assert PROGRAM.count("\n") < 60
    assert len([line for line in PROGRAM.splitlines() if line.strip()]) < 50


@pytest.fixture(scope="module")
def issuer_with_application(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own-login")
    port = free_port()
    issuer = RunningIssuer(
        folder,
        login_url=f"http://127.0.0.1:{port}/",
        login_jwks={"keys": [dict(KEY.public_jwk)]},
        replay_store="sqlite:replay.db",
    )
    (folder / "login_app.py").write_text(PROGRAM)
    (folder / "login.jwk.json").write_text(
        json.dumps({**KEY.private_jwk, "alg": KEY.alg, "kid": KEY.kid})
    )
    environment = {
        **os.environ,
        "ISSUER": issuer.url,
        "LOGIN_KEY": str(folder / "login.jwk.json"),
        "PASSWORD": PASSWORD,
    }
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "login_app:app"]
    command += ["--config", os.devnull]
    with subprocess.Popen(command, cwd=folder, env=environment, stderr=subprocess.DEVNULL) as run:
        try:
            issuer.start()
            wait_for(f"http://127.0.0.1:{port}/")
            yield issuer
        finally:
            issuer.stop()
            run.terminate()


def wait_for(url):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            return httpx.get(url)
        except httpx.TransportError:
            time.sleep(0.05)
    raise AssertionError("the application did not start")


@pytest.fixture
def browser(issuer_with_application):
    with Browser(issuer_with_application) as opened:
        opened.also = registry_url(issuer_with_application)
        yield opened


def registry_url(issuer):
    return issuer.read_registry()["issuer"]["login_url"]


def test_whoever_it_vouches_for_gets_a_token_without_being_in_the_registry(
    browser, issuer_with_application
):
    own = browser.authorize()
    assert own.url.startswith(browser.also)
    consent = browser.submit(own, username="carol", password=PASSWORD)
    assert "carol" in consent.html
    told = browser.submit(consent, "allow")
    answer = httpx.post(
        f"{issuer_with_application.url}/token",
        data={
            "grant_type": "authorization_code",
            "code": told["code"],
            "code_verifier": VERIFIER,
        },
        auth=("web", SECRET),
    )
    assert answer.status_code == 200
    refreshed = httpx.post(
        f"{issuer_with_application.url}/token",
        data={"grant_type": "refresh_token", "refresh_token": answer.json()["refresh_token"]},
        auth=("web", SECRET),
    )
    assert refreshed.status_code == 200


def test_a_wrong_password_there_is_no_login_here(browser):
    own = browser.authorize()
    again = browser.submit(own, username="carol", password="wrong")
    assert again.status == 403
    assert "allow" in browser.submit(again, username="carol", password=PASSWORD).ids


def test_its_answer_counts_once_and_in_one_browser(browser, issuer_with_application):
    own = browser.authorize()
    response = browser.http.post(own.url, data={"username": "carol", "password": PASSWORD})
    callback = response.headers["location"]
    with Browser(issuer_with_application) as other:
        refused = other.get(callback)
        assert (refused.status, "error" in refused.ids) == (400, True)
    assert "allow" in browser.get(callback).ids
    assert browser.get(callback).status == 400


def test_no_password_is_taken_here_any_more(browser):
    """A login page that was open when the application was named leads there, and so to no loop."""
    asked = browser.http.get(f"{browser.url}/authorize", params=SENT).headers["location"]
    held = {**httpx.URL(asked).params, "username": "alice", "password": "x", "form_token": "x"}
    own = browser._follow(browser.http.post(f"{browser.url}/login", data=held))
    assert own.url.startswith(browser.also)
    posted = browser.http.post(
        f"{browser.url}/login", data={"username": "alice", "password": "x", "interaction": "x"}
    )
    assert posted.status_code == 400


def test_prompt_login_is_told_to_the_application(browser):
    own = browser.authorize(prompt="login", login_hint="carol")
    query = httpx.URL(own.url).params
    assert (query["prompt"], query["login_hint"]) == ("login", "carol")
    assert "allow" in browser.submit(own, username="carol", password=PASSWORD).ids


def test_a_person_goes_through_it_in_chromium(issuer_with_application):
    with chromium() as opened:
        page = opened.new_page(locale="en")
        page.goto(f"{issuer_with_application.url}/authorize?{urlencode(SENT)}")
        page.fill("#username", "carol")
        page.fill("#password", PASSWORD)
        page.click("#login")
        page.wait_for_selector("#deny")
        assert "carol" in page.inner_text("main")
        with page.expect_request(f"{CALLBACK}**") as sent:
            page.click("#allow", no_wait_after=True)
        assert "code=" in sent.value.url
