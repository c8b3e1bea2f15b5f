"""The middleware as its two gateway interfaces define it, without a server."""

import asyncio
import io
import logging

import pytest

from keys import InsufficientScope, Verifier, asgi, wsgi
from keys.mac.signed_request import Request, body_hash
from tests.keys.builders import ISSUER, KEY, NOW, a_jwks, a_token
from tests.keys.mac.builders import AUDIENCE, REQUEST, a_mac_verifier, signed

BEARER = Verifier(ISSUER, "https://bearer.example", a_jwks(KEY), clock=lambda: NOW)
TOKEN = a_token(aud="https://bearer.example")


def a_verifier():
    return a_mac_verifier(clock=lambda: NOW)


def a_scope(authorization: str | None = None, **changes) -> dict:
    headers = [(b"host", b"api.example")]
    if authorization is not None:
        headers.append((b"authorization", authorization.encode()))
    scope = {
        "type": "http", "method": "GET", "scheme": "https", "path": "/invoices",
        "raw_path": b"/invoices", "query_string": b"page=2", "headers": headers, **changes,
    }  # fmt: skip
    return {name: value for name, value in scope.items() if value is not None}


async def echo(scope, receive, send):
    """Answers with the subject."""
    if scope["type"] == "lifespan":
        await send({"type": "lifespan.startup.complete"})
        return
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["access_token"].subject.encode()})


def run(scope: dict, *received: dict, app=echo, **options) -> list[dict]:
    """What is sent for a connection."""
    options = options or {"bearer": BEARER, "mac": a_verifier()}
    messages, sent = list(received), []

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    asyncio.run(asgi.AccessMiddleware(app, **options)(scope, receive, send))
    return sent


def status(sent: list[dict]) -> int:
    return sent[0]["status"]


@pytest.mark.parametrize("middleware", [asgi.AccessMiddleware, wsgi.AccessMiddleware])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({}, "a verifier is needed", id="no verifier"),
        pytest.param({"origin": "api.example"}, "origin", id="no scheme"),
        pytest.param({"origin": "ftp://api.example"}, "origin", id="another scheme"),
        pytest.param({"origin": "https://api.example/"}, "origin", id="a path"),
        pytest.param({"origin": "https://u@api.example"}, "host", id="a user"),
        pytest.param({"origin": "https://api.example:x"}, "host", id="no port"),
        pytest.param({"public": "/healthz"}, "collection", id="one path"),
        pytest.param({"public": ["healthz"]}, "begins with /", id="no path"),
    ],
)
def test_options_that_make_no_sense_are_refused(middleware, options, message):
    verifier = {"bearer": BEARER} if options else {}
    with pytest.raises(ValueError, match=message):
        middleware(echo, **verifier, **options)
    for origin in ("https://API.example", "http://[::1]:8080", None):
        assert middleware(echo, bearer=BEARER, origin=origin, public={"/healthz"})


@pytest.mark.parametrize("middleware", [asgi.AccessMiddleware, wsgi.AccessMiddleware])
def test_an_audience_is_for_one_scheme(middleware):
    """P28: a verifier that looks at no typ would take a mac token without its MAC."""
    for same in (AUDIENCE, f"{AUDIENCE}/"):
        with pytest.raises(ValueError, match="never for both"):
            middleware(echo, bearer=Verifier(ISSUER, same, a_jwks(KEY)), mac=a_verifier())
    assert middleware(echo, bearer=BEARER, mac=a_verifier())


def test_a_scheme_without_a_verifier_is_not_accepted():
    mac, bearer = a_scope(signed()), a_scope(f"Bearer {TOKEN}")
    assert status(run(mac, mac=a_verifier())) == 200
    assert status(run(mac, bearer=BEARER)) == 401
    assert status(run(bearer, bearer=BEARER)) == 200
    refused = run(bearer, mac=a_verifier())
    assert status(refused) == 401
    challenges = [value for name, value in refused[0]["headers"] if name == b"www-authenticate"]
    assert challenges == [f'MAC realm="{AUDIENCE}"'.encode()]


