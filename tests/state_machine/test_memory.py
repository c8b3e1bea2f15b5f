"""Two replicas over each store: what was used, revoked or forgotten, and what must be good still.

A model says of each request exactly what must come of it: 200, refused for good, or 503. No store
is a store, too: there a code yields the same texts again, and nothing is revoked.
"""

import asyncio
import sqlite3
import tempfile
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from issuer import introspection, revoking
from issuer.errors import AccessTokenException, UnsupportedTokenType
from issuer.introspection import Inquiry
from issuer.protocol.replay import RECALL, RETAUGHT, ReplayStore, Revocation
from issuer.protocol.request import Response
from issuer.registry import secret
from issuer.registry.client import ClientSecret
from issuer.registry.registry import Registry
from issuer.registry.settings import Settings
from issuer.remembered import Remembered
from issuer.server import AuthorizationServer
from issuer.stores.none import NoStore
from issuer.token import handler
from keys.ring import ROTATION_LEAD, KeyRing
from keys.spent import StoreUnavailable
from keys.timetable import State
from tests.asking import a_public_request, a_request_of
from tests.builders import (
    ISSUER,
    NOW,
    RING,
    SECRET,
    VERIFIER,
    a_client,
    a_code,
    a_public_client,
    a_request,
    a_resource,
    a_user,
    basic,
)
from tests.redis_server import PROGRAM, running_redis
from tests.stores.asking import Backing

USERS = ("alice", "bob")
CLIENTS = ("web", "rotating", "spa")
"""Keeps its refresh tokens, rotates them though it has a secret, and has none."""
CODE_LIFETIME, TOKEN_LIFETIME, GRANT_LIFETIME = 60, 600, 5_000
GRACE = 5
"""Seconds in which a refresh token yields its successor again."""
LATER, GONE = "temporarily_unavailable", "invalid_grant"
BEFORE = "issued before the memory begins"
TRIES = 100
"""How often a store is asked that has no time, with a twentieth of a second in between."""
API_SECRET = ClientSecret(hash=secret.sha256_hash(SECRET))

replicas = st.sampled_from((0, 1))
pauses = st.sampled_from((0, 1, GRACE, RETAUGHT + 1))


@dataclass(frozen=True)
class Written:
    """What is in the files."""

    ring: KeyRing = RING
    lines: tuple[tuple[str, int], ...] = ()
    """Below which nothing of a user is good (``not_before``)."""

    def server(self, replay_store: str) -> AuthorizationServer:
        """The same as a replica reads it."""
        lines = dict(self.lines)
        grants = ("authorization_code", "refresh_token")
        registry = Registry.of(
            Settings(
                url=ISSUER,
                replay_store=replay_store,
                authorization_code_lifetime=CODE_LIFETIME,
                access_token_lifetime=TOKEN_LIFETIME,
                refresh_token_lifetime=GRANT_LIFETIME,
                refresh_token_grace=GRACE,
            ),
            resources=(a_resource(client_secrets=(API_SECRET,), client_id="api"),),
            clients=(
                a_client("web", grant_types=grants),
                a_client("rotating", grant_types=grants, rotate_refresh_tokens=True),
                a_public_client("spa", grant_types=grants),
            ),
            users=tuple(a_user(each, not_before=lines.get(each)) for each in USERS),
            digest="sha256:test",
        )
        return AuthorizationServer.of(registry, self.ring)


@dataclass
class Grant:
    """What a user gave a client, once."""

    client_id: str
    sub: str
    issued_at: int
    is_revoked: bool = False


@dataclass
class Held:
    """Something that came of a grant."""

    kind: str
    grant: Grant
    text: str
    issued_at: int
    expires_at: int
    used_at: int | None = None
    yields: dict[str, str] = field(default_factory=dict)
    """What its use gave: the same again, wherever it may be used again."""
    is_revoked: bool = False


