"""What became of django-oauth2app's ``oauth2app.token``: every name of its page, every answer seen.

``KEPT`` means that the answer is the same in status and error code; ``CHANGED`` says why it is not.
"""

import asyncio
import inspect
from dataclasses import dataclass, field
from typing import Any, get_type_hints
from urllib.parse import urlencode

import httpx
import pytest

from issuer import errors, token
from issuer.errors import (
    AccessTokenException,
    InvalidClient,
    InvalidGrant,
    InvalidRequest,
    InvalidScope,
    OAuth2Exception,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnvalidatedRequest,
)
from issuer.protocol.form import Form
from issuer.protocol.request import Authorization, Response, TokenRequest
from issuer.protocol.sealed import AuthorizationCode, RefreshToken
from issuer.registry.client import Client
from issuer.registry.scope import Scope
from issuer.registry.user import User
from issuer.stores.none import NoStore
from issuer.stores.sqlite import SQLiteStore
from issuer.token import BEARER, MAC, TokenGenerator, handler
from tests.builders import (
    API,
    CALLBACK,
    CHALLENGE,
    MAC_API,
    NOW,
    PASSWORD,
    SECRET,
    VERIFIER,
    a_client,
    a_code,
    a_server,
    a_user,
    basic,
)  # fmt: skip
from tests.running import RunningIssuer

KEPT = "kept"


# The page, item by item --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("InvalidClient", "invalid_client"),
        ("InvalidGrant", "invalid_grant"),
        ("InvalidRequest", "invalid_request"),
        ("InvalidScope", "invalid_scope"),
        ("UnauthorizedClient", "unauthorized_client"),
        ("UnsupportedGrantType", "unsupported_grant_type"),
    ],
)
def test_each_exception_keeps_its_name_and_its_error(name, error):
    exception = getattr(errors, name)
    assert issubclass(exception, AccessTokenException)
    assert exception.error == error


def test_access_token_exception_is_their_base():
    assert issubclass(AccessTokenException, OAuth2Exception)


def test_unvalidated_request_is_no_answer_to_a_client():
    assert issubclass(UnvalidatedRequest, OAuth2Exception)
    assert not issubclass(UnvalidatedRequest, AccessTokenException)


def test_token_generator_takes_the_same_keywords():
    parameters = inspect.signature(TokenGenerator).parameters
    assert list(parameters) == ["scope", "authentication_method", "refreshable"]
    assert parameters["scope"].default is None
    assert parameters["refreshable"].default is True


@pytest.mark.parametrize("method", ["validate", "grant_response", "error_response"])
def test_token_generator_keeps_its_methods(method):
    assert callable(getattr(TokenGenerator, method))


def test_handler_is_a_token_generator_that_can_be_called():
    assert isinstance(token.handler, TokenGenerator)
    assert callable(handler)


def test_the_methods_of_authentication_keep_their_names():
    for method in (BEARER, MAC):
        assert TokenGenerator(authentication_method=method).authentication_method == method


@pytest.mark.parametrize(
    ("attribute", "holder", "name", "kind"),
    [
        ("client", Authorization, "client", Client),
        ("user", Authorization, "user", User | None),
        ("code", Authorization, "code", AuthorizationCode | None),
        ("refresh_token", Authorization, "refresh_token", RefreshToken | str | None),
    ],
)
def test_what_was_an_attribute_of_the_generator_is_one_of_a_value(attribute, holder, name, kind):
    """An instance serves all requests at once, so nothing of one request can be on it."""
    assert not hasattr(TokenGenerator(), attribute)
    assert get_type_hints(holder)[name] == kind


@pytest.mark.parametrize("attribute", ["access_token", "error"])
def test_what_was_said_of_the_answer_is_on_the_answer(attribute):
    assert not hasattr(TokenGenerator(), attribute)
    assert isinstance(getattr(Response, attribute), property)


@pytest.mark.parametrize("attribute", ["valid", "request"])
def test_validity_is_a_type_and_no_flag(attribute):
    """``valid`` is to hold an Authorization; ``request`` is an argument."""
    assert not hasattr(TokenGenerator(), attribute)


