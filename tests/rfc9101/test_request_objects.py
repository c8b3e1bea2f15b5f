"""Requests that their client signed (RFC 9101), as FAPI 2.0 Message Signing 5.3.1 has them."""

import asyncio

import pytest

from issuer.browser import interaction
from issuer.browser.answering import Answered
from issuer.browser.authorization_request import Prompt, ResponseMode
from issuer.browser.steps import Granted, LogIn, next_step
from issuer.errors import (
    AccessTokenException,
    InvalidRequest,
    InvalidRequestObject,
    RequestNotSupported,
    TemporarilyUnavailable,
)
from issuer.protocol.published_keys import needed
from issuer.protocol.replay import Use, spend
from issuer.registry.scope import Scope
from issuer.stores.sqlite import SQLiteStore
from tests.browser.builders import a_form, a_session, agreed, parameters
from tests.builders import (
    API,
    CALLBACK,
    CHALLENGE,
    ISSUER,
    NOW,
    OTHER_API,
    a_client,
    a_public_client,
    a_server,
)
from tests.rfc7523.keys import OTHERS, a_jwks, a_public_jwk, sign
from tests.rfc9101.builders import (
    a_request_object,
    a_signing_client,
    carrying,
    received,
    said,
)

SERVER = a_server(a_signing_client(), a_client("other"))
EVIL = "https://evil.example/callback"


def told(text, *, server=SERVER, now=NOW, **beside):
    """What the client hears of a request that is refused."""
    with pytest.raises(Answered) as caught:
        interaction.receive(server, carrying(text, **beside), now)
    return parameters(caught.value.response)


def test_what_was_signed_is_what_is_asked():
    """Section 4: each parameter is a claim of its own name."""
    text = a_request_object(
        nonce="n", prompt="login consent", max_age=60, login_hint="alice", ui_locales="de en",
        acr_values="1 2", id_token_hint="ey", response_mode="form_post", resource=[API],
        scope="read write",
    )  # fmt: skip
    held = received(SERVER, text).request
    assert (held.client_id, held.redirect_uri, held.scope) == ("web", CALLBACK, "read write")
    assert (held.state, held.nonce, held.code_challenge) == ("signed", "n", CHALLENGE)
    assert held.prompt == {Prompt.LOGIN, Prompt.CONSENT}
    assert (held.max_age, held.login_hint, held.ui_locales) == (60, "alice", "de en")
    assert (held.acr_values, held.id_token_hint) == ("1 2", "ey")
    assert held.response_mode is ResponseMode.FORM_POST
    assert held.resource == (API,)


def test_it_leads_to_a_code_as_any_request_does():
    held = received(SERVER, a_request_object())
    text = interaction.seal(SERVER, held, NOW)
    resumed = interaction.resume(SERVER, text, NOW)
    assert isinstance(next_step(SERVER, resumed, None, NOW), LogIn)
    session = agreed(SERVER, a_session(SERVER), "read")
    assert isinstance(next_step(SERVER, resumed, session, NOW), Granted)


def test_nothing_that_stands_beside_it_counts():
    """Section 6.3: not even what the object leaves out."""
    beside = {
        "scope": "write", "state": "other", "redirect_uri": EVIL, "prompt": "none", "nonce": "n",
        "response_mode": "nonsense", "response_type": "token", "max_age": "x",
        "code_challenge": "short", "resource": OTHER_API,
    }  # fmt: skip
    held = received(SERVER, a_request_object(scope=None), **beside).request
    assert (held.scope, held.state, held.redirect_uri) == (None, "signed", CALLBACK)
    assert (held.nonce, held.max_age, held.prompt) == (None, None, frozenset())
    assert held.response_mode is ResponseMode.QUERY
    assert held.resource == ()


@pytest.mark.parametrize("resource", [API, [API], [], ""])
def test_a_resource_is_one_or_several(resource):
    held = received(SERVER, a_request_object(resource=resource)).request
    assert held.resource == ((API,) if resource else ())


@pytest.mark.parametrize("max_age", [0, 60, "60"])
def test_a_max_age_is_a_number_or_spells_one(max_age):
    assert received(SERVER, a_request_object(max_age=max_age)).request.max_age == int(max_age)


def test_what_is_not_known_is_not_read():
    text = a_request_object(purpose=[1], dpop=1.5, device={"id": 1}, authorization_details=[])
    assert received(SERVER, text).request.device is None


