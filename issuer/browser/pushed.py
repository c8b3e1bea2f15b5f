"""Pushed authorization requests: sent by the client itself, ahead of the browser (RFC 9126)."""

from functools import partial
from typing import NamedTuple

from msgspec.structs import replace

from issuer import client_auth
from issuer.browser.arrival import judge, unfold
from issuer.browser.authorization_request import AuthorizationRequest
from issuer.browser.sealed import PushedRequest
from issuer.errors import InvalidRequest, InvalidRequestURI, RequestURINotSupported, naming
from issuer.possession import dpop
from issuer.protocol.replay import Once
from issuer.protocol.request import Response, TokenRequest
from issuer.protocol.sealed import fresh_id
from issuer.server import AuthorizationServer
from keys.sealing import Unsealable

URN = "urn:ietf:params:oauth:request_uri:"

LIFETIME = 90
"""Seconds from the push to the browser's arrival: it is sent on its way at once."""


class Pushed(NamedTuple):
    """The answer to a push, where nothing of the request was used before."""

    response: Response
    client_id: str
    once: tuple[Once, ...] = ()


def push(server: AuthorizationServer, request: TokenRequest) -> Pushed:
    """The ``request_uri`` that stands for what was pushed (RFC 9126 section 2.2).

    With a DPoP proof, the code will be bound to its key (RFC 9449 section 10.1).

    Raises:
        AccessTokenException: the client is not authenticated, or may not ask for this.
    """
    if request.form.get("request_uri") is not None:
        raise InvalidRequest("A request_uri is what this endpoint answers with.")
    authenticated = client_auth.authenticate(server, request)
    client, once = authenticated.client, authenticated.once
    with naming(client.client_id):
        now = request.received_at
        arrival = unfold(server, client, request.form, request.client_keys)
        pushed, signed_once = judge(server, arrival, now, is_pushed=True)
        if request.dpop:
            possessed = dpop.shown(server, request, client)
            pushed = _bound(pushed, possessed.binding.thumbprint)
            once += possessed.once
        once += signed_once  # last: a proof that was used before does not use it up
        held = PushedRequest(
            id=fresh_id(), request=pushed, issued_at=now, expires_at=now + LIFETIME
        )
        try:
            request_uri = URN + server.seal(held, now=now)
        except ValueError:
            raise InvalidRequest("The request is too long.") from None
        body = {"request_uri": request_uri, "expires_in": LIFETIME}
        response = Response(status=201, body=body, log={"client_id": client.client_id})
        return Pushed(response, client.client_id, once)


def _bound(pushed: AuthorizationRequest, jkt: str) -> AuthorizationRequest:
    if pushed.dpop_jkt not in (None, jkt):
        raise InvalidRequest("The dpop_jkt is not that of the key of the DPoP proof.")
    return replace(pushed, dpop_jkt=jkt)


def resolve(
    server: AuthorizationServer, request_uri: str, client_id: str, now: int
) -> PushedRequest:
    """What was pushed as ``request_uri``. Nothing is ever fetched from one (P35).

    Raises:
        InvalidRequestURI: it is none of ours, has expired, or is another client's.
    """
    text = request_uri.removeprefix(URN)
    if text == request_uri:
        raise RequestURINotSupported("A request_uri is what /par answers with, and nothing else.")
    try:
        held = server.sealer.open(PushedRequest, text, now=now)
    except Unsealable as error:
        raise refused(error.detail) from None
    if held.request.client_id != client_id:
        raise refused("another client's")
    return held


def once(held: PushedRequest) -> Once:
    """That it begins one interaction (RFC 9126 section 4)."""
    return Once(
        id=f"{held.PURPOSE}:{held.id}",
        issued_at=held.issued_at,
        expires_at=held.expires_at,
        refusal=partial(refused, "used before"),
    )


def refused(detail: str) -> InvalidRequestURI:
    """The one answer to every request_uri that is not good."""
    return InvalidRequestURI(
        "The request_uri is unknown, expired or used.", detail=f"request_uri: {detail}"
    )
