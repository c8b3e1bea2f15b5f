"""When a grant comes with a refresh token, and what that is good for."""

from typing import NotRequired, TypedDict, Unpack

from issuer.protocol.sealed import Login, RefreshToken
from issuer.registry.client import Client
from issuer.registry.scope import OFFLINE_ACCESS, Scope
from issuer.server import AuthorizationServer


class Granted(TypedDict):
    """What a user granted, and when."""

    id: str
    grant_id: str
    sub: str
    scope: Scope
    resources: tuple[str, ...]
    auth_time: int
    issued_at: int
    login: NotRequired[Login | None]


def can_refresh(client: Client) -> bool:
    """True where ``client`` can have a refresh token.

    A public client cannot: nothing would tell it from a thief.
    """
    return not client.is_public and "refresh_token" in client.grant_types


def new_refresh_token(
    server: AuthorizationServer, client: Client, **granted: Unpack[Granted]
) -> RefreshToken | None:
    """A refresh token for what was granted; None where this client gets none, or did not ask.

    A client that registered ``offline_access`` asks by it each time; any other always does. The
    token can be used with the client's own credentials only, until an end that refreshing never
    moves.
    """
    if not can_refresh(client):
        return None
    if OFFLINE_ACCESS in client.scope and OFFLINE_ACCESS not in granted["scope"]:
        return None
    lifetime = client.refresh_token_lifetime or server.registry.issuer.refresh_token_lifetime
    return RefreshToken(
        client_id=client.client_id, expires_at=granted["issued_at"] + lifetime, **granted
    )
