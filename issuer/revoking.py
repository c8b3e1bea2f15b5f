"""Taking back a token that its client does not need any more, or fears for (RFC 7009).

A refresh token goes with all that came of its grant. An access token goes alone, unless
``revoke_grant=true`` is sent along, which is an addition of ours.
"""

from typing import NamedTuple

from issuer import client_auth
from issuer.errors import InvalidGrant, InvalidRequest, UnsupportedTokenType, naming
from issuer.protocol import revocation
from issuer.protocol.form import Form
from issuer.protocol.replay import Once, ReplayStore, Revocation, unavailable_store
from issuer.protocol.request import Response, TokenRequest
from issuer.protocol.sealed import RefreshToken
from issuer.registry.client import Client
from issuer.registry.record import MAX_REFRESH_TOKEN_LIFETIME
from issuer.server import AuthorizationServer
from keys import AccessToken, InvalidToken
from keys.sealing import Unsealable
from keys.spent import StoreUnavailable


class Asked(NamedTuple):
    """What a client may have taken back."""

    client_id: str
    revocation: Revocation | None
    """None where there is nothing, and so nothing to do (section 2.2)."""
    once: tuple[Once, ...] = ()
    """What of the request itself is good once."""


def validate(server: AuthorizationServer, request: TokenRequest) -> Asked:
    """What ``request`` is worth. Nothing has been remembered yet, and only of our own tokens will.

    Raises:
        InvalidClient, InvalidRequest: the client is not authenticated, or names no token.
        UnsupportedTokenType: nothing here remembers.
        InvalidGrant: the token is another client's.
    """
    authenticated = client_auth.authenticate(server, request)
    client = authenticated.client
    with naming(client.client_id):
        text, whole = request.form.require("token"), _wants_grant(request.form)
        if not server.registry.issuer.has_store:
            raise UnsupportedTokenType(
                "No token can be revoked here: the registry of this issuer sets no replay_store."
            )
        found = _revocation(server, client, text, request.received_at, whole=whole)
        return Asked(client.client_id, found, authenticated.once)


async def revoke(store: ReplayStore, asked: Asked, now: int) -> Response:
    """The answer, once it is true.

    Raises:
        TemporarilyUnavailable: the store did not take it, so the token is as good as before.
    """
    name = "nothing"
    if asked.revocation is not None:
        name = asked.revocation.name
        try:
            await store.revoke((asked.revocation,), now)
        except StoreUnavailable as unavailable:
            with naming(asked.client_id):
                raise unavailable_store(unavailable) from None
    log = {"client_id": asked.client_id, "detail": f"revoked {name}"}
    return Response(status=200, body={}, log=log)


def _wants_grant(form: Form) -> bool:
    value = form.get("revoke_grant")
    if value not in (None, "true", "false"):
        raise InvalidRequest("revoke_grant is true or false.")
    return value == "true"


def _revocation(
    server: AuthorizationServer, client: Client, text: str, now: int, *, whole: bool
) -> Revocation | None:
    # What the text is, it says itself: ``token_type_hint`` could only be wrong (section 2.1).
    try:
        held = server.sealer.open(RefreshToken, text, now=now)
    except Unsealable:
        return _of_access_token(server, client, text, now, whole=whole)
    _check_owner(client, held.client_id)
    return revocation.of_grant(held.grant, ends_at=held.last_expires_at, now=now)


def _of_access_token(
    server: AuthorizationServer, client: Client, text: str, now: int, *, whole: bool
) -> Revocation | None:
    try:
        token = server.issued.verify(text, now)
    except InvalidToken:
        return None
    _check_owner(client, token.client_id)
    grant_id = _grant_id(token) if whole else None
    if grant_id is not None:
        # Not told when its grant ends, but that no grant that there is by now ends later.
        ends_at = now + MAX_REFRESH_TOKEN_LIFETIME
        return revocation.of_grant(grant_id, ends_at=ends_at, now=now)
    return revocation.of_token(token.jti, expires_at=token.expires_at, now=now)


def _grant_id(token: AccessToken) -> str | None:
    grant_id = token.claims.get("grant_id")
    return grant_id if isinstance(grant_id, str) else None


def _check_owner(client: Client, client_id: str) -> None:
    """Section 2.1: whoever believes they revoked it must hear that they did not.

    It tells them no more than that the token was issued here, to somebody else, and has not
    expired: not whether it is good. Of a token that was made up they hear what they hear of an
    expired one.
    """
    if client.client_id != client_id:
        raise InvalidGrant("The token was issued to another client.", detail="another client's")