@pytest.mark.parametrize("asked", [{"userinfo": {"email": None}}, '{"userinfo":{"email":null}}'])
def test_claims_are_an_object_or_spell_one(asked):
    """OpenID Connect Core section 6.1."""
    held = received(SERVER, a_request_object(claims=asked)).request
    assert held.claims is not None
    assert held.claims.named.userinfo == ("email",)
    for wrong in ([], 1, {"userinfo": 1}):
        with pytest.raises((InvalidRequestObject, Answered)):
            received(SERVER, a_request_object(claims=wrong))


@pytest.mark.parametrize("jwks", ["jwks", "of another alg"])
@pytest.mark.parametrize("alg", ["ES256", "PS256", "RS256", "EdDSA"])
def test_each_algorithm_is_good_where_it_is_registered(alg, jwks):
    key = a_public_jwk(alg, alg=alg if jwks == "jwks" else None)
    client = a_signing_client(jwks=a_jwks(key), request_object_signing_alg=alg)
    server = a_server(client)
    assert received(server, a_request_object(how={"alg": alg}))
    wrong = {"ES256": "EdDSA", "EdDSA": "ES256", "RS256": "PS256", "PS256": "RS256"}[alg]
    with pytest.raises(InvalidRequestObject):  # J4
        received(server, a_request_object(how={"alg": wrong}))


@pytest.mark.parametrize("registered", [None, "EdDSA"])
@pytest.mark.parametrize("alg", [None, "EdDSA", "Ed25519"])
def test_ed25519_has_two_names(alg, registered):
    """RFC 9864 section 2.2: in a header and of a key; libraries say either."""
    key = a_public_jwk("EdDSA", alg=alg)
    server = a_server(a_signing_client(jwks=a_jwks(key), request_object_signing_alg=registered))
    for named in ("EdDSA", "Ed25519"):
        text = a_request_object(how={"alg": "EdDSA"}, header={"alg": named})
        assert received(server, text)
    with pytest.raises(InvalidRequestObject):
        received(server, a_request_object(how={"alg": "EdDSA"}, header={"alg": "ed25519"}))


@pytest.mark.parametrize("typ", ["oauth-authz-req+jwt", "OAUTH-AUTHZ-REQ+JWT", "JWT", "jwt", None,
                                 "application/oauth-authz-req+jwt"])  # fmt: skip
def test_its_type_is_its_own_or_none_in_particular(typ):
    """Section 10.8.1."""
    assert received(SERVER, a_request_object(header={"typ": typ}))


@pytest.mark.parametrize(
    "typ",
    ["at+jwt", "client-authentication+jwt", "dpop+jwt", "logout+jwt", "oauth-authz-req+jwt;x", "",
     "token-introspection+jwt", "login-response+jwt", "secevent+jwt", 1, ["JWT"]],
)  # fmt: skip
def test_what_says_it_is_something_else_is_refused(typ):
    """J13, J18."""
    with pytest.raises(InvalidRequestObject):
        received(SERVER, a_request_object(header={"typ": typ}))
    assert received(SERVER, a_request_object())


@pytest.mark.parametrize(
    ("changes", "about"),
    [
        pytest.param({"iss": None}, "iss", id="no iss"),
        pytest.param({"iss": "other"}, "iss", id="another iss"),
        pytest.param({"iss": ["web"]}, "iss", id="J16: a list as iss"),
        pytest.param({"iss": ISSUER}, "iss", id="the issuer's"),
        pytest.param({"client_id": None}, "client_id", id="no client_id inside"),
        pytest.param({"client_id": "other"}, "client_id", id="another client_id"),
        pytest.param({"client_id": ["web"]}, "client_id", id="a list as client_id"),
        pytest.param({"sub": "web"}, "sub", id="10.8: sub is the client_id"),
        pytest.param({"aud": None}, "aud", id="no aud"),
        pytest.param({"aud": ISSUER + "/"}, "aud", id="J15: a slash more"),
        pytest.param({"aud": ISSUER + "/authorize"}, "aud", id="the endpoint"),
        pytest.param({"aud": ISSUER + "/par"}, "aud", id="the other endpoint"),
        pytest.param({"aud": ISSUER[:-1]}, "aud", id="J15: a prefix"),
        pytest.param({"aud": "https://evil.example"}, "aud", id="another issuer"),
        pytest.param({"aud": ["https://evil.example"]}, "aud", id="a list of another"),
        pytest.param({"aud": [ISSUER, 1]}, "aud", id="a list of something else"),
        pytest.param({"aud": []}, "aud", id="an empty list"),
        pytest.param({"aud": {ISSUER: 1}}, "aud", id="J15: an object"),
        pytest.param({"aud": 1}, "aud", id="a number"),
        pytest.param({"request": "ey"}, "request", id="4: a request in it"),
        pytest.param({"request_uri": EVIL}, "request", id="P35: a request_uri in it"),
    ],
)
def test_it_is_its_clients_and_for_this_issuer(changes, about):
    """Sections 4, 5 and 10.8; FAPI 2.0 Message Signing section 5.3.1. Nobody is sent to a place
    that only such an object names."""
    with pytest.raises(InvalidRequestObject, match=about) as caught:
        received(SERVER, a_request_object(**changes))
    assert caught.value.client_id == "web"
    assert caught.value.error == "invalid_request_object"
    assert received(SERVER, a_request_object())


