"""Who vouches for certificates, and whether they are good now (RFC 5280)."""

from datetime import UTC, datetime
from functools import lru_cache

from cryptography import x509
from cryptography.x509.verification import (
    Criticality,
    ExtensionPolicy,
    Policy,
    PolicyBuilder,
    Store,
    VerificationError,
)

from issuer.client_auth.credentials import NotProved
from issuer.protocol import certificate
from issuer.protocol.certificate import Certificate
from issuer.registry.client_certificates import read_authorities
from keys.client_certificates import REMEMBERED, InvalidCertificate


def read(der: bytes) -> Certificate:
    """What ``der`` says. Raises ``NotProved`` where it cannot be read."""
    try:
        return certificate.read(der)
    except InvalidCertificate as invalid:
        raise NotProved(f"certificate: {invalid}") from None


def check_time(found: Certificate, now: int) -> None:
    """Nothing, if ``found`` is good at ``now``. Raises ``NotProved`` if not."""
    if now < found.begins_at:
        raise NotProved(f"certificate: begins in {found.begins_at - now} s")
    if now > found.ends_at:
        raise NotProved(f"certificate: expired {now - found.ends_at} s ago")


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
