"""What somebody wants to take back, as the replay store and the registry name it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from issuer.cli import access_tokens, sealed_values
from issuer.cli.findings import argument, is_instant, quoted, when
from issuer.cli.refusal import Refusal
from issuer.protocol import redemption, revocation
from issuer.protocol.replay import CLOCK_SKEW, Revocation
from issuer.protocol.sealed import AuthorizationCode, RefreshToken
from issuer.registry import Registry
from issuer.registry.documents import near
from issuer.registry.record import MAX_ACCESS_TOKEN_LIFETIME, MAX_REFRESH_TOKEN_LIFETIME
from issuer.server import AuthorizationServer
from issuer.token_types.id_token import TYP as ID_TOKEN_TYP
from keys.access_tokens import MAX_LEEWAY

LASTS = MAX_LEEWAY + CLOCK_SKEW
"""Seconds after its end in which somebody may still accept something."""
LONGEST = MAX_REFRESH_TOKEN_LIFETIME + MAX_ACCESS_TOKEN_LIFETIME + LASTS
"""Seconds that anything issued now can matter, by whatever registry: the lifetimes of this one may
have been longer a while ago."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revocable:
    """One name that can be revoked, and what is called by it."""

    kind: str
    """``token``, ``grant``, ``session``, ``user`` or ``client``."""
    name: str
    """As ``protocol.revocation`` spells it."""
    what: str
    forget_at: int
    record: tuple[str, str] | None = None
    """The table and name in the registry to which a ``not_before`` can be written."""
    sub: str = ""
    client_id: str = ""
    grant_id: str = ""
    """Of an access token, the grant that goes on without it."""

    @property
    def is_line(self) -> bool:
        """True where it goes on: only what was issued by now is revoked."""
        return self.kind in ("user", "client")

    def revoked(self, now: int) -> Revocation:
        """What the store has to remember."""
        line = now + 1 if self.is_line else self.forget_at
        return Revocation(self.name, line, now, self.forget_at)


def of_text(server: AuthorizationServer, text: str, now: int, *, whole_grant: bool) -> Revocable:
    """The token in ``text``, or all of the grant that it came from.

    Raises:
        Refusal: it is none of this issuer's, or nothing that can be revoked.
    """
    first, *rest = text.split(".")
    if len(rest) != 2:  # noqa: PLR2004  a JWT and a sealed value have three parts each
        raise Refusal("This is no token: it is neither a JWT nor a sealed value.")
    if first == sealed_values.VERSION:
        return _of_sealed(server, text)
    try:
        typ, claims = access_tokens.believed(server, text, now)
    except ValueError as error:
        raise Refusal(f"Nothing was revoked: {error}.") from None
    if access_tokens.is_response(typ, claims):
        if "code" not in claims:
            raise Refusal("This answers a request that was refused: there is nothing to revoke.")
        return _of_sealed(server, str(claims["code"]))
    if typ == ID_TOKEN_TYP:
        raise Refusal(
            "This is an ID token: it opens nothing, so there is nothing to revoke.",
            f"Its user's tokens: issuer revoke --user {argument(str(claims.get('sub')))}",
        )
    return _of_grant_of(claims, now) if whole_grant else _of_access_token(claims, now)


def _of_sealed(server: AuthorizationServer, text: str) -> Revocable:
    value = sealed_values.opened(server, text)
    if value is None:
        raise Refusal(f"Nothing was revoked: {sealed_values.why_not(server, text)}.")
    if isinstance(value, AuthorizationCode):
        last = value.issued_at + LONGEST
        return of_grant(redemption.grant_id(value), last, value.sub, value.client_id)
    if isinstance(value, RefreshToken):
        last = value.last_expires_at + MAX_ACCESS_TOKEN_LIFETIME + LASTS
        return of_grant(value.grant, last, value.sub, value.client_id)
    if value.PURPOSE == "session" and value.sub:
        return of_session(value.sid, value.started_at + LONGEST, value.sub)
    name = value.PURPOSE.replace("_", " ")
    raise Refusal(f"There is nothing to revoke in a {name}: it expires within minutes.")


