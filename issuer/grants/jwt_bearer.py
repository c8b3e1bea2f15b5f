"""``urn:ietf:params:oauth:grant-type:jwt-bearer``: a federation's token, for one of ours
(RFC 7523 section 2.1).

It says which client the workload is, so the client need not prove that in another way; one that
does has to be the same. The token is the client's own: a federation vouches for no user.
"""

from functools import partial

from issuer.grants.target import asked_of_client, target
from issuer.protocol import client_jwt, federated
from issuer.protocol.federated import refused_grant
from issuer.protocol.request import AuthenticatedRequest, Authorization
from issuer.protocol.sealed import fresh_id
from issuer.protocol.vouched import Vouched
from issuer.registry.scope import OFFLINE_ACCESS
from issuer.server import AuthorizationServer
from keys import InvalidToken


def authorize(server: AuthorizationServer, authenticated: AuthenticatedRequest) -> Authorization:
    """An authorization of the client that the assertion is about.

    Raises:
        InvalidRequest: there is no assertion.
        InvalidGrant: it is not good, or about no workload of the client's.
        InvalidTarget, InvalidScope: the client asks for what it is not registered for.
    """
    client, form, now = authenticated.client, authenticated.form, authenticated.received_at
    vouched = _vouched(server, authenticated)
    resource = target(server, client.resources, form.all("resource"))
    scope = asked_of_client(server, client, resource, form.get("scope"), is_bound=False)
    if OFFLINE_ACCESS in scope:  # a workload comes back with another assertion
        scope = scope.only(resource.scopes)
    spent = {each.id: each for each in (*authenticated.once, *vouched.once)}
    return Authorization(
        id=fresh_id(),
        client=client,
        scope=scope,
        resource=resource,
        issued_at=now,
        received_at=now,
        once=tuple(spent.values()),  # who proves itself by the same token spends it once
        credential=authenticated.credential,
        mapped=vouched.claims,
        binding=authenticated.binding,
    )


def _vouched(server: AuthorizationServer, authenticated: AuthenticatedRequest) -> Vouched:
    """What the assertion says; it was looked at already where it is the client's credential."""
    client, request = authenticated.client, authenticated.request
    text = request.form.require("assertion")
    if authenticated.vouched is not None and request.form.get("client_assertion") is None:
        return authenticated.vouched
    try:
        assertion = client_jwt.read(text)
        return federated.prove(
            server.registry, client, assertion, request, partial(refused_grant, "used before")
        )
    except InvalidToken as invalid:
        raise refused_grant(invalid.detail) from None
