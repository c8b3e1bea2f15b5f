"""Whether clients with certificates can be known by them, and where those can come from at all."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from issuer.registry.client import Client
from issuer.registry.documents import Finding
from issuer.registry.registry import Registry
from issuer.registry.settings import Settings

NAMES = (
    "tls_client_auth_subject_dn",
    "tls_client_auth_san_dns",
    "tls_client_auth_san_uri",
    "tls_client_auth_san_ip",
    "tls_client_auth_san_email",
)
"""By one of these a certificate is a client's (RFC 8705 section 2.1.2)."""

BY_CERTIFICATE = ("tls_client_auth", "self_signed_tls_client_auth")

_NO_SOURCE = (
    "takes certificates, and nothing says where they come from: set client_certificate_header "
    "under [issuer], and trusted_proxies, or tls_client_certificates where gunicorn ends TLS"
)


def check_settings(issuer: Settings) -> Iterator[Finding]:
    """What contradicts itself in the ``[issuer]`` table."""
    if issuer.client_certificate_header is not None and not issuer.trusted_proxies:
        sentence = (
            "needs trusted_proxies, from which alone it is believed: else anybody could send it"
        )
        yield ("issuer", "client_certificate_header"), sentence
    if issuer.client_certificate_authorities and issuer.client_certificate_authorities_file:
        sentence = "must not be there beside client_certificate_authorities_file: one has them all"
        yield ("issuer", "client_certificate_authorities"), sentence
    if issuer.mtls_url is None:
        return
    if not issuer.takes_certificates:
        sentence = "needs client_certificate_header, or tls_client_certificates = true"
        yield ("issuer", "mtls_url"), sentence
    if urlsplit(issuer.mtls_url).path != urlsplit(issuer.url).path:
        sentence = "must have the path of url: the same process answers both"
        yield ("issuer", "mtls_url"), sentence


def check_client(client: Client, registry: Registry) -> Iterator[Finding]:
    """What keeps ``client`` from being known by its certificate, or from having bound tokens."""
    at, method = ("clients", client.client_id), client.token_endpoint_auth_method
    yield from _check_names(client)
    has_keys = client.jwks or client.jwks_file or client.jwks_uri
    if method == "self_signed_tls_client_auth" and not has_keys:
        sentence = (
            "must have its certificate or its key, as must jwks_file or jwks_uri in its place; "
            "`issuer client add --mtls-self-signed` makes it"
        )
        yield (*at, "jwks"), sentence
    if method == "tls_client_auth" and registry.authorities is None:
        sentence = (
            "needs client_certificate_authorities_file under [issuer]: who vouches for its "
            "certificate"
        )
        yield (*at, "token_endpoint_auth_method"), sentence
    if method in BY_CERTIFICATE and not registry.issuer.takes_certificates:
        yield (*at, "token_endpoint_auth_method"), _NO_SOURCE
    if client.tls_client_certificate_bound_access_tokens:
        yield from _check_binding(client, registry)


def _check_names(client: Client) -> Iterator[Finding]:
    at, found = ("clients", client.client_id), [each for each in NAMES if getattr(client, each)]
    if client.token_endpoint_auth_method == "tls_client_auth":
        if not found:
            sentence = f"must be there, or one of {', '.join(NAMES[1:])}"
            yield (*at, NAMES[0]), sentence
        for name in found[1:]:
            sentence = f"must not be there beside {found[0]}: a certificate is known by one name"
            yield (*at, name), sentence
    else:
        for name in found:
            yield (*at, name), 'is for token_endpoint_auth_method = "tls_client_auth"'


def _check_binding(client: Client, registry: Registry) -> Iterator[Finding]:
    at = ("clients", client.client_id, "tls_client_certificate_bound_access_tokens")
    if not registry.issuer.takes_certificates:
        yield at, _NO_SOURCE
    if client.dpop_bound_access_tokens:
        yield at, "cannot be beside dpop_bound_access_tokens: a token is bound to one key"
