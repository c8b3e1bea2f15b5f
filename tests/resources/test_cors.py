"""Cross-origin requests (Fetch, RFC 9700 section 2.6, security rule B19)."""

from collections.abc import Iterator

import pytest

from issuer.metadata import REVOCATIONS
from tests.running import RunningIssuer

ORIGIN = "https://shop.example"
LOCAL = "http://localhost:3000"
DOCUMENTS = [
    "/.well-known/jwks.json",
    "/.well-known/openid-configuration",
    "/.well-known/oauth-authorization-server",
    "/.well-known/revocations.jwt",
]
PATHS = ["/token", "/userinfo"]
BASIC = "authorization, content-type, dpop"
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
PAGES = [
    "/", "/authorize", "/consent", "/device", "/login", "/login/callback", "/logout", "/par",
    "/healthz",
]  # fmt: skip


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """One client has scripts in a browser."""
    running = RunningIssuer(tmp_path_factory.mktemp("cors"), replay_store="sqlite:replay.db")
    table = running.read_registry()
    table["clients"]["spa"]["allowed_cors_origins"] = [ORIGIN, LOCAL]
    running.write_registry(table)
    running.start()
    running.wait_until(lambda: running.http.get(REVOCATIONS).status_code == 200)
    yield running
    running.stop()


def preflight(issuer: RunningIssuer, path: str, origin: str, asked: str | None = None):
    headers = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    if asked is not None:
        headers["Access-Control-Request-Headers"] = asked
    return issuer.http.options(path, headers=headers)


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
        exposed = answer.headers["access-control-expose-headers"]
        assert exposed == "WWW-Authenticate, DPoP-Nonce, Retry-After"
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
    [("/token", "POST"), ("/userinfo", "GET, POST")],
)
def test_a_preflight_of_a_registered_origin_says_what_it_may_send(issuer, path, methods):
    answer = preflight(issuer, path, ORIGIN)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert answer.headers["access-control-allow-methods"] == methods
    assert answer.headers["access-control-allow-headers"] == BASIC
    assert int(answer.headers["access-control-max-age"]) <= 600
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    ("asked", "more"),
    [
        pytest.param("traceparent", "traceparent", id="a trace"),
        pytest.param("traceparent,tracestate,baggage", "traceparent, tracestate, baggage",
                     id="what OpenTelemetry sends"),
        pytest.param("Sentry-Trace , X-Requested-With", "sentry-trace, x-requested-with",
                     id="in any case and with blanks"),
        pytest.param("authorization,content-type,x", "x", id="what is allowed anyway"),
        pytest.param("x!#$%&'*+-.^_`|~9", "x!#$%&'*+-.^_`|~9", id="every character of a name"),
        pytest.param(",".join(f"x-{n}" for n in range(32)),
                     ", ".join(f"x-{n}" for n in range(32)), id="thirty-two"),
        pytest.param("x" * 1024, "x" * 1024, id="a long one"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/token", "/userinfo", DOCUMENTS[0]])
def test_a_script_may_send_headers_that_mean_nothing_here(issuer, path, asked, more):
    """RFC 9110 section 5.6.2; Fetch section 4.8."""
    answer = preflight(issuer, path, ORIGIN, asked)
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-headers"] == f"{BASIC}, {more}"
    assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param("*", id="all of them"),
        pytest.param("x, *", id="one, and all of them"),
        pytest.param(",".join(f"x-{n}" for n in range(33)), id="thirty-three"),
        pytest.param("x" * 1025, id="a longer one"),
        pytest.param("x y", id="a blank inside"),
        pytest.param("x,,y", id="an empty name"),
        pytest.param("x,", id="an empty name at the end"),
        pytest.param("x: y", id="a header with its value"),
        pytest.param('"x"', id="quotes"),
        pytest.param("x;y", id="a semicolon"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_no_application_asks_for_is_not_allowed(issuer, asked):
    """The nearest neighbours; the browser then blocks the call."""
    for path in ("/token", DOCUMENTS[0]):
        answer = preflight(issuer, path, ORIGIN, asked)
        assert answer.status_code == 204
        assert answer.headers["access-control-allow-headers"] == BASIC


@pytest.mark.parametrize("asked", ["traceparent", None])
@pytest.mark.parametrize("path", PATHS)
def test_a_preflight_of_another_origin_is_refused(issuer, path, asked):
    answer = preflight(issuer, path, "https://evil.example", asked)
    assert answer.status_code == 405
    assert answer.headers["allow"]
    assert not allowances(answer)


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


@pytest.mark.parametrize("origin", [None, ORIGIN, *OTHERS])
@pytest.mark.parametrize("path", DOCUMENTS)
def test_the_keys_and_the_metadata_are_for_scripts_of_any_origin(issuer, path, origin):
    """Anybody may read them, so that one answer is right for all, in every cache."""
    headers = {"Origin": origin} if origin else {}
    answer = issuer.http.get(path, headers=headers)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "vary" not in answer.headers
    assert allowances(answer) == {"access-control-allow-origin"}
    again = issuer.http.get(path, headers=headers | {"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 304
    assert again.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize("origin", [ORIGIN, *OTHERS])
@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_preflight_of_any_origin_is_answered_there(issuer, path, origin):
    answer = preflight(issuer, path, origin, "traceparent")
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD"
    assert answer.headers["access-control-allow-headers"] == f"{BASIC}, traceparent"
    assert "access-control-allow-credentials" not in answer.headers


def test_what_is_no_preflight_is_refused_there_too(issuer):
    assert issuer.http.options(DOCUMENTS[0], headers={"Origin": ORIGIN}).status_code == 405
    asked = {"Access-Control-Request-Method": "GET"}
    assert issuer.http.options(DOCUMENTS[0], headers=asked).status_code == 405


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
