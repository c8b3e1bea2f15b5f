"""What the records of a registry must be to each other: nothing dangles, nothing contradicts."""

from collections.abc import Callable, Collection, Iterator, Set
from dataclasses import dataclass
from shlex import quote

from issuer.registry import (
    certificate_checks,
    client_checks,
    exchange_checks,
    fapi2,
    federation_checks,
    user_checks,
)
from issuer.registry.client import DEVICE_CODE, Client
from issuer.registry.documents import Finding, near
from issuer.registry.registry import Registry
from issuer.registry.resource import Resource
from issuer.registry.scope import OFFLINE_ACCESS
from keys.audience import canonical

_WITH_USER = frozenset({"authorization_code", "refresh_token", DEVICE_CODE})

_NO_SECRET_JWT = (
    '"client_secret_jwt" takes the secret itself to check what is signed with it, and the registry '
    "keeps hashes: private_key_jwt is as easy for most clients, and `issuer client key` makes one"
)
_ADD_SCOPE = "; add it to the scopes of a resource, or take it out"
_ADD_SECRET = "; `issuer resource secret` makes one"
_ADD_RESOURCE = "; `issuer resource add` makes one"


@dataclass(frozen=True, slots=True)
class Offered:
    """What this issuer has tables for, and so what a registry may name."""

    grant_types: tuple[str, ...]
    token_endpoint_auth_methods: tuple[str, ...]
    access_token_types: tuple[str, ...]
    introspection_endpoint_auth_methods: tuple[str, ...]
    replay_stores: tuple[str, ...]
    fault_of_store: Callable[[str], str]
    """What is wrong with a ``replay_store`` of one of these kinds; empty where nothing is."""


def check(registry: Registry, offered: Offered, defined: Set[str]) -> Iterator[Finding]:
    """Every contradiction between the records, as a path and a sentence.

    ``defined`` names every resource of the files, those included that ``registry`` lacks because
    something else is wrong with them: naming one of those is not a second mistake.
    """
    yield from _check_store(registry.issuer.replay_store, offered)
    if (registry.issuer.login_url is None) != (registry.issuer.login_jwks is None):
        yield (
            ("issuer", "login_url"),
            "needs login_jwks, and login_jwks needs login_url; `issuer login-key` makes the keys",
        )
    yield from certificate_checks.check_settings(registry.issuer)
    yield from fapi2.check_issuer(registry)
    for number, sub in enumerate(registry.issuer.blocked_subjects):
        if sub in registry.clients:
            sentence = "is a client's client_id; a client is taken away by deleting its table"
            yield ("issuer", "blocked_subjects", number), sentence
    yield from _check_spellings(registry, defined)
    for name, resource in registry.resources.items():
        at = ("resources", name, "access_token_type")
        yield from _known(at, [resource.access_token_type], offered.access_token_types)
        yield from _check_jwks(resource)
        yield from _check_introspection(resource, registry, offered)
    if any(_check_client(client, registry, offered, defined) for client in registry.unlike):
        for client in registry.clients.values():
            yield from _check_client(client, registry, offered, defined)
    yield from user_checks.check(registry)
    yield from federation_checks.check(registry)
    known = {scope for each in registry.resources.values() for scope in each.scopes}
    if any(client.is_relying_party for client in registry.clients.values()):
        known.update(registry.own.scopes)
    named = registry.scopes.keys() - {OFFLINE_ACCESS}  # anybody may ask for it
    for name in sorted(named) if defined <= registry.resources.keys() else ():
        yield from _known(("scopes", name), [name], known, _ADD_SCOPE)


def _check_store(replay_store: str, offered: Offered) -> Iterator[Finding]:
    at, scheme = ("issuer", "replay_store"), replay_store.partition(":")[0]
    yield from _known(at, [scheme], offered.replay_stores)
    why = offered.fault_of_store(replay_store) if scheme in offered.replay_stores else ""
    if why:
        yield at, why


def _check_spellings(registry: Registry, defined: Set[str]) -> Iterator[Finding]:
    """No two names are one resource, as with and without a slash behind a bare origin."""
    own = canonical(registry.own.resource)
    first: dict[str, str] = {}
    for name in sorted(defined):
        if canonical(name) == own:
            sentence = "is the issuer itself, which is a resource without being named: take it out"
            yield ("resources", name), sentence
        elif first.setdefault(canonical(name), name) != name:
            yield ("resources", name), f'is the same resource as "{first[canonical(name)]}"'


def _known(
    path: tuple[str | int, ...], names: Collection[str], known: Collection[str], remedy: str = ""
) -> Iterator[Finding]:
    for name in names:
        if name not in known:
            yield (
                path,
                f'"{name}" is not known here' + (near(name, known) or _choice(known) + remedy),
            )


