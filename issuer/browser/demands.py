"""What a client, or the issuer for all of them, has registered its requests to be."""

from issuer.browser.authorization_request import AuthorizationRequest
from issuer.errors import InvalidRequest
from issuer.registry.client import Client
from issuer.server import AuthorizationServer


def check(
    server: AuthorizationServer, client: Client, request: AuthorizationRequest, *, is_pushed: bool
) -> None:
    """Returns where ``request`` came as it has to, and asks for an answer as it has to be.

    Raises:
        InvalidRequest: it does not.
    """
    settings = server.registry.issuer
    if not is_pushed and (
        settings.require_pushed_authorization_requests
        or client.require_pushed_authorization_requests
    ):
        raise InvalidRequest("The client must push its requests to /par (RFC 9126).")
    # Else whoever changes the request on its way could have the answer come unsigned.
    if client.authorization_signed_response_alg is not None and not request.response_mode.is_signed:
        raise InvalidRequest(
            "The client registered authorization_signed_response_alg: "
            "its response_mode must be jwt, query.jwt or form_post.jwt."
        )
