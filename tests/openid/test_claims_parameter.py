"""The ``claims`` parameter: OpenID Connect Core section 5.5."""

import json

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from issuer.browser import claims_request, consent, form_token, sessions
from issuer.browser.answering import Answered, grant
from issuer.browser.login_application import _wished_classes
from issuer.browser.steps import AskConsent, Granted, LogIn, next_step
from issuer.browser.userinfo import tell
from issuer.errors import InvalidRequest
from issuer.introspection import members, validate
from issuer.protocol.sealed import Login, RequestedClaims
from issuer.registry.client import ClientSecret
from issuer.registry.released import Group, Place, ReleasedClaim
from issuer.registry.scope import Scope
from issuer.registry.secret import sha256_hash
from tests.asking import ask, claims_of, refresh
from tests.browser.builders import a_form, a_session, an_interaction, parameters, refused
from tests.builders import (
    API,
    NOW,
    SECRET,
    VERIFIER,
    a_request,
    a_resource,
    showing,
)
from tests.openid.builders import (
    IDENTITY,
    a_relying_party,
    an_openid_server,
    with_resources,
)

CLIENT = a_relying_party(scope=Scope({*IDENTITY, "groups", "read"}))
CLAIMS = (
    ReleasedClaim(claim="groups"),
    ReleasedClaim(claim="level", scopes=("groups",), told_in=(Place.ACCESS_TOKEN,)),
)
GROUPS = (Group(group="admins", users=("alice",)),)


def a_server(client=CLIENT, **registry):
    return an_openid_server(client, **({"claims": CLAIMS, "groups": GROUPS} | registry))


SERVER = a_server()


def spelled(**members) -> str:
    return json.dumps(members)


def granted(server=SERVER, *, scope="openid read offline_access", now=NOW, **members):
    """The token response to whoever asked with these members, once alice agreed."""
    held = an_interaction(server, scope=scope, claims=spelled(**members), now=now)
    session = a_session(server, now=now)
    requested = next_step(server, held, session, now).requested
    session = consent.agree(session, requested, held.id)
    step = next_step(server, held, session, now)
    assert isinstance(step, Granted)
    code = parameters(grant(server, step.requested, session, now))["code"]
    request = a_request("authorization_code", code=code, code_verifier=VERIFIER, now=now)
    return ask(server, request)


def id_token(response):
    return jwt.decode(str(response.body["id_token"]), options={"verify_signature": False})


def userinfo(response, server=SERVER):
    return dict(tell(server, showing(f"Bearer {response.access_token}")).claims)


def test_a_claim_is_told_alone_where_it_was_asked_for():
    """Section 5.5: without the scope that tells it together with others."""
    response = granted(id_token={"email": None}, userinfo={"name": {"essential": True}})
    assert id_token(response)["email"] == "alice@example.com"
    assert {"email_verified", "name"}.isdisjoint(id_token(response))
    assert userinfo(response) == {"sub": "alice", "name": "Alice Example"}


def test_what_is_of_the_registry_can_be_asked_for_in_the_same_way():
    response = granted(id_token={"groups": None})
    assert id_token(response)["groups"] == ["admins"]
    assert "groups" not in userinfo(response)


@pytest.mark.parametrize("name", ["salary", "level", "iss", "nonce", "https://x.example/é", ""])
def test_what_is_not_known_there_is_ignored(name):
    """Section 5.5: it is no error."""
    told = id_token(granted(id_token={name: {"essential": True}, "email": None}))
    assert told["email"]
    assert name in ("iss",) or name not in told


def test_no_client_is_told_what_its_scope_does_not_let_it_know():
    client = a_relying_party(scope=Scope({"openid", "email", "offline_access", "read"}))
    told = id_token(granted(a_server(client), id_token={"name": None, "email": None}))
    assert ("name" in told, "email" in told) == (False, True)


def test_it_goes_with_openid_alone():
    held = an_interaction(SERVER, scope="read", claims=spelled(id_token={"email": None}))
    requested = next_step(SERVER, held, None, NOW).requested
    assert (requested.wishes, requested.named) == (None, ())


def test_what_was_agreed_to_is_told_again_at_each_refresh():
    response = granted(id_token={"email": None}, userinfo={"name": None})
    again = refresh(SERVER, str(response.body["refresh_token"]))
    assert id_token(again)["email"] == "alice@example.com"
    assert userinfo(again) == {"sub": "alice", "name": "Alice Example"}
    less = a_relying_party(scope=Scope({"openid", "profile", "offline_access", "read"}))
    later = a_server(less)
    again = refresh(later, str(response.body["refresh_token"]))
    assert "email" not in id_token(again)
    assert userinfo(again, later) == {"sub": "alice", "name": "Alice Example"}


def test_a_client_that_loses_the_scope_is_told_no_more_with_a_token_of_before():
    response = granted(userinfo={"name": None, "email": None})
    later = a_server(a_relying_party(scope=Scope({"openid", "email", "read"})))
    assert userinfo(response, later) == {"sub": "alice", "email": "alice@example.com"}


