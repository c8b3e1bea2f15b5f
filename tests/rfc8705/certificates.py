"""Certificates of every kind, and the keys and authorities behind them."""

from base64 import b64encode
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import quote

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.builders import NOW

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
DAY = 86400
CLIENT_AUTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
SERVER_AUTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])


@dataclass(frozen=True)
class Certified:
    """A certificate with its private key."""

    certificate: x509.Certificate
    key: PrivateKey

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

    def write(self, directory: Path, name: str) -> tuple[str, str]:
        """Two files: the certificate, and the key."""
        certificate, key = directory / f"{name}.pem", directory / f"{name}.key"
        certificate.write_text(self.pem)
        key.write_text(self.key_pem)
        return str(certificate), str(key)


@cache
def a_key(_: str = "") -> ec.EllipticCurvePrivateKey:
    """A private key; by another name another one."""
    return ec.generate_private_key(ec.SECP256R1())


def certified(
    subject: str = "CN=billing,O=Example",
    *,
    by: Certified | None = None,
    key: PrivateKey | None = None,
    extensions: Iterable[x509.ExtensionType] = (CLIENT_AUTH,),
    critical: Iterable[type[x509.ExtensionType]] = (x509.BasicConstraints, x509.NameConstraints),
    begins: int = NOW - DAY,
    ends: int = NOW + 30 * DAY,
) -> Certified:
    """A certificate ``by`` an authority, or by its own key."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name.from_rfc4514_string(subject)
    signer, issuer = (by.key, by.certificate.subject) if by else (key, name)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime.fromtimestamp(begins, UTC))
        .not_valid_after(datetime.fromtimestamp(ends, UTC))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    for each in extensions:
        builder = builder.add_extension(each, critical=isinstance(each, tuple(critical)))
    hashed = None if isinstance(signer, ed25519.Ed25519PrivateKey) else SHA256()
    return Certified(builder.sign(signer, hashed), key)


def an_authority(
    subject: str = "CN=Client CA,O=Example",
    *,
    by: Certified | None = None,
    path_length: int | None = None,
    extensions: Iterable[x509.ExtensionType] = (),
    **dates: int,
) -> Certified:
    """An authority as ``openssl req -x509`` makes it: without a key usage."""
    constraints = x509.BasicConstraints(ca=True, path_length=path_length)
    return certified(subject, by=by, extensions=(constraints, *extensions), **dates)


AUTHORITY = an_authority()
BILLING = certified(by=AUTHORITY)
STRANGER = certified(by=an_authority())
"""Says the same, by an authority that calls itself the same."""


def names(*, dns: str = "", uri: str = "", ip: str = "", email: str = "") -> x509.ExtensionType:
    """Subject alternative names."""
    found: list[x509.GeneralName] = []
    found += [x509.DNSName(each) for each in dns.split()]
    found += [x509.UniformResourceIdentifier(each) for each in uri.split()]
    found += [x509.IPAddress(ip_address(each)) for each in ip.split()]
    found += [x509.RFC822Name(each) for each in email.split()]
    return x509.SubjectAlternativeName(found)


def by_rfc_9440(*found: Certified) -> str:
    """``Client-Cert``, or with several ``Client-Cert-Chain``."""
    return ", ".join(f":{b64encode(each.der).decode()}:" for each in found)


def by_nginx(found: Certified) -> str:
    """``$ssl_client_escaped_cert``."""
    return quote(found.pem, safe="")


def by_haproxy(*found: Certified) -> str:
    """``%[ssl_c_der,base64]``, and as Traefik puts several."""
    return ",".join(b64encode(each.der).decode() for each in found)


def by_apache(found: Certified) -> str:
    """``%{SSL_CLIENT_CERT}s``."""
    return found.pem.replace("\n", " ")


def by_envoy(found: Certified, *chain: Certified) -> str:
    """An element of ``X-Forwarded-Client-Cert``."""
    whole = quote("".join(each.pem for each in (found, *chain)), safe="")
    more = f';Chain="{whole}"' if chain else ""
    subject = found.certificate.subject.rfc4514_string()
    return f'By=spiffe://x/y;Hash=00;Cert="{by_nginx(found)}"{more};Subject="{subject}";URI='


def by_aws(*found: Certified) -> str:
    """``X-Amzn-Mtls-Clientcert``: PEM with percent signs, but for ``+=/``."""
    return quote("".join(each.pem for each in found), safe="+=/")


def seconds(days: float) -> int:
    """So many days in seconds."""
    return int(timedelta(days=days).total_seconds())
