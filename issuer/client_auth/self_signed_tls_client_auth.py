"""``self_signed_tls_client_auth``: the client registered its certificate (RFC 8705 section 2.2)."""

from issuer.client_auth import certificates
from issuer.client_auth.credentials import Credentials, NotProved, Proved
from issuer.errors import TemporarilyUnavailable
from issuer.protocol.request import TokenRequest
from issuer.registry.callers import Caller
from issuer.server import AuthorizationServer


def prove(
    server: AuthorizationServer, _: Caller, credentials: Credentials, request: TokenRequest
) -> Proved:
    """Which of the client's keys the certificate of the connection has.

    Nobody need vouch for it: the registration does.

    Raises:
        NotProved: it is none of those, or has expired, or does not hold yet.
        TemporarilyUnavailable: the client publishes its keys, and they are not to be had.
    """
    client = server.registry.clients[credentials.client_id]
    if request.certificate is None:
        raise NotProved("no certificate")
    keys = server.registry.client_keys(client) or request.client_keys
    if keys is None:
        raise TemporarilyUnavailable(
            "The keys of the client are not to be had; try again.", detail="no keys of the client"
        )
    found = certificates.read(request.certificate)
    key = found.key_in(keys)
    if key is None:
        raise NotProved("certificate: neither it nor its key is registered")
    certificates.check_time(found, request.received_at)
    return Proved(f"key {key.kid}" if key.kid else "its key")
