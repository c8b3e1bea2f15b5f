"""``tls_client_auth``: a certificate that an authority vouches for (RFC 8705 section 2.1)."""

from issuer.client_auth import certificates
from issuer.client_auth.credentials import Credentials, NotProved, Proved
from issuer.protocol.certificate import Certificate
from issuer.protocol.request import TokenRequest
from issuer.registry import distinguished_name, san
from issuer.registry.callers import Caller
from issuer.registry.certificate_checks import NAMES
from issuer.registry.client import Client
from issuer.server import AuthorizationServer


def prove(
    server: AuthorizationServer, _: Caller, credentials: Credentials, request: TokenRequest
) -> Proved:
    """By which name the certificate of the connection is the client's.

    Who vouches for it is asked here: a proxy that takes any certificate, as it has to for clients
    that sign their own, lets nobody in.

    Raises:
        NotProved: it is another's, or nobody vouches for it here and now.
    """
    client = server.registry.clients[credentials.client_id]
    if request.certificate is None:
        raise NotProved("no certificate")
    if server.registry.authorities is None:
        raise NotProved("certificate: there is nobody who could vouch for it")
    found = certificates.read(request.certificate)
    name = _registered_name(client)
    if name is None or not _is_named(found, name, getattr(client, name)):
        raise NotProved("certificate: names somebody else")
    certificates.check_time(found, request.received_at)
    vouching = certificates.authorities(server.registry.authorities)
    vouching.check(request.certificate, request.chain, request.received_at)
    return Proved(name)


def _registered_name(client: Client) -> str | None:
    return next((each for each in NAMES if getattr(client, each) is not None), None)


def _is_named(found: Certificate, field: str, name: str) -> bool:
    if field == "tls_client_auth_subject_dn":
        return found.subject == distinguished_name.of_text(name)
    return san.of_registration(field, name) in found.names
