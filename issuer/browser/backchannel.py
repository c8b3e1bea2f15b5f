"""Telling clients that a session has ended (OpenID Connect Back-Channel Logout 1.0).

Which clients those are, the session itself says: it is in the browser's cookie, and nowhere else.
"""

from dataclasses import dataclass
from typing import NamedTuple

from msgspec.structs import replace

from issuer.browser.authorize import Requested
from issuer.browser.sealed import Session
from issuer.errors import InvalidGrant
from issuer.protocol.sealed import fresh_id
from issuer.registry.scope import OPENID
from issuer.server import AuthorizationServer

TYP = "logout+jwt"

EVENT = "http://schemas.openid.net/event/backchannel-logout"

LIFETIME = 120
"""Seconds that a logout token lives (section 4 of the specification). Each try has one anew."""


class Notice(NamedTuple):
    """That this client is to hear that this session of this user has ended."""

    client_id: str
    sub: str
    sid: str


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent, and where."""

    uri: str
    logout_token: str


def remember(session: Session, requested: Requested) -> Session:
    """``session`` once it brought a code, with its client as the latest of those to be told.

    Only of an ID token does a client know the session by its ``sid``, and what a device gets is no
    part of it.
    """
    client = requested.client
    if requested.request.device is not None:
        return session
    if client.backchannel_logout_uri is None or OPENID not in requested.scope:
        return session
    if client.client_id in session.clients:
        return session
    return replace(session, clients=(*session.clients, client.client_id))


def notices(server: AuthorizationServer, session: Session) -> tuple[Notice, ...]:
    """Whom to tell that ``session`` has ended, of those whom the live registry knows."""
    known = (server.registry.clients.get(client_id) for client_id in session.clients)
    return tuple(
        Notice(client.client_id, session.sub, session.sid)
        for client in known
        if client is not None and client.backchannel_logout_uri is not None
    )


def message(server: AuthorizationServer, notice: Notice, now: int) -> Message | None:
    """What to send for ``notice``; None where its client wants to hear nothing any more.

    Raises:
        TemporarilyUnavailable: no key for the client's algorithm is current.
    """
    client = server.registry.clients.get(notice.client_id)
    if client is None or client.backchannel_logout_uri is None:
        return None
    try:
        sub = server.told_sub(client, notice.sub)
    except InvalidGrant:
        return None  # nor was it ever told of this user
    claims = {
        "iss": server.issuer,
        "sub": sub,
        "aud": client.client_id,
        "iat": now,
        "exp": now + LIFETIME,
        "jti": fresh_id(),
        "events": {EVENT: {}},
        "sid": notice.sid,
    }
    key = server.signing_key(now, client.id_token_signed_response_alg)
    return Message(client.backchannel_logout_uri, key.sign(TYP, claims))
