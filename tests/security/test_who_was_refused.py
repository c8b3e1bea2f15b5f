"""The log says whose request was refused, wherever that is known; the answer never does."""

import asyncio
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from issuer.client_auth import CLIENT_AUTH
from issuer.stores.sqlite import SQLiteStore
from keys.ring import KeyRing
from keys.signing import SigningKey
from tests.asking import a_request_of, ask, redeem, told
from tests.browser.browsing import SENT, Browser
from tests.builders import (
    NOW,
    SECRET,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_request,
    a_server,
    basic,
)
from tests.relying_parties.builders import a_provider
from tests.rfc7523.builders import an_assertion, parameters
from tests.running import RunningIssuer

LOGIN_KEY = SigningKey.generate("ES256", activates_at=0)
CALLBACK = "http://127.0.0.1/callback"
RP = {**SENT, "client_id": "rp", "redirect_uri": CALLBACK, "scope": "openid"}
SERVER = a_server(
    a_client(),
    a_client("poster", token_endpoint_auth_method="client_secret_post"),
    a_public_client(),
)


# --- what the gate refuses ---


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SQLiteStore]:
    opened = SQLiteStore(tmp_path / "replay.db")
    asyncio.run(opened.fault(NOW - 10))
    yield opened
    opened.close()


def test_a_code_redeemed_twice_is_logged_with_its_client(store):
    """RFC 6749 section 4.1.2: the line that tells of an attack says on whom."""
    code = a_code(SERVER)
    request = a_request("authorization_code", code=code, code_verifier=VERIFIER)
    assert ask(SERVER, request, store=store).status == 200
    again = ask(SERVER, request, store=store)
    assert (again.status, again.error) == (400, "invalid_grant")
    assert again.log == {
        "client_id": "web",
        "detail": "code: spent before, so what it gave is revoked",
    }
    assert "web" not in json.dumps(dict(again.body))


def test_a_store_that_cannot_be_asked_is_logged_with_the_client(tmp_path):
    (tmp_path / "replay.db").mkdir()
    broken = SQLiteStore(tmp_path / "replay.db")
    request = a_request("authorization_code", code=a_code(SERVER), code_verifier=VERIFIER)
    answer = ask(SERVER, request, store=broken)
    broken.close()
    assert (answer.status, answer.log["client_id"]) == (503, "web")
    assert answer.log["detail"].startswith("replay store: ")


def test_a_key_that_is_missing_is_logged_with_the_client():
    """Behind the gate, at the mint."""
    future = KeyRing.new("ES256", NOW + 1000)
    answer = ask(a_server(ring=future), a_request("client_credentials"))
    assert (answer.status, answer.log["client_id"]) == (503, "web")


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """It has a login application, and remembers what was used once."""
    running = a_provider(tmp_path_factory.mktemp("refused"))
    table = running.read_registry()
    keys = {"keys": [dict(LOGIN_KEY.public_jwk)]}
    table["issuer"] |= {"replay_store": "sqlite:replay.db", "login_jwks": keys,
                        "login_url": "https://login.example/start"}  # fmt: skip
    running.write_registry(table)
    running.start()
    yield running
    running.stop()


def refusals(issuer: RunningIssuer, path: str) -> list[dict[str, str]]:
    """What the log says of the refusals there, in their order."""
    lines = [json.loads(each) for each in issuer.log.read_text().splitlines() if "{" in each]
    return [each for each in lines if each.get("path") == path and "detail" in each]


def logged(issuer: RunningIssuer, path: str, ask: Callable[[], httpx.Response]) -> dict[str, str]:
    """What the log says once ``ask`` was refused there."""
    before = len(refusals(issuer, path))
    ask()
    issuer.wait_until(lambda: len(refusals(issuer, path)) > before)
    return refusals(issuer, path)[-1]


def test_a_request_uri_used_twice_is_logged_with_its_client(issuer):
    """RFC 9126 section 4."""
    pushed = httpx.post(f"{issuer.url}/par", data=RP, auth=("rp", SECRET)).json()
    link = {"client_id": "rp", "request_uri": pushed["request_uri"]}
    assert "interaction" in issuer.http.get("/authorize", params=link).headers["location"]
    line = logged(issuer, "/authorize", lambda: issuer.http.get("/authorize", params=link))
    assert (line["client_id"], line["detail"]) == ("rp", "request_uri: used before")


