"""What has to happen before the client gets its code."""

import msgspec
import pytest
from msgspec.structs import asdict, replace

from issuer.browser import answering, sessions, steps
from issuer.browser.answering import Answered
from issuer.browser.sealed import Session
from issuer.browser.steps import AskConsent, Granted, LogIn, next_step
from issuer.errors import InvalidRequest
from issuer.protocol.sealed import AuthorizationCode
from issuer.registry.scope import Scope
from tests.browser.builders import a_session, agreed, an_interaction, parameters
from tests.builders import (
    API,
    CALLBACK,
    ISSUER,
    NOW,
    OTHER_API,
    a_client,
    a_public_client,
    a_server,
    a_user,
)

SERVER = a_server()


def step(session=None, *, server=SERVER, now=NOW, **changes):
    return next_step(server, an_interaction(server, **changes), session, now)


def error_of(session=None, *, server=SERVER, now=NOW, **changes):
    with pytest.raises(Answered) as caught:
        step(session, server=server, now=now, **changes)
    return parameters(caught.value.response)["error"]


def test_whoever_is_not_logged_in_logs_in():
    assert isinstance(step(), LogIn)
    assert isinstance(step(sessions.begin(SERVER.registry.issuer, NOW)), LogIn)


def test_whoever_is_logged_in_is_asked_once():
    session = a_session(SERVER)
    asked = step(session)
    assert isinstance(asked, AskConsent)
    assert asked.user.username == "alice"
    assert isinstance(step(agreed(SERVER, session, "read")), Granted)


def test_more_than_was_agreed_to_is_asked_again():
    session = agreed(SERVER, a_session(SERVER), "read")
    assert isinstance(step(session, scope="read"), Granted)
    assert isinstance(step(session, scope="read write"), AskConsent)
    assert isinstance(step(session, client_id="spa"), AskConsent)


TWO = a_server(a_client(resources=(API, OTHER_API), scope=Scope({"read", "write", "pay"})))


def granted_by(session, **changes):
    """``session`` once its user said yes to this request."""
    asked = next_step(TWO, an_interaction(TWO, **changes), session, NOW)
    assert isinstance(asked, AskConsent)
    return sessions.agree(session, "web", asked.requested.asked)


def test_a_yes_is_for_a_scope_at_a_resource():
    """P34: what was agreed to is what is given. RFC 8707 section 2.1."""
    session = granted_by(a_session(TWO), scope="read", resource=API)
    assert isinstance(step(session, server=TWO, scope="read", resource=API), Granted)
    assert isinstance(step(session, server=TWO, scope="read"), Granted)
    assert isinstance(step(session, server=TWO, scope="read", resource=OTHER_API), AskConsent)
    assert error_of(session, server=TWO, resource=OTHER_API, prompt="none") == "consent_required"


def test_a_yes_to_another_resource_is_remembered_beside_the_first():
    session = granted_by(a_session(TWO), scope="read", resource=API)
    session = granted_by(session, scope="pay", resource=OTHER_API)
    assert isinstance(step(session, server=TWO, scope="read", resource=API), Granted)
    assert isinstance(step(session, server=TWO, scope="pay", resource=OTHER_API), Granted)
    assert isinstance(step(session, server=TWO, scope="read", resource=OTHER_API), AskConsent)
    assert isinstance(step(session, server=TWO, scope="write", resource=API), AskConsent)


def test_a_yes_to_a_resource_without_any_scope_is_a_yes_to_that_resource():
    server = a_server(a_client(resources=(API, OTHER_API), scope=Scope()))
    asked = step(a_session(server), server=server, scope=None, resource=OTHER_API)
    assert isinstance(asked, AskConsent)
    session = sessions.agree(a_session(server), "web", asked.requested.asked)
    assert isinstance(step(session, server=server, scope=None, resource=OTHER_API), Granted)
    assert isinstance(step(session, server=server, scope=None, resource=API), AskConsent)


def test_a_cookie_that_says_nothing_of_resources_asks_again():
    """F31: one of an earlier version. Whoever is logged in stays so."""
    written = asdict(a_session(SERVER)) | {"consents": {"web": ("read", "write")}}
    text = SERVER.seal(Earlier(**written), now=NOW)
    session = sessions.read(SERVER, text, NOW)
    assert (session.sub, session.consents) == ("alice", {})
    assert isinstance(step(session), AskConsent)


class Earlier(Session, frozen=True, kw_only=True):
    """A session as an earlier version wrote it."""

    consents: dict = msgspec.field(name="consents")


def test_a_first_party_client_is_not_asked_unless_it_wants_to():
    server = a_server(a_client(skip_consent=True))
    session = a_session(server)
    assert isinstance(step(session, server=server), Granted)
    assert isinstance(step(session, server=server, prompt="consent"), AskConsent)


def test_prompt_consent_asks_although_all_was_agreed_to():
    session = agreed(SERVER, a_session(SERVER), "read")
    assert isinstance(step(session, prompt="consent"), AskConsent)