def _of_access_token(claims: Mapping[str, Any], now: int) -> Revocable:
    expires_at, jti = claims.get("exp"), claims.get("jti")
    if not is_instant(expires_at) or not isinstance(jti, str):
        raise Refusal("Nothing was revoked: it has no jti, or does not say when it expires.")
    if expires_at + LASTS <= now:
        raise Refusal(f"There is nothing to revoke: it expired {when(expires_at, now)}.")
    return Revocable(
        kind="token",
        name=revocation.token(jti),
        what=f"the access token {quoted(jti)}",
        forget_at=expires_at + LASTS,
        sub=str(claims.get("sub", "")),
        client_id=str(claims.get("client_id", "")),
        grant_id=str(claims.get("grant_id", "")),
    )


def _of_grant_of(claims: Mapping[str, Any], now: int) -> Revocable:
    sub, client_id = str(claims.get("sub", "")), str(claims.get("client_id", ""))
    grant_id = claims.get("grant_id")
    if not isinstance(grant_id, str):
        raise Refusal(
            "This access token names no grant: no user gave one, or there was no store then.",
            "Leave --grant out to revoke it alone, or revoke all of its client: "
            f"issuer revoke --client {argument(client_id)}",
        )
    return of_grant(grant_id, now + LONGEST, sub, client_id)


def of_jti(jti: str, now: int) -> Revocable:
    """The access token of this ``jti``; nobody checks that there is one."""
    return Revocable(
        kind="token",
        name=revocation.token(jti),
        what=f"the access token {quoted(jti)}",
        forget_at=now + MAX_ACCESS_TOKEN_LIFETIME + LASTS,
    )


def of_grant(grant_id: str, forget_at: int, sub: str = "", client_id: str = "") -> Revocable:
    """All that came of one authorization; nobody checks that there was one."""
    whose = f" that {quoted(sub)} gave to the client {quoted(client_id)}" if client_id else ""
    return Revocable(
        kind="grant",
        name=revocation.grant(grant_id),
        what=f"the grant {quoted(grant_id)}{whose}, with all that came of it",
        forget_at=forget_at,
        sub=sub,
        client_id=client_id,
    )


def of_session(sid: str, forget_at: int, sub: str = "") -> Revocable:
    """A login session, and what ends with it; nobody checks that there is one."""
    whose = f" of the user {quoted(sub)}" if sub else ""
    what = f"the session {quoted(sid)}{whose}, with what ends with it"
    return Revocable(
        kind="session", name=revocation.session(sid), what=what, forget_at=forget_at, sub=sub
    )


def of_user(registry: Registry, given: str, now: int, *, unregistered: bool) -> Revocable:
    """All of the user with this username, e-mail address or ``sub``.

    Raises:
        Refusal: the registry has none, and nobody said so.
    """
    user = registry.user_named(given) or registry.user_called(given)
    if user is None and not unregistered:
        known = [*registry.users, *(each.sub for each in registry.users.values())]
        raise _unknown("user", given, near(given, known))
    sub = given if user is None else user.sub
    return Revocable(
        kind="user",
        name=revocation.user(sub),
        what=f"everything of the user {quoted(sub)}",
        forget_at=now + LONGEST,
        record=None if user is None else ("users", user.username),
        sub=sub,
    )


def of_client(registry: Registry, client_id: str, now: int, *, unregistered: bool) -> Revocable:
    """All of this client.

    Raises:
        Refusal: the registry has none, and nobody said so.
    """
    is_known = client_id in registry.clients
    if not is_known and not unregistered:
        raise _unknown("client", client_id, near(client_id, registry.clients))
    return Revocable(
        kind="client",
        name=revocation.client(client_id),
        what=f"everything of the client {quoted(client_id)}",
        forget_at=now + LONGEST,
        record=("clients", client_id) if is_known else None,
        client_id=client_id,
    )


def _unknown(kind: str, name: str, meant: str) -> Refusal:
    return Refusal(
        f"The registry has no {kind} {quoted(name)}{meant}",
        "If that is right, as of one who was deleted or whom a login application vouches for, "
        "add --unregistered.",
    )
