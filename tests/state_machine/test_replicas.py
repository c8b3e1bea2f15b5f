"""Two replicas, each possibly one version of the files behind and with a clock of its own.

A model says of every request exactly what must come of it. The replicas are the pure core; what
they share is what replicas share: the files, and the store where there is one.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
    run_state_machine_as_test,
)

from issuer.browser.authorize import AuthorizationRequest, issue_code
from issuer.errors import AccessTokenException
from issuer.protocol.replay import ReplayStore
from issuer.protocol.request import Response
from issuer.registry.client import Client
from issuer.registry.scope import Scope
from issuer.server import AuthorizationServer
from issuer.stores.none import NoStore
from issuer.stores.sqlite import SQLiteStore
from issuer.token import handler
from keys import Verifier
from keys.ring import ROTATION_LEAD, KeyRing
from keys.timetable import State
from tests.builders import (
    API,
    CALLBACK,
    CHALLENGE,
    ISSUER,
    NOW,
    OTHER_API,
    RING,
    VERIFIER,
    a_client,
    a_registry,
    a_request,
    a_user,
)

CLIENTS = ("web", "shop")
USERS = ("alice", "bob")
SCOPES = ("pay", "read", "write")
RESOURCES = (API, OTHER_API)
KNOWN = {API: {"read", "write"}, OTHER_API: {"read", "pay"}}
STALENESS = 5
"""Seconds after which every replica has read the files."""
SKEWS = (-30, 0, 30)
GRACE = 10
CODE_LIFETIME = 60
"""Seconds: a code is good at a replica whose clock is ahead by less than that."""

requested_scopes = st.none() | st.sampled_from([["read"], ["read", "write"], ["pay"], [*SCOPES]])
requested_resources = st.sampled_from((None, None, None, *RESOURCES))


@dataclass(frozen=True)
class Written:
    """What is in the files, in the words of the model."""

    clients: frozenset[str] = frozenset(CLIENTS)
    users: frozenset[str] = frozenset(USERS)
    scope: frozenset[str] = frozenset(SCOPES)
    """Of either client."""
    resources: tuple[str, ...] = RESOURCES
    """Of either client, and known at all."""
    not_before: tuple[tuple[str, int], ...] = ()
    """Of users."""
    ring: KeyRing = field(default=RING, compare=False)

    def server(
        self,
        now: int,
        settings: Mapping[str, Any] = MappingProxyType({}),
        client: Mapping[str, Any] = MappingProxyType({}),
    ) -> AuthorizationServer:
        """The same for the replicas, written at ``now``, with these settings and clients."""
        not_before = dict(self.not_before)
        users = tuple(a_user(each, not_before=not_before.get(each)) for each in sorted(self.users))
        clients = [self._client(each, client) for each in sorted(self.clients)]
        registry = a_registry(
            self._client("thief", client),
            *clients,
            users=users,
            authorization_code_lifetime=CODE_LIFETIME,
            **settings,
        )
        longest = {
            "longest_token_lifetime": registry.longest_access_token_lifetime(),
            "longest_sealed_lifetime": registry.longest_sealed_lifetime(),
        }
        assert self.ring.problems(now, **longest) == []
        return AuthorizationServer.of(registry, self.ring)

    def _client(self, client_id: str, more: Mapping[str, Any]) -> Client:
        return a_client(client_id, scope=Scope(self.scope), resources=self.resources, **more)


@dataclass
class Replica:
    """One issuer: which version of the files it has read, and how wrong its clock is."""

    version: int
    skew: int
    store: ReplayStore


@dataclass
class Granted:
    """A code or a refresh token, and what the model knows of it."""

    text: str
    client_id: str
    username: str
    scope: frozenset[str]
    resources: tuple[str, ...]
    issued_at: int
    expires_at: int
    tokens: dict[object, tuple[object, object]] = field(default_factory=dict)
    """``jti`` and ``exp`` of what the code was redeemed for, by audience."""
    texts: dict[object, object] = field(default_factory=dict)
    """The tokens that the code was redeemed for, by what they say."""
    code: "Granted | None" = None
    """What a refresh token came of."""
    is_ended: bool = False
    """Of a code: it was redeemed again, or a refresh token of it was used again too late."""
    ends_at: int = 0
    """When a refresh token's grant ends, however often it is used."""
    spent_at: int | None = None
    successor: "Granted | None" = None


