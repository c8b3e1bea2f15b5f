"""What the FAPI 2.0 Security Profile wants of a client that is held to it, and of its issuer.

Much of it holds for every client here: codes by ``response_type=code`` alone, S256, ``iss`` in
answers, 303, sealed request URIs of 90 seconds. What is left to choose elsewhere is checked here,
each with the section of the profile that wants it.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType

from issuer.registry import client_keys
from issuer.registry.client import Client
from issuer.registry.documents import Finding
from issuer.registry.record import FAPI2, FAPI2_ALGS
from issuer.registry.redirect_uri import Kind, kind
from issuer.registry.registry import Registry

MOST_CODE_LIFETIME = 60
"""Seconds (section 5.3.2.1, number 11)."""

METHODS = ("private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth")
"""How a client may prove who it is (section 5.3.2.1, number 6)."""

_AN_ALG = f"must be {', '.join(FAPI2_ALGS[:-1])} or {FAPI2_ALGS[-1]} (FAPI 2.0 section 5.4.1)"

_SIGNED_BY: Mapping[str, str] = MappingProxyType(
    {
        "token_endpoint_auth_signing_alg": "its assertions",
        "request_object_signing_alg": "its request objects",
        "authorization_signed_response_alg": "the answers to it",
    }
)


def check(client: Client, registry: Registry) -> Iterator[Finding]:
    """Every rule of the profile that ``client`` breaks, if it is held to it."""
    if not registry.is_fapi2(client):
        return
    yield from _check_store(client, registry)
    yield from _check_proofs(client)
    yield from _check_grants(client)
    yield from _check_algs(client)
    yield from _check_keys(client, registry)
    yield from _check_lifetime(client)
    yield from _check_redirect_uris(client)
    yield from _check_resources(client, registry)


def check_issuer(registry: Registry) -> Iterator[Finding]:
    """Every rule of the profile that the issuer breaks, if all of its clients are held to it.

    Of one client alone, codes live as long as the profile lets them.
    """
    settings = registry.issuer
    if settings.profile == FAPI2 and settings.authorization_code_lifetime > MOST_CODE_LIFETIME:
        yield ("issuer", "authorization_code_lifetime"), _TOO_LONG


def problems(registry: Registry, algs: Sequence[str]) -> Iterator[str]:
    """What is wrong with a key ring that signs by ``algs``, the preferred one first."""
    if algs and algs[0] not in FAPI2_ALGS:
        client = next((each for each in registry.unlike if registry.is_fapi2(each)), None)
        if client is not None:
            yield (
                f"access tokens are signed by {algs[0]}, and for client "
                f"{json.dumps(client.client_id)} it {_AN_ALG}; "
                "`issuer keys rotate --alg ES256` makes one"
            )


def _check_store(client: Client, registry: Registry) -> Iterator[Finding]:
    if not registry.issuer.has_store:
        yield (
            ("clients", client.client_id, "profile"),
            'needs a replay_store under [issuer], such as "sqlite:replay.db": FAPI 2.0 wants codes '
            "refused that were used (section 5.3.2.2)",
        )


def _check_proofs(client: Client) -> Iterator[Finding]:
    at = ("clients", client.client_id)
    if client.token_endpoint_auth_method not in METHODS:
        yield (
            (*at, "token_endpoint_auth_method"),
            f"must be {', '.join(METHODS[:-1])} or {METHODS[-1]}: FAPI 2.0 has no secrets and no "
            "public clients (section 5.3.2.1)",
        )
    if not client.is_bound:
        yield (
            (*at, "dpop_bound_access_tokens"),
            "must be true, or tls_client_certificate_bound_access_tokens: FAPI 2.0 has no tokens "
            "for whoever bears them (section 5.3.2.1)",
        )
    if client.token_endpoint_auth_audience != "issuer":
        yield (
            (*at, "token_endpoint_auth_audience"),
            'must be "issuer": assertions name nothing else in FAPI 2.0 (section 5.3.2.1)',
        )
    if not client.require_pkce:
        yield (*at, "require_pkce"), "must be true: FAPI 2.0 wants PKCE (section 5.3.2.2)"


def _check_grants(client: Client) -> Iterator[Finding]:
    at = ("clients", client.client_id)
    if "password" in client.grant_types:
        yield (*at, "grant_types"), "must not have password in FAPI 2.0 (section 5.3.2.1)"
    if client.rotate_refresh_tokens:
        yield (
            (*at, "rotate_refresh_tokens"),
            "must be false: FAPI 2.0 lets refresh tokens be, as a lost answer would end the grant "
            "(section 5.3.2.1)",
        )


def _check_algs(client: Client) -> Iterator[Finding]:
    at = ("clients", client.client_id)
    if client.is_relying_party and client.id_token_signed_response_alg not in FAPI2_ALGS:
        yield (*at, "id_token_signed_response_alg"), _AN_ALG
    for name, what in _SIGNED_BY.items():
        alg = getattr(client, name)
        if alg is not None and alg not in FAPI2_ALGS:
            yield (*at, name), f"{_AN_ALG}, which is what signs {what}"


def _check_keys(client: Client, registry: Registry) -> Iterator[Finding]:
    """That a key is for what the profile has. RSA that does not say is for RS256, unless its client
    does; of keys that are fetched nobody can say."""
    keys, at = registry.client_keys(client), ("clients", client.client_id)
    if keys is None or not keys.keys or set(FAPI2_ALGS).intersection(client_keys.algs(keys, None)):
        return
    uses = {
        "token_endpoint_auth_signing_alg": client.signs_assertions,
        "request_object_signing_alg": client.require_signed_request_object,
    }
    for name, is_used in uses.items():
        if is_used and getattr(client, name) is None:
            sentence = "its keys are for RS256, or do not say, and then PS256 goes here"
            yield (*at, name), f"{_AN_ALG}: {sentence}"


_TOO_LONG = f"must be at most {MOST_CODE_LIFETIME} seconds in FAPI 2.0 (section 5.3.2.1)"


def _check_lifetime(client: Client) -> Iterator[Finding]:
    if (client.authorization_code_lifetime or 0) > MOST_CODE_LIFETIME:
        yield ("clients", client.client_id, "authorization_code_lifetime"), _TOO_LONG


def _check_redirect_uris(client: Client) -> Iterator[Finding]:
    for number, uri in enumerate(client.redirect_uris):
        where = kind(uri)
        native = client.application_type == "native"
        if where is Kind.LOCALHOST or (where is Kind.LOOPBACK and not native):
            yield (
                ("clients", client.client_id, "redirect_uris", number),
                "must be https in FAPI 2.0, or a native application's loopback address "
                "(section 5.3.2.2)",
            )


def _check_resources(client: Client, registry: Registry) -> Iterator[Finding]:
    for number, name in enumerate(client.resources):
        resource = registry.resources.get(name)
        if resource is not None and resource.is_mac:
            yield (
                ("clients", client.client_id, "resources", number),
                "takes mac tokens, and FAPI 2.0 binds tokens by DPoP or TLS (section 5.3.2.1)",
            )
