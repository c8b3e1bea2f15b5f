"""F32: what was taken away stays away. Removing is at least as strong as ``active = false``.

With a login application there are users whom no registry knows. They go on as long as it vouches
for them; whoever was in the registry when a credential was made has to be in it still.
"""

import pytest
from msgspec.structs import asdict

from issuer.browser import answering, authorize, login_application, sessions
from issuer.browser.answering import Answered
from issuer.browser.login_application import InvalidLoginResponse
from issuer.browser.sealed import Session
from issuer.browser.steps import LogIn, next_step
from issuer.browser.userinfo import tell
from issuer.errors import InvalidGrant, InvalidRequest
from issuer.grants.passwords import authenticate
from issuer.protocol.sealed import AuthorizationCode, Login, RefreshToken
from keys import InvalidToken
from keys.signing import SigningKey
from tests.asking import ask, refresh
from tests.browser.builders import a_session, an_interaction, parameters
from tests.builders import ISSUER, NOW, PASSWORD, VERIFIER, a_request, a_user, showing
from tests.openid.builders import (
    a_known_user,
    a_relying_party,
    an_openid_server,
)

KEY = SigningKey.generate("ES256", activates_at=0)


class Earlier(Session, frozen=True, kw_only=True):
    """A session as an earlier version wrote it."""

    login: dict


SAID = {"name": "Bob of the directory", "email": "bob@directory.example"}


def a_server_of(*users, **settings):
    """An issuer with a login application, and these users in its registry."""
    given = {
        "login_url": "https://login.example/",
        "login_jwks": {"keys": [dict(KEY.public_jwk)]},
        "users": users,
    }
    return an_openid_server(a_relying_party(skip_consent=True), **(given | settings))


BOB = a_known_user(username="bob", name="Bob of the registry", email="bob@registry.example")
WITH_BOB = a_server_of(BOB)
WITHOUT_BOB = a_server_of()


def logged_in(server, *, now=NOW, sub="bob", **changes):
    """The interaction and session of ``sub``, whom the login application vouched for."""
    held, before = (
        an_interaction(server, now=now, **changes),
        sessions.begin(server.registry.issuer, now),
    )
    asked = login_application.challenge(
        server, next_step(server, held, None, now).requested, held, before, now
    )
    response = {
        "login_challenge": asked.partition("login_challenge=")[2].partition("&")[0],
        "aud": ISSUER,
        "sub": sub,
        "iat": now,
        "exp": now + 60,
        "jti": "1",
        "claims": SAID,
    }
    text = KEY.sign(login_application.TYP, response)
    resumed, session, _ = login_application.accept(server, text, before, now)
    return resumed, session


def kept(server, session, now=NOW):
    """``session`` as the cookie brings it back."""
    session = sessions.as_registered(server, session)
    return sessions.read(server, sessions.seal(server, session, now), now)


def a_grant(server, now=NOW, **changes):
    """The code that the client gets of a login, and the session that it was made in."""
    held, session = logged_in(server, now=now, scope="openid email read offline_access", **changes)
    session = kept(server, session, now)
    requested = next_step(server, held, session, now).requested
    return parameters(answering.grant(server, requested, session, now))["code"], session


def redeem(server, code, **changes):
    return ask(
        server, a_request("authorization_code", code=code, code_verifier=VERIFIER, **changes)
    )


def errors_of(server, *, code, session, refresh_token, access_token, now=NOW):
    """What becomes of all that somebody holds, in the order they are named."""
    found = [redeem(server, code, now=now).error, refresh(server, refresh_token, now=now).error]
    held = an_interaction(server, now=now, prompt="none", scope="read")
    try:
        next_step(server, held, session, now)
        found.append(None)
    except Answered as refused:
        found.append(parameters(refused.response)["error"])
    try:
        tell(server, showing(f"Bearer {access_token}", now))
        found.append(None)
    except InvalidToken as refused:
        found.append(refused.error)
    return found


ALIVE = [None, None, None, None]
REFUSED = ["invalid_grant", "invalid_grant", "login_required", "invalid_token"]


def everything_of(server, now=NOW):
    """A code, session, refresh token and access token of bob."""
    code, session = a_grant(server, now)
    response = redeem(server, code, now=now, resource=ISSUER)
    assert response.status == 200, response.log
    return {
        "code": code,
        "session": session,
        "refresh_token": str(response.body["refresh_token"]),
        "access_token": str(response.access_token),
    }


@pytest.mark.parametrize(
    "users",
    [
        pytest.param((), id="the table is deleted"),
        pytest.param((a_user("bob", active=False),), id="switched off"),
        pytest.param((a_user("bob", not_before=NOW + 1),), id="a line is drawn"),
        pytest.param((a_user("bob", sub="robert"),), id="another sub: somebody else"),
        pytest.param((a_user("alice"),), id="only others are left"),
    ],
)
@pytest.mark.parametrize("login", ["login application", "own page"])
def test_whoever_is_taken_out_of_the_registry_is_refused_as_if_switched_off(users, login):
    settings = {} if login == "login application" else {"login_url": None, "login_jwks": None}
    held = everything_of(WITH_BOB)
    assert errors_of(WITH_BOB, **held) == ALIVE
    assert errors_of(a_server_of(*users, **settings), **held) == REFUSED
    assert errors_of(a_server_of(BOB), **held) == ALIVE


