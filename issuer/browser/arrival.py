"""The ways in which an authorization request arrives, which all lead to the same one.

    form ─────────────────────────────┐
    form ──▶ request object ──────────┼──▶ AuthorizationRequest
    either, pushed ──▶ request_uri ───┘

What a client registered its requests to be is asked here, once for all ways.
"""

from typing import NamedTuple

from issuer.browser import request_object
from issuer.browser.authorization_request import AuthorizationRequest, read
from issuer.browser.authorize import validate
from issuer.browser.request_object import RequestObject
from issuer.errors import InvalidRequest
from issuer.protocol.form import Form
from issuer.protocol.replay import Once
from issuer.registry.client import Client
from issuer.registry.client_keys import ClientKeys
from issuer.server import AuthorizationServer


class Arrival(NamedTuple):
    """What was sent, unfolded: the parameters that count, not judged yet."""

    client: Client
    form: Form
    signed: RequestObject | None = None
    """The object that they stood in, if the client signed one."""


def unfold(
    server: AuthorizationServer, client: Client, form: Form, keys: ClientKeys | None
) -> Arrival:
    """The parameters that count in ``form``: those in its request object, if it has one.

    ``keys`` are those that ``client`` publishes; it may have some in the registry. What stands
    beside an object is ignored (RFC 9101 section 6.3).

    Raises:
        RequestNotSupported, InvalidRequestObject: nothing that the object says may be believed.
    """
    text = form.get("request")
    if text is None:
        return Arrival(client, form)
    keys = keys or server.registry.client_keys(client)
    algs = server.registry.algs_of(client)
    signed = request_object.read(text, client, keys, algs, server.issuer)
    return Arrival(client, signed.form, signed)


def judge(
    server: AuthorizationServer, arrival: Arrival, now: int, *, is_pushed: bool
) -> tuple[AuthorizationRequest, tuple[Once, ...]]:
    """The request that arrived, if its client may make it, and make it so; and what of it is good
    once.

    Raises:
        InvalidRequestObject: it was signed for another time.
        AccessTokenException: a parameter is wrong, or ``validate`` refuses it.
    """
    once = arrival.signed.once(now) if arrival.signed is not None else ()
    request = read(arrival.form)
    if request.client_id != arrival.client.client_id:
        raise InvalidRequest("The request is another client's.")
    _check_way(server, arrival, request, is_pushed=is_pushed)
    validate(server, request)
    return request, once


def _check_way(
    server: AuthorizationServer,
    arrival: Arrival,
    request: AuthorizationRequest,
    *,
    is_pushed: bool,
) -> None:
    """Returns where the request came as it has to, and asks for an answer as it has to be."""
    issuer, client = server.registry.issuer, arrival.client
    is_fapi2 = server.registry.is_fapi2(client)
    must_push = issuer.require_pushed_authorization_requests or is_fapi2
    if not is_pushed and (must_push or client.require_pushed_authorization_requests):
        raise InvalidRequest("The client must push its requests to /par (RFC 9126).")
    if is_fapi2 and request.redirect_uri is None:
        raise InvalidRequest("A client of FAPI 2.0 must send its redirect_uri.")
    must_sign = issuer.require_signed_request_object or client.require_signed_request_object
    if must_sign and arrival.signed is None:
        raise InvalidRequest("The client must sign its requests, in a request object (RFC 9101).")
    # Else whoever changes the request on its way could have the answer come unsigned.
    if client.authorization_signed_response_alg is not None and not request.response_mode.is_signed:
        raise InvalidRequest(
            "The client registered authorization_signed_response_alg: "
            "its response_mode must be jwt, query.jwt or form_post.jwt."
        )
