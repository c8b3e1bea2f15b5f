"""Clients' certificates, as far as the ``[issuer]`` table says where they come from and who vouches
for them (RFC 8705)."""

import re
from typing import Annotated

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from pydantic import AfterValidator

from keys.algorithms import RSA_BITS
from keys.client_certificates import CertificateHeader, InvalidCertificate, read_pem

MAX_AUTHORITIES = 100

_BLOCK = re.compile("-----BEGIN CERTIFICATE-----.*?(?:-----END CERTIFICATE-----|$)", re.DOTALL)

_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_TAKEN = frozenset(
    {"authorization", "connection", "content-encoding", "content-length", "content-type", "cookie",
     "dpop", "host", "origin", "transfer-encoding", "x-forwarded-for", "client-cert-chain"}
)  # fmt: skip


def _check_header(name: str) -> str:
    if CertificateHeader(name).name in _TAKEN:
        raise ValueError("must not be a header that says something else")
    return name


def _check_authorities(pem: str) -> str:
    read_authorities(pem)
    return pem


def read_authorities(pem: str) -> tuple[x509.Certificate, ...]:
    """The certificates of the authorities in ``pem``. Whatever stands around them is not read.

    Raises:
        ValueError: there are none or too many, or one can vouch for nobody here.
    """
    found = tuple(_read(number, der) for number, der in enumerate(_all_of(pem)))
    if not 1 <= len(found) <= MAX_AUTHORITIES:
        raise ValueError(
            f"must be 1 to {MAX_AUTHORITIES} certificates in PEM, each from its "
            "-----BEGIN CERTIFICATE----- on"
        )
    return found


def _all_of(pem: str) -> tuple[bytes, ...]:
    try:
        return tuple(each for block in _BLOCK.findall(pem) for each in read_pem(block))
    except InvalidCertificate:
        raise ValueError("has a certificate in PEM that cannot be read") from None


def _read(number: int, der: bytes) -> x509.Certificate:
    try:
        certificate = x509.load_der_x509_certificate(der)
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        key = certificate.public_key()
    except x509.ExtensionNotFound:
        raise ValueError(_not_an_authority(number)) from None
    except (ValueError, TypeError, x509.DuplicateExtension, x509.InvalidVersion):
        raise ValueError(f"has a certificate, number {number + 1}, that cannot be read") from None
    if not constraints.value.ca:
        raise ValueError(_not_an_authority(number))
    strong = isinstance(key, rsa.RSAPublicKey) and key.key_size >= RSA_BITS
    if not strong and not (
        isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, _CURVES)
    ):
        raise ValueError(
            f"has an authority, number {number + 1}, whose key is none that certificates are "
            f"verified by here: RSA of {RSA_BITS} bits or more, P-256, P-384 or P-521"
        )
    return certificate


def _not_an_authority(number: int) -> str:
    return (
        f"has a certificate, number {number + 1}, that is no authority's: its basicConstraints do "
        "not say CA:TRUE"
    )


HeaderName = Annotated[str, AfterValidator(_check_header)]
Authorities = Annotated[str, AfterValidator(_check_authorities)]
