"""What federations, and the rules of clients about them, must be to each other and to the rest."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import NamedTuple

from issuer.registry import web_url
from issuer.registry.client import Client
from issuer.registry.documents import Finding, near
from issuer.registry.federated import Federated
from issuer.registry.federation import JWT_BEARER
from issuer.registry.key_checks import PLACES
from issuer.registry.registry import Registry


class Shared(NamedTuple):
    """An issuer whose tokens everybody can get, each about themselves."""

    beginnings: tuple[str, ...]
    """How a ``sub`` begins that says whose it is."""
    claims: tuple[str, ...]
    """Claims that say whose it is."""
    example: str


SHARED: Mapping[str, Shared] = MappingProxyType(
    {
        "https://token.actions.githubusercontent.com": Shared(
            ("repo:", "repository:", "repository_id:", "repository_owner:", "repository_owner_id:"),
            ("repository", "repository_id", "repository_owner", "repository_owner_id"),
            'subject = "repo:acme/shop:environment:production" or claims = {repository = "acme/*"}',
        ),
        "https://gitlab.com": Shared(
            ("project_path:",),
            ("project_path", "project_id", "namespace_path", "namespace_id"),
            'subject = "project_path:acme/shop:ref_type:branch:ref:main"',
        ),
        "https://accounts.google.com": Shared(
            tuple("0123456789"), ("email", "azp"), 'subject = "110169484474386276334"'
        ),
    }
)
"""Of them a rule has to say whose tokens are meant."""


def check(registry: Registry) -> Iterator[Finding]:
    """Every contradiction between the federations."""
    first: dict[str, str] = {}
    for name, each in registry.federations.items():
        at = ("federations", name)
        if each.issuer == registry.issuer.url:
            yield (*at, "issuer"), "is this issuer itself, whose tokens are taken without that"
        elif each.issuer in registry.clients:
            yield (*at, "issuer"), "is a client's client_id, which signs its own assertions with it"
        elif first.setdefault(each.issuer, name) != name:
            sentence = (
                f'is that of "{first[each.issuer]}": let clients name that one, or merge them'
            )
            yield (*at, "issuer"), sentence
        places = [place for place in PLACES if getattr(each, place) is not None]
        for place in places[1:]:
            yield (*at, place), f"cannot be beside {places[0]}: keys are in one place; take one out"
        if not places and not _can_be_discovered(each.issuer):
            yield (
                (*at, "issuer"),
                "must be an https URL to find its keys by discovery; or name them, as jwks, "
                "jwks_file or jwks_uri",
            )
        keys = registry.federation_keys(each)
        if keys is not None and not any(keys.can(alg) for alg in each.algs or (None,)):
            yield (*at, places[0]), "has no key for what signs its tokens: add one, or fix algs"


def check_client(client: Client, registry: Registry) -> Iterator[Finding]:
    """Every contradiction between the rules of ``client`` and what they are about."""
    at = ("clients", client.client_id)
    bears = JWT_BEARER in client.grant_types
    if client.federated and client.is_public:
        yield (
            (*at, "federated"),
            'is a proof of who the client is: set token_endpoint_auth_method = "private_key_jwt"',
        )
    elif client.federated and not client.signs_assertions and not bears:
        yield (
            (*at, "federated"),
            'is for token_endpoint_auth_method = "private_key_jwt", or for the grant '
            f"{JWT_BEARER}: set one of them, or take this out",
        )
    if bears and not client.federated:
        yield (
            (*at, "grant_types"),
            f"{JWT_BEARER} needs federated, which says whose tokens it takes",
        )
    for number, rule in enumerate(client.federated):
        yield from _check_rule((*at, "federated", number), rule, registry)


def _check_rule(
    at: tuple[str | int, ...], rule: Federated, registry: Registry
) -> Iterator[Finding]:
    federation = registry.federations.get(rule.federation)
    if federation is None:
        remedy = near(rule.federation, registry.federations)
        sentence = f'"{rule.federation}" is not known here'
        yield (*at, "federation"), sentence + (remedy or "; `issuer federation add` makes one")
        return
    shared = SHARED.get(federation.issuer)
    if shared is not None and not _says_whose(rule, shared):
        yield (
            at,
            f"could be anybody's, for everybody has tokens of {federation.issuer}: say whose, as "
            f"{shared.example}",
        )


def _says_whose(rule: Federated, shared: Shared) -> bool:
    """Whether some text in ``rule`` names an owner before its first ``*``."""
    for beginning in shared.beginnings:
        if rule.subject is not None and rule.subject.startswith(beginning):
            rest = rule.subject.removeprefix(beginning) if ":" in beginning else rule.subject
            return _is_owner(rest)
    held = dict(rule.claims.rules)
    for name in shared.claims:
        wanted = held.get((name,))
        if wanted and all(_is_owner(str(each)) for each in wanted):
            return True
    return False


def _is_owner(text: str) -> bool:
    before, star, _ = text.partition("*")
    return not star or "/" in before or ":" in before


def _can_be_discovered(issuer: str) -> bool:
    try:
        return web_url.split(issuer).scheme == "https" and not {"?", "#"}.intersection(issuer)
    except ValueError:
        return False
