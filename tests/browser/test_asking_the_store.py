"""What the pages ask the store: one question each, and none where nobody is logged in."""

import asyncio
import itertools
import re
from collections.abc import Iterator

import falcon.asgi
import httpx
import pytest

from issuer.browser import sessions
from issuer.browser.sealed import LoginChallenge
from issuer.guard import Guard
from issuer.metadata import AUTHORIZE, CONSENT, LOGIN, LOGIN_CALLBACK, LOGOUT
from issuer.protocol import revocation
from issuer.protocol.replay import Revocation
from issuer.resources.authorize import AuthorizeResource
from issuer.resources.browser import Browser
from issuer.resources.consent import ConsentResource
from issuer.resources.ending import Ending
from issuer.resources.login import LoginCallbackResource, LoginResource
from issuer.resources.logout import LogoutResource
from issuer.serving.published_keys import PublishedKeys
from issuer.stores.none import NoStore
from issuer.stores.sqlite import SQLiteStore
from keys.signing import SigningKey
from tests.browser.browsing import SENT
from tests.browser.builders import a_session, an_interaction
from tests.browser.builders import agreed as having_agreed
from tests.builders import ISSUER, NOW, PASSWORD, PASSWORD_HASH, a_client, a_server, a_user

WITH_STORE = {"replay_store": "sqlite:replay.db"}
LOGIN_KEY = SigningKey.generate("ES256", activates_at=0)
COOKIE = "__Host-session"


class Asked:
    """The store behind it, and what it is asked, by name."""

    def __init__(self, store):
        self._store = store
        self.calls = []

    def __getattr__(self, name):
        method = getattr(self._store, name)

        async def called(*arguments):
            self.calls.append(name)
            return await method(*arguments)

        return called


class Pages:
    """The pages of ``server``, at a time of one's own."""

    def __init__(self, server, store, now=NOW):
        self.server = server
        self.store = Asked(store)
        self.now = now
        self.told = []
        browser = Browser(ISSUER, server=lambda: server, store=self.store, clock=lambda: self.now)
        ending = Ending(self.store, self.told.append)
        callback = LoginCallbackResource(browser, ending=ending, store=self.store)
        self.app = falcon.asgi.App()
        keys = PublishedKeys(clock=lambda: self.now)
        authorize = AuthorizeResource(browser, store=self.store, published_keys=keys)
        self.app.add_route(AUTHORIZE, authorize)
        self.app.add_route(CONSENT, ConsentResource(browser))
        self.app.add_route(LOGIN, LoginResource(browser, ending=ending, guard=Guard(store)))
        self.app.add_route(LOGIN_CALLBACK, callback)
        self.app.add_route(LOGOUT, LogoutResource(browser, ending=ending))

    def ask(self, method, path, session=None, **options):
        """The answer, to a browser in ``session``."""
        held = {COOKIE: sessions.seal(self.server, session, self.now)} if session else {}

        async def asked():
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as http:
                headers = {"Cookie": "; ".join(f"{n}={v}" for n, v in held.items())}
                return await http.request(method, path, headers=headers, **options)

        self.store.calls.clear()
        return asyncio.run(asked())

    def revoke(self, name):
        """As ``issuer revoke`` does, a moment later."""
        asyncio.run(
            self.store.revoke([Revocation(name, self.now + 1, self.now, NOW * 2)], self.now)
        )


@pytest.fixture
def store(tmp_path) -> Iterator[SQLiteStore]:
    opened = SQLiteStore(tmp_path / "replay.db")
    opened.remember(NOW - 100)
    yield opened
    opened.close()


def the_server(**settings):
    users = (a_user(password_hash=PASSWORD_HASH), a_user("bob", password_hash=PASSWORD_HASH))
    return a_server(a_client(), users=users, **(WITH_STORE | settings))


@pytest.fixture
def pages(store):
    return Pages(the_server(), store)


@pytest.fixture
def session(pages):
    """Alice's, who has agreed already."""
    return having_agreed(pages.server, a_session(pages.server), "read")


def visiting(pages, **changes):
    """The query of a page that is come back to."""
    held = an_interaction(pages.server, now=pages.now, **changes)
    return {"interaction": pages.server.seal(held, now=pages.now)}


def fields(answer):
    """What stands in the form of a page."""
    return dict(re.findall(r'name="(\w+)" value="([^"]*)"', answer.text))


@pytest.mark.parametrize("prompt", [None, "none", "login", "consent"])
@pytest.mark.parametrize("path", [CONSENT, LOGIN])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_page_asks_once_whether_its_session_stands(pages, session, method, path, prompt):
    where = {"params" if method != "POST" else "data": visiting(pages, prompt=prompt)}
    assert pages.ask(method, path, session, **where).status_code in (200, 303, 403)
    assert pages.store.calls == ["use"]


@pytest.mark.parametrize("path", [CONSENT, LOGIN])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_a_page_to_which_nobody_brings_a_login_asks_nothing(pages, method, path):
    where = {"params" if method != "POST" else "data": visiting(pages)}
    for session in (None, sessions.begin(pages.server.registry.issuer, NOW)):
        pages.ask(method, path, session, **where)
        assert pages.store.calls == []


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_of_nothing_asks_nothing(pages, session, method):
    """A link that is no good is refused before."""
    for path in (CONSENT, LOGIN):
        assert pages.ask(method, path, session, data={"interaction": "x"}).status_code == 400
        assert pages.store.calls == []


def test_where_requests_arrive_no_cookie_is_looked_at(pages, session):
    assert pages.ask("GET", AUTHORIZE, session, params=SENT).status_code == 303
    assert pages.store.calls == []