# Every answer that was seen ----------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One observed request, and what is answered now."""

    seen: str
    parameters: dict[str, str]
    status: int
    error: str | None
    verdict: str
    authorization: str | None = field(default_factory=lambda: basic("web"))
    generator: TokenGenerator = handler
    now: int = NOW


SERVER = a_server(
    a_client("web", resources=(API, MAC_API)),
    a_client("other"),
    a_client("poster", token_endpoint_auth_method="client_secret_post"),
    a_client("fixed", grant_types=("authorization_code", "password")),
    users=(a_user(), a_user("bob", active=False)),
)
CC = {"grant_type": "client_credentials"}
PW = {"grant_type": "password", "username": "alice", "password": PASSWORD}
POST = {"client_id": "poster", "client_secret": SECRET}
ONE_HEADER = "changed: a wrong header is refused and raises nothing"
TWO = "changed: two mechanisms in one request are refused (RFC 6749 2.3)"
EMPTY = "changed: an empty parameter counts as left out (RFC 6749 3.2)"
GRANT = "changed: RFC 6749 5.2 calls it invalid_grant"
AUTH_FIRST = "changed: the client is authenticated first, so that nothing can be probed"
CAP = TokenGenerator(scope=["read"])
WITH_MAC = TokenGenerator(authentication_method=MAC)
FOR_MAC = {"resource": MAC_API}
ONE_TYPE = "changed: what a resource takes is in its registration, and is never overruled"


