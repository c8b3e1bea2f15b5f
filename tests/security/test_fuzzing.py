"""Anything at all: the form parser and the pipeline refuse it in their own words, or mean it."""

import json
from base64 import b64encode
from functools import partial
from urllib.parse import parse_qsl, urlencode

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from issuer.errors import InvalidRequest, InvalidScope
from issuer.protocol.form import MAX_PARAMETERS, REPEATABLE, Form
from issuer.protocol.request import TokenRequest
from issuer.registry import InvalidRegistry, parse, redirect_uri
from issuer.registry.scope import Scope
from issuer.token import OFFERED
from tests.asking import a_refresh_token, a_request_of, ask, claims_of
from tests.builders import (
    ALL_GRANTS,
    API,
    CALLBACK,
    ISSUER,
    NOW,
    OTHER_API,
    PASSWORD,
    SECRET,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_server,
    basic,
)

calmly = partial(  # a busy machine is no finding
    settings, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)

STATUSES = {200, 400, 401, 503}
LOGGED = {"client_id", "credential", "detail"}

SERVER = a_server(
    a_client(resources=(API, OTHER_API), scope=Scope({"read", "write", "pay"})),
    a_client("thief"),
    a_client("poster", token_endpoint_auth_method="client_secret_post"),
    a_public_client(),
)
CODE, PUBLIC_CODE = a_code(SERVER), a_code(SERVER, client_id="spa")
REFRESH_TOKEN = a_refresh_token(SERVER)

FORM_BYTES = st.lists(
    st.sampled_from(
        [b"a", b"=", b"&", b"%", b"+", b";", b"%41", b"%c3", b"%a9", b"%ff", b"%00", b"%",
         b"resource=", b"grant_type=", b"scope", b"\xc3\xa9", b"\x00", b"%ED%A0%80", b"%e2%82%ac"]
    ),
    max_size=30,
).map(b"".join) | st.binary(max_size=200)  # fmt: skip


@calmly()
@given(FORM_BYTES)
@example(b"%")
@example(b"\xff")
@example(b"&".join(b"%d=" % each for each in range(MAX_PARAMETERS + 1)))
def test_a_form_is_parsed_or_refused_and_nothing_else_happens(body):
    try:
        form = Form.parse(body)
    except InvalidRequest:
        return
    pairs = parse_qsl(
        body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=None
    )
    assert {name for name, _ in pairs} == form.parameters.keys()
    for name in form.parameters:
        values = tuple(value for other, value in pairs if other == name and value)
        assert form.all(name) == values
        assert name in REPEATABLE or len(values) <= 1


@calmly()
@given(st.lists(st.tuples(st.text(max_size=8), st.text(max_size=20)), max_size=20))
def test_what_a_client_encodes_is_what_the_form_holds(pairs):
    body = urlencode(pairs, errors="surrogatepass").encode()
    names = [name for name, _ in pairs]
    text = "".join(name + value for name, value in pairs)
    if any("\ud800" <= each <= "\udfff" for each in text) or any(
        names.count(name) > 1 and name not in REPEATABLE for name in names
    ):
        with pytest.raises(InvalidRequest):
            Form.parse(body)
        return
    form = Form.parse(body)
    assert {name: form.get(name) for name in names} == {n: v or None for n, v in pairs}


NAMES = st.sampled_from(
    ["grant_type", "code", "code_verifier", "redirect_uri", "refresh_token", "username", "email",
     "password", "scope", "resource", "audience", "client_id", "client_secret", "state"]
)  # fmt: skip
VALUES = st.sampled_from(
    [*ALL_GRANTS, CODE, PUBLIC_CODE, REFRESH_TOKEN, CODE[:-1], VERIFIER, CALLBACK, PASSWORD,
     SECRET, API, OTHER_API, "alice", "alice@example.com", "web", "thief", "poster", "spa",
     "nobody", "read", "write", "pay", "read write", "admin", "openid", "openid read groups",
     "offline_access", "read offline_access", API + "/", OTHER_API + "/", API + "//", API + "/x",
     "http://localhost:1234/callback", "undefined", "", " ", "\0", "\u00e9", "x" * 300]
) | st.text(st.characters(exclude_categories=["Cs"]), max_size=12)  # fmt: skip
AUTHORIZATIONS = st.sampled_from(
    [
        None,
        basic("web"),
        basic("thief"),
        basic("poster"),
        basic("spa"),
        basic("spa", ""),
        basic("web", ""),
        basic("poster", ""),
        basic("nobody", ""),
        basic("web", "wrong"),
        basic("nobody"),
        "Basic",
        "Bearer x",
        "",
    ]
) | st.one_of(
    st.text(st.characters(max_codepoint=255), max_size=20),
    st.binary(max_size=20).map(lambda pair: "Basic " + b64encode(pair).decode()),
)