def test_switching_off_and_then_deleting_does_not_bring_back():
    held = everything_of(WITH_BOB)
    drawn = a_user("bob", not_before=NOW + 1, active=False)
    for users in ((drawn,), (), (drawn,), ()):
        assert errors_of(a_server_of(*users), **held) == REFUSED


def test_whoever_never_was_in_a_registry_goes_on():
    held = everything_of(WITHOUT_BOB)
    assert errors_of(WITHOUT_BOB, **held) == ALIVE
    assert errors_of(a_server_of(a_user("alice")), **held) == ALIVE
    assert errors_of(an_openid_server(a_relying_party(skip_consent=True)), **held) == REFUSED


def test_whoever_is_registered_later_is_judged_by_the_registry_from_then_on():
    held = everything_of(WITHOUT_BOB)
    assert errors_of(WITH_BOB, **held) == ALIVE
    assert errors_of(a_server_of(a_user("bob", active=False)), **held) == REFUSED
    assert errors_of(a_server_of(a_user("bob", not_before=NOW + 1)), **held) == REFUSED


def test_what_is_sealed_while_somebody_is_registered_says_so():
    """A session from before, and a code from before, give nothing that outlives the record."""
    code, session = a_grant(WITHOUT_BOB)
    assert session.login.claims == SAID
    response = redeem(WITH_BOB, code)
    renewed = kept(WITH_BOB, session)
    assert renewed.login.claims is None
    assert (renewed.login.sid, renewed.login.amr) == (session.login.sid, session.login.amr)
    assert refresh(WITH_BOB, str(response.body["refresh_token"])).status == 200
    assert refresh(WITHOUT_BOB, str(response.body["refresh_token"])).error == "invalid_grant"
    assert isinstance(next_step(WITHOUT_BOB, an_interaction(WITHOUT_BOB), renewed, NOW), LogIn)
    granted = next_step(WITH_BOB, an_interaction(WITH_BOB), session, NOW)
    answer = parameters(answering.grant(WITH_BOB, granted.requested, session, NOW))
    assert redeem(WITH_BOB, answer["code"]).status == 200
    assert redeem(WITHOUT_BOB, answer["code"]).error == "invalid_grant"


def test_no_claims_of_a_registered_user_are_sealed():
    """What ``sealed.Login`` says of itself; clients are told what the registry says (R9)."""
    held = everything_of(WITH_BOB)
    assert held["session"].login.claims is None
    code = WITH_BOB.sealer.open(AuthorizationCode, held["code"], now=NOW)
    token = WITH_BOB.sealer.open(RefreshToken, held["refresh_token"], now=NOW)
    assert (code.login.claims, token.login.claims) == (None, None)
    told = tell(WITH_BOB, showing(f"Bearer {held['access_token']}")).claims
    assert told["email"] == "bob@registry.example"
    token = everything_of(WITHOUT_BOB)["access_token"]
    told = tell(WITHOUT_BOB, showing(f"Bearer {token}")).claims
    assert told["email"] == SAID["email"]


def test_what_an_earlier_version_sealed_is_of_a_registered_user():
    """F31: it did not say. Whoever was in no registry logs in again, once."""
    written = asdict(a_session(WITHOUT_BOB, sub="bob"))
    written["login"] = {"claims": SAID, "amr": ["pwd"], "sid": "1"}
    text = WITHOUT_BOB.seal(Earlier(**written), now=NOW)
    session = sessions.read(WITHOUT_BOB, text, NOW)
    assert session.login == Login(amr=("pwd",), sid="1")
    assert isinstance(next_step(WITHOUT_BOB, an_interaction(WITHOUT_BOB), session, NOW), LogIn)
    assert sessions.user_of(WITH_BOB, session)


# --- [issuer] blocked_subjects: no record is needed ---


def test_whoever_is_blocked_is_refused_everywhere_and_is_back_when_unblocked():
    for before in (WITHOUT_BOB, WITH_BOB):
        users = tuple(before.registry.users.values())
        held = everything_of(before)
        assert errors_of(a_server_of(*users, blocked_subjects=("bob",)), **held) == REFUSED
        assert errors_of(a_server_of(*users, blocked_subjects=("Bob", "bo")), **held) == ALIVE


def test_whoever_is_blocked_cannot_log_in_again():
    blocked = a_server_of(BOB, blocked_subjects=("bob",))
    with pytest.raises(InvalidLoginResponse) as refused:
        logged_in(blocked)
    assert "blocked" in refused.value.detail
    assert logged_in(blocked, sub="carol")
    with pytest.raises(InvalidGrant):
        authenticate(blocked, "bob", PASSWORD)
    assert authenticate(WITH_BOB, "bob", PASSWORD).sub == "bob"
    assert ask(blocked, a_request("password", username="bob", password=PASSWORD)).error == (
        "invalid_grant"
    )
    request = an_interaction(blocked).request
    with pytest.raises(InvalidRequest):
        authorize.issue_code(blocked, request, username="bob", now=NOW)
    assert authorize.issue_code(WITH_BOB, request, username="bob", now=NOW)


def test_it_is_the_sub_that_is_blocked_and_not_the_username():
    renamed = a_user("bob", sub="248289761001")
    blocked = a_server_of(renamed, blocked_subjects=("bob",), login_url=None, login_jwks=None)
    assert authenticate(blocked, "bob", PASSWORD).sub == "248289761001"
    blocked = a_server_of(renamed, blocked_subjects=("248289761001",))
    with pytest.raises(InvalidGrant):
        authenticate(blocked, "bob", PASSWORD)
