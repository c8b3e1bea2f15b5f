"""``self_signed_tls_client_auth``: the client registered its certificate (RFC 8705 section 2.2)."""

from issuer.client_auth import certificates
from issuer.client_auth.certificates import Certificate
from issuer.client_auth.credentials import Credentials, NotProved, Proved
from issuer.errors import TemporarilyUnavailable
from issuer.protocol.request import TokenRequest
from issuer.registry.callers import Caller
from issuer.registry.client_keys import ClientKey
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
    for number, key in enumerate(keys.keys):
        if _is_of(key, request.certificate, found):
            found.check_time(request.received_at)
            return Proved(f"key {key.kid or number}")
    raise NotProved("certificate: neither it nor its key is registered")


def _is_of(key: ClientKey, der: bytes, found: Certificate) -> bool:
    """Who registered a certificate with its key means that one; who did not, any with that key."""
    if key.certificate:
        return key.certificate == der
    return bool(found.key) and found.key == key.members
