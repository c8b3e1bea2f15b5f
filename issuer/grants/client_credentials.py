"""``client_credentials``: a client acts for itself (RFC 6749 section 4.4).

There is never a refresh token (section 4.4.3): the client can come back at any time.
"""

from issuer.client_auth import refused
from issuer.grants.target import asked_of_client, target
from issuer.protocol.request import AuthenticatedRequest, Authorization
from issuer.protocol.sealed import fresh_id
from issuer.registry.scope import OFFLINE_ACCESS
from issuer.server import AuthorizationServer


def authorize(server: AuthorizationServer, authenticated: AuthenticatedRequest) -> Authorization:
    """An authorization of the client, about itself.

    Raises:
        InvalidClient: it is public, and so has proved nothing. The registry is refused as well.
        InvalidTarget, InvalidScope: it asks for what it is not registered for.
    """
    client, request = authenticated.client, authenticated.request
    if client.is_public:
        raise refused("a public client cannot act for itself")
    resource = target(server, client.resources, request.form.all("resource"))
    scope = asked_of_client(server, client, resource, request.form.get("scope"), is_bound=False)
    if OFFLINE_ACCESS in scope:  # a wish that comes to nothing
        scope = scope.only(resource.scopes)
    return Authorization(
        id=fresh_id(),
        client=client,
        scope=scope,
        resource=resource,
        issued_at=request.received_at,
        received_at=request.received_at,
        once=authenticated.once,
        credential=authenticated.credential,
        mapped=authenticated.vouched.claims if authenticated.vouched else None,
        binding=authenticated.binding,
    )
