"""An access token that comes back to its issuer, and whether the registry still stands by it."""

from collections.abc import Callable
from typing import NamedTuple

from issuer.errors import AccessTokenException, InvalidGrant
from issuer.protocol import revocation
from issuer.protocol.replay import Standing
from issuer.protocol.sealed import Login, UserinfoClaims
from issuer.registry.client import Client
from issuer.registry.user import User
from issuer.server import AuthorizationServer
from issuer.token_types.bearer import USERINFO
from keys import AccessToken, InvalidToken
from keys.sealing import Unsealable


class Parties(NamedTuple):
    """Whose token it is, as the registry has them now."""

    client: Client
    user: User | None
    """None where the client acts for itself, or the login application alone knows the user."""


def parties(server: AuthorizationServer, token: AccessToken, now: int) -> Parties:
    """Those whom ``token`` is of, while the registry lets them have it.

    Raises:
        InvalidToken: its client or user is gone, blocked or inactive, or has drawn a line since, or
            its audience is not one for this client any more.
    """
    client = server.registry.clients.get(token.client_id)
    if client is None:
        raise InvalidToken("its client is gone")
    try:
        user = None if token.is_client else _user(server, token, now)
        server.check_not_before(token.issued_at, client, user)
    except InvalidGrant as refused:
        raise InvalidToken(refused.detail) from None
    if token.audience not in server.audiences(client):
        raise InvalidToken("its audience is not its client's any more")
    return Parties(client, user)


def standing(
    server: AuthorizationServer, token: AccessToken, refusal: Callable[[], AccessTokenException]
) -> Standing:
    """All under which ``token`` can have been revoked."""
    grant_id = token.claims.get("grant_id")
    return Standing(
        names=(
            revocation.token(token.jti),
            *((revocation.grant(grant_id),) if isinstance(grant_id, str) else ()),
            # Of a client that acts for itself it names nobody.
            revocation.user(_sub(server, token)),
            revocation.client(token.client_id),
        ),
        issued_at=token.issued_at,
        refusal=refusal,
    )


def _user(server: AuthorizationServer, token: AccessToken, now: int) -> User | None:
    """The user of ``token``, as they are known now.

    Of one whom no registry knows, the login application has vouched. Tokens that are no good at
    /userinfo do not say so; there, nobody unknown can be told from somebody taken out.
    """
    sub, sealed = _sub(server, token), token.claims.get(USERINFO)
    if isinstance(sealed, str):
        return server.living_user(sub, _login(server, sealed, now))
    registry = server.registry
    if registry.user_called(sub) is None and registry.issuer.login_url is not None:
        if sub in registry.blocked_subjects:
            raise InvalidToken("user blocked")
        return None
    return server.living_user(sub)


def _sub(server: AuthorizationServer, token: AccessToken) -> str:
    """What the issuer calls whom ``token`` is about."""
    return server.real_sub(server.registry.clients.get(token.client_id), token.subject)


def _login(server: AuthorizationServer, sealed: str, now: int) -> Login:
    try:
        return Login(claims=server.sealer.open(UserinfoClaims, sealed, now=now).claims)
    except Unsealable as unsealable:
        raise InvalidToken(f"userinfo: {unsealable.detail}") from None