@pytest.mark.parametrize(
    "redirect_uri",
    ["http://127.0.0.1/cb", "com.example.app:/cb", "http://localhost:1/cb", "cursor://a.b/cb"],
)
@pytest.mark.parametrize("with_secret", [False, True], ids=["public", "with a secret in it"])
def test_an_application_that_anybody_can_imitate_is_asked_for_every_time(redirect_uri, with_secret):
    """RFC 8252 sections 8.5 and 8.6, P34."""
    made = a_client if with_secret else a_public_client
    server = a_server(made("web", application_type="native", redirect_uris=(redirect_uri,)))
    session = agreed(server, a_session(server), "read")
    assert isinstance(step(session, server=server, redirect_uri=redirect_uri), AskConsent)
    assert error_of(session, server=server, redirect_uri=redirect_uri, prompt="none") == (
        "consent_required"
    )


def test_a_client_that_wants_it_has_its_users_asked_every_time():
    """RFC 6749 section 10.2: an https redirect URI is no proof of who began the flow."""
    for kind, asked in [("once", Granted), ("always", AskConsent)]:
        server = a_server(a_public_client("web", prompt_consent=kind))
        session = agreed(server, a_session(server), "read")
        assert isinstance(step(session, server=server), asked)
    assert error_of(session, server=server, prompt="none") == "consent_required"


def test_prompt_none_asks_nothing_and_says_what_it_would_have_to_ask():
    """OpenID Connect Core section 3.1.2.6."""
    session = a_session(SERVER)
    assert error_of(prompt="none") == "login_required"
    assert error_of(session, prompt="none") == "consent_required"
    assert isinstance(step(agreed(SERVER, session, "read"), prompt="none"), Granted)


@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_prompt_login_wants_a_login_of_its_own(prompt):
    held = an_interaction(SERVER, prompt=prompt)
    before = agreed(SERVER, a_session(SERVER), "read")
    anew = agreed(SERVER, a_session(SERVER, interaction_id=held.id), "read")
    assert isinstance(next_step(SERVER, held, before, NOW), LogIn)
    assert isinstance(next_step(SERVER, held, anew, NOW), Granted)


def test_max_age_wants_a_login_that_is_young_enough():
    session = agreed(SERVER, a_session(SERVER), "read")
    assert isinstance(step(session, max_age="60", now=NOW + 60), Granted)
    assert isinstance(step(session, max_age="60", now=NOW + 61), LogIn)
    assert error_of(session, max_age="60", now=NOW + 61, prompt="none") == "login_required"


@pytest.mark.parametrize("max_age", ["1", "7", "60", "3600"])
def test_max_age_holds_for_a_login_in_this_very_interaction_too(max_age):
    """OpenID Connect Core section 3.1.2.1: what counts is the moment in which the code is made."""
    held = an_interaction(SERVER, max_age=max_age)
    session = agreed(SERVER, a_session(SERVER, interaction_id=held.id), "read")
    last = NOW + int(max_age)
    assert isinstance(next_step(SERVER, held, session, last), Granted)
    assert isinstance(next_step(SERVER, held, session, last + 1), LogIn)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"prompt": "login"}, id="login"),
        pytest.param({"prompt": "select_account"}, id="select_account"),
        pytest.param({"max_age": "0"}, id="max_age=0, which is the same"),
        pytest.param({"prompt": "login", "max_age": "3600"}, id="both"),
    ],
)
def test_a_login_answers_the_request_that_it_was_done_for_within_minutes(changes):
    held = an_interaction(SERVER, **changes)
    session = agreed(SERVER, a_session(SERVER, interaction_id=held.id), "read")
    last = NOW + steps.FRESH
    assert isinstance(next_step(SERVER, held, session, last), Granted)
    assert isinstance(next_step(SERVER, held, session, last + 1), LogIn)
    assert isinstance(step(session, now=NOW + 5, **changes), LogIn)


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "0"}])
def test_it_answers_it_once(changes):
    """What the browser keeps once the code is made is a session like any other."""
    held = an_interaction(SERVER, **changes)
    session = agreed(SERVER, a_session(SERVER, interaction_id=held.id), "read")
    assert isinstance(next_step(SERVER, held, session, NOW + 5), Granted)
    after = sessions.answered(session, held.id)
    assert isinstance(next_step(SERVER, held, after, NOW + 6), LogIn)
    assert isinstance(step(after, now=NOW + 6), Granted)
    assert sessions.answered(session, "another") == session


def test_nobody_is_asked_to_log_in_for_ever():
    """By replicas whose clocks differ, or a login application that does not ask anew."""
    held = an_interaction(SERVER, max_age="1")
    session = a_session(SERVER, interaction_id=held.id)
    for _ in range(steps.MAX_LOGINS - 1):
        assert isinstance(next_step(SERVER, held, session, NOW + 30), LogIn)
        session = a_session(SERVER, before=session, interaction_id=held.id)
    with pytest.raises(Answered) as caught:
        next_step(SERVER, held, session, NOW + 30)
    assert parameters(caught.value.response)["error"] == "login_required"
    other = an_interaction(SERVER, max_age="1")
    assert isinstance(next_step(SERVER, other, session, NOW + 30), LogIn)