def test_a_field_that_comes_twice_is_none():
    """RFC 9110 section 5.3: neither of the two is to be believed."""
    twice = a_scope(signed())
    twice["headers"].append((b"authorization", signed(nonce="n2").encode()))
    assert status(run(twice)) == 401
    hosts = a_scope(signed())
    hosts["headers"].append((b"host", b"api.example"))
    assert status(run(hosts)) == 401
    assert status(run(a_scope(signed()))) == 200


def test_the_lifespan_is_the_applications():
    assert run({"type": "lifespan"}) == [{"type": "lifespan.startup.complete"}]


def test_a_websocket_is_let_in_by_its_handshake():
    async def accept(scope, receive, send):
        await send({"type": "websocket.accept", "subject": scope["access_token"].subject})

    def websocket(authorization=None, **more):
        return a_scope(authorization, type="websocket", scheme="wss", method=None, **more)

    assert run(websocket(signed()), app=accept)[0]["subject"] == "alice"
    assert run(websocket(), app=accept)[0]["type"] == "websocket.close"
    refused = run(websocket(extensions={"websocket.http.response": {}}), app=accept)
    assert [message["type"] for message in refused] == [
        "websocket.http.response.start", "websocket.http.response.body"
    ]  # fmt: skip
    assert status(refused) == 401