class Replicas(RuleBasedStateMachine):
    """Without a store: a second redemption yields the same tokens, byte for byte."""

    codes = Bundle("codes")
    refresh_tokens = Bundle("refresh_tokens")
    has_memory = False
    idle = 2_592_000
    """Seconds for which a refresh token may lie unused."""
    settings: ClassVar[Mapping[str, Any]] = MappingProxyType({})
    client: ClassVar[Mapping[str, Any]] = MappingProxyType({})

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.runner = asyncio.Runner()
        self.directory = tempfile.TemporaryDirectory()
        self.written = [Written()]
        self.servers = [self.written[0].server(NOW, self.settings, self.client)]
        self.changed_at = NOW
        self.replicas = [Replica(0, skew, self.open_store()) for skew in (0, 0)]
        self.access_tokens: list[tuple[str, str, int]] = []

    def open_store(self) -> ReplayStore:
        return NoStore()

    def teardown(self) -> None:
        for each in self.replicas:
            each.store.close()
        self.runner.close()
        self.directory.cleanup()

    # The files

    @rule(scope=st.sampled_from(SCOPES))
    def add_or_drop_a_scope(self, scope: str) -> None:
        self.write(scope=self.written[-1].scope ^ {scope})

    @rule(change=st.sampled_from([*CLIENTS, *USERS, *RESOURCES]))
    def add_or_remove(self, change: str) -> None:
        now = self.written[-1]
        if change in CLIENTS:
            self.write(clients=now.clients ^ {change})
        elif change in USERS:
            self.write(users=now.users ^ {change})
        elif change in now.resources:
            self.write(resources=tuple(set(now.resources) - {change}) or RESOURCES)
        else:
            self.write(resources=(*now.resources, change))

    @rule(username=st.sampled_from(USERS))
    def revoke_everything_of_a_user(self, username: str) -> None:
        lines = dict(self.written[-1].not_before) | {username: self.now}
        self.write(not_before=tuple(sorted(lines.items())))

    @precondition(lambda self: not self.is_rotating())
    @rule()
    def rotate_the_keys(self) -> None:
        ring = self.written[-1].ring.rotate(
            self.now, longest_token_lifetime=600, longest_sealed_lifetime=2_592_000
        )
        self.write(ring=ring)

    def is_rotating(self) -> bool:
        ring = self.written[-1].ring
        return any(each.state(self.now) is State.NEXT for each in ring.signing_keys)

    def write(self, **changes: object) -> None:
        """A new version; whoever missed the one before reads that now at the latest."""
        for each in self.replicas:
            each.version = len(self.written) - 1
        self.written.append(replace(self.written[-1], **changes))
        self.servers.append(self.written[-1].server(self.now, self.settings, self.client))
        self.changed_at = self.now

    @rule(which=st.sampled_from((0, 1)))
    def read_the_files(self, which: int) -> None:
        self.replicas[which].version = len(self.written) - 1

    # The clocks

    @rule(seconds=st.sampled_from((1, 2, 4, 6, 20, 29, 31, 59)))
    def tick(self, seconds: int) -> None:
        self.wait(seconds)

    @rule(seconds=st.sampled_from((300, ROTATION_LEAD, ROTATION_LEAD, 90_000, 2_592_000)))
    def wait_for_long(self, seconds: int) -> None:
        self.wait(seconds)

    def wait(self, seconds: int) -> None:
        self.now += seconds
        if self.now - self.changed_at > STALENESS:
            for each in self.replicas:
                each.version = len(self.written) - 1

    @rule(which=st.sampled_from((0, 1)), skew=st.sampled_from(SKEWS))
    def disturb_a_clock(self, which: int, skew: int) -> None:
        self.replicas[which].skew = skew

    # The requests

    @initialize(target=codes, scope=requested_scopes)
    def begin_with_a_code(self, scope):
        return self.issue(0, "web", "alice", scope, ())

    @rule(
        target=codes,
        which=st.sampled_from((0, 1)),
        client_id=st.sampled_from(CLIENTS),
        username=st.sampled_from(USERS),
        scope=requested_scopes,
        resources=st.just(()) | st.sets(st.sampled_from(RESOURCES)).map(sorted).map(tuple),
    )
    def issue_a_code(self, which, client_id, username, scope, resources):
        return self.issue(which, client_id, username, scope, resources)

    def issue(self, which, client_id, username, scope, resources):
        replica = self.replicas[which]
        written, now = self.written[replica.version], self.now + replica.skew
        wanted = resources or written.resources[:1]
        grantable = written.scope & {scope for each in wanted for scope in KNOWN[each]}
        error = None
        if client_id not in written.clients or username not in written.users:
            error = "invalid_request"
        elif not set(wanted) <= set(written.resources):
            error = "invalid_target"
        elif scope and not set(scope) <= grantable:
            error = "invalid_scope"
        request = AuthorizationRequest(
            client_id=client_id,
            redirect_uri=CALLBACK,
            scope=" ".join(scope) if scope else None,
            resource=resources,
            code_challenge=CHALLENGE,
            code_challenge_method="S256",
        )
        server = self.servers[replica.version]
        text = ""
        try:
            text = issue_code(server, request, username=username, now=now)
        except AccessTokenException as refused:
            found = refused.error
        else:
            found = None
        assert found == error
        if found is not None:
            return multiple()
        granted = frozenset(scope) if scope else grantable
        return Granted(text, client_id, username, granted, wanted, now, now + 60)

    @rule(
        target=refresh_tokens,
        which=st.sampled_from((0, 1)),
        code=codes,
        resource=requested_resources,
    )
    def redeem(self, which: int, code: Granted, resource: str | None):
        return self.exchange(which, code, resource)

    @initialize(target=refresh_tokens)
    def begin_with_a_refresh_token(self):
        return self.exchange(0, self.issue(0, "web", "alice", None, ()), None)

    def exchange(self, which: int, code: Granted, resource: str | None):
        response = self.ask(
            which,
            "authorization_code",
            code.client_id,
            code=code.text,
            code_verifier=VERIFIER,
            resource=resource,
        )
        written = self.written[self.replicas[which].version]
        error = self.why_not(which, code, resource)
        if error is None and self.has_memory and code.tokens:
            error = "invalid_grant"
            code.is_ended = True
        self.check(response, error)
        if error is not None:
            return multiple()
        common = tuple(each for each in code.resources if each in written.resources)
        token = self.check_token(which, response, code, resource or common[0], None)
        named = token["jti"], token["exp"]
        assert code.tokens.setdefault(token["aud"], named) == named
        assert len({jti for jti, _ in code.tokens.values()}) == len(code.tokens)
        body, still = response.body, code.scope & written.scope
        for said, text in (
            ((token["aud"], token.get("scope")), body["access_token"]),
            ((still, common), body["refresh_token"]),
        ):
            assert code.texts.setdefault(said, text) == text
        ends_at = code.issued_at + 2_592_000
        held = Granted(
            str(response.body["refresh_token"]),
            code.client_id,
            code.username,
            code.scope & written.scope,
            common,
            code.issued_at,
            min(ends_at, code.issued_at + self.idle),
            ends_at=ends_at,
            code=code,
        )
        return multiple(held)

    @rule(
        target=refresh_tokens,
        which=st.sampled_from((0, 1)),
        held=refresh_tokens,
        scope=requested_scopes,
        resource=requested_resources,
    )
    def refresh(self, which: int, held: Granted, scope: list[str] | None, resource: str | None):
        return self.use(which, held, scope, resource)

    def use(self, which: int, held: Granted, scope: list[str] | None, resource: str | None):
        response = self.ask(
            which,
            "refresh_token",
            held.client_id,
            refresh_token=held.text,
            scope=" ".join(scope) if scope else None,
            resource=resource,
        )
        written = self.written[self.replicas[which].version]
        error = self.why_not(which, held, resource)
        if error is None:
            meant = resource or self.common(which, held)[0]
            if scope and not set(scope) <= held.scope & written.scope & KNOWN[meant]:
                error = "invalid_scope"
        if error is None:
            error = self.spend(which, held)
        self.check(response, error)
        if error is not None:
            return multiple()
        self.check_token(which, response, held, meant, scope)
        return self.following(held, str(response.body["refresh_token"]))

    def spend(self, which: int, held: Granted) -> str | None:
        """What the store says of a request that nothing else is wrong with."""
        return "invalid_grant" if held.code.is_ended else None

    def following(self, held: Granted, text: str):
        """The refresh token that comes with the use of ``held``: where it does not rotate, it."""
        assert text == held.text
        return multiple()

    @rule(which=st.sampled_from((0, 1)), held=codes | refresh_tokens)
    def steal(self, which: int, held: Granted) -> None:
        """Another client, with its own secret and even the verifier; it costs the code nothing."""
        as_code = {"code": held.text, "code_verifier": VERIFIER}
        stolen = [
            self.ask(which, "authorization_code", "thief", **as_code),
            self.ask(which, "refresh_token", "thief", refresh_token=held.text),
        ]
        for each in stolen:
            self.check(each, "invalid_grant")

    @rule(which=st.sampled_from((0, 1)), client_id=st.sampled_from(CLIENTS))
    def ask_for_oneself(self, which: int, client_id: str) -> None:
        response = self.ask(which, "client_credentials", client_id)
        written = self.written[self.replicas[which].version]
        known = client_id in written.clients
        self.check(response, None if known else "invalid_client")
        if known:
            self.publish(which, response, written.resources[0])

    # What must hold

    def ask(
        self, which: int, grant_type: str, client_id: str, **parameters: str | None
    ) -> Response:
        replica = self.replicas[which]
        given = {name: value for name, value in parameters.items() if value is not None}
        request = a_request(grant_type, client_id=client_id, now=self.now + replica.skew, **given)
        server = self.servers[replica.version]
        return self.runner.run(handler(server, request, store=replica.store))

    def common(self, which: int, granted: Granted) -> list[str]:
        written = self.written[self.replicas[which].version]
        return [each for each in granted.resources if each in written.resources]

    def why_not(self, which: int, granted: Granted, resource: str | None) -> str | None:
        """The error that this grant must meet at this replica; None where it must be good."""
        replica = self.replicas[which]
        written, now = self.written[replica.version], self.now + replica.skew
        if granted.client_id not in written.clients:
            return "invalid_client"
        line = dict(written.not_before).get(granted.username, 0)
        if (
            now >= granted.expires_at + self.grace(granted)
            or (granted.ends_at and now >= granted.ends_at)
            or granted.username not in written.users
            or granted.issued_at < line
        ):
            return "invalid_grant"
        common = self.common(which, granted)
        return None if common and resource in (None, *common) else "invalid_target"

    def grace(self, granted: Granted) -> int:
        """Seconds after its own end in which it may still be looked at."""
        return 0

    def check(self, response: Response, error: str | None) -> None:
        assert response.error == error, response.log
        assert (response.status == 200) == (error is None)

    def check_token(
        self,
        which: int,
        response: Response,
        granted: Granted,
        resource: str,
        requested: list[str] | None,
    ) -> dict[str, object]:
        """The claims of the token, which are those of the grant and never more."""
        written = self.written[self.replicas[which].version]
        claims = self.publish(which, response, resource)
        scope = set(str(claims.get("scope", "")).split())
        most = granted.scope & written.scope & KNOWN[resource]
        assert scope == (set(requested) if requested else most)
        assert claims["sub"] == granted.username in written.users
        assert claims["client_id"] == granted.client_id
        return claims

    def publish(self, which: int, response: Response, audience: str) -> dict[str, object]:
        """The claims, once a resource server that asked either replica has verified them."""
        token, found = str(response.body["access_token"]), {}
        for each in self.replicas:
            jwks = self.servers[each.version].ring.jwks(self.now + each.skew)
            found = dict(Verifier(ISSUER, audience, jwks).verify(token, now=self.now).claims)
        self.access_tokens = [*self.access_tokens[-9:], (token, audience, int(found["exp"]))]
        return found

    @invariant()
    def every_living_token_verifies_by_what_either_publishes(self) -> None:
        for each in self.replicas:
            living = [held for held in self.access_tokens if held[2] > self.now]
            if living:
                jwks = self.servers[each.version].ring.jwks(self.now + each.skew)
                for token, audience, _ in living:
                    Verifier(ISSUER, audience, jwks).verify(token, now=self.now)


