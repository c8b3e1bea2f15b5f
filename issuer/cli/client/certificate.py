"""A client's certificate on its way into its registration: by what it will be known there."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar

import click
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from issuer.cli import clock
from issuer.cli.client import key_pair
from issuer.cli.page import note
from issuer.cli.place import Place
from issuer.cli.refusal import Refusal
from issuer.protocol import certificate as certificates
from issuer.registry.certificate_checks import NAMES
from issuer.registry.files import Unreadable, read_file
from keys import private_file
from keys.algorithms import thumbprint
from keys.client_certificates import InvalidCertificate, read_pem

DAYS = 365
"""For which a certificate is good that is made here."""
MAX_BYTES = 65_536

MTLS, SELF_SIGNED = "tls_client_auth", "self_signed_tls_client_auth"

F = TypeVar("F", bound=Callable[..., Any])

_PATH = click.Path(path_type=Path)
_NAMED = {
    "tls_client_auth_subject_dn": "the subject of its certificate, CN=ID if left out",
    "tls_client_auth_san_dns": "or a host in it",
    "tls_client_auth_san_uri": "or a URI, such as a SPIFFE ID",
    "tls_client_auth_san_ip": "or an IP address",
    "tls_client_auth_san_email": "or an e-mail address",
}
_OPTIONS = (
    click.option(
        "--mtls",
        is_flag=True,
        help="Bind its tokens to its certificate (RFC 8705), and know it by that unless "
        "--auth-method or --public says otherwise: by the subject CN=ID, or what follows.",
    ),
    click.option(
        "--mtls-self-signed",
        is_flag=True,
        help="The same, by a certificate that nobody vouches for. One is made here, with its key.",
    ),
    click.option(
        "--certificate",
        metavar="FILE",
        type=_PATH,
        help="The client's own certificate, in PEM: its subject is registered, or with "
        "--mtls-self-signed its key.",
    ),
    *(
        click.option(f"--{field.replace('_', '-')}", metavar="NAME", help=f"With --mtls: {what}.")
        for field, what in _NAMED.items()
    ),
)


def options(command: F) -> F:
    """The options of ``asked``, for a command that passes them on."""
    for each in reversed(_OPTIONS):
        command = each(command)
    return command


def _nothing() -> None:
    """There is nothing to keep."""


class Certified(NamedTuple):
    """What goes into a registration, and what was made for it here."""

    auth_method: str
    names: Mapping[str, str] = MappingProxyType({})
    """By which it is known, one or none."""
    public: Sequence[dict[str, str]] = ()
    """Or by which keys."""
    keep: Callable[[], None] = _nothing
    """Writes what was made, once all is well."""
    made: tuple[Path, Path] | None = None
    """Where the certificate and its key go."""
    url: str = ""
    """Where to come with it."""

    @property
    def has_key(self) -> bool:
        """True where it is known by a key, and not by a name."""
        return bool(self.public)

    def show(self, client_id: str) -> None:
        """Says where they are, and how to try them."""
        if self.made is not None:
            certificate, key = self.made
            note(
                f"The certificate is in {certificate}, good for {DAYS} days, and its private key in"
                f" {key}, for the client alone. To try it out, where TLS asks for certificates:\n\n"
                f"  curl --cert {certificate} --key {key} {self.url}/token "
                f"-d grant_type=client_credentials -d client_id={client_id}"
            )


def asked(
    place: Place,
    client_id: str,
    *,
    url: str,
    private_key: Path | None,
    mtls: bool,
    mtls_self_signed: bool,
    certificate: Path | None,
    **names: str | None,
) -> Certified | None:
    """The registration that these options ask for; None where they ask for none."""
    named = {field: name for field, name in names.items() if name is not None}
    if not (mtls or mtls_self_signed):
        if certificate or named:
            raise click.UsageError("what a certificate says is for --mtls")
        return None
    if mtls_self_signed:
        if mtls or named:
            raise click.UsageError("--mtls-self-signed knows a client by its key, not by a name")
        return _self_signed(place, client_id, certificate, private_key)._replace(url=url)
    if certificate is not None:
        if named:
            raise click.UsageError("the name is that of --certificate, or another: give one")
        named = {NAMES[0]: _subject(_read(certificate), certificate)}
    return Certified(MTLS, named or {NAMES[0]: _name(client_id).rfc4514_string()})


def _self_signed(
    place: Place, client_id: str, certificate: Path | None, private_key: Path | None
) -> Certified:
    if certificate is not None:
        found = _read(certificate)
        if not found.key:
            raise Refusal(
                f"{certificate}: its key is none that a registration can have: RSA, P-256 or "
                "Ed25519; register the certificate itself as the x5c of a key in jwks.",
                "Nothing was changed.",
            )
        return Certified(SELF_SIGNED, public=[_jwk(found)])
    path = private_key or key_pair.default_path(place, client_id, "key")
    at = path.with_suffix(".pem")
    if at == path:
        raise click.UsageError("the certificate goes to a .pem beside --private-key: name another")
    key = ec.generate_private_key(ec.SECP256R1())
    made = _certificate(client_id, key)

    def keep() -> None:
        text = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        _create(at, made.public_bytes(Encoding.PEM).decode())
        try:
            _create(path, text)
        except Refusal:
            at.unlink()
            raise

    found = certificates.read(made.public_bytes(Encoding.DER))
    return Certified(SELF_SIGNED, public=[_jwk(found)], keep=keep, made=(at, path))


def _jwk(found: certificates.Certificate) -> dict[str, str]:
    """Its key alone, so that the client may have another certificate with it."""
    jwk = dict(found.key)
    return jwk | {"kid": thumbprint(jwk)}


def _certificate(client_id: str, key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name, begins = _name(client_id), datetime.fromtimestamp(clock.now(), UTC)
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=DAYS))
        .add_extension(usage, critical=False)
        .sign(key, SHA256())
    )


def _name(client_id: str) -> x509.Name:
    try:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, client_id)])
    except ValueError:
        raise click.UsageError(
            "this ID is too long for a subject: give --certificate FILE"
        ) from None


def _read(path: Path) -> certificates.Certificate:
    try:
        leaf, *_ = read_pem(read_file(path, MAX_BYTES).decode())
        return certificates.read(leaf)
    except Unreadable as error:
        raise Refusal(str(error), "Nothing was changed.") from None
    except (InvalidCertificate, UnicodeDecodeError):
        raise Refusal(f"{path}: is no certificate in PEM.", "Nothing was changed.") from None


def _subject(found: certificates.Certificate, path: Path) -> str:
    if not found.subject:
        raise Refusal(
            f"{path}: has no subject; name one of its alternative names, such as "
            "--tls-client-auth-san-dns.",
            "Nothing was changed.",
        )
    return found.x509.subject.rfc4514_string()


def _create(path: Path, text: str) -> None:
    try:
        private_file.create(path, text)
    except OSError as error:
        raise Refusal(
            f"{path}: {error.strerror}; another one can be named with --private-key.",
            "Nothing was changed.",
        ) from None
