"""Security B24, P32: of a whole run nothing that is secret stands in what the issuer writes."""

import json

import httpx

from issuer.metadata import LOGIN, PAR
from tests.browser.browsing import SENT, Browser
from tests.builders import PASSWORD, SECRET, VERIFIER
from tests.relying_parties.builders import a_provider

RP = {**SENT, "client_id": "rp", "redirect_uri": "http://127.0.0.1:5/callback",
      "scope": "openid offline_access", "nonce": "a-nonce-of-the-tests"}  # fmt: skip


def a_whole_run(running):
    """Every secret that was made or sent on the way, by what it is."""
    held = {"client secret": SECRET, "password": PASSWORD, "verifier": VERIFIER,
            "wrong password": "wr0ng-but-nearly-right"}  # fmt: skip
    pushed = running.http.post(PAR, data=RP, auth=("rp", SECRET)).json()["request_uri"]
    held["request_uri"] = pushed.rpartition(":")[2]
    with Browser(running) as browser:
        login = browser.authorize(
            **dict.fromkeys(SENT) | {"client_id": "rp", "request_uri": pushed}
        )
        held["anonymous session"] = browser.http.cookies["session"]
        held["interaction"] = login.fields["interaction"]
        held["form token of the login"] = login.fields["form_token"]
        again = browser.log_in(login, password=held["wrong password"])
        held["form token of the second try"] = again.fields["form_token"]
        consent = browser.log_in(again)
        held["session"] = browser.http.cookies["session"]
        held["form token of the consent"] = consent.fields["form_token"]
        held["code"] = browser.submit(consent, "allow")["code"]
        held["session with consent"] = browser.http.cookies["session"]
        body = running.redeem(held["code"], "rp").json()
        held |= {name: body[name] for name in ("access_token", "refresh_token", "id_token")}
        bearer = {"Authorization": f"Bearer {body['access_token']}"}
        assert running.http.get("/userinfo", headers=bearer).status_code == 200
        refreshed = running.refresh(body["refresh_token"], "rp").json()
        held["second access_token"] = refreshed["access_token"]
        _stray(running, held)
        asked = browser.get(f"{running.url}/logout")
        held["form token of the logout"] = asked.fields["form_token"]
        browser.get(f"{running.url}/logout", params={"id_token_hint": body["id_token"]})
    return held


def _stray(running, held):
    """Every secret once where it does not belong: in queries, paths, headers and bodies."""
    for text in held.values():
        for path in ("/token", "/authorize", "/login", "/consent", "/logout", "/userinfo"):
            httpx.get(running.url + path, params={"x": text, "client_id": text})
            httpx.get(running.url + path, headers={"Cookie": f"session={text}; x={text}"})
        httpx.post(running.url + "/token", data={"code": text, "refresh_token": text,
                   "grant_type": "refresh_token"}, auth=("rp", text))  # fmt: skip
        httpx.post(running.url + PAR, data={**RP, "state": text, "scope": text}, auth=("rp", text))
        httpx.post(running.url + LOGIN, data={"interaction": text, "form_token": text})
        httpx.get(running.url + "/userinfo", headers={"Authorization": f"Bearer {text}"})


def test_no_secret_of_a_whole_run_is_written_anywhere(tmp_path):
    """Codes, cookies, interactions, form tokens, passwords, verifiers and tokens."""
    running = a_provider(tmp_path)
    table = running.read_registry()
    table["issuer"]["replay_store"] = "sqlite:replay.db"
    running.write_registry(table)
    running.start("--log-level", "debug")
    try:
        held = a_whole_run(running)
    finally:
        running.stop()
    written = {path.name: path.read_bytes() for path in tmp_path.iterdir() if path.is_file()}
    assert running.log.name in written
    lines = [json.loads(each) for each in written[running.log.name].splitlines()
             if each.startswith(b"{")]  # fmt: skip
    assert {"/authorize", "/login", "/consent", "/token", "/par"} <= {
        each.get("path") for each in lines
    }
    found = [
        f"{what} in {name}"
        for what, text in held.items()
        for name, content in written.items()
        # A sealed or signed value is known by its last part; its first may say which key it is.
        if text.rpartition(".")[2].encode() in content
    ]
    assert found == []