def test_a_refusal_that_comes_after_the_answer_began_is_no_answer():
    async def late(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        scope["access_token"].require("pay")

    async def early(scope, receive, send):
        scope["access_token"].require("pay")

    with pytest.raises(InsufficientScope):
        run(a_scope(signed()), app=late)
    assert status(run(a_scope(signed()), app=early)) == 403


def test_a_server_that_tells_no_raw_target_is_told_so():
    """A decoded path cannot be what was signed."""
    with pytest.raises(RuntimeError, match="as it was sent"):
        run(a_scope(signed(), raw_path=None))
    assert status(run(a_scope(f"Bearer {TOKEN}", raw_path=None))) == 200


def a_bound_scope(body: bytes) -> dict:
    return a_scope(signed(ext=f"sha-256={body_hash(body)}"))


def test_a_body_in_parts_is_compared_and_handed_on():
    async def read(scope, receive, send):
        await send({"type": "read", "messages": [await receive(), await receive()]})

    parts = [
        {"type": "http.request", "body": b"pay", "more_body": True},
        {"type": "http.request", "body": b"=1", "more_body": False},
    ]
    (read_again,) = run(a_bound_scope(b"pay=1"), *parts, app=read)
    assert read_again["messages"] == [
        {"type": "http.request", "body": b"pay=1", "more_body": False},
        {"type": "http.disconnect"},
    ]
    assert status(run(a_bound_scope(b"pay=2"), *parts, app=read)) == 401


def test_who_leaves_while_the_body_is_read_is_not_answered():
    part = {"type": "http.request", "body": b"pay", "more_body": True}
    assert run(a_bound_scope(b"pay=1"), part) == []


def test_a_body_beyond_the_bound_is_refused():
    body = {"type": "http.request", "body": b"pay=1"}
    options = {"max_body": 4, "bearer": BEARER}
    assert status(run(a_bound_scope(b"pay=1"), body, mac=a_verifier(), **options)) == 413
    options["max_body"] = 5
    assert status(run(a_bound_scope(b"pay=1"), body, mac=a_verifier(), **options)) == 200


def test_the_reason_is_for_the_log_alone(caplog):
    with caplog.at_level(logging.INFO, logger="keys"):
        refused = run(a_scope(signed(ts=NOW - 61)))
    assert "61 s ago" in caplog.text
    assert b"61" not in refused[1]["body"]
    assert status(run(a_scope(signed(ts=NOW - 60)))) == 200


def test_the_scheme_of_the_connection_says_the_default_port():
    assert status(run(a_scope(signed(), scheme="http"))) == 401
    request = Request.of("GET", REQUEST.target, "api.example", 80)
    assert status(run(a_scope(signed(request=request), scheme="http"))) == 200
    assert status(run(a_scope(signed(), scheme="http"), mac=a_verifier(), origin="https://api.example"
        )) == 200  # fmt: skip


# WSGI


def an_environ(authorization: str | None = None, **changes) -> dict:
    environ = {
        "REQUEST_METHOD": "GET", "wsgi.url_scheme": "https", "PATH_INFO": "/invoices",
        "RAW_URI": "/invoices?page=2", "HTTP_HOST": "api.example",
        "HTTP_AUTHORIZATION": authorization, "wsgi.input": io.BytesIO(), **changes,
    }  # fmt: skip
    return {name: value for name, value in environ.items() if value is not None}


def wsgi_echo(environ, start_response):
    start_response("200 OK", [])
    return [environ["keys.access_token"].subject.encode() + environ["wsgi.input"].read()]


def call(environ: dict, app=wsgi_echo, **options) -> tuple[str, bytes]:
    """The status and the body of the answer."""
    options = {"bearer": BEARER, "mac": a_verifier(), **options}
    started = []

    def start_response(status, fields, exc_info=None):
        assert exc_info is not None or not started
        started.append(status)

    body = b"".join(wsgi.AccessMiddleware(app, **options)(environ, start_response))
    return started[-1], body


def test_the_raw_target_has_one_of_two_names():
    uri = "/invoices?page=2"
    assert call(an_environ(signed())) == ("200 OK", b"alice")
    assert call(an_environ(signed(), RAW_URI=None, REQUEST_URI=uri))[0] == "200 OK"
    with pytest.raises(RuntimeError, match="as it was sent"):
        call(an_environ(signed(), RAW_URI=None))


def test_a_path_is_public_as_it_is_decoded():
    def answer(environ, start_response):
        start_response("200 OK", [])
        return [str("keys.access_token" in environ).encode()]

    options = {"public": ["/app/é"], "app": answer}
    public = an_environ(SCRIPT_NAME="/app", PATH_INFO="/é".encode().decode("latin-1"))
    assert call(public, **options) == ("200 OK", b"False")
    assert call(an_environ(PATH_INFO="/é"), **options)[0] == "401 Unauthorized"
    assert call(an_environ(signed()), **options) == ("200 OK", b"True")


def test_an_answer_that_was_not_sent_yet_is_replaced():
    def late(environ, start_response):
        start_response("200 OK", [])
        environ["keys.access_token"].require("pay")

    assert call(an_environ(signed()), late)[0] == "403 Forbidden"


def test_a_refused_head_has_no_body():
    assert call(an_environ(REQUEST_METHOD="HEAD")) == ("401 Unauthorized", b"")
    assert call(an_environ()) == ("401 Unauthorized", b"Credentials are needed.")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        pytest.param({"CONTENT_LENGTH": "5"}, b"pay=1", id="with its length"),
        pytest.param({"wsgi.input_terminated": True}, b"pay=1", id="in chunks"),
        pytest.param({}, b"", id="neither, so there is none"),
        pytest.param({"CONTENT_LENGTH": ""}, b"", id="an empty length"),
    ],
)
def test_a_body_is_read_as_far_as_wsgi_allows(changes, expected):
    authorization = signed(ext=f"sha-256={body_hash(expected)}")
    environ = an_environ(authorization, **{"wsgi.input": io.BytesIO(b"pay=1"), **changes})
    assert call(environ) == ("200 OK", b"alice" + expected)
    other = signed(ext=f"sha-256={body_hash(b'other')}")
    environ = an_environ(other, **{"wsgi.input": io.BytesIO(b"pay=1"), **changes})
    assert call(environ)[0] == "401 Unauthorized"


@pytest.mark.parametrize("changes", [{"CONTENT_LENGTH": "5"}, {"wsgi.input_terminated": True}])
def test_a_body_that_is_larger_than_the_bound_is_refused(changes):
    def environ():
        authorization = signed(ext=f"sha-256={body_hash(b'pay=1')}")
        return an_environ(authorization, **{"wsgi.input": io.BytesIO(b"pay=1"), **changes})

    assert call(environ(), max_body=4)[0].startswith("413 ")
    assert call(environ(), max_body=5)[0] == "200 OK"