class Memories(RuleBasedStateMachine):
    """Over the store of this kind."""

    kind: ClassVar[str]
    codes = Bundle("codes")
    refresh_tokens = Bundle("refresh_tokens")
    access_tokens = Bundle("access_tokens")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.closing = ExitStack()
        folder = Path(self.closing.enter_context(tempfile.TemporaryDirectory()))
        self.backing, self.replay_store = self.a_backing(folder)
        self.runner = asyncio.Runner()
        self.stores = [self.open_store() for _ in (0, 1)]
        self.remembered = [self.remember(each) for each in self.stores]
        self.written = [Written()]
        self.servers = [self.written[0].server(self.replay_store)]
        self.versions = [0, 0]
        self.since = NOW - 1000
        """When the store's memory begins."""
        self.was_silent = False
        """Once is enough: it takes half a second."""
        self.drawn: dict[str, int] = {}
        """Lines in the store, by user."""

    def a_backing(self, folder: Path) -> tuple[Backing | None, str]:
        if self.kind == "none":
            return None, "none"
        redis = self.closing.enter_context(running_redis(folder)) if self.kind == "redis" else None
        backing = Backing(self.kind, folder, redis)
        return backing, backing.replay_store

    def open_store(self) -> ReplayStore:
        if self.backing is None:
            return NoStore()
        asked = self.backing.open(None)
        store: ReplayStore = asked.store
        self.insist(lambda: store.revocations(0, NOW - 1000))
        return store

    def insist(self, ask: Callable[[], Coroutine[Any, Any, object]]) -> None:
        for _ in range(TRIES):
            with suppress(StoreUnavailable):
                self.runner.run(ask())
                return
            time.sleep(0.05)
        raise AssertionError("the store does not answer")

    def remember(self, store: ReplayStore) -> Remembered:
        return Remembered(store, clock=lambda: self.now)

    def teardown(self) -> None:
        for store in self.stores:
            self.runner.run(_closed(store))
        self.runner.close()
        self.closing.close()

    @property
    def has_store(self) -> bool:
        return self.backing is not None

    # The files, the clock, the store

    @rule(username=st.sampled_from(USERS))
    def draw_a_line_in_the_file(self, username: str) -> None:
        lines = dict(self.written[-1].lines) | {username: self.now + 1}
        self.write(Written(self.written[-1].ring, tuple(sorted(lines.items()))))

    @precondition(lambda self: not self.is_rotating())
    @rule()
    def rotate_the_keys(self) -> None:
        ring = self.written[-1].ring.rotate(
            self.now, longest_token_lifetime=TOKEN_LIFETIME, longest_sealed_lifetime=GRANT_LIFETIME
        )
        self.write(Written(ring, self.written[-1].lines))

    def is_rotating(self) -> bool:
        keys = self.written[-1].ring.signing_keys
        return any(each.state(self.now) is State.NEXT for each in keys)

    def write(self, written: Written) -> None:
        """Whoever missed the version before reads that now at the latest."""
        self.versions = [len(self.written) - 1] * 2
        self.written.append(written)
        self.servers.append(written.server(self.replay_store))

    @rule(which=replicas)
    def reload(self, which: int) -> None:
        self.versions[which] = len(self.written) - 1

    @rule(seconds=st.sampled_from((1, 1, GRACE - 1, GRACE, RETAUGHT, RECALL, 600)))
    def tick(self, seconds: int) -> None:
        self.now += seconds
        if seconds > GRACE:
            self.versions = [len(self.written) - 1] * 2

    @rule()
    def wait_for_a_key(self) -> None:
        self.tick(ROTATION_LEAD)

    @precondition(lambda self: self.has_store)
    @rule()
    def lose_the_memory(self) -> None:
        """And the workers tell the new one what they remember of revocations."""
        assert self.backing is not None
        self.synchronize()
        self.backing.lose()
        self.synchronize()
        self.since = self.now + 1

    def synchronize(self) -> None:
        for each in self.remembered:
            self.insist(lambda each=each: each.synchronize(self.now))

    @precondition(lambda self: self.has_store)
    @rule(which=replicas)
    def replace_a_worker(self, which: int) -> None:
        """It died; another takes its place, and asks when it is asked."""
        self.runner.run(_closed(self.stores[which]))
        assert self.backing is not None
        self.stores[which] = self.backing.open(None).store
        self.remembered[which] = self.remember(self.stores[which])

    @precondition(lambda self: self.has_store and not self.was_silent)
    @rule(which=replicas, held=codes | refresh_tokens)
    def ask_while_the_store_is_silent(self, which: int, held: Held) -> None:
        """Nothing is spent, and nothing is refused for good that the store alone could refuse.

        Of a SQLite file that somebody else writes to, what is revoked can be read all the same.
        """
        self.was_silent = True
        needs_none = self.now >= held.expires_at or self.line(which, held) > held.grant.issued_at
        with self.silence():
            response = self.runner.run(self.request(which, held))
        if self.kind == "sqlite" and response.error != LATER:
            spends = held.kind == "code" or held.grant.client_id != "web"
            error = self.why_not(which, held, is_once=spends)
            assert error is not None or not spends
            self.check(response, error)
        else:
            self.check(response, GONE if needs_none else LATER)

    @contextmanager
    def silence(self) -> Iterator[None]:
        assert self.backing is not None
        if self.backing.redis:
            self.backing.redis.pause()
            yield
            self.backing.redis.resume()
        else:
            with closing(sqlite3.connect(self.backing.folder / "replay.db", timeout=5)) as other:
                other.execute("BEGIN EXCLUSIVE")
                yield
                other.rollback()

    # What is given

    @initialize(target=codes)
    def begin(self):
        return multiple(*(self.issue(0, each, "alice") for each in CLIENTS))

    @initialize(target=refresh_tokens)
    def begin_with_refresh_tokens(self):
        return multiple(*(self.redeem(0, self.issue(0, each, "bob")) for each in CLIENTS[:2]))

    @rule(
        target=codes,
        which=replicas,
        client_id=st.sampled_from(CLIENTS),
        username=st.sampled_from(USERS),
    )
    def issue(self, which: int, client_id: str, username: str):
        text = a_code(self.server(which), now=self.now, client_id=client_id, username=username)
        grant = Grant(client_id, username, self.now)
        return Held("code", grant, text, self.now, self.now + CODE_LIFETIME)

    @rule(target=refresh_tokens, which=replicas, code=codes)
    def redeem(self, which: int, code: Held):
        response = self.answered(lambda: self.request(which, code))
        error = self.why_not(which, code, is_once=True)
        again = self.has_store and code.used_at is not None
        if error is None and again:
            error, code.grant.is_revoked = GONE, True
            self.check_what_it_gave(which, code)
        self.check(response, error)
        if error is not None:
            return multiple()
        code.used_at = self.now
        body = {name: str(response.body[name]) for name in ("access_token", "refresh_token")
                if name in response.body}  # fmt: skip
        assert code.yields in ({}, body), "a code yielded something else the second time"
        code.yields = body
        assert ("refresh_token" in body) == (self.has_store or code.grant.client_id != "spa")
        if "refresh_token" not in body:
            return multiple()
        end = code.issued_at + GRANT_LIFETIME
        return Held("refresh", code.grant, body["refresh_token"], code.issued_at, end)

    @rule(target=access_tokens, which=replicas, code=codes)
    def keep_the_access_token(self, which: int, code: Held):
        self.redeem(which, code)
        if "access_token" not in code.yields:
            return multiple()
        end = code.issued_at + TOKEN_LIFETIME
        return Held("access", code.grant, code.yields["access_token"], code.issued_at, end)

    @rule(target=refresh_tokens, which=replicas, held=refresh_tokens)
    def refresh(self, which: int, held: Held):
        """What takes its place, where something does."""
        rotates = self.has_store and held.grant.client_id != "web"
        response = self.answered(lambda: self.request(which, held))
        error = self.why_not(which, held, is_once=rotates)
        again = rotates and held.used_at is not None and self.now >= held.used_at + GRACE
        if error is None and again:
            error, held.grant.is_revoked = GONE, True
            self.check_what_it_gave(which, held)
        self.check(response, error)
        if error is not None:
            return multiple()
        given = str(response.body["refresh_token"])
        if not rotates:
            assert given == held.text
            return multiple()
        if held.used_at is not None:
            assert given == held.yields["refresh_token"], "a second successor"
            return multiple()
        assert given != held.text
        held.used_at, held.yields["refresh_token"] = self.now, given
        return Held("refresh", held.grant, given, self.now, held.expires_at)

    # What attackers, tabs and bad days come to, more often than by chance

    @rule(target=refresh_tokens, which=replicas, held=refresh_tokens, seconds=pauses)
    def refresh_again_elsewhere(self, which: int, held: Held, seconds: int):
        first = self.refresh(which, held)
        self.now += seconds
        self.refresh(1 - which, held)
        return first

    @rule(target=refresh_tokens, which=replicas, code=codes)
    def redeem_again_elsewhere(self, which: int, code: Held):
        first = self.redeem(which, code)
        self.redeem(1 - which, code)
        return first

    @precondition(lambda self: self.has_store)
    @rule(which=replicas, held=codes | refresh_tokens, seconds=pauses)
    def lose_the_memory_of_its_use(self, which: int, held: Held, seconds: int) -> None:
        use = self.redeem if held.kind == "code" else self.refresh
        use(which, held)
        self.lose_the_memory()
        self.now += seconds
        use(1 - which, held)

    @precondition(lambda self: self.has_store)
    @rule(which=replicas, held=refresh_tokens)
    def lose_the_memory_of_its_revocation(self, which: int, held: Held) -> None:
        self.revoke(which, held)
        self.lose_the_memory()
        self.now += RETAUGHT + 1
        self.refresh(1 - which, held)

    def check_what_it_gave(self, which: int, held: Held) -> None:
        """It was used twice, so that is good no more."""
        text = held.yields.get("refresh_token")
        if text is not None:
            given = replace(held, kind="refresh", text=text)
            self.check(self.answered(lambda: self.request(which, given)), GONE)

    # What is taken back

    @rule(which=replicas, held=refresh_tokens | access_tokens)
    def revoke(self, which: int, held: Held) -> None:
        pairs, client_id = [("token", held.text)], held.grant.client_id
        if client_id == "spa":
            pairs.append(("client_id", "spa"))
        request = a_request_of(
            *pairs, client_id=None if client_id == "spa" else client_id, now=self.now
        )
        try:
            asked = revoking.validate(self.server(which), request)
        except UnsupportedTokenType:
            assert not self.has_store
            return
        assert self.has_store
        self.check(
            self.answered(lambda: revoking.revoke(self.stores[which], asked, self.now)), None
        )
        if self.now >= held.expires_at:
            return
        if held.kind == "refresh":
            held.grant.is_revoked = True
        else:
            held.is_revoked = True

    @precondition(lambda self: self.has_store)
    @rule(which=replicas, username=st.sampled_from(USERS))
    def draw_a_line_in_the_store(self, which: int, username: str) -> None:
        """As ``issuer revoke --user`` does."""
        line = Revocation(f"user:{username}", self.now + 1, self.now, self.now + 10**7)
        self.insist(lambda: self.stores[which].revoke((line,), self.now))
        self.drawn[username] = self.now + 1

    @rule(which=replicas, held=access_tokens)
    def introspect(self, which: int, held: Held) -> None:
        request = a_request_of(("token", held.text), authorization=basic("api"), now=self.now)
        inquiry = introspection.validate(self.server(which), request)
        error = self.why_not(which, held, is_once=False) or (GONE if held.is_revoked else None)
        response = self.answered(lambda: introspected(self.stores[which], inquiry, self.now))
        if LATER in (response.error, error):
            self.check(response, error)
        else:
            assert response.body["active"] == (error is None), (response.log, error)

    # What must hold

    def server(self, which: int) -> AuthorizationServer:
        return self.servers[self.versions[which]]

    def request(self, which: int, held: Held) -> Coroutine[Any, Any, Response]:
        if held.kind == "code":
            given = {"code": held.text, "code_verifier": VERIFIER}
            grant_type = "authorization_code"
        else:
            grant_type = "refresh_token"
            given = {grant_type: held.text}
        client_id = held.grant.client_id
        if client_id == "spa":
            request = a_public_request(grant_type, now=self.now, **given)
        else:
            request = a_request(grant_type, client_id=client_id, now=self.now, **given)
        return handler(self.server(which), request, store=self.stores[which])

    def answered(self, ask: Callable[[], Coroutine[Any, Any, Response]]) -> Response:
        """The answer; asked again where a busy machine, and no memory, keeps a store from one."""
        for _ in range(TRIES):
            try:
                response = self.runner.run(ask())
            except AccessTokenException as refused:
                response = handler.error_response(refused)
            if response.error != LATER or BEFORE in str(response.log["detail"]):
                return response
            time.sleep(0.05)
        raise AssertionError(response.log)

    def why_not(self, which: int, held: Held, *, is_once: bool) -> str | None:
        """The error that it must meet at this replica, whether or not it was used before."""
        grant = held.grant
        line = self.line(which, held)
        stands_since = grant.issued_at
        if self.now >= held.expires_at or stands_since < line:
            return GONE
        if not self.has_store:
            return None
        if stands_since < self.since and self.now < self.since + RETAUGHT:
            return LATER
        if is_once and held.issued_at < self.since:
            return GONE if self.now >= self.since + RECALL else LATER
        if grant.is_revoked or stands_since < self.drawn.get(grant.sub, 0):
            return GONE
        return None

    def line(self, which: int, held: Held) -> int:
        """Before which nothing of its user is good, by what this replica has read."""
        return dict(self.written[self.versions[which]].lines).get(held.grant.sub, 0)

    def check(self, response, error: str | None) -> None:
        assert response.error == error, response.log
        assert response.status == {None: 200, GONE: 400, LATER: 503}[error]
        assert (error == LATER) == ("Retry-After" in response.headers)


async def introspected(store: ReplayStore, inquiry: Inquiry, now: int) -> Response:
    asked = await introspection.ask(store, inquiry, now)
    return Response(status=200, body=introspection.members(asked), log=asked.log)


async def _closed(store: ReplayStore) -> None:
    store.close()


@pytest.mark.parametrize(("kind", "examples"), [("none", 40), ("sqlite", 60), ("redis", 60)])
def test_two_replicas_and_their_store_do_what_the_model_says(kind: str, examples: int):
    """F3, F5, F10, F15, P20, I1: nothing is accepted twice, and nothing good is refused."""
    if kind == "redis" and not PROGRAM:
        pytest.skip("no redis-server is installed")
    run_state_machine_as_test(
        type(f"Memories_{kind}", (Memories,), {"kind": kind}),
        settings=settings(
            max_examples=examples,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