def due(pairs: dict[str, str], authorization: str | None) -> bool:
    """Whether a token may be given at all, judged anew and from the other end."""
    grant = pairs.get("grant_type")
    by_header = {basic("web"): "web", basic("thief"): "thief"}.get(authorization or "")
    client = by_header
    if authorization is None:
        posted = pairs.get("client_id"), pairs.get("client_secret")
        client = {("poster", SECRET): "poster"}.get(posted)
        if pairs.get("client_id") == "spa" and not pairs.get("client_secret"):
            client = "spa"
    if authorization == basic("spa", ""):
        named = pairs.get("client_id") or "spa"
        client = "spa" if named == "spa" and not pairs.get("client_secret") else None
    if client is None:
        return False
    if grant == "authorization_code":
        codes = {CODE: "web", PUBLIC_CODE: "spa"}
        return (
            codes.get(pairs.get("code", "")) == client
            and pairs.get("code_verifier") == VERIFIER
            and pairs.get("redirect_uri") in (None, "", CALLBACK)
        )
    if grant == "refresh_token":
        return client == "web" and pairs.get("refresh_token") == REFRESH_TOKEN
    if grant == "password":
        logins = {"alice", "alice@example.com"}
        login = pairs.get("username") or pairs.get("email")
        return login in logins and pairs.get("password") == PASSWORD
    return grant == "client_credentials" and client != "spa"


STARTS = st.sampled_from(
    [
        {},
        {"grant_type": "client_credentials"},
        {"grant_type": "authorization_code", "code": CODE, "code_verifier": VERIFIER},
        {
            "grant_type": "authorization_code",
            "code": PUBLIC_CODE,
            "code_verifier": VERIFIER,
            "client_id": "spa",
        },
        {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN},
        {"grant_type": "password", "username": "alice", "password": PASSWORD},
        {"grant_type": "client_credentials", "client_id": "poster", "client_secret": SECRET},
        {"grant_type": "client_credentials", "resource": API + "/", "scope": "read"},
        {"grant_type": "authorization_code", "code": PUBLIC_CODE, "code_verifier": VERIFIER},
    ]
)


@calmly(max_examples=400)
@given(STARTS, st.dictionaries(NAMES, VALUES, max_size=4), AUTHORIZATIONS)
def test_a_token_is_given_to_whom_it_is_due_and_to_nobody_else(start, more, authorization):
    """Whatever else is sent along: 200, 400, 401 or 503, and never a 200 that should not be."""
    pairs = start | more
    request = a_request_of(*pairs.items(), client_id=None, authorization=authorization)
    response = ask(SERVER, request)
    assert response.status in STATUSES
    assert response.log.keys() <= LOGGED
    assert (response.status == 401) == (response.error == "invalid_client")
    if response.status == 200:
        assert due(pairs, authorization)
        claims = claims_of(SERVER, response)
        assert claims["aud"] in (API, OTHER_API)
        assert claims["iss"] == ISSUER
        assert set(claims.get("scope", "").split()) <= {"read", "write", "pay"}
    else:
        assert "access_token" not in response.body


@calmly(max_examples=300)
@given(
    st.dictionaries(NAMES, st.lists(st.text(max_size=20), max_size=3).map(tuple), max_size=8),
    st.dictionaries(
        st.sampled_from(["authorization", "content-type", "x"]), st.text(max_size=30), max_size=3
    ),
)
def test_no_form_however_made_makes_the_pipeline_fail(parameters, headers):
    """Not even one that no body can spell: values repeated or empty, headers of any text."""
    request = TokenRequest(form=Form(parameters), headers=headers, received_at=NOW)
    response = ask(SERVER, request)
    assert response.status in STATUSES - {200}


@calmly()
@given(st.text(max_size=60))
def test_no_redirect_uri_makes_its_check_fail(uri):
    """Refused or taken; and what is taken is one absolute URI without surprises."""
    try:
        assert redirect_uri.check(uri) == uri
    except ValueError:
        return
    assert uri.isascii()
    assert not set(uri) & set(" \t\r\n#*\\<>\"'@") - set("'@")


@calmly()
@given(st.text(max_size=40))
def test_a_scope_is_read_back_as_it_was_written_or_refused(text):
    try:
        scope = Scope.parse(text)
    except InvalidScope:
        return
    assert Scope.parse(str(scope)) == scope
    assert sorted(scope) == sorted(set(text.split(" ")))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.text(max_size=8)
        | st.sampled_from(["url", "hash", "scope", "scopes", "client_secrets", "grant_types",
                           "redirect_uris", "claims", "resources", "sub", "email"]),
        inner,
        max_size=4,
    ),
    max_leaves=12,
)  # fmt: skip


@calmly(max_examples=200)
@given(
    st.dictionaries(
        st.sampled_from(["issuer", "clients", "users", "resources", "scopes", "x"]), JSON
    )
)
def test_no_registry_makes_its_parser_fail(table):
    """Every problem is one that can be logged."""
    content = json.dumps(table).encode()
    problems = ()
    try:
        parse({"registry.json": content}, OFFERED)
    except InvalidRegistry as refused:
        problems = refused.problems
    assert all(str(each).encode() for each in problems)


@calmly(max_examples=100)
@given(st.binary(max_size=200), st.sampled_from(["r.json", "r.toml"]))
def test_no_bytes_make_the_registrys_parser_fail(content, name):
    with pytest.raises(InvalidRegistry):
        parse({name: content}, OFFERED)
