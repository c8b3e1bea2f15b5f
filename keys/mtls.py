"""How a resource server takes tokens that are bound to a certificate (RFC 8705 section 3)."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from keys.claims import AccessToken
from keys.client_certificates import (
    CertificateHeader,
    Certificates,
    InvalidCertificate,
    of_connection,
    read_der,
    read_pem,
    thumbprint,
)
from keys.errors import InvalidToken
from keys.peers import check_proxy, is_trusted


@dataclass(frozen=True, slots=True, kw_only=True)
class MTLS:
    """``Verifier(..., mtls=MTLS(...))``. Safe to share between threads and verifiers.

    Without a header only the connection itself counts, where the server tells by what certificate
    it was made: by the TLS extension of ASGI, or of WSGI gunicorn and mod_wsgi.

    Raises:
        ValueError: an option makes no sense.
    """

    header: str | None = None
    """The field in which a proxy passes the certificate on: ``Client-Cert`` (RFC 9440),
    ``X-Forwarded-Client-Cert`` as Envoy writes it, or any other of PEM or base64."""
    trusted_proxies: Collection[str] = ()
    """The proxies from which alone it is believed: IP addresses, networks, and ``unix:`` for
    whoever connects over a unix socket."""
    required: bool = False
    """Whether no token is accepted any more that is bound to nothing."""
    _field: CertificateHeader | None = field(init=False, repr=False, compare=False)
    _proxies: tuple[str, ...] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Checks that somebody is believed where there is something to believe."""
        is_one = isinstance(self.trusted_proxies, str)
        if is_one or (self.header is None) != (not self.trusted_proxies):
            raise ValueError("a header takes trusted_proxies, a collection, and they take a header")
        proxies = tuple(map(check_proxy, self.trusted_proxies))
        header = None if self.header is None else CertificateHeader(self.header)
        object.__setattr__(self, "_field", header)
        object.__setattr__(self, "_proxies", proxies)

    def of_asgi(self, scope: Mapping[str, Any]) -> bytes | None:
        """The certificate, in DER, that a connection to an ASGI application was made by; None for
        none that can be believed.

        Raises:
            InvalidToken: a proxy passed on what is no certificate.
        """
        peer = (scope.get("client") or ("",))[0]
        try:
            if self._field is not None and is_trusted(peer, self._proxies):
                return _first(self._field.find(scope["headers"]))
            return _first(of_connection(scope))
        except InvalidCertificate as invalid:
            raise _unreadable(invalid) from None

    def of_wsgi(self, environ: Mapping[str, Any]) -> bytes | None:
        """``of_asgi`` for a WSGI application.

        Its server should drop fields that have an underscore in their name, as gunicorn does: they
        would pass for those with a hyphen.

        Raises:
            InvalidToken: as ``of_asgi``.
        """
        peer = environ.get("REMOTE_ADDR") or ""
        try:
            if self._field is not None and is_trusted(peer, self._proxies):
                name = "HTTP_" + self._field.name.upper().replace("-", "_")
                return _first(self._field.read(environ.get(name, "")))
            return _first(_of_wsgi_connection(environ))
        except InvalidCertificate as invalid:
            raise _unreadable(invalid) from None


def held_by(token: AccessToken, certificate: bytes | None) -> AccessToken:
    """``token``, if it is bound to nothing, or to this certificate of who shows it.

    Raises:
        InvalidToken: it is bound to another, or to one and there is none.
    """
    confirmation = token.confirmation
    if confirmation is None:
        return token
    if certificate is None:
        raise InvalidToken("bound to a certificate, and shown without one")
    if thumbprint(certificate) != confirmation.thumbprint:
        raise InvalidToken("bound to another certificate")
    return token


def _of_wsgi_connection(environ: Mapping[str, Any]) -> Certificates:
    said = environ.get("SSL_CLIENT_CERT")  # mod_wsgi, with SSLOptions +ExportCertData
    if said:
        return read_pem(said)
    ask = getattr(environ.get("gunicorn.socket"), "getpeercert", None)
    der = ask(binary_form=True) if ask is not None else None
    return (read_der(der),) if der else ()


def _first(certificates: Certificates) -> bytes | None:
    return certificates[0] if certificates else None


def _unreadable(invalid: InvalidCertificate) -> InvalidToken:
    return InvalidToken(f"client certificate: {invalid}")
