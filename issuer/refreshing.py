"""When a grant comes with a refresh token, and what that is good for."""

from typing import NotRequired, TypedDict, Unpack

from issuer.client import Client
from issuer.scope import Scope
from issuer.sealed import Login, RefreshToken
from issuer.server import AuthorizationServer


class Granted(TypedDict):
    """What a user granted, and when."""

    id: str
    sub: str
    scope: Scope
    resources: tuple[str, ...]
    auth_time: int
    issued_at: int
    login: NotRequired[Login | None]


def new_refresh_token(
    server: AuthorizationServer, client: Client, **granted: Unpack[Granted]
) -> RefreshToken | None:
    """A refresh token for what was granted; None where this client gets none.

    A public client gets none: nothing would tell it from a thief. What a confidential one gets can
    be used with its own credentials only, until an end that refreshing never moves.
    """
    if client.is_public or "refresh_token" not in client.grant_types:
        return None
    lifetime = client.refresh_token_lifetime or server.registry.issuer.refresh_token_lifetime
    return RefreshToken(
        client_id=client.client_id, expires_at=granted["issued_at"] + lifetime, **granted
    )