@pytest.mark.parametrize("aud", [ISSUER, [ISSUER], [ISSUER, "https://other.example"]])
def test_it_may_be_for_others_as_well(aud):
    """FAPI 2.0 Message Signing section 5.3.1: aud is the issuer, or an array with it."""
    assert received(SERVER, a_request_object(aud=aud))


def test_a_sub_that_is_somebody_is_not_the_client():
    assert received(SERVER, a_request_object(sub="alice"))


@pytest.mark.parametrize(
    ("changes", "is_good"),
    [
        pytest.param({"nbf": NOW + 60}, True, id="J29: nbf ahead, by what clocks differ"),
        pytest.param({"nbf": NOW + 61}, False, id="J29: nbf ahead by more"),
        pytest.param({"iat": NOW + 60}, True, id="J19: iat ahead"),
        pytest.param({"iat": NOW + 61}, False, id="J19: iat ahead by more"),
        pytest.param({"iat": None}, True, id="no iat"),
        pytest.param({"nbf": NOW - 0.5, "exp": NOW + 60.5}, True, id="fractions of seconds"),
        pytest.param({"nbf": None}, False, id="no nbf"),
        pytest.param({"exp": None}, False, id="no exp"),
        pytest.param({"nbf": NOW - 300, "exp": NOW - 59}, True, id="just expired"),
        pytest.param({"nbf": NOW - 300, "exp": NOW - 60}, False, id="expired"),
        pytest.param({"exp": NOW + 3600}, True, id="an hour"),
        pytest.param({"exp": NOW + 3601}, False, id="more than an hour"),
        pytest.param({"nbf": NOW - 3590, "exp": NOW + 10}, True, id="nearly an hour old"),
        pytest.param({"nbf": NOW - 3700, "exp": NOW + 10}, False, id="more than an hour old"),
        pytest.param({"nbf": NOW + 10, "exp": NOW + 10}, False, id="no time at all"),
        pytest.param({"nbf": NOW + 20, "exp": NOW + 10}, False, id="the end before the beginning"),
        *(
            pytest.param({name: value}, False, id=f"J20: {name} is {value!r}"[:40])
            for name in ("exp", "nbf", "iat")
            for value in ("1800000300", 1e300, True, [], {}, -1, 10**20, "")
        ),
    ],
)  # fmt: skip
def test_it_is_good_in_its_time_which_is_short(changes, is_good):
    """FAPI 2.0 Message Signing section 5.3.1. The client hears it: it did sign this."""
    text = a_request_object(**changes)
    if is_good:
        assert received(SERVER, text)
    else:
        answer = told(text)
        assert (answer["error"], answer["state"]) == ("invalid_request_object", "signed")
        assert received(SERVER, a_request_object())


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"resource": ["https://evil.example"]}, "invalid_target"),
        ({"code_challenge": None}, "invalid_request"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"prompt": "create"}, "invalid_request"),
        ({"max_age": -1}, "invalid_request"),
        ({"max_age": 10**9}, "invalid_request"),
        ({"registration": "{}"}, "registration_not_supported"),
    ],
)
def test_what_it_asks_for_is_judged_as_ever(changes, error):
    """B23: with state and iss."""
    answer = told(a_request_object(**changes))
    assert (answer["error"], answer["state"], answer["iss"]) == (error, "signed", ISSUER)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, value) for name in ("scope", "state", "redirect_uri", "nonce", "response_mode")
          for value in (1, True, ["read"], {"a": "b"}, [])),
        ("max_age", 1.5), ("max_age", True), ("resource", {"a": 1}), ("resource", [API, 1]),
        ("resource", [[API]]), ("resource", [API] * 65), ("registration", {}), ("prompt", ["none"]),
    ],
)  # fmt: skip
def test_a_parameter_of_another_type_is_no_parameter(name, value):
    with pytest.raises(InvalidRequestObject, match=name):
        received(SERVER, a_request_object(**{name: value}))
    assert received(SERVER, a_request_object())


