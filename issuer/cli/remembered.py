"""What the replay store remembers of a token: that it was revoked, or that it was used."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from issuer.cli import access_tokens, asking, sealed_values
from issuer.cli.findings import when
from issuer.errors import InvalidGrant
from issuer.protocol import redemption, revocation
from issuer.protocol.replay import ReplayStore, Revoked, Standing, Use
from issuer.protocol.sealed import AuthorizationCode, RefreshToken
from issuer.registry.scope import OFFLINE_ACCESS
from issuer.server import AuthorizationServer
from issuer.token_types.id_token import TYP as ID_TOKEN_TYP
from keys.spent import StoreUnavailable

_REVOKED: Mapping[str, str] = MappingProxyType(
    {
        "token": "it was revoked",
        "grant": "its grant was revoked",
        "session": "the session that it came from was ended",
        "user": "all that its user had been given was revoked",
        "client": "all that its client had been given was revoked",
    }
)
"""By what its name begins with."""

_USED: Mapping[str, str] = MappingProxyType(
    {
        AuthorizationCode.PURPOSE: "it was redeemed",
        RefreshToken.PURPOSE: "a newer one took its place",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What there is to ask of one token."""

    names: tuple[str, ...]
    """All under which it can have been revoked."""
    issued_at: int
    once: str = ""
    """Under which id it is spent, if it can be."""
    used: str = "it was used"


def refusals(
    path: Path, server: AuthorizationServer, text: str, now: int
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Why the store of the registry at ``path`` refuses ``text``, and what it cannot say."""
    asked = _asked(server, text, now)
    if asked is None:
        return (), ()
    if not server.registry.issuer.has_store:
        nobody = "without a store nobody remembers whether it was used or revoked"
        return (), (nobody,) if asked.once else ()
    try:
        found = asking.ask(path, server.registry, partial(_ask, asked, now=now))
    except StoreUnavailable as unavailable:
        store = asking.kind(server.registry)
        said = f"the replay store ({store}) cannot say whether it was used or revoked: "
        return (), (f"{said}{unavailable}",)
    return found, ()


async def _ask(asked: Asked, store: ReplayStore, *, now: int) -> tuple[str, ...]:
    found: list[str] = []
    # Each name by itself, so that the answer says which one it was.
    each = [Standing(names=(n,), issued_at=asked.issued_at, refusal=_refusal) for n in asked.names]
    try:
        await store.use(Use(standing=tuple(each)), now)
    except Revoked as revoked:
        found.append(_REVOKED[revoked.standing.names[0].partition(":")[0]])
    if asked.once:
        (spent_at,) = await store.spent((asked.once,), now)
        if spent_at is not None:
            found.append(f"{asked.used} {when(spent_at, now)}")
    return tuple(found)


def _refusal() -> InvalidGrant:
    return InvalidGrant("It was revoked.")  # nobody hears it: the name is what is asked for


def _asked(server: AuthorizationServer, text: str, now: int) -> Asked | None:
    if text.split(".")[0] == sealed_values.VERSION:
        value = sealed_values.opened(server, text)
        return None if value is None else _of_sealed(value)
    try:
        typ, claims = access_tokens.believed(server, text, now)
    except ValueError:
        return None
    return None if typ == ID_TOKEN_TYP else _of_access_token(server, claims)


def _of_sealed(value: Any) -> Asked | None:
    login = getattr(value, "login", None)
    if value.PURPOSE == "session":
        ends_it = (revocation.session(value.sid), revocation.user(value.sub))
        return Asked(names=ends_it if value.sub else (), issued_at=value.started_at)
    if not hasattr(value, "id"):
        return None
    names = tuple(
        [
            *([revocation.grant(_grant(value))] if value.PURPOSE in _USED else []),
            *([revocation.user(value.sub)] if hasattr(value, "sub") else []),
            *([revocation.client(value.client_id)] if hasattr(value, "client_id") else []),
            *([revocation.session(login.sid)] if login and _ends_with_session(value) else []),
        ]
    )
    used = _USED.get(value.PURPOSE, "it was used")
    once = f"{value.PURPOSE}:{value.id}"
    return Asked(names=names, issued_at=value.issued_at, once=once, used=used)


def _ends_with_session(value: Any) -> bool:
    """True but for a refresh token that was asked for to outlive it."""
    return bool(value.login.sid) and not (
        isinstance(value, RefreshToken) and OFFLINE_ACCESS in value.scope
    )


def _grant(value: Any) -> str:
    return redemption.grant_id(value) if isinstance(value, AuthorizationCode) else value.grant


def _of_access_token(server: AuthorizationServer, said_in_it: Mapping[str, Any]) -> Asked:
    claims, client_id = dict(said_in_it), said_in_it.get("client_id")
    if isinstance(claims.get("sub"), str) and isinstance(client_id, str):
        claims["sub"] = server.real_sub(server.registry.clients.get(client_id), claims["sub"])
    spelt: Mapping[str, Any] = {
        "jti": revocation.token, "grant_id": revocation.grant,
        "sub": revocation.user, "client_id": revocation.client,
    }  # fmt: skip
    said = {each for each in spelt if isinstance(claims.get(each), str)}
    if claims.get("sub") == claims.get("client_id"):  # its own, and no user's
        said.discard("sub")
    names = [name(claims[each]) for each, name in spelt.items() if each in said]
    issued_at = claims.get("iat")
    return Asked(names=tuple(names), issued_at=issued_at if isinstance(issued_at, int) else 0)