class RememberingReplicas(Replicas):
    """With a store that both share: a second redemption is refused."""

    has_memory = True

    def open_store(self) -> ReplayStore:
        store = SQLiteStore(Path(self.directory.name) / "replay.db")
        store.remember(NOW - 100)
        return store


class RotatingReplicas(RememberingReplicas):
    """Whose refresh tokens are good once, and expire where nobody uses them."""

    idle = 80_000
    settings: ClassVar = {
        "replay_store": "sqlite:replay.db",
        "refresh_token_grace": GRACE,
        "refresh_token_idle_lifetime": idle,
    }
    client: ClassVar = {"rotate_refresh_tokens": True}

    def grace(self, granted: Granted) -> int:
        return 0 if granted.code is None else GRACE

    def spend(self, which: int, held: Granted) -> str | None:
        now = self.now + self.replicas[which].skew
        if held.code.is_ended:
            return "invalid_grant"
        if held.spent_at is None:
            held.spent_at = now
        elif now >= held.spent_at + GRACE:
            held.code.is_ended = True
            return "invalid_grant"
        return None if held.spent_at < held.expires_at else "invalid_grant"

    def following(self, held: Granted, text: str):
        if held.successor is not None:
            assert text == held.successor.text
            return multiple()
        held.successor = replace(
            held,
            text=text,
            expires_at=min(held.ends_at, held.spent_at + self.idle),
            spent_at=None,
        )
        return held.successor

    @rule(held=Replicas.refresh_tokens, first=st.sampled_from((0, 1)))
    def refresh_in_two_tabs(self, held: Granted, first: int) -> None:
        """At once, each at a replica of its own; and both go on."""
        for which in (first, 1 - first):
            self.use(which, held, None, None)
        if held.successor is not None:
            self.use(first, held.successor, None, None)
            self.use(1 - first, held, None, None)


@pytest.mark.parametrize("machine", [Replicas, RememberingReplicas, RotatingReplicas])
def test_two_replicas_do_what_the_model_says(machine: type[Replicas]):
    """F3, F17, F21, F22, F32, I1."""
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=120,
            stateful_step_count=30,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