def test_whom_a_login_application_vouches_for_is_told_of_in_the_same_way():
    server = a_server(users=(), login_url="https://login.example/")
    held = an_interaction(
        server, scope="openid read", claims=spelled(userinfo={"email": None, "groups": None})
    )
    login = Login(claims={"email": "bob@b.example", "name": "Bob", "groups": ["x"]})
    session = sessions.log_in(
        server, None, login, sub="bob", auth_time=NOW, interaction_id=held.id, now=NOW
    )
    requested = next_step(server, held, session, NOW).requested
    code = parameters(grant(server, requested, session, NOW))["code"]
    response = ask(server, a_request("authorization_code", code=code, code_verifier=VERIFIER))
    told = userinfo(response, server)
    assert told == {"sub": "bob", "email": "bob@b.example", "groups": ["x"]}


def test_a_resource_server_is_told_nothing_of_it():
    """RFC 7662: the names are for userinfo."""
    secret = (ClientSecret(hash=sha256_hash(SECRET)),)
    server = with_resources(a_resource(client_secrets=secret), client=CLIENT)
    response = granted(server, userinfo={"name": None})
    assert claims_of(server, response)["userinfo_claims"] == ["name"]
    request = a_request(None, client_id=API, token=str(response.access_token))
    told = members(validate(server, request))
    assert told["active"] is True
    assert "userinfo_claims" not in told


def test_a_resource_that_must_not_ask_who_its_callers_are_gets_no_such_token():
    server = with_resources(a_resource(userinfo=False), client=CLIENT)
    response = granted(server, userinfo={"name": None}, id_token={"name": None})
    assert "userinfo_claims" not in claims_of(server, response)
    assert id_token(response)["name"] == "Alice Example"


def test_the_same_code_yields_the_same_bytes():
    """Without a store."""
    held = an_interaction(SERVER, scope="openid read", claims=spelled(userinfo={"name": None}))
    session = a_session(SERVER)
    code = parameters(grant(SERVER, next_step(SERVER, held, session, NOW).requested, session, NOW))
    request = a_request("authorization_code", code=code["code"], code_verifier=VERIFIER)
    first, second = ask(SERVER, request), ask(SERVER, request)
    assert first.body == second.body


# What the user sees


def test_the_user_is_asked_for_each_by_name_and_a_yes_covers_no_other():
    """Section 5.5, P34."""
    one = an_interaction(SERVER, scope="openid", claims=spelled(id_token={"birthdate": None}))
    session = a_session(SERVER)
    asked = next_step(SERVER, one, session, NOW)
    assert isinstance(asked, AskConsent)
    view = consent.question(SERVER, asked.requested, asked.user, interaction="i", form_token="t")
    assert view.claims == (("birthdate", ""),)
    session = consent.agree(session, asked.requested, "another")
    assert isinstance(next_step(SERVER, one, session, NOW), Granted)
    for more in ({"gender": None}, {"birthdate": None, "email": None}):
        other = an_interaction(SERVER, scope="openid", claims=spelled(userinfo=more))
        assert isinstance(next_step(SERVER, other, session, NOW), AskConsent)


def test_a_page_that_showed_fewer_is_no_yes_to_more():
    few, more = (
        next_step(
            SERVER,
            an_interaction(SERVER, scope="openid", claims=spelled(id_token=names)),
            a_session(SERVER),
            NOW,
        ).requested
        for names in ({"email": None}, {"email": None, "name": None})
    )
    session = a_session(SERVER)
    text = consent.issue_token(SERVER, few, session, "id", NOW)
    shown = form_token.check(SERVER, text, session, "id", NOW)
    assert not consent.is_all_shown(more, shown)
    assert consent.is_all_shown(few, shown)


def test_what_the_scope_tells_anyway_is_not_asked_for_twice():
    held = an_interaction(SERVER, scope="openid email", claims=spelled(id_token={"email": None}))
    assert next_step(SERVER, held, None, NOW).requested.named == ()


def test_prompt_none_says_that_consent_is_missing():
    asked = {"scope": "openid", "prompt": "none"}
    before = next_step(SERVER, an_interaction(SERVER, scope="openid"), None, NOW).requested
    session = consent.agree(a_session(SERVER), before, "x")
    assert isinstance(next_step(SERVER, an_interaction(SERVER, **asked), session, NOW), Granted)
    held = an_interaction(SERVER, claims=spelled(id_token={"email": None}), **asked)
    with pytest.raises(Answered) as caught:
        next_step(SERVER, held, session, NOW)
    assert parameters(caught.value.response)["error"] == "consent_required"


# Who and how


def stepped(session, server=SERVER, *, interaction_id=None, prompt=None, **members):
    held = an_interaction(server, scope="openid", claims=spelled(**members), prompt=prompt)
    if interaction_id:
        held = replace(held, id=interaction_id)
    return next_step(server, held, session, NOW)


