"""The certificate of a client, as read (RFC 5280). Who vouches for it is asked elsewhere."""

import warnings
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from issuer.registry import distinguished_name, san
from issuer.registry.client_keys import ClientKey, ClientKeys
from keys.algorithms import ALGORITHMS
from keys.client_certificates import REMEMBERED, InvalidCertificate

_UNREADABLE = (
    ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension, x509.InvalidVersion,
    x509.UnsupportedGeneralNameType,
)  # fmt: skip


_ALGS: Mapping[type[object], str] = MappingProxyType(
    {
        ec.EllipticCurvePublicKey: "ES256",
        rsa.RSAPublicKey: "RS256",
        ed25519.Ed25519PublicKey: "EdDSA",
    }
)
"""One of those that keys of this kind are for: which, makes no difference to how they are spelt."""


class Certificate(NamedTuple):
    """One of a client, as read."""

    der: bytes
    x509: x509.Certificate
    subject: distinguished_name.Canonical
    names: san.Names
    key: tuple[tuple[str, str], ...]
    """As a JWK has it; nothing for kinds of keys that registrations do not have."""
    begins_at: int
    ends_at: int
    """The last second in which it is good."""

    def key_in(self, keys: ClientKeys) -> ClientKey | None:
        """The one of ``keys`` that it has, if any.

        Who registered a certificate with a key means that one; who did not, any with that key.
        """
        return next((each for each in keys.keys if self._has(each)), None)

    def _has(self, key: ClientKey) -> bool:
        if key.certificate:
            return key.certificate == self.der
        return bool(self.key) and self.key == key.members


@lru_cache(maxsize=REMEMBERED)  # what cannot be read is not kept
def read(der: bytes) -> Certificate:
    """What ``der`` says. Raises ``InvalidCertificate`` where it cannot be read."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of what is read all the same
            certificate = x509.load_der_x509_certificate(der)
            return Certificate(
                der=der,
                x509=certificate,
                subject=distinguished_name.canonical(certificate.subject),
                names=san.of_certificate(_alternative_names(certificate)),
                key=_members(certificate.public_key()),
                begins_at=int(certificate.not_valid_before_utc.timestamp()),
                ends_at=int(certificate.not_valid_after_utc.timestamp()),
            )
    except _UNREADABLE:
        raise InvalidCertificate("cannot be read") from None


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


def _members(key: object) -> tuple[tuple[str, str], ...]:
    alg = next((name for kind, name in _ALGS.items() if isinstance(key, kind)), None)
    return () if alg is None else tuple(ALGORITHMS[alg].to_jwk(key).items())  # type: ignore[arg-type]
