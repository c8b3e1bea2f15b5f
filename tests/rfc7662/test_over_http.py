"""Introspection at a running issuer without a store: as JSON, and as a JWT (RFC 9701)."""

import json
import shlex
import subprocess
from collections.abc import Iterator

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from issuer.registry import secret
from tests.builders import API, OTHER_API, SECRET, basic
from tests.running import RunningIssuer

TYPE = "application/token-introspection+jwt"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """One API calls itself ``api``, the other one by its URL."""
    issuer = RunningIssuer(tmp_path_factory.mktemp("issuer"))
    table = issuer.read_registry()
    held = [{"hash": secret.sha256_hash(SECRET)}]
    table["resources"][API] |= {"client_id": "api", "client_secrets": held}
    table["resources"][OTHER_API]["client_secrets"] = held
    table["clients"]["shop"] = table["clients"]["billing"]
    issuer.write_registry(table)
    yield issuer.start()
    issuer.stop()


def introspect(running: RunningIssuer, token: str, who: str = "api", **headers: str):
    given = {"Authorization": basic(who), **headers}
    return running.http.post("/introspect", data={"token": token}, headers=given)


@pytest.mark.parametrize(
    ("accept", "is_jwt"),
    [
        pytest.param(None, False, id="nothing"),
        pytest.param("application/json", False, id="JSON"),
        pytest.param("*/*", False, id="anything"),
        pytest.param("application/*", False, id="anything of the kind"),
        pytest.param(f"application/json, {TYPE};q=0.5", False, id="JSON rather"),
        pytest.param(f"{TYPE};q=0", False, id="no JWT"),
        pytest.param("application/jwt", False, id="some other JWT"),
        pytest.param(f"{TYPE}, ;;=,", False, id="nonsense"),
        pytest.param(TYPE, True, id="a JWT"),
        pytest.param(f"{TYPE}, application/json;q=0.9", True, id="a JWT rather"),
        pytest.param(f"{TYPE}, */*;q=0.1", True, id="a JWT, or anything"),
    ],
)
def test_it_answers_in_the_form_that_is_asked_for(running, accept, is_jwt):
    """RFC 9701 section 4: by name alone; the JWT verifies by the published keys."""
    token = running.access_token()
    headers = {} if accept is None else {"Accept": accept}
    answer = introspect(running, token, **headers)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == (TYPE if is_jwt else "application/json")
    if not is_jwt:
        assert answer.json()["active"] is True
        return
    keys = KeySet.import_key_set(running.http.get("/.well-known/jwks.json").json())
    verified = jwt.decode(answer.text, keys, algorithms=["ES256"])
    assert verified.header["typ"] == "token-introspection+jwt"
    assert (verified.claims["iss"], verified.claims["aud"]) == (running.url, "api")
    assert verified.claims["token_introspection"] == introspect(running, token).json()
    assert not {"sub", "exp"} & verified.claims.keys()


def test_a_refusal_is_json_whatever_was_asked_for(running):
    refused = introspect(running, "x", "nobody", Accept=TYPE)
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/json")


def test_a_resource_server_that_has_a_url_for_a_name_asks_by_curl(running):
    """As the guide says it: form-encoded, for the colon in it would end the name."""
    token = running.token("web", grant_type="client_credentials", resource=OTHER_API).json()
    command = (
        f"curl -sS -u 'https%3A%2F%2Fother.example:{SECRET}' "
        f"-d token={token['access_token']} {running.url}/introspect"
    )
    said = subprocess.run(shlex.split(command), capture_output=True, check=True).stdout
    assert json.loads(said)["aud"] == OTHER_API
    assert introspect(running, token["access_token"]).json() == {"active": False}


def test_it_works_by_all_but_the_store_where_there_is_none(running):
    """A client that is taken out of the registry, with its tokens."""
    token = running.token("shop", grant_type="client_credentials").json()["access_token"]
    assert introspect(running, token).json()["active"] is True
    table = running.read_registry()
    del table["clients"]["shop"]
    running.write_registry(table)
    running.wait_until(lambda: introspect(running, token).json() == {"active": False})


def test_what_it_was_asked_stands_in_no_log(running):
    """B24: the name of the token does."""
    token = running.access_token()
    jti = introspect(running, token).json()["jti"]
    introspect(running, "made-up")
    said = [f'"detail":"active: {jti}"', '"detail":"not active: not three parts in base64url"']
    running.wait_until(lambda: all(each in running.log.read_text() for each in said))
    assert '"client_id":"api"' in running.log.read_text()
    assert token not in running.log.read_text()


def test_a_stranger_is_told_nothing(running):
    """P30, RFC 7662 section 4: no token is tried out without a secret."""
    answer = httpx.post(f"{running.url}/introspect", data={"token": running.access_token()})
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
    assert "active" not in answer.text


@pytest.mark.parametrize("name", ["throttled", "nobody"])
def test_whoever_guesses_a_secret_has_to_wait(an_issuer, name):
    """R4, P31: as at the token endpoint, whether there is such a resource server or not."""
    running = an_issuer()
    table = running.read_registry()
    held = [{"hash": secret.sha256_hash(SECRET)}]
    table["resources"][API] |= {"client_id": "throttled", "client_secrets": held}
    running.write_registry(table)
    running.start()
    wrong = basic(name, "wrong")
    answers = [introspect(running, "x", Authorization=wrong) for _ in range(8)]
    assert answers[0].status_code == 401
    throttled = [each for each in answers if each.status_code == 429]
    assert throttled
    assert int(throttled[0].headers["retry-after"]) >= 1