def test_null_is_no_value():
    claims = said() | {"state": None}
    with pytest.raises(InvalidRequestObject):
        received(SERVER, sign(claims))


@pytest.mark.parametrize("beside", [None, "other"])
def test_whose_it_is_stands_beside_it(beside):
    """Section 5: REQUIRED, and the same."""
    with pytest.raises(AccessTokenException):
        received(SERVER, a_request_object(), client_id=beside)
    assert received(SERVER, a_request_object())


def test_a_client_without_keys_signs_nothing():
    """And one whose set of keys is empty for now signed nothing yet."""
    with pytest.raises(RequestNotSupported, match="jwks"):
        received(a_server(a_client()), a_request_object())
    with pytest.raises(InvalidRequestObject):
        received(a_server(a_signing_client(jwks={"keys": []})), a_request_object())
    assert received(SERVER, a_request_object())


def test_keys_that_it_publishes_come_with_the_request():
    """Where its registration has a jwks_uri; what is there is asked at the edge."""
    server = a_server(a_client(jwks_uri="https://app.example/jwks.json"))
    keys = a_signing_client().jwks
    assert interaction.receive(server, carrying(a_request_object()), NOW, keys)
    with pytest.raises(TemporarilyUnavailable):
        received(server, a_request_object())
    with pytest.raises(InvalidRequestObject):
        received(server, "ey")  # no keys would make it good


def test_a_public_client_may_sign_with_a_key_of_its_own():
    server = a_server(a_public_client(jwks=a_jwks()))
    text = a_request_object(iss="spa", client_id="spa")
    assert received(server, text, client_id="spa")


@pytest.mark.parametrize("uri", [EVIL, CALLBACK + "/", "https://app.example.evil.example/callback"])
def test_a_signed_request_leads_to_no_place_that_is_not_registered(uri):
    """B1, B2, P13: whoever signed it."""
    for beside in ({}, {"redirect_uri": CALLBACK}):
        with pytest.raises(InvalidRequest):
            received(SERVER, a_request_object(redirect_uri=uri, scope="bad"), **beside)
    assert received(SERVER, a_request_object())


@pytest.mark.parametrize("uri", [EVIL, None, CALLBACK + "#", ""])
@pytest.mark.parametrize("how", [{"key": OTHERS["ES256"]}, {"alg": "EdDSA"}])
def test_what_was_not_signed_by_the_client_leads_nowhere(how, uri):
    """B2: neither to what it names itself, though that is registered, nor to what is beside it."""
    text = a_request_object(how=how)
    with pytest.raises(InvalidRequestObject) as caught:
        received(SERVER, text, redirect_uri=uri)
    assert caught.value.description == (
        "The request object is not a JWT that a key of the client signed."
    )


@pytest.mark.parametrize("text", ["ey", a_request_object(aud="x"), a_request_object() + "A"])
def test_unless_what_is_beside_it_is_registered(text):
    """Then the client hears of it, as of any other request that names the place."""
    answer = told(text, redirect_uri=CALLBACK, state="beside")
    assert (answer["error"], answer["state"]) == ("invalid_request_object", "beside")
    assert answer["iss"] == ISSUER


def test_an_assertion_of_the_client_is_no_request():
    """J18, J19: RFC 9101 section 10.8, whatever else it says."""
    assertion = {"sub": "web", **said()}
    for typ in ("client-authentication+jwt", "JWT", None):
        with pytest.raises(InvalidRequestObject):
            received(SERVER, sign(assertion, header={"typ": typ}))