def _either(names: Collection[str]) -> str:
    return " or ".join(names)


def _choice(known: Collection[str]) -> str:
    few = 8
    return f"; there is {', '.join(sorted(known))}" if 0 < len(known) <= few else ""


def _check_jwks(resource: Resource) -> Iterator[Finding]:
    at = ("resources", resource.resource, "jwks")
    if resource.is_mac and resource.jwks is None:
        sentence = (
            "must have a key that MAC keys are encrypted to; "
            f"`issuer resource rotate {quote(resource.resource)}` makes it"
        )
        yield at, sentence
    # Whoever registered a key expects tokens that nobody else can use. Bearer tokens are not.
    if resource.access_token_type == "Bearer" and resource.jwks is not None:
        yield at, 'is for access_token_type = "mac": a bearer token has no key to encrypt'


def check_at(registry: Registry, now: int) -> Iterator[Finding]:
    """What is wrong with the registry at ``now`` and will be right by itself."""
    for name, resource in registry.resources.items():
        if resource.is_mac and resource.encryption_key(now) is None:
            yield ("resources", name, "jwks"), "has no key whose not_before has come"


def _check_client(
    client: Client, registry: Registry, offered: Offered, defined: Set[str]
) -> list[Finding]:
    return [
        *_check_names(client, registry, offered, defined),
        *client_checks.check(client, registry),
        *certificate_checks.check_client(client, registry),
        *federation_checks.check_client(client, registry),
        *exchange_checks.check_client(client, registry),
    ]


def _check_names(
    client: Client, registry: Registry, offered: Offered, defined: Set[str]
) -> Iterator[Finding]:
    at = ("clients", client.client_id)
    method = client.token_endpoint_auth_method
    methods = offered.token_endpoint_auth_methods
    if method == "client_secret_jwt":
        yield (*at, "token_endpoint_auth_method"), _NO_SECRET_JWT
    else:
        yield from _known((*at, "token_endpoint_auth_method"), [method], methods)
    yield from _known((*at, "grant_types"), client.grant_types, offered.grant_types)
    if not client.resources and not _needs_no_resource(client):
        yield (
            (*at, "resources"),
            "must name at least one resource, for a token has an audience" + _ADD_RESOURCE,
        )
    dangling = [name for name in client.resources if name not in registry.resources]
    own = canonical(registry.own.resource)
    if any(canonical(name) == own for name in dangling):
        sentence = "must not name the issuer, which is for every client with openid in its scope"
        yield (*at, "resources"), sentence
    strangers = [name for name in dangling if name not in defined and canonical(name) != own]
    yield from _known((*at, "resources"), strangers, registry.resources, _ADD_RESOURCE)
    if not dangling:
        held = [registry.resources[name] for name in client.resources if name in registry.resources]
        held += [registry.own] if client.is_relying_party else []
        known = {scope for each in held for scope in each.scopes}
        about_user = client.scope.intersection(registry.releasing.about_user) - known
        for name in sorted(about_user):
            yield (*at, "scope"), f'"{name}" says who the user is, which takes "openid" beside it'
        named = sorted(client.scope - about_user - {OFFLINE_ACCESS})
        yield from _known((*at, "scope"), named, known, _ADD_SCOPE)


def _needs_no_resource(client: Client) -> bool:
    """True where all that it asks for is who its users are."""
    return client.is_relying_party and _WITH_USER.issuperset(client.grant_types)


def _check_introspection(
    resource: Resource, registry: Registry, offered: Offered
) -> Iterator[Finding]:
    at = ("resources", resource.resource)
    method, named = resource.introspection_endpoint_auth_method, resource.name_at_introspection
    methods = offered.introspection_endpoint_auth_methods
    if method in offered.token_endpoint_auth_methods and method not in methods:
        sentence = f'"{method}" is for clients; a resource server asks by {_either(methods)}'
        yield (*at, "introspection_endpoint_auth_method"), sentence
    else:
        yield from _known((*at, "introspection_endpoint_auth_method"), [method], methods)
    yield from client_checks.check_dates(at, resource.client_secrets)
    if not resource.introspects:
        if resource.client_id is not None:
            sentence = "is for asking about tokens, which takes client_secrets" + _ADD_SECRET
            yield (*at, "client_id"), sentence
        return
    if named in registry.clients:
        yield (*at, "client_id"), f'"{named}" is a client: give the resource another client_id'
    if registry.resource_servers.known[named] is not resource:
        yield (*at, "client_id"), f'"{named}" is also what another resource calls itself'
