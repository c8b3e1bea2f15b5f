"""The team's own login application: what it is asked, and what of its answers is believed."""

import json
from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from issuer.browser import login_application, sessions
from issuer.browser.login_application import Denied, InvalidLoginResponse
from issuer.browser.steps import LogIn, next_step
from issuer.errors import LoginRequired
from keys.signing import SigningKey
from tests.browser.builders import an_interaction
from tests.builders import ISSUER, NOW, a_client, a_server, a_user

KEY = SigningKey.generate("ES256", activates_at=0)
OTHER_KEY = SigningKey.generate("ES256", activates_at=0)
LOGIN_URL = "https://login.example/start"
SERVER = a_server(
    login_url=LOGIN_URL,
    login_jwks={"keys": [dict(KEY.public_jwk)]},
    users=(a_user("gone", active=False),),
)
SESSION = sessions.begin(SERVER.registry.issuer, NOW)


def asked(*, session=SESSION, now=NOW, **changes):
    """What stands in the query of the login application's URL."""
    held = an_interaction(SERVER, now=now, **changes)
    requested = next_step(SERVER, held, None, now).requested
    url = login_application.challenge(SERVER, requested, held, session, now)
    assert url.startswith(LOGIN_URL + "?")
    return dict(parse_qsl(urlsplit(url).query, strict_parsing=True))


CHALLENGE = asked()["login_challenge"]


def said(*, key=KEY, typ=login_application.TYP, **changes):
    """A login response about carol."""
    claims = {
        "login_challenge": CHALLENGE,
        "aud": ISSUER,
        "sub": "carol",
        "iat": NOW,
        "exp": NOW + 60,
        "jti": "1",
        **changes,
    }
    return key.sign(typ, {name: value for name, value in claims.items() if value is not None})


def accept(text, *, session=SESSION, now=NOW):
    return login_application.accept(SERVER, text, session, now)


def test_the_application_is_told_who_asks_for_what():
    query = asked(login_hint="carol", ui_locales="de", prompt="login consent", max_age="60")
    assert query["client_id"] == "web"
    assert query["scope"] == "read"
    assert (query["login_hint"], query["ui_locales"]) == ("carol", "de")
    assert (query["prompt"], query["max_age"]) == ("login", "60")
    assert "state" not in query


def test_whom_it_vouches_for_is_logged_in():
    text = said(
        auth_time=NOW - 5, amr=["hwk", "pin"], acr="high", claims={"name": "Carol", "team": "x"}
    )
    resumed, session, once = accept(text)
    assert (session.sub, session.auth_time) == ("carol", NOW - 5)
    assert session.login.amr == ("hwk", "pin")
    assert (session.login.acr, session.login.claims) == ("high", {"name": "Carol"})
    assert session.logged_in_for == resumed.id
    assert session.id != SESSION.id
    assert once.id == "login_response:1"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(said(key=OTHER_KEY), id="another key"),
        pytest.param(said(typ="JWT"), id="J13: another typ"),
        pytest.param(said(typ="at+jwt"), id="J13: an access token"),
        pytest.param(said(aud="https://other.example"), id="another issuer"),
        pytest.param(said(aud=[ISSUER]), id="J17: an array"),
        pytest.param(said(iat=None), id="no iat"),
        pytest.param(said(exp=None), id="no exp"),
        pytest.param(said(exp=NOW + 301), id="it lives too long"),
        pytest.param(said(exp=NOW), id="it never lived"),
        pytest.param(said(iat=NOW - 121, exp=NOW - 61), id="expired"),
        pytest.param(said(iat=NOW + 61, exp=NOW + 90), id="issued ahead"),
        pytest.param(said(iat=True, exp=NOW + 60), id="J20: iat is true"),
        pytest.param(said(sub=None), id="no sub"),
        pytest.param(said(sub=""), id="empty sub"),
        pytest.param(said(sub=7), id="sub is a number"),
        pytest.param(said(sub="a\nb"), id="control character"),
        pytest.param(said(sub="web"), id="B17: sub is a client_id"),
        pytest.param(said(jti=None), id="no jti"),
        pytest.param(said(login_challenge=None), id="no challenge"),
        pytest.param(said(login_challenge="x"), id="another challenge"),
        pytest.param(said(auth_time=NOW + 61), id="auth_time ahead"),
        pytest.param(said(auth_time="1"), id="auth_time is text"),
        pytest.param(said(amr="pwd"), id="amr is text"),
        pytest.param(said(acr=["1"]), id="acr is an array"),
        pytest.param(said(claims=[]), id="claims are an array"),
        pytest.param(said(claims={"email": 1}), id="a claim of another type"),
        pytest.param(said(sub="gone"), id="inactive in the registry"),
        pytest.param(said() + "=", id="J8: another spelling"),
        pytest.param("x", id="no JWT"),
    ],
)
def test_what_cannot_be_believed_is_not(text):
    with pytest.raises(InvalidLoginResponse):
        accept(text)
    assert accept(said())


