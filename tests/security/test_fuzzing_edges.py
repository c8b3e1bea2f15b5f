"""Any method at any path, with any headers and body, on the wire: never a fault of ours."""

import json
import re
from collections.abc import Iterator
from functools import partial

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from issuer.metadata import metadata_paths
from tests.builders import SECRET, basic
from tests.running import RunningIssuer
from tests.security.conftest import Answer, Wire

calmly = partial(  # a busy machine is no finding
    settings, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

ORIGIN = "https://shop.example"
TENANT = "/tenant"
ALLOWED = {
    **dict.fromkeys(("/", TENANT), "GET, HEAD"),
    **dict.fromkeys(metadata_paths(TENANT), "GET, HEAD"),
    TENANT + "/.well-known/jwks.json": "GET, HEAD",
    **{base + name: "GET, HEAD" for base in ("", TENANT) for name in ("/healthz", "/readyz")},
    TENANT + "/token": "POST",
    TENANT + "/par": "POST",
    **{f"{TENANT}/{name}": "GET, HEAD, POST"
       for name in ("authorize", "consent", "login", "logout", "userinfo")},
    TENANT + "/login/callback": "GET, HEAD",
}  # fmt: skip
PUBLIC = {TENANT + "/.well-known/jwks.json", *metadata_paths(TENANT)}
FOR_SCRIPTS = {TENANT + "/token", TENANT + "/userinfo"}
TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


@pytest.fixture(scope="module")
def wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """A raw connection to an issuer with a path, which has an application of one origin."""
    running = RunningIssuer(tmp_path_factory.mktemp("edges"))
    table = running.read_registry()
    table["issuer"]["url"] += TENANT
    table["clients"]["spa"]["allowed_cors_origins"] = [ORIGIN]
    running.write_registry(table)
    running.start()
    yield Wire(running.port)
    running.stop()
    log = running.log.read_text()
    assert "unexpected" not in log  # a fault of ours says so there
    assert "Traceback" not in log
    assert SECRET not in log


METHODS = st.sampled_from(
    ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "OPTIONS", "TRACE", "CONNECT",
     "PROPFIND", "PURGE", "QUERY", "WEBSOCKET", "get", "BREW", ""]
)  # fmt: skip
PATHS = st.sampled_from([*ALLOWED]) | st.builds(
    "{}{}".format,
    st.sampled_from([*ALLOWED]),
    st.sampled_from(["/", "//", "/x", ";x", "%00", "%2f", "?", "?a=b&a=b", "?%", "?%ff", "?state=x",
                     "?id_token_hint=undefined", "?resource=https%3A%2F%2Fapi.example%2F",
                     "?scope=openid+groups", "#x", "\xe9", " x"]),
)  # fmt: skip
VISIBLE = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40)
HEADERS = st.lists(
    st.tuples(st.just("Origin"), st.sampled_from([ORIGIN, "https://evil.example", "null", "*", ""]))
    | st.tuples(st.just("Access-Control-Request-Method"),
                st.sampled_from(["GET", "POST", "DELETE", "x y", ""]))
    | st.tuples(st.just("Access-Control-Request-Headers"),
                st.sampled_from(["traceparent", "a,b", "*", "x," * 40, "x" * 2000, "a b", "", ","])
                | VISIBLE)
    | st.tuples(st.just("Authorization"),
                st.sampled_from([basic("spa", ""), basic("billing", ""), basic("billing"), "Basic",
                                 "Bearer x", "MAC id=x"]) | VISIBLE)
    | st.tuples(st.sampled_from(["Accept", "Accept-Language", "Cookie", "If-None-Match",
                                 "Content-Type", "Content-Encoding", "Expect", "Range", "Upgrade",
                                 "X-HTTP-Method-Override"]), VISIBLE),
    max_size=5,
)  # fmt: skip
BODIES = st.sampled_from(
    [b"", b"{}", b"grant_type=client_credentials", b"grant_type=client_credentials&client_id=spa",
     b"scope=openid+groups&resource=https%3A%2F%2Fapi.example%2F", b"a=%ff", b"%", b"&&", b"\xff"]
)  # fmt: skip


@calmly(max_examples=600)
@given(METHODS, PATHS, HEADERS, BODIES)
@example("OPTIONS", TENANT + "/token",
         [("Origin", ORIGIN), ("Access-Control-Request-Method", "POST"),
          ("Access-Control-Request-Headers", "traceparent")], b"")  # fmt: skip
@example("OPTIONS", TENANT + "/token", [("Access-Control-Request-Headers", "*")], b"")
@example("POST", TENANT + "/logout", [("Content-Type", "\xff")], b"\xff")
@example("HEAD", TENANT + "/logout?id_token_hint=undefined", [], b"")
@example("GET", "/", [("Accept-Language", "\xff;q=" + "9" * 30)], b"")
def test_whatever_is_sent_is_answered_and_nothing_breaks(wire, method, path, headers, body):
    """P9 to P12, P33, B19."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"{name}: {value}" for name, value in headers]
    head = "\r\n".join([*lines, f"Content-Length: {len(body)}"]).encode("latin-1")
    check(method, path, dict(headers).get("Origin"), wire.send(head + b"\r\n\r\n" + body))


def check(method: str, path: str, origin: str | None, answer: Answer) -> None:
    """What holds whatever was sent."""
    assert answer.status < 500
    assert answer.answers == 1
    bare = path.partition("?")[0].partition("#")[0]
    if answer.status == 405:
        assert answer.headers["allow"] == ALLOWED[bare]
        assert method not in ALLOWED[bare].split(", ")
        if method != "HEAD":
            use = ALLOWED[bare].replace(",", " or")
            assert json.loads(answer.body)["error_description"].endswith(f"; use {use}.")
    if method == "HEAD" and b"not a valid HTTP request" not in answer.body:
        assert answer.body == b""
        assert "set-cookie" not in answer.headers
    allowances = {name for name in answer.headers if name.startswith("access-control-")}
    assert "access-control-allow-credentials" not in allowances
    allowed = answer.headers.get("access-control-allow-origin")
    if allowed == "*":
        assert bare in PUBLIC
    elif allowed is not None:
        assert (allowed, origin) == (ORIGIN, ORIGIN)
        assert bare in FOR_SCRIPTS
    else:
        assert not allowances
    names = answer.headers.get("access-control-allow-headers", "authorization").split(", ")
    assert all(TOKEN.fullmatch(each) and each != "*" for each in names)
    assert len(names) <= 34


def test_the_paths_that_are_tried_are_there(wire):
    for path, allowed in ALLOWED.items():
        answer = wire.send(f"PUT {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert (answer.status, answer.headers["allow"]) == (405, allowed)
