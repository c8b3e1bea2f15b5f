"""F32: what was refused because something was taken away is never accepted again, unless that is
given back: user, client, scope, resource and grant, deleted, switched off or given a line.

Two replicas, each possibly one version of the files behind. The model knows no code of theirs: it
says of a credential which withdrawals are in force against it, and it must be good where none is.
"""

import asyncio
import tempfile
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    multiple,
    rule,
    run_state_machine_as_test,
)

from issuer.browser import answering, sessions
from issuer.browser.answering import Answered
from issuer.browser.steps import Granted, next_step
from issuer.browser.userinfo import tell
from issuer.protocol.replay import ReplayStore
from issuer.protocol.sealed import Login
from issuer.registry.scope import Scope
from issuer.server import AuthorizationServer
from issuer.stores.none import NoStore
from issuer.stores.sqlite import SQLiteStore
from issuer.token import handler
from keys import AccessRefused
from tests.browser.builders import an_interaction, parameters
from tests.builders import (
    API,
    ISSUER,
    NOW,
    OTHER_API,
    RING,
    VERIFIER,
    a_client,
    a_registry,
    a_request,
    showing,
)
from tests.openid.builders import a_known_user

LOGIN_URL = "https://login.example/"
APIS = (API, OTHER_API)
SCOPES = ("openid", "read")
GRANTS = ("authorization_code", "refresh_token")
USERS = ("alice", "carol")
"""At first the registry knows alice; of carol a login application tells."""

which_replica = st.sampled_from((0, 1))


@dataclass(frozen=True)
class Person:
    """A user's record, which keeps what it says while it is deleted."""

    registered: bool
    active: bool = True
    not_before: int = 0
    blocked: bool = False


@dataclass(frozen=True)
class Written:
    """What is in the files, in the words of the model."""

    people: tuple[tuple[str, Person], ...] = (
        ("alice", Person(registered=True)),
        ("carol", Person(registered=False)),
    )
    has_application: bool = True
    """Whether login_url is set."""
    client: bool = True
    client_line: int = 0
    issuer_line: int = 0
    grants: frozenset[str] = frozenset(GRANTS)
    scope: frozenset[str] = frozenset(SCOPES)
    resources: tuple[str, ...] = APIS

    def server(self) -> AuthorizationServer:
        """The same for the replicas."""
        web = a_client(
            grant_types=tuple(sorted(self.grants)),
            scope=Scope(self.scope),
            resources=self.resources,
            not_before=self.client_line or None,
            skip_consent=True,
            id_token_signed_response_alg="ES256",
        )
        registry = a_registry(
            *([web] if self.client else [a_client("other")]),
            users=tuple(
                a_known_user(
                    username=name,
                    active=each.active,
                    not_before=each.not_before or None,
                )
                for name, each in self.people
                if each.registered
            ),
            login_url=LOGIN_URL if self.has_application else None,
            blocked_subjects=tuple(name for name, each in self.people if each.blocked),
            not_before=self.issuer_line or None,
        )
        return AuthorizationServer.of(registry, RING)

    def person(self, name: str) -> Person:
        return dict(self.people)[name]

    def audiences(self) -> tuple[str, ...]:
        return (*self.resources, ISSUER) if "openid" in self.scope else self.resources


def vars_of(written: Written) -> dict[str, object]:
    return {each.name: getattr(written, each.name) for each in fields(written)}


@dataclass
class Held:
    """A credential, and what the model knows of it."""

    text: str
    sub: str
    was_registered: bool
    """Whether the registry knew the user when it was made."""
    issued_at: int
    kind: str
    resources: tuple[str, ...] = ()
    expires_at: int = 0
    is_spent: bool = False
    code: "Held | None" = None
    """What it came of."""
    is_ended: bool = False
    """Whether it is a code that was redeemed again, which takes back what it gave."""
    refused_for: set[str] = field(default_factory=set)
    """Every withdrawal that it was refused for."""


