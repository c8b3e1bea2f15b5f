"""Which keys, of those that clients and federations publish, a request has to be judged by."""

from collections.abc import Iterator
from typing import NamedTuple

from issuer.protocol import client_jwt
from issuer.protocol.certificate import Certificate
from issuer.protocol.certificate import read as read_certificate
from issuer.protocol.client_jwt import Unproved
from issuer.protocol.form import Form
from issuer.registry import Registry
from issuer.registry.client_keys import ClientKeys
from issuer.registry.federation import WELL_KNOWN
from keys import InvalidToken
from keys.client_certificates import InvalidCertificate

OF_FEDERATIONS = ("client_assertion", "assertion", "subject_token", "actor_token")
"""The parameters in which a federation's token can come."""


class Needed(NamedTuple):
    """Keys that somebody publishes at ``jwks_uri``, and what they have to verify."""

    client_id: str
    jwks_uri: str
    signed: tuple[tuple[Unproved, str | None], ...]
    """Each with the ``alg`` that the client registered for such things."""
    federation: str = ""
    """Whose keys they are, where they are no client's."""
    issuer: str = ""
    """Whose discovery document is at ``jwks_uri``, where that is to say where its keys are."""
    certificate: Certificate | None = None
    """What its key is to be among."""

    @property
    def whose(self) -> str:
        """What they are called to people."""
        return "federation" if self.federation else "client"

    def are_in(self, keys: ClientKeys) -> bool:
        """Whether all that was signed, and the certificate, can be judged by ``keys``."""
        if self.certificate is not None and self.certificate.key_in(keys) is None:
            return False
        return all(keys.find(each.kid, each.alg, alg) for each, alg in self.signed)


def needed(registry: Registry, form: Form, certificate: bytes | None = None) -> Needed | None:
    """The keys without which ``form``, and the certificate of who sent it, cannot be judged; None
    where all that count are at hand.

    What is no signed text at all, or of nobody who publishes keys, needs none to be refused.
    """
    assertion, request = (_read(form.get(each)) for each in ("client_assertion", "request"))
    named: object = form.get("client_id")
    if named is None and assertion is not None:
        named = assertion.claims.get("sub")
    if named is None and request is not None:  # pushed, by a client that a header names
        named = request.claims.get("client_id")
    client = registry.clients.get(named if isinstance(named, str) else "")
    if client is None or client.jwks_uri is None:
        return None
    signed = []
    is_own = assertion is not None and registry.federation_of(assertion.claims.get("iss")) is None
    if assertion is not None and is_own and client.signs_assertions:
        signed.append((assertion, client.token_endpoint_auth_signing_alg))
    if request is not None:
        signed.append((request, client.request_object_signing_alg))
    shown = None
    if certificate is not None and client.auth_method == "self_signed_tls_client_auth":
        shown = _read_certificate(certificate)
    if shown is None and not signed:
        return None
    return Needed(client.client_id, client.jwks_uri, tuple(signed), certificate=shown)


def _read_certificate(der: bytes) -> Certificate | None:
    try:
        return read_certificate(der)
    except InvalidCertificate:
        return None


def needed_of_federations(registry: Registry, form: Form) -> Iterator[Needed]:
    """The keys of federations that ``form`` cannot be judged without, once each."""
    found: dict[str, list[Unproved]] = {}
    for each in filter(None, (_read(form.get(name)) for name in OF_FEDERATIONS)):
        federation = registry.federation_of(each.claims.get("iss"))
        if federation is None or federation.has_keys or not registry.federated_with(federation):
            continue
        found.setdefault(federation.federation, []).append(each)
    for name, signed in found.items():
        federation = registry.federations[name]
        yield Needed(
            client_id="",
            jwks_uri=federation.jwks_uri or federation.issuer.rstrip("/") + WELL_KNOWN,
            signed=tuple((each, each.alg if federation.algs else None) for each in signed),
            federation=name,
            issuer="" if federation.jwks_uri else federation.issuer,
        )


def _read(text: str | None) -> Unproved | None:
    try:
        return client_jwt.read(text) if text is not None else None
    except InvalidToken:
        return None
