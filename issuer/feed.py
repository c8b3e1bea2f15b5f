"""The feed: what was taken back, signed, for resource servers that ask nobody about a token.

It lists what can still matter to an access token, so it prunes itself. ``keys.feed`` reads it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from types import MappingProxyType
from typing import NamedTuple, TypedDict

from issuer.errors import TemporarilyUnavailable
from issuer.protocol import revocation
from issuer.protocol.replay import Revocation
from issuer.registry import Registry
from issuer.remembered import INTERVAL, Remembered, Revocations
from issuer.server import AuthorizationServer
from keys.access_tokens import MAX_LEEWAY
from keys.feed import ISSUER, TYP

PERIOD = 10
"""Seconds for which the feed is the same text, on all replicas, unless something is revoked."""

MAX_AGE = 30
"""Seconds for which the feed may be kept."""

_OF_ACCESS_TOKENS = tuple(
    kind("") for kind in (revocation.token, revocation.grant, revocation.user, revocation.client)
)


@dataclass(frozen=True, slots=True)
class Lines:
    """What the registry alone takes back."""

    not_before: Mapping[str, int] = field(repr=False)
    """By name, the line that its record draws."""
    standing: tuple[str, ...] = field(repr=False)
    """The names of those who are refused for as long as the registry says so."""
    longest: int
    """Seconds that an access token lives at most."""

    @staticmethod
    def of(registry: Registry) -> "Lines":
        """The lines of ``registry``; it looks at every record."""
        users, clients = registry.users.values(), registry.clients.values()
        drawn = {
            ISSUER: registry.issuer.not_before,
            **{revocation.client(each.client_id): each.not_before for each in clients},
            **{revocation.user(each.sub): each.not_before for each in users},
        }
        refused = registry.blocked_subjects.union(each.sub for each in users if not each.active)
        return Lines(
            MappingProxyType({name: line for name, line in drawn.items() if line is not None}),
            tuple(map(revocation.user, refused)),
            registry.longest_access_token_lifetime(),
        )


class Claims(TypedDict):
    """What the feed says."""

    iss: str
    iat: int
    exp: int
    revocations: dict[str, int]


Aliases = Callable[[str], Iterable[str]]
"""What else the tokens of some clients call a user, by their ``sub``."""


def claims(
    issuer: str,
    lines: Lines,
    revocations: Revocations,
    heard_at: int,
    aliases: Aliases = lambda _: (),
) -> Claims:
    """The feed of what was known at ``heard_at``; it may know more by now."""
    issued_at = heard_at - heard_at % PERIOD
    # Then all that was issued until now has expired, to the most lenient: it is about nothing.
    expires_at = issued_at + lines.longest + MAX_LEEWAY
    earliest = issued_at - lines.longest - MAX_LEEWAY
    listed = {
        name: each.not_before
        for name, each in revocations.items()
        if name.startswith(_OF_ACCESS_TOKENS) and _last_issued_at(each) > earliest
    }
    for name, line in lines.not_before.items():
        if line > earliest:
            listed[name] = max(line, listed.get(name, 0))
    for name in lines.standing:
        listed[name] = max(expires_at, listed.get(name, 0))
    of_users = revocation.user("")
    for name in [each for each in listed if each.startswith(of_users)]:
        for alias in aliases(name.removeprefix(of_users)):
            listed[revocation.user(alias)] = listed[name]
    return Claims(
        iss=issuer,
        iat=issued_at,
        exp=expires_at,
        revocations={name: listed[name] for name in sorted(listed)},
    )


def _last_issued_at(revoked: Revocation) -> int:
    """When the last token that it is about may have been issued."""
    is_for_good = revoked.not_before >= revoked.forget_at
    return revoked.revoked_at if is_for_good else revoked.not_before


class Signed(NamedTuple):
    """A feed as it is sent, and of what it was made."""

    text: bytes
    etag: str
    expires_at: int
    server: AuthorizationServer
    revocations: Revocations
    period: int

    def is_of(self, server: AuthorizationServer, revocations: Revocations, period: int) -> bool:
        """Whether it would be the same, made of these."""
        is_same = self.server is server and self.revocations is revocations
        return is_same and self.period == period


class Feed:
    """The feed of one worker: made when somebody asks for it, and again when it says more."""

    def __init__(
        self,
        remembered: Remembered,
        *,
        server: Callable[[], AuthorizationServer],
        clock: Callable[[], int],
    ) -> None:
        self._remembered = remembered
        self._server = server
        self._clock = clock
        self._making = asyncio.Lock()
        self._signed: Signed | None = None
        self._registry: Registry | None = None
        self._lines = Lines(MappingProxyType({}), (), 0)

    async def signed(self) -> Signed:
        """What is to be sent now.

        Raises:
            TemporarilyUnavailable: the store was not heard yet, or too long ago for its news to be
                about anything; or no signing key is current.
        """
        async with self._making:
            server, now = self._server(), self._clock()
            revocations, heard_at = self._remembered.revocations, self._remembered.heard_at
            if heard_at is None:
                raise _unavailable("the store was not heard yet")
            signed = self._signed
            if signed is None or not signed.is_of(server, revocations, heard_at // PERIOD):
                # Aside: to list and sign a hundred thousand takes a moment.
                signed = await asyncio.to_thread(self._sign, server, revocations, heard_at, now)
                self._signed = signed
            if now >= signed.expires_at:
                raise _unavailable("the store was heard too long ago")
            return signed

    def _sign(
        self, server: AuthorizationServer, revocations: Revocations, heard_at: int, now: int
    ) -> Signed:
        if self._registry is not server.registry:
            lines = Lines.of(server.registry)
            # What was issued before the registry cut it short still lives as long as it said.
            self._lines = replace(lines, longest=max(lines.longest, self._lines.longest))
            self._registry = server.registry
        said = claims(server.issuer, self._lines, revocations, heard_at, server.pairwise_subs)
        text = server.signing_key(now).sign(TYP, said, convergent=True).encode()
        etag = sha256(text).hexdigest()[:32]
        return Signed(text, etag, said["exp"], server, revocations, heard_at // PERIOD)


def _unavailable(detail: str) -> TemporarilyUnavailable:
    return TemporarilyUnavailable(
        "Nobody can say what was revoked; try again.",
        detail=f"revocations: {detail}",
        retry_after=INTERVAL,
    )
