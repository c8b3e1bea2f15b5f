"""A certificate, by which the sender's TLS was proved (RFC 8705 section 3)."""

from issuer.errors import InvalidRequest
from issuer.possession.possessed import Possessed
from issuer.protocol.binding import X5T_S256, Binding
from issuer.protocol.request import AuthenticatedRequest
from issuer.server import AuthorizationServer
from keys.client_certificates import thumbprint


def prove(_: AuthorizationServer, authenticated: AuthenticatedRequest) -> Possessed | None:
    """The certificate, where the client registered that its tokens are bound to it.

    Nobody need vouch for it, and it may have expired: all that counts is that who shows it has its
    key (section 4).

    Raises:
        InvalidRequest: there is none.
    """
    if not authenticated.client.tls_client_certificate_bound_access_tokens:
        return None
    certificate = authenticated.request.certificate
    if certificate is None:
        raise InvalidRequest("The tokens of this client take a connection with its certificate.")
    return Possessed(Binding(X5T_S256, thumbprint(certificate)))