def test_logging_in_asks_once_and_tells_it_where_somebody_else_is_ended(pages, session):
    """And nobody where the password is wrong, or where the same person is there again."""
    for username, password, calls in [
        ("alice", "wrong", ["use"]),
        ("alice", PASSWORD, ["use"]),
        ("bob", "wrong", ["use"]),
        ("bob", PASSWORD, ["use", "revoke"]),
    ]:
        held = visiting(pages, prompt="login")
        shown = fields(pages.ask("GET", LOGIN, session, params=held))
        typed = {**shown, "username": username, "password": password}
        answer = pages.ask("POST", LOGIN, session, data=typed)
        assert answer.status_code == (403 if password == "wrong" else 303)
        assert pages.store.calls == calls
    assert pages.ask("GET", CONSENT, session, params=held).headers["location"].startswith(LOGIN)


def test_logging_out_tells_it_once_and_asks_only_for_the_question(pages, session):
    question = pages.ask("GET", LOGOUT, session)
    assert pages.store.calls == ["use"]
    assert pages.ask("HEAD", LOGOUT, session).status_code == 200
    assert pages.store.calls == ["use"]
    assert pages.ask("GET", CONSENT, session, params=visiting(pages)).status_code == 303
    answer = pages.ask("POST", LOGOUT, session, data=fields(question))
    assert pages.store.calls == ["revoke"]
    assert (answer.status_code, COOKIE in answer.headers["set-cookie"]) == (200, True)
    # By now nobody is logged in, so there is nothing to ask a person about.
    again = pages.ask("GET", LOGOUT, session)
    assert (again.status_code, 'id="logout"' in again.text) == (200, False)
    assert COOKIE in again.headers["set-cookie"]


def test_a_form_that_nobody_was_shown_ends_nothing(pages, session):
    assert pages.ask("POST", LOGOUT, session, data={"form_token": "x"}).status_code == 303
    assert pages.store.calls == []


def test_a_session_ends_with_all_that_its_user_has(pages, session):
    """``issuer revoke --user``: by a line, so that whoever logs in after it is logged in."""
    assert "code=" in pages.ask("GET", CONSENT, session, params=visiting(pages)).headers["location"]
    pages.revoke(revocation.user("alice"))
    answer = pages.ask("GET", CONSENT, session, params=visiting(pages))
    assert answer.headers["location"].startswith(LOGIN)
    pages.now += 1
    later = having_agreed(pages.server, a_session(pages.server, now=pages.now), "read")
    assert "code=" in pages.ask("GET", CONSENT, later, params=visiting(pages)).headers["location"]
    bob = having_agreed(pages.server, a_session(pages.server, sub="bob"), "read")
    assert "code=" in pages.ask("GET", CONSENT, bob, params=visiting(pages)).headers["location"]


def test_a_session_of_before_the_memory_waits_and_is_believed(tmp_path):
    """For as long as the workers take to tell a young store what they remember."""
    young = SQLiteStore(tmp_path / "replay.db")
    young.remember(NOW + 10)
    pages = Pages(the_server(), young)
    session = having_agreed(pages.server, a_session(pages.server), "read")
    for pages.now, status in [(NOW + 10, 503), (NOW + 24, 503), (NOW + 25, 303)]:
        answer = pages.ask("GET", CONSENT, session, params=visiting(pages))
        assert answer.status_code == status
        assert answer.headers.get("retry-after", "") == (
            "" if status == 303 else f"{NOW + 25 - pages.now}"
        )
    young.close()


def test_an_ended_session_is_remembered_for_as_long_as_what_goes_with_it(pages, session):
    """A refresh token outlives the cookie, and must not come back when that has expired."""
    ended = sessions.end(pages.server, session, NOW)
    settings = pages.server.registry.issuer
    assert ended.forget_at == NOW + settings.refresh_token_lifetime + 120
    short = the_server(refresh_token_lifetime=60, session_lifetime=3600)
    assert sessions.end(short, session, NOW).forget_at == NOW + 3600 + 120


def test_without_a_store_nothing_is_asked_or_told():
    pages = Pages(a_server(a_client()), NoStore())
    session = having_agreed(pages.server, a_session(pages.server), "read")
    question = pages.ask("GET", LOGOUT, session)
    assert pages.ask("POST", LOGOUT, session, data=fields(question)).status_code == 200
    assert "revoke" not in pages.store.calls
    assert "code=" in pages.ask("GET", CONSENT, session, params=visiting(pages)).headers["location"]


JTI = itertools.count()


def answered(pages, session, sub="alice"):
    """What the login application says of whoever is in ``session``."""
    challenge = LoginChallenge(
        session_id=session.id,
        interaction=an_interaction(pages.server),
        issued_at=NOW,
        expires_at=NOW + 600,
    )
    claims = {"aud": ISSUER, "iat": NOW, "exp": NOW + 60, "jti": f"{next(JTI)}", "sub": sub}
    claims["login_challenge"] = pages.server.seal(challenge, now=NOW)
    return {"login_response": LOGIN_KEY.sign("login-response+jwt", claims)}


@pytest.mark.parametrize(("sub", "calls"), [("alice", ["use"]), ("bob", ["use", "revoke"])])
def test_a_login_application_is_believed_by_one_question(store, sub, calls):
    keys = {"keys": [dict(LOGIN_KEY.public_jwk)]}
    pages = Pages(the_server(login_url="https://login.example/", login_jwks=keys), store)
    session = a_session(pages.server)
    answer = pages.ask("GET", LOGIN_CALLBACK, session, params=answered(pages, session, sub))
    assert (answer.status_code, pages.store.calls) == (303, calls)
    pages.revoke(revocation.session(session.sid))
    refused = pages.ask("GET", LOGIN_CALLBACK, session, params=answered(pages, session, sub))
    assert (refused.status_code, pages.store.calls) == (400, ["use"])
    assert "set-cookie" not in refused.headers