def a_redemption(code: str | None = None, **parameters: str) -> dict[str, str]:
    """The parameters of a redemption that succeeds, as far as they do not say otherwise."""
    code = a_code(SERVER) if code is None else code
    given = {"code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return {"grant_type": "authorization_code"} | given | parameters


def a_refresh(
    client: str = "web", resources: tuple[str, ...] = (API,), **parameters: str
) -> dict[str, str]:
    """The parameters of a refresh of everything alice granted."""
    held = RefreshToken(
        id="r", client_id=client, sub="alice", scope=Scope({"read", "write"}),
        resources=resources, auth_time=NOW - 9999, issued_at=NOW - 9999,
        expires_at=NOW + 9999,
    )  # fmt: skip
    text = SERVER.seal(held, now=NOW)
    return {"grant_type": "refresh_token", "refresh_token": text} | parameters


ROWS = [
    # common
    Row("no params", {}, 400, "invalid_request", KEPT),
    Row("unknown grant_type", {"grant_type": "foo"}, 400, "unsupported_grant_type", KEPT),
    Row("empty grant_type", {"grant_type": ""}, 400, "invalid_request", EMPTY),
    Row("no client_id (Basic present)", CC, 200, None, "changed: the header names the client"),
    Row("unknown client_id", CC, 401, "invalid_client", KEPT, authorization=basic("nope")),
    Row("unknown scope", CC | {"scope": "zzz"}, 400, "invalid_scope", KEPT),
    Row(
        "scope before client auth (bad secret + bad scope)",
        CC | {"scope": "zzz"}, 401, "invalid_client", AUTH_FIRST, authorization=basic("web", "x"),
    ),
    # client auth
    Row("cc basic ok", CC, 200, None, "changed: no refresh token (RFC 6749 4.4.3)"),
    Row("cc basic lower-case scheme", CC, 200, None, KEPT,
        authorization=basic("web").replace("Basic", "basic")),
    Row("cc POST client_secret ok", CC | POST, 200, None,
        "kept, for a client that registered client_secret_post", authorization=None),
    Row("cc none", CC, 401, "invalid_client", KEPT, authorization=None),
    Row("cc bad secret basic", CC, 401, "invalid_client", KEPT, authorization=basic("web", "x")),
    Row("cc bad secret param", CC | POST | {"client_secret": "x"}, 401, "invalid_client", KEPT,
        authorization=None),
    Row("cc both: good param + bad header", CC | POST, 400, "invalid_request", TWO,
        authorization=basic("poster", "x")),
    Row("cc both: bad param + good header", CC | POST | {"client_secret": "x"}, 400,
        "invalid_request", TWO, authorization=basic("poster")),
    Row("cc both good", CC | POST, 400, "invalid_request", TWO, authorization=basic("poster")),
    Row("cc header of other client", CC | {"client_id": "web"}, 400, "invalid_request",
        "changed: header and body name two clients", authorization=basic("other")),
    Row("cc Bearer header", CC, 401, "invalid_client", KEPT, authorization="Bearer x"),
    Row('cc header "Basic" only', CC, 401, "invalid_client", ONE_HEADER, authorization="Basic"),
    Row("cc empty header", CC, 401, "invalid_client", ONE_HEADER, authorization=""),
    Row("cc empty client_secret + good header", CC | {"client_secret": ""}, 200, None, EMPTY),
    # client_credentials scope
    Row("cc scope ok", CC | {"scope": "read"}, 200, None, KEPT),
    Row("cc two scopes", CC | {"scope": "read write"}, 200, None, KEPT),
    Row("cc scope empty string", CC | {"scope": ""}, 200, None, EMPTY),
    Row("cc scope kwarg NOT enforced", CC | {"scope": "write"}, 400, "invalid_scope",
        "changed: the scope argument caps every grant", generator=CAP),
    Row("cc extra unknown params", CC | {"x": "y"}, 200, None, KEPT),
    # authorization_code
    Row("ac ok no scope", a_redemption(), 200, None, KEPT),
    Row("ac ok scoped code", a_redemption(a_code(SERVER, scope="read")), 200, None, KEPT),
    Row("ac requested narrower scope ignored", a_redemption(scope="read"), 200, None, KEPT),
    Row("ac requested broader scope ignored",
        a_redemption(a_code(SERVER, scope="read"), scope="read write"), 200, None, KEPT),
    Row("ac no code", a_redemption(""), 400, "invalid_request", KEPT),
    Row("ac no code AND no auth (code check first)", a_redemption(""), 401, "invalid_client",
        AUTH_FIRST, authorization=None),
    Row("ac unknown code", a_redemption("x"), 400, "invalid_grant", GRANT),
    Row("ac expired", a_redemption(), 400, "invalid_grant", KEPT, now=NOW + 61),
    Row("ac expire == now (not expired)", a_redemption(), 400, "invalid_grant",
        "changed: at expires_at it has expired, as with every time here", now=NOW + 60),
    Row("ac no redirect_uri", a_redemption(redirect_uri=""), 200, None,
        "changed: PKCE binds the code; without PKCE it is still required (OAuth 2.1)"),
    Row("ac redirect mismatch", a_redemption(redirect_uri="https://evil.example/"), 400,
        "invalid_grant", GRANT),
    Row("ac redirect equivalent", a_redemption(redirect_uri=CALLBACK.replace("app.", "APP.")), 400,
        "invalid_grant", "changed: character for character (RFC 9700 2.1)"),
    Row("ac redirect empty string", a_redemption(redirect_uri=""), 200, None, EMPTY),
    Row("ac first use", a_redemption(), 200, None, KEPT),
    Row("ac CODE ISSUED TO C2 REDEEMED BY C1", a_redemption(a_code(SERVER, client_id="other")), 400,
        "invalid_grant", "changed: a code belongs to its client"),
    # password
    Row("pw ok basic", PW, 200, None, KEPT),
    Row("pw client_secret param only", PW | POST, 200, None,
        "changed: client_secret_post works for every grant", authorization=None),
    Row("pw bad param + good header", PW | {"client_secret": "x"}, 400, "invalid_request", TWO),
    Row("pw no username", PW | {"username": ""}, 400, "invalid_request", KEPT),
    Row("pw no password", PW | {"password": ""}, 400, "invalid_request", KEPT),
    Row("pw wrong password", PW | {"password": "x"}, 400, "invalid_grant", GRANT),
    Row("pw inactive user", PW | {"username": "bob"}, 400, "invalid_grant", GRANT),
    Row("pw email (ModelBackend)", PW | {"username": "", "email": "alice@example.com"}, 200, None,
        "changed: it works without a plug-in"),
    Row("pw scope ok", PW | {"scope": "read"}, 200, None, KEPT),
    Row("pw scope within kwarg", PW | {"scope": "read"}, 200, None, KEPT, generator=CAP),
    Row("pw scope beyond kwarg", PW | {"scope": "write"}, 400, "invalid_scope", KEPT,
        generator=CAP),
    Row("pw no scope requested, kwarg set (not defaulted)", PW, 200, None,
        "changed: the token has no more than the scope argument", generator=CAP),
    # refresh_token
    Row("rt ok no scope", a_refresh(), 200, None,
        "changed: a new access token; a confidential client keeps its refresh token"),
    Row("rt narrower", a_refresh(scope="read"), 200, None, KEPT),
    Row("rt widen back after narrowing", a_refresh(scope="read write"), 200, None,
        "changed: narrowing holds for one access token (RFC 6749 6)"),
    Row("rt broader", a_refresh(scope="read pay"), 400, "invalid_scope", KEPT),
    Row("rt scope empty string", a_refresh(scope=""), 200, None, EMPTY),
    Row("rt on long-expired access token", a_refresh(), 200, None, KEPT),
    Row("rt first", a_refresh(), 200, None, KEPT),
    Row("rt reuse old refresh token", a_refresh(), 200, None,
        "changed: good until its fixed expiry, with the client's own credentials"),
    Row("rt missing", a_refresh(refresh_token=""), 400, "invalid_request", KEPT),
    Row("rt unknown", a_refresh(refresh_token="x"), 400, "invalid_grant", GRANT),
    Row("rt unknown + no client auth (oracle before auth)", a_refresh(refresh_token="x"), 401,
        "invalid_client", AUTH_FIRST, authorization=None),
    Row("rt known + no client auth", a_refresh(), 401, "invalid_client", KEPT, authorization=None),
    Row("rt not refreshable", a_refresh("fixed"), 400, "unauthorized_client",
        "changed: whether a client may refresh is in its registration",
        authorization=basic("fixed")),
    Row("rt TOKEN OF C2 REFRESHED BY C1", a_refresh("other"), 400, "invalid_grant",
        "changed: a refresh token belongs to its client"),
    Row("rt via TokenGenerator(refreshable=False)", a_refresh(), 200, None,
        "kept, and without handing a refresh token out",
        generator=TokenGenerator(refreshable=False)),
    # MAC
    Row("mac cc", CC | FOR_MAC, 200, None, "changed: no refresh token (RFC 6749 4.4.3)",
        generator=WITH_MAC),
    Row("mac cc not refreshable", CC | FOR_MAC, 200, None, KEPT,
        generator=TokenGenerator(authentication_method=MAC, refreshable=False)),
    Row("mac refresh of a bearer token", a_refresh(), 400, "invalid_target", ONE_TYPE,
        generator=WITH_MAC),
    Row("mac refresh of mac token", a_refresh(resources=(MAC_API,)), 200, None,
        "changed: another mac_key at each refresh", generator=WITH_MAC),
    Row("bearer generator refreshing a mac token", a_refresh(resources=(MAC_API,)), 400,
        "invalid_target", ONE_TYPE, generator=TokenGenerator(authentication_method=BEARER)),
    # jsonp
    Row("callback ok", CC | {"callback": "cb"}, 200, None, "changed: JSON, always"),
    Row("callback error -> 200", CC | {"callback": "cb"}, 401, "invalid_client",
        "changed: an error has its status", authorization=basic("web", "x")),
    Row("callback unsanitised", CC | {"callback": "<script>"}, 401, "invalid_client",
        "changed: nothing that was sent is echoed", authorization=basic("web", "x")),
]  # fmt: skip


def ask(row: Row, store: Any = None) -> Response:
    """The answer to the row's request."""
    headers = {} if row.authorization is None else {"authorization": row.authorization}
    form = Form.parse(urlencode(row.parameters).encode())
    request = TokenRequest(form=form, headers=headers, received_at=row.now)
    return asyncio.run(row.generator(SERVER, request, store=store or NoStore()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.seen)
def test_each_observed_request_is_answered_as_its_row_says(row):
    response = ask(row)
    assert (response.status, response.error) == (row.status, row.error), row.verdict
    assert row.verdict.startswith((KEPT, "changed: "))
    assert "<script>" not in str(response.body)


def test_a_refresh_gives_a_new_access_token_and_the_same_refresh_token():
    """Seen: "same access_token: True, refresh rotated: True". Changed: nothing is stored."""
    row = Row("rt ok no scope", a_refresh(), 200, None, KEPT)
    first, second = ask(row), ask(row)
    assert first.access_token != second.access_token
    assert first.body["refresh_token"] == row.parameters["refresh_token"]


def test_narrowing_a_refresh_is_not_remembered():
    """Seen: "db scope" narrowed for good. Changed (RFC 6749 section 6)."""
    narrowed = Row("rt narrower", a_refresh(scope="read"), 200, None, KEPT)
    assert ask(narrowed).body["scope"] == "read"
    again = {**narrowed.parameters, "scope": "read write"}
    assert ask(Row("", again, 200, None, KEPT)).body["scope"] == "read write"


def test_a_second_use_of_a_code_is_refused(tmp_path):
    """Seen: "ac second use" 400 invalid_request. Changed: invalid_grant, with a store."""

    async def twice() -> list[str | None]:
        store = SQLiteStore(tmp_path / "replay.db")
        await store.fault(NOW - 10)
        form = Form.parse(urlencode(a_redemption()).encode())
        request = TokenRequest(form=form, headers={"authorization": basic("web")}, received_at=NOW)
        answers = [await handler(SERVER, request, store=store) for _ in range(2)]
        store.close()
        return [each.error for each in answers]

    assert asyncio.run(twice()) == [None, "invalid_grant"]


def test_a_failed_redemption_leaves_the_code_usable():
    """Seen: "ac failed redirect then", "... retry with right redirect (code survives)". Kept."""
    code = a_code(SERVER)
    wrong = a_redemption(code, redirect_uri="https://evil.example/")
    assert ask(Row("", wrong, 400, None, KEPT)).error == "invalid_grant"
    assert ask(Row("", a_redemption(code), 200, None, KEPT)).status == 200


def test_a_token_without_refresh_is_given_where_the_generator_says_so():
    """Seen: "mac cc not refreshable". Kept for every grant."""
    row = Row("", PW, 200, None, KEPT, generator=TokenGenerator(refreshable=False))
    assert "refresh_token" not in ask(row).body
    assert "refresh_token" in ask(Row("", PW, 200, None, KEPT)).body


def test_a_mac_key_is_another_at_every_mint():
    """Seen: 20 characters that lived as long as the row, and null at the refresh of a token that
    had none. Changed: 256 bits, at every mint, refreshing included."""
    rows = [
        Row("mac cc", CC | FOR_MAC, 200, None, KEPT, generator=WITH_MAC),
        Row("mac pw", PW | FOR_MAC, 200, None, KEPT, generator=WITH_MAC),
        Row("mac rt", a_refresh(resources=(MAC_API,)), 200, None, KEPT, generator=WITH_MAC),
    ]
    bodies = [ask(row).body for row in rows * 2]
    assert {body["mac_algorithm"] for body in bodies} == {"hmac-sha-256"}
    assert {len(body["mac_key"]) for body in bodies} == {43}
    assert len({body["mac_key"] for body in bodies}) == len(bodies)


# The object --------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", [0, 3, -1, "hawk", "MAC"])
def test_an_unknown_authentication_method_is_refused_at_once(method):
    """Seen: auth_method 0, 3, -1, 'mac'. Kept, but for 'mac': the name is the value here."""
    with pytest.raises(OAuth2Exception):
        TokenGenerator(authentication_method=method)


@pytest.mark.parametrize("scope", ["read write", ["read", "write"], {"write", "read"}])
def test_the_scope_argument_is_text_or_tokens(scope):
    """Seen: None, one AccessRange, or several. Kept."""
    assert TokenGenerator(scope=scope).scope == Scope({"read", "write"})


def test_no_authentication_method_leaves_it_to_the_resource():
    """Seen: auth_method None refused. Changed: it is the default."""
    assert TokenGenerator(authentication_method=None) == handler


def test_a_grant_without_validation_is_refused():
    """Seen: grant_response on fresh -> UnvalidatedRequest. Kept."""
    with pytest.raises(UnvalidatedRequest):
        handler.grant_response(SERVER, None)


def test_an_error_response_is_made_from_an_error():
    """Seen: error_response on fresh -> AttributeError. Changed: the error is an argument."""
    response = TokenGenerator.error_response(InvalidGrant("No."))
    assert (response.status, response.error) == (400, "invalid_grant")


def test_a_failed_validation_leaves_nothing_behind():
    """Seen: grant_response after FAILED validate on reused instance -> 200, and "after later
    failure on same instance valid= True". Changed: an instance holds no request."""
    good = Row("", CC, 200, None, KEPT)
    bad = Row("", CC, 401, None, KEPT, authorization=basic("web", "x"))
    assert [ask(row).status for row in (good, bad, good)] == [200, 401, 200]


@pytest.mark.parametrize(
    ("exception", "status"),
    [(InvalidRequest, 400), (InvalidClient, 401), (InvalidGrant, 400), (InvalidScope, 400),
     (UnauthorizedClient, 400), (UnsupportedGrantType, 400)],
)  # fmt: skip
def test_only_invalid_client_is_401(exception, status):
    assert TokenGenerator.error_response(exception("No.")).status == status


def test_the_defaults_are_those_of_today():
    """Seen: CODE_EXPIRATION 120, ACCESS_TOKEN_EXPIRATION 3600, tokens of 40 bits. Changed."""
    settings = SERVER.registry.issuer
    assert (settings.authorization_code_lifetime, settings.access_token_lifetime) == (25, 600)
    assert "".join(CHALLENGE.split()) == CHALLENGE


# Over HTTP ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "method"),
    [("cc basic ok via GET", "GET"), ("pw via GET", "GET"), ("put", "PUT"), ("delete", "DELETE"),
     ("options", "OPTIONS")],
)  # fmt: skip
def test_only_post_is_answered(issuer_server: RunningIssuer, seen, method):
    """Seen: 200, and 400 for the others. Changed: 405 (RFC 6749 section 3.2)."""
    response = issuer_server.http.request(method, "/token", params=CC, auth=("web", SECRET))
    assert response.status_code == 405, seen
    assert response.headers["allow"] == "POST"


def test_a_secret_in_the_query_is_not_read(issuer_server: RunningIssuer):
    """Seen: "cc GET client_secret in query (ignored)". Kept."""
    response = issuer_server.http.post("/token", params=POST, data=CC)
    assert response.status_code == 401


def test_the_body_is_what_counts(issuer_server: RunningIssuer):
    """Seen: "POST body wins over query". Kept: the query is not read at all."""
    query = {"grant_type": "nonsense"}
    answer = issuer_server.http.post("/token", params=query, data=CC, auth=("web", SECRET))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("seen", "given", "status"),
    [
        ("duplicated param", {"content": "grant_type=x&grant_type=x"}, 400),
        ("json body", {"json": CC}, 415),
    ],
)
def test_a_body_that_is_no_plain_form_is_refused(issuer_server: RunningIssuer, seen, given, status):
    """Seen: 200 for the first, "No grant_type provided." for the second. Changed."""
    headers = {} if "json" in given else {"content-type": "application/x-www-form-urlencoded"}
    answer: httpx.Response = issuer_server.http.post("/token", headers=headers, **given)
    assert (answer.status_code, answer.json()["error"]) == (status, "invalid_request"), seen


def test_the_endpoint_needs_no_exemption_from_anything(issuer_server: RunningIssuer):
    """Seen: "CSRF middleware POST via TokenGenerator instance: 403". Changed: there is none."""
    assert issuer_server.token("web", **CC).status_code == 200
