"""By which certificate a client connects (RFC 8705)."""

from falcon.asgi import Request

from issuer.errors import InvalidRequest
from issuer.server import AuthorizationServer
from keys.client_certificates import (
    CertificateHeader,
    Certificates,
    InvalidCertificate,
    of_connection,
)
from keys.peers import is_trusted


def client_certificates(req: Request, server: AuthorizationServer) -> Certificates:
    """The client's own certificate first; nothing where it has none that can be believed.

    A header counts from ``trusted_proxies`` alone, and what a proxy connects with itself is never
    its clients'. From others a header is not even read: it may say whatever they like.

    Raises:
        InvalidRequest: what a proxy passes on is no certificate.
    """
    settings, scope = server.registry.issuer, req.scope
    if not settings.takes_certificates:  # as most
        return ()
    peer: str = (scope.get("client") or ("",))[0]
    try:
        if is_trusted(peer, settings.trusted_proxies):
            name = settings.client_certificate_header
            return CertificateHeader(name).find(scope["headers"]) if name else ()
        return of_connection(scope) if settings.tls_client_certificates else ()
    except InvalidCertificate as invalid:
        raise InvalidRequest(
            "The certificate that the proxy passed on cannot be read.",
            detail=f"client certificate: {invalid}",
        ) from None