def test_an_acr_is_one_of_those_that_discovery_announces():
    settings = SERVER.registry.issuer
    server = a_server(
        login_url=settings.login_url,
        login_jwks=settings.login_jwks,
        acr_values_supported=("1", "2"),
    )
    for acr in ("1", "2", None):
        _, session, _ = login_application.accept(server, said(acr=acr), SESSION, NOW)
        assert session.login.acr == acr
    with pytest.raises(InvalidLoginResponse) as refusal:
        login_application.accept(server, said(acr="3"), SESSION, NOW)
    assert "acr_values_supported" in refusal.value.detail
    assert accept(said(acr="3"))


def test_alg_none_is_not_believed():
    """J1."""
    header = {"alg": "none", "typ": login_application.TYP, "kid": KEY.kid}
    claims = {"login_challenge": CHALLENGE, "aud": ISSUER, "sub": "carol", "jti": "1"}
    text = jwt.encode({**claims, "iat": NOW, "exp": NOW + 60}, "", "none", headers=header)
    with pytest.raises(InvalidLoginResponse):
        accept(text)


def test_an_answer_is_good_in_the_browser_that_was_sent_for_it():
    """P29: nobody is logged in as somebody else by following a link."""
    other = sessions.begin(SERVER.registry.issuer, NOW)
    for session in (other, None):
        with pytest.raises(InvalidLoginResponse):
            accept(said(), session=session)


def test_a_challenge_waits_for_half_an_hour():
    late = NOW + login_application.CHALLENGE_LIFETIME
    assert accept(said(iat=late - 1, exp=late + 59), now=late - 1)
    with pytest.raises(InvalidLoginResponse):
        accept(said(iat=late, exp=late + 60), now=late)


def test_the_application_may_say_that_nobody_logged_in():
    with pytest.raises(Denied):
        accept(said(error="access_denied", sub=None))


def test_a_client_that_wants_a_new_login_is_not_given_an_old_one():
    for changes in ({"prompt": "login"}, {"max_age": "0"}):
        challenge = asked(**changes)["login_challenge"]
        resumed, session, _ = accept(said(login_challenge=challenge, auth_time=NOW - 61))
        with pytest.raises(LoginRequired):
            login_application.check_fresh(resumed, session)
        resumed, session, _ = accept(said(login_challenge=challenge, auth_time=NOW))
        login_application.check_fresh(resumed, session)


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
def test_a_new_login_is_one_since_the_application_was_asked(changes):
    """Not one since the request began, whose pages can be come back to for a day."""
    held = an_interaction(SERVER, **changes)
    hours_later = NOW + 8 * 3600
    requested = next_step(SERVER, held, None, hours_later).requested
    session = sessions.begin(SERVER.registry.issuer, hours_later)
    url = login_application.challenge(SERVER, requested, held, session, hours_later)
    challenge = dict(parse_qsl(urlsplit(url).query))["login_challenge"]
    times = {"login_challenge": challenge, "iat": hours_later, "exp": hours_later + 60}
    resumed, entered, _ = accept(
        said(**times, auth_time=NOW + 60), session=session, now=hours_later
    )
    assert resumed.id == held.id
    with pytest.raises(LoginRequired):
        login_application.check_fresh(resumed, entered)
    resumed, entered, _ = accept(
        said(**times, auth_time=hours_later - 60), session=session, now=hours_later
    )
    login_application.check_fresh(resumed, entered)


def test_max_age_counts_back_from_the_answer():
    """Half an hour may pass at the application."""
    challenge = asked(max_age="300")["login_challenge"]
    late = NOW + 1700
    times = {"login_challenge": challenge, "iat": late, "exp": late + 60}
    for auth_time in (NOW - 300, late - 361):
        resumed, session, _ = accept(said(**times, auth_time=auth_time), now=late)
        with pytest.raises(LoginRequired):
            login_application.check_fresh(resumed, session)
    resumed, session, _ = accept(said(**times, auth_time=late - 300), now=late)
    login_application.check_fresh(resumed, session)
    assert not isinstance(next_step(SERVER, resumed, session, late), LogIn)
    assert isinstance(next_step(SERVER, resumed, session, late + 1), LogIn)


@pytest.mark.parametrize(
    "jwks",
    [
        pytest.param({"keys": []}, id="no key"),
        pytest.param({}, id="no JWKS"),
        pytest.param({"keys": [dict(KEY.private_jwk, kid="1", alg="ES256")]}, id="a private key"),
        pytest.param({"keys": [{"kty": "oct", "k": "AA", "kid": "1", "alg": "HS256"}]}, id="HMAC"),
    ],
)
def test_a_registry_takes_public_keys_of_the_application_only(jwks):
    with pytest.raises(ValueError, match="must"):
        a_server(login_url=LOGIN_URL, login_jwks=jwks)


def test_an_unusual_but_valid_key_is_taken():
    public = ec.generate_private_key(ec.SECP256R1()).public_key()
    jwk = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(public)) | {"kid": "1", "alg": "ES256"}
    server = a_server(a_client(), login_url=LOGIN_URL, login_jwks={"keys": [jwk]})
    assert "1" in server.registry.issuer.login_keys
