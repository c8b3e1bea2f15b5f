"""Cross-origin requests (Fetch, RFC 9700 section 2.6, security rule B19)."""

from collections.abc import Iterator

import pytest

from tests.running import RunningIssuer

ORIGIN = "https://shop.example"
LOCAL = "http://localhost:3000"
DOCUMENTS = [
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
]
PATHS = [*DOCUMENTS, "/token", "/userinfo"]
OTHERS = [
    "https://evil.example",
    "https://shop.example.evil.example",
    "https://shop.example:8443",
    "http://shop.example",
    "https://SHOP.example",
    "https://shop.example/",
    "null",
    "*",
]
PAGES = ["/authorize", "/consent", "/login", "/login/callback", "/logout", "/par", "/healthz"]


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """One client has scripts in a browser."""
    running = RunningIssuer(tmp_path_factory.mktemp("cors"))
    table = running.read_registry()
    table["clients"]["spa"]["allowed_cors_origins"] = [ORIGIN, LOCAL]
    running.write_registry(table)
    running.start()
    yield running
    running.stop()


def preflight(issuer: RunningIssuer, path: str, origin: str, method: str = "POST"):
    asked = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "x"}
    return issuer.http.options(path, headers={"Origin": origin} | asked)


def allowances(answer) -> set[str]:
    """The headers by which an answer lets a script do something."""
    return {name for name in answer.headers if name.startswith("access-control-")}


@pytest.mark.parametrize("origin", [ORIGIN, LOCAL])
@pytest.mark.parametrize("path", PATHS)
def test_a_registered_origin_may_read_the_answer(issuer, path, origin):
    """Refusals too: an application wants to know why."""
    for answer in (
        issuer.http.get(path, headers={"Origin": origin}),
        issuer.http.post(path, headers={"Origin": origin}, data={"grant_type": "x"}),
    ):
        assert answer.headers["access-control-allow-origin"] == origin
        assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("origin", OTHERS)
@pytest.mark.parametrize("path", PATHS)
def test_no_other_origin_may(issuer, path, origin):
    """B19: exact origins, never a wildcard."""
    for answer in (
        issuer.http.get(path, headers={"Origin": origin}),
        issuer.http.post(path, headers={"Origin": origin}, data={"grant_type": "x"}),
        preflight(issuer, path, origin),
    ):
        assert not allowances(answer)
        assert answer.headers["vary"] == "Origin"


@pytest.mark.parametrize(
    ("path", "methods"),
    [("/token", "POST"), ("/userinfo", "GET, POST"), *((path, "GET") for path in DOCUMENTS)],
)
def test_a_preflight_of_a_registered_origin_says_what_it_may_send(issuer, path, methods):
    answer = preflight(issuer, path, ORIGIN)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == methods
    assert answer.headers["access-control-allow-headers"] == "Authorization, Content-Type"
    assert int(answer.headers["access-control-max-age"]) <= 600
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_of_another_origin_is_refused(issuer, path):
    assert preflight(issuer, path, "https://evil.example").status_code == 405


def test_an_options_request_that_is_no_preflight_is_refused(issuer):
    answer = issuer.http.options("/token", headers={"Origin": ORIGIN})
    assert answer.status_code == 405
    assert issuer.http.options("/token").status_code == 405


@pytest.mark.parametrize("path", PAGES)
def test_no_script_may_read_a_page(issuer, path):
    """B19: not even one of a registered origin."""
    for answer in (
        issuer.http.get(path, headers={"Origin": ORIGIN}),
        issuer.http.post(path, headers={"Origin": ORIGIN}, data={"a": "b"}),
        preflight(issuer, path, ORIGIN),
    ):
        assert not allowances(answer)
    assert preflight(issuer, path, ORIGIN).status_code == 405


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_cache_keeps_the_documents_apart_by_origin(issuer, path):
    """Else the answer to a request without an origin would be given to one with."""
    answer = issuer.http.get(path)
    assert answer.headers["vary"] == "Origin"
    assert not allowances(answer)
    etag = {"If-None-Match": answer.headers["etag"]}
    again = issuer.http.get(path, headers={"Origin": ORIGIN} | etag)
    assert again.status_code == 304
    assert again.headers["access-control-allow-origin"] == ORIGIN


def test_a_script_redeems_a_code(issuer):
    """What all of this is for."""
    code = issuer.code(client_id="spa")
    data = {"grant_type": "authorization_code", "client_id": "spa", "code": code}
    verifier = {"code_verifier": "a-code-verifier-of-the-tests-that-is-long-enough"}
    answer = issuer.http.post("/token", data=data | verifier, headers={"Origin": ORIGIN})
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["cache-control"] == "no-store"


def test_an_origin_that_is_registered_while_it_runs_is_let_in(issuer):
    table = issuer.read_registry()
    new = "https://new.example"
    table["clients"]["spa"]["allowed_cors_origins"].append(new)
    assert preflight(issuer, "/token", new).status_code == 405
    issuer.write_registry(table)
    issuer.wait_until(lambda: preflight(issuer, "/token", new).status_code == 204)