def test_without_openid_and_with_one_uri_it_may_leave_that_out():
    assert received(SERVER, a_request_object(redirect_uri=None))
    server = a_server(a_signing_client(scope=Scope({"openid", "read"})))
    with pytest.raises(InvalidRequest, match="With openid in its scope"):
        received(server, a_request_object(redirect_uri=None, scope="openid"))
    assert received(server, a_request_object(scope="openid"))


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(
            a_server(a_signing_client(require_signed_request_object=True)), id="by the client"
        ),
        pytest.param(
            a_server(a_signing_client(), require_signed_request_object=True), id="by the issuer"
        ),
    ],
)
def test_who_must_sign_cannot_do_without(server):
    """Section 10.5; FAPI 2.0 Message Signing section 5.3.1."""
    with pytest.raises(Answered) as caught:
        interaction.receive(server, a_form(), NOW)
    answer = parameters(caught.value.response)
    assert (answer["error"], answer["state"]) == ("invalid_request", "a-state")
    assert received(server, a_request_object())


def test_others_need_not_sign():
    server = a_server(a_signing_client(require_signed_request_object=True), a_client("other"))
    assert interaction.receive(server, a_form(client_id="other"), NOW)


def test_who_must_push_cannot_sign_instead():
    server = a_server(a_signing_client(require_pushed_authorization_requests=True))
    assert told(a_request_object(), server=server)["error"] == "invalid_request"


def test_a_request_and_a_request_uri_are_two_requests():
    """Section 5."""
    with pytest.raises(InvalidRequest, match="two requests"):
        received(SERVER, a_request_object(), request_uri="urn:ietf:params:oauth:request_uri:x")


async def _spend(store, once, now):
    await spend(store, Use(once), now)


def receive_once(store, text, *, now):
    _, once = interaction.receive(SERVER, carrying(text), now)
    asyncio.run(_spend(store, once, now))


def test_one_with_a_name_begins_one_interaction_where_a_store_remembers(tmp_path):
    now = NOW + 100
    store = SQLiteStore(tmp_path / "replay.db")
    asyncio.run(_spend(store, (), now - 1))
    later = now + 10
    receive_once(store, a_request_object(now=now, jti="before"), now=now)  # the memory begins
    text = a_request_object(now=later, jti="1")
    receive_once(store, text, now=later)
    with pytest.raises(InvalidRequestObject, match="used before"):
        receive_once(store, text, now=later)
    receive_once(store, a_request_object(now=later, jti="2"), now=later)
    for _ in range(2):
        receive_once(store, a_request_object(now=later, jti=None), now=later)
    store.close()


def test_two_clients_may_give_the_same_name():
    other = a_server(a_signing_client(), a_signing_client("web:a"))
    _, (once,) = interaction.receive(other, carrying(a_request_object(jti="a:b")), NOW)
    text = a_request_object(iss="web:a", client_id="web:a", jti="b")
    _, (twice,) = interaction.receive(other, carrying(text, client_id="web:a"), NOW)
    assert once.id != twice.id
    assert once.expires_at == NOW + 300 + 60


@pytest.mark.parametrize("jti", ["", "x" * 257, 1, ["a"], {}])
def test_a_name_is_text_of_bearable_length(jti):
    assert told(a_request_object(jti=jti))["error"] == "invalid_request_object"
    assert received(SERVER, a_request_object(jti="x" * 256))


def test_what_it_is_refused_for_travels_in_the_mode_that_it_asks_for():
    answer = told(a_request_object(scope="bad", response_mode="jwt"))
    assert answer.keys() == {"response"}
    answer = told(a_request_object(scope="bad"), response_mode="jwt")
    assert answer["error"] == "invalid_scope"


@pytest.mark.parametrize("client_id", ["web", None])
def test_keys_that_are_published_are_asked_for_whoever_says_whose_they_are(client_id):
    """Pushed, it may be the Authorization header alone that names the client beside the object."""
    registry = a_server(a_client(jwks_uri="https://app.example/jwks.json")).registry
    need = needed(registry, carrying(a_request_object(), client_id=client_id))
    assert need is not None
    assert (need.client_id, need.jwks_uri) == ("web", "https://app.example/jwks.json")
    for text in ("ey", a_request_object(client_id="other"), a_request_object(client_id=["web"])):
        assert needed(registry, carrying(text, client_id=None)) is None
