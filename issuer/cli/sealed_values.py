"""Judging what only the issuer can read: authorization codes, refresh tokens and their like."""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from msgspec.structs import fields

from issuer.cli.findings import Findings, quoted, shown, when
from issuer.grants import GRANTS
from issuer.grants.refreshing import can_refresh
from issuer.protocol.device import GRANT_TYPE, DeviceCode
from issuer.protocol.sealed import AuthorizationCode, RefreshToken
from issuer.purposes import PURPOSES
from issuer.registry.client import Client
from issuer.server import AuthorizationServer
from keys.sealing import Unsealable
from keys.timetable import State

VERSION = "1"
"""What a sealed value begins with; a JWT begins with the base64url of a brace."""
BEFORE_ANY_EXPIRY = 0
"""The time as of which a value is opened: whether it has expired by now is said in words."""


def judge(server: AuthorizationServer, text: str, now: int) -> Findings:
    """What the token endpoint would say of a sealed value from the client it belongs to."""
    value = opened(server, text)
    if value is None:
        return Findings(kind="A sealed value, unreadable here.", refusals=(why_not(server, text),))
    name = value.PURPOSE.replace("_", " ")
    refusals = chain(
        _check_times(server, text, value, now),
        _check_client(server, value),
        _check_user(server, value),
        _check_not_before(server, value),
    )
    return Findings(
        kind=f"{'An' if name[0] in 'aeiou' else 'A'} {name}: sealed, readable to this issuer only.",
        members=shown({name: getattr(value, name) for name in _shown(value)}, now),
        refusals=tuple(refusals),
    )


def _shown(value: Any) -> list[str]:
    return [each.name for each in fields(value) if each.name not in ("seed", "note")]  # secrets


def opened(server: AuthorizationServer, text: str) -> Any:
    """The value that was sealed here, whatever it is and expired or not; None where none was."""
    for kind in PURPOSES.values():
        try:
            return server.sealer.open(kind, text, now=BEFORE_ANY_EXPIRY)
        except Unsealable:
            continue
    return None


def _kid(text: str) -> str:
    return text.split(".")[1]


def why_not(server: AuthorizationServer, text: str) -> str:
    """Why it was not opened."""
    if server.ring.sealing_key_by_id(_kid(text)) is None:
        return f"it names the key {quoted(_kid(text))}, which this key ring does not have"
    return f"it was altered, or not sealed for {server.issuer}"


def _check_times(server: AuthorizationServer, text: str, value: Any, now: int) -> Iterator[str]:
    key = server.ring.sealing_key_by_id(_kid(text))
    if key is not None and key.state(now) is State.EXPIRED:
        yield f"its key expired {when(key.expires_at or now, now)}"
    if value.expires_at <= now:
        yield f"it expired {when(value.expires_at, now)}"


def _check_client(server: AuthorizationServer, value: Any) -> Iterator[str]:
    client_id = getattr(value, "client_id", None)
    if client_id is None:
        return
    client = server.registry.clients.get(client_id)
    if client is None:
        yield f"its client {quoted(client_id)} is not registered any more"
        return
    grant = GRANT_TYPE if isinstance(value, DeviceCode) else value.PURPOSE
    if grant in GRANTS and grant not in client.grant_types:
        yield f"its client may not use {value.PURPOSE} any more"
    resources = getattr(value, "resources", ())
    if resources and not set(resources).intersection(server.audiences(client)):
        yield "its client may have no tokens for its resources any more"
    if isinstance(value, AuthorizationCode):
        yield from _check_code(client, value)
    if isinstance(value, RefreshToken) and client.is_public and not value.is_public:
        yield "its client is public by now, and was not when it was made"
    elif isinstance(value, RefreshToken) and not can_refresh(
        server, client, is_bound=value.binding is not None
    ):
        yield (
            "its client is public and it is bound to no key, and without a replay_store those have "
            "no refresh tokens"
        )


def _check_code(client: Client, code: AuthorizationCode) -> Iterator[str]:
    if not client.registered_redirect_uri(code.redirect_uri):
        yield "its redirect_uri is not registered any more"
    if client.require_pkce and code.code_challenge is None:
        yield "its client requires PKCE by now, and it has no code_challenge"


def _check_user(server: AuthorizationServer, value: Any) -> Iterator[str]:
    sub, login = getattr(value, "sub", None), getattr(value, "login", None)
    if sub is None:
        return
    user = server.registry.user_called(sub)
    if sub in server.registry.blocked_subjects:
        yield f"its user {quoted(sub)} is among blocked_subjects"
    if user is None and login is not None and login.claims is not None:
        if server.registry.issuer.login_url is None:
            yield f"its user {quoted(sub)} is not registered, and login_url is set no more"
    elif user is None:
        yield f"its user {quoted(sub)} is not registered any more"
    elif not user.active:
        yield f"its user {quoted(sub)} is not active any more"


def _check_not_before(server: AuthorizationServer, value: Any) -> Iterator[str]:
    registry = server.registry
    drawn = {
        "the issuer's": registry.issuer,
        "its client's": registry.clients.get(getattr(value, "client_id", "")),
        "its user's": registry.user_called(getattr(value, "sub", "")),
    }
    for whose, record in drawn.items():
        line = record.not_before if record else None
        if line is not None and value.issued_at < line:
            yield f"it was issued before {whose} not_before"