def test_an_answer_of_a_login_application_used_twice_is_logged_with_the_client(issuer):
    with Browser(issuer) as browser:
        arrived = browser.http.get(f"{issuer.url}/authorize", params=RP)
        for _ in range(2):
            arrived = browser.http.get(httpx.URL(issuer.url).join(arrived.headers["location"]))
        challenge = httpx.URL(arrived.headers["location"]).params["login_challenge"]
        now = int(time.time())
        claims = {"login_challenge": challenge, "aud": issuer.url, "sub": "carol", "iat": now,
                  "exp": now + 60, "jti": "1"}  # fmt: skip
        answer = {"login_response": LOGIN_KEY.sign("login-response+jwt", claims)}
        callback = f"{issuer.url}/login/callback"
        cookie = {"Cookie": f"session={browser.http.cookies['session']}"}

    def answered(headers: dict[str, str] = cookie) -> httpx.Response:
        return httpx.get(callback, params=answer, headers=headers)

    assert answered().status_code == 303
    line = logged(issuer, "/login/callback", answered)
    again = answered()
    assert again.status_code == 400
    assert "<bdi>rp</bdi>" in again.text  # and the person hears where to go back to
    assert (line["client_id"], line["detail"]) == ("rp", "login_response: spent before")
    line = logged(issuer, "/login/callback", lambda: answered({}))  # by another browser
    assert line["client_id"] == "rp"


@pytest.mark.parametrize(
    ("changes", "client_id"),
    [
        ({"scope": "nonsense admin", "response_type": "token"}, "rp"),
        ({"redirect_uri": "https://evil.example/"}, "rp"),
        ({"request_uri": "urn:x"}, "rp"),
        ({"client_id": "nobody"}, None),
        ({"client_id": "x" * 200}, None),
    ],
)
def test_a_refused_request_is_logged_with_its_client_if_there_is_one(issuer, changes, client_id):
    """What a stranger calls itself is not written down."""
    asked = RP | changes
    line = logged(issuer, "/authorize", lambda: issuer.http.get("/authorize", params=asked))
    assert line.get("client_id") == client_id


def test_a_refused_push_is_logged_with_its_client(issuer):
    wrong = RP | {"response_type": "token"}
    line = logged(
        issuer, "/par", lambda: httpx.post(f"{issuer.url}/par", data=wrong, auth=("rp", SECRET))
    )
    assert line["client_id"] == "rp"


# --- another method than the registered one ---


def by(method: str, client_id: str, secret: str = SECRET):
    """A token request of this client by this method."""
    grant = ("grant_type", "client_credentials")
    if method == "client_secret_basic":
        return a_request_of(grant, authorization=basic(client_id, secret))
    if method == "private_key_jwt":
        return a_request_of(*parameters(an_assertion(client_id)).items(), client_id=None)
    named = [("client_id", client_id)]
    if method == "client_secret_post":
        named.append(("client_secret", secret))
    return a_request_of(grant, *named, client_id=None)


WAYS = [*{row.read: name for name, row in reversed(CLIENT_AUTH.items())}.values()]
"""One method of each form on the wire: a certificate is not in the request, but beneath it."""
REGISTERED = {"web": "client_secret_basic", "poster": "client_secret_post", "spa": "none"}


@pytest.mark.parametrize("used", WAYS)
@pytest.mark.parametrize(("client_id", "registered"), REGISTERED.items())
@pytest.mark.parametrize("secret", [SECRET, "wrong"])
def test_a_right_secret_by_another_method_is_explained_in_the_log_alone(
    client_id, registered, used, secret
):
    """The answer is a stranger's, word for word, whether the secret is right or not."""
    if used == registered:
        return
    refused = ask(SERVER, by(used, client_id, secret))
    assert told(refused) == told(ask(SERVER, by(used, "nobody", secret)))
    assert refused.log == {
        "client_id": client_id,
        "detail": f"sent by {used}, registered is {registered}",
    }


@pytest.mark.parametrize("used", WAYS)
def test_a_stranger_is_logged_without_the_name_it_gave(used):
    refused = ask(SERVER, by(used, "nobody"))
    assert refused.log == {"client_id": "", "detail": "unknown client"}


def test_a_wrong_secret_is_logged_with_the_client_that_it_was_tried_for():
    refused = ask(SERVER, by("client_secret_basic", "web", "wrong"))
    assert refused.log == {"client_id": "web", "detail": "wrong secret"}


def test_what_a_client_may_not_have_is_logged_with_it():
    assert redeem(SERVER, code="x").log["client_id"] == "web"
