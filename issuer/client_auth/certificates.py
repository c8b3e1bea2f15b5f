"""What certificates say of whoever shows them, and who vouches for that (RFC 5280)."""

import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from issuer.client_auth.credentials import NotProved
from issuer.registry import distinguished_name, san
from issuer.registry.client_certificates import read_authorities
from keys.algorithms import ALGORITHMS

REMEMBERED = 512
"""How many certificates are remembered, as read and as vouched for."""

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

    x509: x509.Certificate
    subject: distinguished_name.Canonical
    names: san.Names
    key: tuple[tuple[str, str], ...]
    """As a JWK has it; nothing for kinds of keys that registrations do not have."""
    begins_at: int
    ends_at: int
    """The last second in which it is good."""

    def check_time(self, now: int) -> None:
        """Nothing, if it is good at ``now``. Raises ``NotProved`` if not."""
        if now < self.begins_at:
            raise NotProved(f"certificate: begins in {self.begins_at - now} s")
        if now > self.ends_at:
            raise NotProved(f"certificate: expired {now - self.ends_at} s ago")


@lru_cache(maxsize=REMEMBERED)  # what cannot be read is not kept
def read(der: bytes) -> Certificate:
    """What ``der`` says. Raises ``NotProved`` where it cannot be read."""
    try:
        with warnings.catch_warnings(action="ignore"):  # of what is read all the same
            certificate = x509.load_der_x509_certificate(der)
            return Certificate(
                x509=certificate,
                subject=distinguished_name.canonical(certificate.subject),
                names=san.of_certificate(_alternative_names(certificate)),
                key=_members(certificate.public_key()),
                begins_at=int(certificate.not_valid_before_utc.timestamp()),
                ends_at=int(certificate.not_valid_after_utc.timestamp()),
            )
    except _UNREADABLE:
        raise NotProved("certificate: cannot be read") from None


def _alternative_names(certificate: x509.Certificate) -> x509.SubjectAlternativeName:
    try:
        return certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return x509.SubjectAlternativeName([])


def _members(key: object) -> tuple[tuple[str, str], ...]:
    alg = next((name for kind, name in _ALGS.items() if isinstance(key, kind)), None)
    return () if alg is None else tuple(ALGORITHMS[alg].to_jwk(key).items())  # type: ignore[arg-type]


class Authorities:
    """Those who vouch for clients: whoever they say a client is, it is.

    What they vouched for is remembered with the time for which they do. Whether they took it back
    meanwhile is not asked: a client whose key was lost is taken out of the registry.
    """

    def __init__(self, pem: str) -> None:
        self._store = Store(list(read_authorities(pem)))
        self._vouched: dict[tuple[bytes, ...], tuple[int, int]] = {}

    def check(self, der: bytes, chain: tuple[bytes, ...], now: int) -> None:
        """Nothing, if one of them vouches at ``now`` for the client with the certificate ``der``,
        by itself or by those in ``chain``.

        Raises:
            NotProved: none does.
        """
        name = (der, *chain)
        begins_at, ends_at = self._vouched.get(name, (now + 1, now))
        if begins_at <= now <= ends_at:
            return
        times = self._times(der, chain, now)
        if len(self._vouched) >= REMEMBERED:
            self._vouched.clear()
        self._vouched[name] = times

    def _times(self, der: bytes, chain: tuple[bytes, ...], now: int) -> tuple[int, int]:
        builder = PolicyBuilder().store(self._store).time(datetime.fromtimestamp(now, UTC))
        policies = builder.extension_policies(ca_policy=_OF_AUTHORITIES, ee_policy=_OF_CLIENTS)
        others = [read(each).x509 for each in chain]
        try:
            verified = policies.build_client_verifier().verify(read(der).x509, others)
        except VerificationError as error:
            why, _, _ = str(error).partition(" (encountered processing")  # which quotes
            raise NotProved(f"certificate: nobody vouches for it: {why[:200]}") from None
        # Of what is trusted itself, the time counts as well.
        begins = (each.not_valid_before_utc.timestamp() for each in verified.chain)
        ends = (each.not_valid_after_utc.timestamp() for each in verified.chain)
        return int(max(begins)), int(min(ends))


@lru_cache(maxsize=2)  # those of the registry in force, and of the one before
def authorities(pem: str) -> Authorities:
    """Those whose certificates are in ``pem``."""
    return Authorities(pem)


def _check_key_usage(_: Policy, __: x509.Certificate, usage: x509.KeyUsage | None) -> None:
    """Of an authority that openssl made it says nothing."""
    if usage is not None and not usage.key_cert_sign:
        raise ValueError("its key is not for signing certificates")


_OF_AUTHORITIES = ExtensionPolicy.webpki_defaults_ca().may_be_present(
    x509.KeyUsage, Criticality.AGNOSTIC, _check_key_usage
)
# Those of the web have to name a host, and their authority's key. Clients are no hosts.
_OF_CLIENTS = (
    ExtensionPolicy.webpki_defaults_ee()
    .may_be_present(x509.SubjectAlternativeName, Criticality.AGNOSTIC, None)
    .may_be_present(x509.AuthorityKeyIdentifier, Criticality.AGNOSTIC, None)
)
