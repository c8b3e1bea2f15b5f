"""Which keys, of those that clients publish, a request has to be judged by."""

from typing import NamedTuple

from issuer.protocol import client_jwt
from issuer.protocol.client_jwt import Unproved
from issuer.protocol.form import Form
from issuer.registry import Registry
from issuer.registry.client_keys import ClientKeys
from keys import InvalidToken


class Needed(NamedTuple):
    """Keys that a client publishes at ``jwks_uri``, and what they have to verify."""

    client_id: str
    jwks_uri: str
    signed: tuple[tuple[Unproved, str | None], ...]
    """Each with the ``alg`` that the client registered for such things."""

    def are_in(self, keys: ClientKeys) -> bool:
        """Whether all that was signed can be judged by ``keys``."""
        return all(keys.find(each.kid, each.alg, alg) for each, alg in self.signed)


def needed(registry: Registry, form: Form) -> Needed | None:
    """The keys that ``form`` cannot be judged without; None where all that count are at hand.

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
    if assertion is not None and client.signs_assertions:
        signed.append((assertion, client.token_endpoint_auth_signing_alg))
    if request is not None:
        signed.append((request, client.request_object_signing_alg))
    return Needed(client.client_id, client.jwks_uri, tuple(signed)) if signed else None


def _read(text: str | None) -> Unproved | None:
    try:
        return client_jwt.read(text) if text is not None else None
    except InvalidToken:
        return None