@pytest.mark.parametrize("skew", [-60, -1, 1, 60])
def test_a_login_at_a_replica_with_another_clock_answers_its_request(skew):
    for prompt in ("login", "select_account"):
        held = an_interaction(SERVER, prompt=prompt)
        session = a_session(SERVER, now=NOW + skew, interaction_id=held.id)
        assert isinstance(next_step(SERVER, held, session, NOW), AskConsent)


def test_whoever_agreed_and_has_to_log_in_once_more_is_not_asked_twice():
    """Where the question stands for each time: P34 asks that it was this request's."""
    server = a_server(a_client(redirect_uris=("http://127.0.0.1/cb",), require_pkce=True))
    changes = {"prompt": "consent login", "redirect_uri": "http://127.0.0.1/cb"}
    held = an_interaction(server, **changes)
    before = agreed(server, a_session(server, interaction_id=held.id), "read")
    assert isinstance(next_step(server, held, before, NOW), AskConsent)
    said = replace(before, agreed_for=held.id)
    anew = a_session(server, before=said, interaction_id=held.id)
    assert isinstance(next_step(server, held, anew, NOW), Granted)
    other = an_interaction(server, **changes)
    anew = a_session(server, before=said, interaction_id=other.id)
    assert isinstance(next_step(server, other, anew, NOW), AskConsent)
    somebody = a_session(server, before=said, sub="bob", interaction_id=held.id)
    assert (somebody.agreed_for, somebody.consents) == ("", {})
    assert sessions.answered(said, held.id).agreed_for == ""


def a_hint(sub, client_id="web"):
    claims = {"iss": ISSUER, "sub": sub, "aud": client_id, "iat": NOW - 9000, "exp": NOW - 8000}
    return SERVER.signing_key(NOW).sign("JWT", claims)


def test_whoever_the_client_does_not_expect_logs_in_as_somebody_else():
    """OpenID Connect Core section 3.1.2.1: id_token_hint, which may have expired."""
    session = agreed(SERVER, a_session(SERVER), "read")
    assert isinstance(step(session, id_token_hint=a_hint("alice")), Granted)
    assert isinstance(step(session, id_token_hint=a_hint("bob")), LogIn)
    assert error_of(session, id_token_hint=a_hint("bob"), prompt="none") == "login_required"
    assert error_of(session, id_token_hint="x") == "invalid_request"
    held = an_interaction(SERVER, id_token_hint=a_hint("bob"))
    anew = a_session(SERVER, interaction_id=held.id)
    with pytest.raises(Answered) as caught:
        next_step(SERVER, held, anew, NOW)
    assert parameters(caught.value.response)["error"] == "login_required"


@pytest.mark.parametrize(
    "user",
    [
        pytest.param(a_user("bob"), id="gone"),
        pytest.param(a_user(active=False), id="inactive"),
        pytest.param(a_user(not_before=NOW + 1), id="not_before"),
    ],
)
def test_whoever_the_registry_no_longer_vouches_for_is_logged_out(user):
    """B26."""
    server = a_server(users=(user,))
    assert isinstance(step(a_session(server), server=server), LogIn)
    assert isinstance(step(a_session(SERVER)), AskConsent)


def test_a_line_drawn_under_everything_logs_everybody_out():
    server = a_server(not_before=NOW + 1)
    assert isinstance(step(a_session(server), server=server), LogIn)
    assert isinstance(step(a_session(server, now=NOW + 1), server=server, now=NOW + 1), AskConsent)


def test_what_the_registry_withdrew_meanwhile_is_not_granted():
    held = an_interaction(SERVER, scope="write")
    without = a_server(a_client(scope="read"))
    with pytest.raises(Answered) as caught:
        next_step(without, held, a_session(without), NOW)
    assert parameters(caught.value.response)["error"] == "invalid_scope"


def test_a_redirect_uri_that_was_withdrawn_meanwhile_is_not_redirected_to():
    held = an_interaction(SERVER)
    without = a_server(a_client(redirect_uris=("https://new.example/callback",)))
    with pytest.raises(InvalidRequest):
        next_step(without, held, a_session(without), NOW)


def test_a_grant_is_a_code_with_state_and_iss():
    """RFC 6749 section 4.1.2, RFC 9207 (P15)."""
    session = agreed(SERVER, a_session(SERVER, auth_time=NOW - 100), "read")
    granted = step(session, nonce="n")
    answer = answering.grant(SERVER, granted.requested, session, NOW)
    told = parameters(answer)
    assert answer.location.startswith(CALLBACK + "?")
    assert (told["state"], told["iss"]) == ("a-state", ISSUER)
    code = SERVER.sealer.open(AuthorizationCode, told["code"], now=NOW)
    assert (code.sub, code.auth_time, code.nonce) == ("alice", NOW - 100, "n")
    assert code.scope == {"read"}
    assert code.login.amr == ("pwd",)
    assert code.login.sid == session.id


def test_a_denial_is_access_denied():
    asked = step(a_session(SERVER))
    assert parameters(answering.deny(SERVER, asked.requested, NOW))["error"] == "access_denied"