class Withdrawals(RuleBasedStateMachine):
    """Without a store."""

    held_sessions = Bundle("held_sessions")
    codes = Bundle("codes")
    refresh_tokens = Bundle("refresh_tokens")
    access_tokens = Bundle("access_tokens")
    has_memory = False

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.written = [Written()]
        self.servers = [self.written[0].server()]
        self.versions = [0, 0]
        self.stores = [self.open_store() for _ in range(2)]
        self.lasting: list[Held] = []
        """What can be used again, the newest last: everything but codes."""

    def open_store(self) -> ReplayStore:
        return NoStore()

    def teardown(self) -> None:
        for each in self.stores:
            each.close()
        self.runner.close()
        self.directory.cleanup()

    # The files: what is taken away, and given back

    @rule(name=st.sampled_from(USERS), what=st.sampled_from(("registered", "active", "blocked")))
    def take_or_give_back_a_user(self, name: str, what: str) -> None:
        before = self.written[-1].person(name)
        self.write_person(name, **{what: not getattr(before, what)})

    @rule(name=st.sampled_from(USERS), drawn=st.booleans())
    def draw_a_line_under_a_user(self, name: str, drawn: bool) -> None:
        self.write_person(name, not_before=self.now if drawn else 0)

    @rule(whose=st.sampled_from(("client_line", "issuer_line")), drawn=st.booleans())
    def draw_a_line(self, whose: str, drawn: bool) -> None:
        self.write(**{whose: self.now if drawn else 0})

    @rule(what=st.sampled_from(("client", "has_application")))
    def take_or_give_back(self, what: str) -> None:
        self.write(**{what: not getattr(self.written[-1], what)})

    @rule(scope=st.sampled_from(SCOPES))
    def take_or_give_back_a_scope(self, scope: str) -> None:
        self.write(scope=self.written[-1].scope ^ {scope})

    @rule(grant=st.sampled_from(GRANTS))
    def take_or_give_back_a_grant(self, grant: str) -> None:
        self.write(grants=self.written[-1].grants ^ {grant})

    @rule(resource=st.sampled_from(APIS))
    def take_or_give_back_a_resource(self, resource: str) -> None:
        left = {*self.written[-1].resources} ^ {resource}
        self.write(resources=tuple(each for each in APIS if each in left))

    def write_person(self, name: str, **changes: object) -> None:
        people = dict(self.written[-1].people)
        people[name] = replace(people[name], **changes)
        self.write(people=tuple(people.items()))

    def write(self, **changes: object) -> None:
        """A new version; whoever missed the one before reads that now."""
        self.versions = [len(self.written) - 1] * 2
        self.written.append(replace(self.written[-1], **changes))
        self.servers.append(self.written[-1].server())
        self.try_everything()

    @rule()
    def give_everything_back(self) -> None:
        self.write(**vars_of(Written()))

    @rule(which=which_replica)
    def read_the_files(self, which: int) -> None:
        self.versions[which] = len(self.written) - 1
        self.try_everything()

    def try_everything(self) -> None:
        """At both replicas, whenever one has read something new."""
        uses = {
            "session": self.visit,
            "refresh_token": self.refresh,
            "userinfo": self.ask_who_it_is,
        }
        for which in (0, 1):
            for held in self.lasting[-6:]:
                uses[held.kind](which, held)

    def keep(self, held: Held) -> Held:
        self.lasting.append(held)
        return held

    @rule(seconds=st.sampled_from((1, 5, 20)))
    def wait(self, seconds: int) -> None:
        self.now += seconds

    # What is given

    @initialize(target=held_sessions)
    def begin_with_everybody(self):
        return multiple(*(self.keep(self.enter(0, name)) for name in USERS))

    @initialize(target=refresh_tokens)
    def begin_with_all_that_comes_of_a_login(self):
        codes = [self.authorize(0, self.enter(0, name)) for name in USERS]
        tokens = [self.redeem(0, code) for code in codes]
        for each in tokens:
            self.refresh(0, each, keep=True)
        return multiple(*tokens)

    @rule(target=held_sessions, which=which_replica, name=st.sampled_from(USERS))
    def log_in(self, which: int, name: str):
        entered = self.enter(which, name)
        return multiple() if self.against(which, entered) else multiple(self.keep(entered))

    def enter(self, which: int, name: str) -> Held:
        """By the login application, or without it by the issuer's own page."""
        written, server = self.written[self.versions[which]], self.servers[self.versions[which]]
        login = Login(claims={"name": name.title()} if written.has_application else None)
        entered = sessions.log_in(
            server, None, login, sub=name, auth_time=self.now, interaction_id="1", now=self.now
        )
        text = sessions.seal(server, entered, self.now)
        known = written.person(name).registered or not written.has_application
        return Held(text, name, known, self.now, "session", expires_at=entered.expires_at)

    @rule(target=held_sessions, which=which_replica, held=consumes(held_sessions))
    def renew(self, which: int, held: Held):
        """The cookie is sealed anew, and says what is so by now."""
        server = self.servers[self.versions[which]]
        session = sessions.read(server, held.text, self.now)
        if session is None:
            return multiple()
        kept = sessions.seal(server, sessions.as_registered(server, session), self.now)
        known = self.written[self.versions[which]].person(held.sub).registered
        again = replace(held, text=kept, was_registered=held.was_registered or known)
        return self.keep(again)

    @rule(target=codes, which=which_replica, held=held_sessions)
    def authorize(self, which: int, held: Held):
        written, server = self.written[self.versions[which]], self.servers[self.versions[which]]
        session = sessions.read(server, held.text, self.now)
        is_possible = written.client and "authorization_code" in written.grants
        if session is None or not is_possible or not written.resources or not written.scope:
            return multiple()
        asked = an_interaction(
            server,
            now=self.now,
            prompt="none",
            scope=" ".join(sorted(written.scope)),
            resource=None,
        )
        try:
            step = next_step(server, asked, session, self.now)
        except Answered as refused:
            step = parameters(refused.response)["error"]
        self.judge(which, held, accepted=step != "login_required")
        if step == "login_required":
            return multiple()
        assert isinstance(step, Granted)
        answer = answering.grant(server, step.requested, session, self.now)
        return Held(
            parameters(answer)["code"],
            held.sub,
            held.was_registered or written.person(held.sub).registered,
            self.now,
            "authorization_code",
            resources=tuple(each.resource for each in step.requested.resources),
            expires_at=self.now + 20,
        )

    @rule(target=refresh_tokens, which=which_replica, held=codes)
    def redeem(self, which: int, held: Held):
        response = self.ask(which, held, code=held.text, code_verifier=VERIFIER)
        if self.has_memory and held.is_spent:
            assert response.error is not None
            held.is_ended |= self.now < held.expires_at and not self.against(which, held)
            return multiple()
        if self.now >= held.expires_at and response.error == "invalid_grant":
            return multiple()
        self.judge(which, held, accepted=response.error is None, why=response.error)
        if response.error is not None:
            return multiple()
        held.is_spent = True
        return self.given(which, held, response)

    @rule(target=access_tokens, which=which_replica, held=refresh_tokens)
    def get_an_access_token(self, which: int, held: Held):
        return self.refresh(which, held, keep=True)

    def refresh(self, which: int, held: Held, *, keep: bool = False):
        response = self.ask(which, held, refresh_token=held.text)
        self.judge(which, held, accepted=response.error is None, why=response.error)
        if not keep or response.error is not None or "id_token" not in response.body:
            return multiple()
        token = Held(
            str(response.access_token),
            held.sub,
            held.was_registered or self.written[self.versions[which]].person(held.sub).registered,
            self.now,
            "userinfo",
            resources=(self.default(which, held),),
        )
        return self.keep(token)

    def ask(self, which: int, held: Held, **sent: str):
        server = self.servers[self.versions[which]]
        request = a_request(held.kind, now=self.now, **sent)
        response = self.runner.run(handler(server, request, store=self.stores[which]))
        if response.error is None:
            given = set(str(response.body.get("scope", "")).split())
            assert given <= self.written[self.versions[which]].scope
        return response

    def given(self, which: int, held: Held, response):
        """The refresh token that came with a code, if one did."""
        written = self.written[self.versions[which]]
        if "refresh_token" not in response.body:
            assert "refresh_token" not in written.grants
            return multiple()
        token = Held(
            str(response.body["refresh_token"]),
            held.sub,
            held.was_registered or written.person(held.sub).registered,
            held.issued_at,
            "refresh_token",
            resources=tuple(each for each in held.resources if each in written.audiences()),
            code=held,
        )
        return self.keep(token)

    @rule(which=which_replica, held=held_sessions)
    def visit(self, which: int, held: Held) -> None:
        server = self.servers[self.versions[which]]
        user = sessions.user_of(server, sessions.read(server, held.text, self.now))
        self.judge(which, held, accepted=user is not None)

    @rule(which=which_replica, held=access_tokens)
    def ask_who_it_is(self, which: int, held: Held) -> None:
        try:
            told = tell(
                self.servers[self.versions[which]], showing(f"Bearer {held.text}", self.now)
            )
        except AccessRefused as refused:
            self.judge(which, held, accepted=False, why=refused.detail)
        else:
            self.judge(which, held, accepted=True)
            assert told.claims["sub"] == held.sub

    # What must hold

    def judge(self, which: int, held: Held, *, accepted: bool, why: str | None = None) -> None:
        in_force = self.against(which, held)
        if accepted:
            assert not held.refused_for & in_force, "accepted again, and nothing was given back"
            assert not in_force, "accepted in spite of what was taken away"
        else:
            assert in_force, f"refused, and nothing was taken away: {why}"
            held.refused_for |= in_force

    def against(self, which: int, held: Held) -> set[str]:
        """The withdrawals that are in force against it, by what this replica has read."""
        written = self.written[self.versions[which]]
        person = written.person(held.sub)
        in_force = {
            "the user is blocked": person.blocked,
            "the user is deleted": held.was_registered and not person.registered,
            "nobody vouches for the user": not (person.registered or written.has_application),
            "the user is switched off": person.registered and not person.active,
            "a line under the user": person.registered and held.issued_at < person.not_before,
            "a line under everybody": held.issued_at < written.issuer_line,
        }
        if held.kind != "session":
            in_force |= {
                "the client is deleted": not written.client,
                "a line under the client": held.issued_at < written.client_line,
            }
        if held.kind in GRANTS:
            in_force["the grant is taken away"] = held.kind not in written.grants
            in_force["its code was used again"] = held.code is not None and held.code.is_ended
            in_force["the resource is taken away"] = self.default(which, held) == ""
        if held.kind == "userinfo":
            in_force["the scope is taken away"] = "openid" not in written.scope
            in_force["the resource is taken away"] = held.resources[0] not in written.audiences()
        return {name for name, holds in in_force.items() if holds}

    def default(self, which: int, held: Held) -> str:
        """Whom the next token is for; empty where nothing is left that was asked for."""
        allowed = self.written[self.versions[which]].audiences()
        left = [each for each in held.resources if each in allowed]
        asked_for = [each for each in left if each != ISSUER or held.resources[0] == ISSUER]
        return asked_for[0] if asked_for else ""


class RememberingWithdrawals(Withdrawals):
    """With a store that all workers of a machine share."""

    has_memory = True

    def open_store(self) -> ReplayStore:
        store = SQLiteStore(Path(self.directory.name) / "replay.db")
        store.remember(NOW - 100)
        return store


@pytest.mark.parametrize("machine", [Withdrawals, RememberingWithdrawals])
def test_what_was_taken_away_stays_away_until_it_is_given_back(machine):
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=20,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
