"""The session in the cookie: how long it lives, and what it remembers."""

import pytest
from msgspec.structs import replace

from issuer.browser import form_token, sessions
from issuer.browser.sealed import FormToken
from issuer.registry.scope import Scope
from tests.browser.builders import a_session
from tests.builders import API, NOW, a_server

SERVER = a_server(session_idle_lifetime=600, session_lifetime=3600)
SETTINGS = SERVER.registry.issuer


def read(session, now):
    return sessions.read(SERVER, sessions.seal(SERVER, session, NOW), now)


def test_a_session_ends_when_it_idles():
    session = a_session(SERVER)
    assert read(session, NOW + 599) == session
    assert read(session, NOW + 600) is None


def test_a_session_that_is_used_lives_on_until_its_absolute_end():
    session = a_session(SERVER)
    for now in range(NOW, NOW + 3600, 500):
        assert read(session, now) == session
        session = sessions.renew(SETTINGS, session, now)
    assert session.expires_at == NOW + 3600
    assert read(session, NOW + 3599)
    assert read(session, NOW + 3600) is None


def test_a_session_is_not_renewed_more_than_once_a_minute():
    session = a_session(SERVER)
    assert sessions.renew(SETTINGS, session, NOW + 59) is session
    assert sessions.renew(SETTINGS, session, NOW + 60) is not session


def test_logging_in_begins_another_session():
    """P29: session fixation."""
    before = sessions.begin(SETTINGS, NOW)
    after = a_session(SERVER)
    assert after.id != before.id
    assert after.login.sid == after.id


def test_to_clients_it_is_the_same_session_where_the_same_user_logs_in_once_more():
    """So that whichever of its cookies is logged out ends them all, and every client is told."""
    before = replace(a_session(SERVER), clients=("web",))
    again = a_session(SERVER, before=before, now=NOW + 60)
    assert again.id != before.id
    assert (again.sid, again.login.sid, again.clients) == (before.sid, before.sid, ("web",))
    other = a_session(SERVER, before=before, sub="bob")
    assert other.sid == other.id
    assert other.clients == ()


def test_a_cookie_that_is_used_keeps_what_it_is_ended_by():
    session = a_session(SERVER)
    renewed = sessions.renew(SETTINGS, session, NOW + 60)
    assert renewed != session
    assert (renewed.id, renewed.sid) == (session.id, session.sid)
    assert sessions.standing(renewed) == sessions.standing(session)


def test_what_was_agreed_to_stays_with_whoever_agreed_to_it():
    before = sessions.agree(a_session(SERVER), "web", {API: Scope({"read"})})
    assert a_session(SERVER, before=before).consents == before.consents
    assert a_session(SERVER, before=before, sub="bob").consents == {}


@pytest.mark.parametrize("cookie", [None, "", "x", "1.a.b"])
def test_what_was_not_sealed_here_is_no_session(cookie):
    assert sessions.read(SERVER, cookie, NOW) is None


def test_a_form_token_is_no_session():
    """J31."""
    text = form_token.issue(SERVER, a_session(SERVER), "x", NOW)
    assert sessions.read(SERVER, text, NOW) is None
    assert SERVER.sealer.open(FormToken, text, now=NOW)


def test_consents_are_remembered_until_the_cookie_is_full_and_then_the_newest_are():
    session = a_session(SERVER)
    for number in range(200):
        session = sessions.agree(session, f"client-{number}", {API: Scope({"read", "write"})})
    text = sessions.seal(SERVER, session, NOW)
    assert len(text) <= sessions.MAX_COOKIE
    held = sessions.read(SERVER, text, NOW)
    assert sessions.has_agreed(held, "client-199", {API: Scope({"read"})})
    assert not sessions.has_agreed(held, "client-0", {API: Scope({"read"})})
    assert len(held.consents) > 20


def test_a_client_with_many_resources_fits_too():
    session = a_session(SERVER)
    for number in range(200):
        session = sessions.agree(session, "web", {f"{API}/{number}": Scope({"read"})})
        session = sessions.agree(session, "other", {API: Scope({"read"})})
    text = sessions.seal(SERVER, session, NOW)
    assert len(text) <= sessions.MAX_COOKIE
    held = sessions.read(SERVER, text, NOW)
    assert sessions.has_agreed(held, "other", {API: Scope({"read"})})


def test_a_session_without_anything_to_forget_is_refused_where_it_does_not_fit():
    session = a_session(SERVER)
    full = replace(session, login=replace(session.login, claims={"name": "x" * 4000}))
    with pytest.raises(ValueError, match="does not fit"):
        sessions.seal(SERVER, full, NOW)


def test_a_form_token_is_good_in_its_session_for_its_subject_and_for_an_hour():
    """P29."""
    session = a_session(SERVER)
    text = form_token.issue(SERVER, session, "subject", NOW, shown=Scope({"read"}))
    good = form_token.check(SERVER, text, session, "subject", NOW + 3599)
    assert good.shown == {"read"}
    assert form_token.check(SERVER, text, session, "subject", NOW + 3600) is None
    assert form_token.check(SERVER, text, session, "another", NOW) is None
    assert form_token.check(SERVER, text, a_session(SERVER), "subject", NOW) is None
    assert form_token.check(SERVER, text, None, "subject", NOW) is None
    assert form_token.check(SERVER, None, session, "subject", NOW) is None
    assert form_token.check(SERVER, text + "x", session, "subject", NOW) is None