@pytest.mark.parametrize("member", ["id_token", "userinfo"])
def test_a_sub_of_somebody_else_asks_for_another_login(member):
    """Section 5.5.1."""
    session = a_session(SERVER)
    assert isinstance(stepped(session, **{member: {"sub": {"value": "bob"}}}), LogIn)
    assert isinstance(stepped(session, **{member: {"sub": {"value": "alice"}}}), AskConsent)
    assert isinstance(stepped(session, **{member: {"sub": {"values": ["a", "alice"]}}}), AskConsent)
    assert isinstance(stepped(session, **{member: {"sub": {"essential": True}}}), AskConsent)


@pytest.mark.parametrize(
    "changes", [{"prompt": "none"}, {"interaction_id": "this one"}], ids=["silent", "logged in"]
)
def test_a_sub_that_cannot_be_had_is_login_required(changes):
    session = a_session(SERVER, interaction_id="this one")
    with pytest.raises(Answered) as caught:
        stepped(session, id_token={"sub": {"value": "bob"}}, **changes)
    assert parameters(caught.value.response)["error"] == "login_required"
    if "prompt" not in changes:
        assert stepped(session, id_token={"sub": {"value": "alice"}}, **changes)


APPLICATION = a_server(login_url="https://login.example/", acr_values_supported=("low", "high"))
HIGH = {"acr": {"essential": True, "values": ["highest", "high"]}}


def logged_in_by(acr, interaction_id="earlier", server=APPLICATION):
    return sessions.log_in(
        server, None, Login(acr=acr), sub="alice", auth_time=NOW,
        interaction_id=interaction_id, now=NOW,
    )  # fmt: skip


def test_an_essential_acr_asks_for_a_login_that_reaches_it():
    """Section 5.5.1.1; the login application is told which."""
    asked = stepped(logged_in_by("low"), APPLICATION, id_token=HIGH)
    assert isinstance(asked, LogIn)
    assert _wished_classes(asked.requested) == "highest high"
    assert isinstance(stepped(logged_in_by("high"), APPLICATION, id_token=HIGH), AskConsent)


def test_an_essential_acr_that_was_not_reached_is_an_error():
    """unmet_authentication_requirements."""
    session = logged_in_by("low", "this one")
    with pytest.raises(Answered) as caught:
        stepped(session, APPLICATION, id_token=HIGH, interaction_id="this one")
    error = parameters(caught.value.response)["error"]
    assert error == "unmet_authentication_requirements"
    session = logged_in_by("high", "this one")
    assert stepped(session, APPLICATION, id_token=HIGH, interaction_id="this one")


def test_an_acr_that_the_login_page_cannot_reach_is_not_tried():
    """Nobody types their password in vain."""
    server = a_server(acr_values_supported=("low",))
    with pytest.raises(Answered):
        stepped(a_session(server), server, id_token=HIGH)
    low = {"acr": {"essential": True, "value": "low"}}
    assert isinstance(stepped(logged_in_by(None, server=server), server, id_token=low), LogIn)


@pytest.mark.parametrize("acr", [{"values": ["high"]}, {"essential": True}, None])
def test_an_acr_that_is_a_wish_is_no_demand(acr):
    """Section 5.5.1.1: voluntary."""
    session = logged_in_by("low")
    assert isinstance(stepped(session, APPLICATION, id_token={"acr": acr}), AskConsent)


# What it may look like


@pytest.mark.parametrize(
    "text",
    [
        "x", "[]", "1", '{"id_token": []}', '{"userinfo": {"email": 1}}',
        '{"id_token": {"email": {"essential": "yes"}}}',
        '{"id_token": {"sub": {"value": 1}}}', '{"id_token": {"sub": {"value": ""}}}',
        '{"id_token": {"acr": {"values": "high"}}}',
        '{"id_token": {"acr": {"value": "a", "values": ["b"]}}}',
        '{"id_token": {"a": null, "a": null}}',
        '{"id_token": {"acr": {"value": NaN}}}',
        "{" + '"a":{' * 2000, "[" * 4000,
        json.dumps({"id_token": {f"c{n}": None for n in range(65)}}),
        json.dumps({"id_token": {"email": {"value": "x" * 4096}}}),
    ],
)  # fmt: skip
def test_what_section_5_5_does_not_describe_is_an_invalid_request(text):
    told = refused(SERVER, a_form(scope="openid", claims=text))
    assert told["error"] == "invalid_request"
    assert "section 5.5" in told["error_description"]
    assert an_interaction(SERVER, scope="openid", claims='{"id_token": null, "other": 1}')


@given(st.text() | st.recursive(
    st.none() | st.booleans() | st.text() | st.integers(),
    lambda each: st.lists(each) | st.dictionaries(
        st.sampled_from(["id_token", "userinfo", "sub", "acr", "value", "values", "essential"]),
        each,
    ),
).map(json.dumps))  # fmt: skip
def test_whatever_it_says_it_is_read_or_refused(text):
    try:
        read = claims_request.read(text)
    except InvalidRequest:
        return
    assert read is not None
    assert isinstance(read.named, RequestedClaims)


def test_a_request_object_may_have_it_as_json():
    """Section 6.1."""
    asked = {"id_token": {"email": None}}
    assert claims_request.read(str(claims_request.spelled(asked))) == claims_request.read(
        json.dumps(asked)
    )
    assert claims_request.spelled("text") == "text"
