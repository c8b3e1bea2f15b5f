"""What a client's keys must be to the rest that it registers."""

from collections.abc import Iterator
from shlex import quote

from issuer.registry.client import Client
from issuer.registry.documents import Finding
from issuer.registry.registry import Registry

PLACES = ("jwks", "jwks_file", "jwks_uri")
"""Where a client's keys can be, one of which is enough."""

_ALGS = ("token_endpoint_auth_signing_alg", "request_object_signing_alg")


def check(client: Client, registry: Registry) -> Iterator[Finding]:
    """Every contradiction between the keys of ``client`` and what it uses them for."""
    at = ("clients", client.client_id)
    places = [each for each in PLACES if getattr(client, each) is not None]
    for each in places[1:]:
        yield (*at, each), f"cannot be beside {places[0]}: keys are in one place; take one out"
    if client.signs_assertions and not places and not client.federated:
        yield (
            (*at, "token_endpoint_auth_method"),
            f'"{client.auth_method}" takes a key of the client\'s, as jwks, jwks_file or jwks_uri; '
            f"`issuer client key {quote(client.client_id)}` makes one",
        )
    yield from _check_uses(client)
    if len(places) == 1:
        yield from _check_algs(client, registry, places[0])


def _check_uses(client: Client) -> Iterator[Finding]:
    at = ("clients", client.client_id)
    remedy = 'is for token_endpoint_auth_method = "private_key_jwt": set that, or take this out'
    if not client.signs_assertions and client.token_endpoint_auth_signing_alg is not None:
        yield (*at, "token_endpoint_auth_signing_alg"), remedy
    if not client.signs_assertions and client.token_endpoint_auth_audience != "issuer":
        yield (*at, "token_endpoint_auth_audience"), remedy


def _check_algs(client: Client, registry: Registry, place: str) -> Iterator[Finding]:
    """That there is a key for what is signed; of keys that are fetched nobody can say."""
    at, keys = ("clients", client.client_id), registry.client_keys(client)
    if keys is None:
        return
    if client.signs_assertions and not keys.can(None):
        yield (*at, place), "has no key that verifies: one for ES256, RS256, PS256 or EdDSA"
        return
    for name in _ALGS:
        alg = getattr(client, name)
        if alg is not None and not keys.can(alg):
            yield (*at, name), f"is {alg}, and {place} has no key for it: add one, or take it out"
