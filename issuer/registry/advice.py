"""What the records of a registry could do more safely, although they fit together."""

from collections.abc import Iterator, Mapping
from operator import attrgetter
from types import MappingProxyType

from issuer.registry import key_checks, precis, user_checks
from issuer.registry.client import DEVICE_CODE, Client
from issuer.registry.documents import Finding
from issuer.registry.record import CODE_LIFETIME_WITHOUT_STORE
from issuer.registry.redirect_uri import Kind, is_native, kind
from issuer.registry.registry import Registry
from issuer.registry.user import GROUPS, ROLES
from keys.algorithms import ALGORITHMS

LONG_TOLD = 2000
"""Characters of one token beyond which what it tells of its user is worth a warning."""

_RISKS: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.LOCALHOST: (
            "is a name, which may lead to another address than this machine's own; "
            "http://127.0.0.1 is safer, where the application takes it (RFC 8252 section 8.3)"
        ),
        Kind.PRIVATE_USE: (
            "has a scheme that any other application may claim, and get the codes; https, "
            "http://127.0.0.1, or a domain of its makers as scheme, com.example.app, is safer "
            "(RFC 8252 sections 7.1 and 8.4)"
        ),
    }
)


def warnings(registry: Registry) -> Iterator[Finding]:
    """What holds together, but not for everybody or not as well as it could.

    Nothing is refused for it: ``issuer check`` says it, and workers log it.
    """
    yield from _warn_of_codes(registry)
    yield from _warn_of_id_tokens(registry)
    if any(_warn_of_client(client, registry) for client in registry.unlike):
        for client in registry.clients.values():
            yield from _warn_of_client(client, registry)
    for name in registry.users:
        yield from _warn_of_username(name)
    yield from _warn_of_claims(registry)


def _warn_of_claims(registry: Registry) -> Iterator[Finding]:
    """What nobody is told, and what is long: cookies have 4096 characters, and headers few more."""
    told = registry.claims.keys()
    if registry.groups and not told & {GROUPS, ROLES}:
        sentence = f"are told to nobody: [claims.{GROUPS}] lets the scope {GROUPS} tell them"
        yield ("groups",), sentence
    for name, user in registry.users.items():
        for claim in sorted(user.claims.keys() - told):
            sentence = f"is told to nobody: no scope tells it; [claims.{claim}] says which does"
            yield ("users", name, "claims", claim), sentence
    for user, place, size in user_checks.told_at_length(registry, LONG_TOLD):
        sentence = (
            f"has groups and claims that take {size} characters of an {place}: proxies that keep "
            f"it in a cookie have 4096, and many servers take headers of 8192"
        )
        yield ("users", user.username), sentence


def _warn_of_client(client: Client, registry: Registry) -> list[Finding]:
    return [
        *_warn_of_redirect_uris(client),
        *_warn_of_imitation(client),
        *_warn_of_refreshing(client, registry),
        *_warn_of_dpop(client, registry),
        *_warn_of_keys(client),
    ]


def _warn_of_codes(registry: Registry) -> Iterator[Finding]:
    """RFC 6749 section 4.1.2: a code is used once. Without a store, only its end sees to that."""
    if registry.issuer.has_store:
        return
    sentence = (
        f"is more than {CODE_LIFETIME_WITHOUT_STORE}: without a replay_store a code can be "
        "redeemed again for as long, and certification tries that"
    )
    if registry.issuer.authorization_code_lifetime > CODE_LIFETIME_WITHOUT_STORE:
        yield ("issuer", "authorization_code_lifetime"), sentence
    for name, client in registry.clients.items():
        if (client.authorization_code_lifetime or 0) > CODE_LIFETIME_WITHOUT_STORE:
            yield ("clients", name, "authorization_code_lifetime"), sentence


def needs_convergence(registry: Registry) -> bool:
    """True where a code can be redeemed again, and should then yield the same tokens."""
    return not registry.issuer.has_store and any(map(_redeems_codes, registry.clients.values()))


def warn_of_alg(alg: str) -> Iterator[str]:
    """What ``alg`` costs where there is convergence to lose."""
    if ALGORITHMS[alg].convergent is None:
        yield (
            f"no two signatures by {alg} are the same here: without a replay_store, a code that is "
            "redeemed again yields other tokens, with the same claims"
        )


def _warn_of_id_tokens(registry: Registry) -> Iterator[Finding]:
    if not needs_convergence(registry):
        return
    for name, client in registry.clients.items():
        if client.is_relying_party and _redeems_codes(client):
            for why in warn_of_alg(client.id_token_signed_response_alg):
                yield ("clients", name, "id_token_signed_response_alg"), why


def _redeems_codes(client: Client) -> bool:
    return "authorization_code" in client.grant_types


def _warn_of_username(name: str) -> Iterator[Finding]:
    try:
        precis.username(name)
    except precis.Forbidden as forbidden:
        yield ("users", name), f"{forbidden} (RFC 8265 section 3.4); some devices cannot type it"


def _warn_of_redirect_uris(client: Client) -> Iterator[Finding]:
    for number, uri in enumerate(client.redirect_uris):
        risk = _RISKS.get(kind(uri))
        if risk:
            yield ("clients", client.client_id, "redirect_uris", number), risk


def _warn_of_imitation(client: Client) -> Iterator[Finding]:
    if client.skip_consent and client.can_be_imitated and any(map(is_native, client.redirect_uris)):
        sentence = (
            "lets codes go to an application on people's own machines unasked, and anybody can "
            "make one that says it is this one (RFC 8252 section 8.6)"
        )
        yield ("clients", client.client_id, "skip_consent"), sentence
    if client.skip_consent and client.can_be_imitated and DEVICE_CODE in client.grant_types:
        sentence = (
            "lets a device in whose code its user confirmed, and never says what it may do then; "
            "anybody can show a code and say that it is this client's (RFC 8628 section 5.4)"
        )
        yield ("clients", client.client_id, "skip_consent"), sentence


def _warn_of_dpop(client: Client, registry: Registry) -> Iterator[Finding]:
    held = [registry.resources[each] for each in client.resources if each in registry.resources]
    if client.dpop_bound_access_tokens:
        for resource in filter(attrgetter("is_mac"), held):
            sentence = (
                f"leaves it without tokens for {resource.resource}, which are of type mac: they "
                "have a key of their own, and are refused to whoever proves another"
            )
            yield ("clients", client.client_id, "dpop_bound_access_tokens"), sentence


def _warn_of_keys(client: Client) -> Iterator[Finding]:
    """Keys that are there before they are needed are no contradiction: so clients change over."""
    places = [each for each in key_checks.PLACES if getattr(client, each) is not None]
    signs = client.signs_assertions or _redeems_codes(client)  # its authorization requests
    if places and not signs and client.auth_method != "self_signed_tls_client_auth":
        sentence = (
            f'is not used: with token_endpoint_auth_method = "{client.auth_method}" nothing that '
            "the client sends is signed"
        )
        yield ("clients", client.client_id, places[0]), sentence


def _warn_of_refreshing(client: Client, registry: Registry) -> Iterator[Finding]:
    if "refresh_token" not in client.grant_types:
        return
    at = ("clients", client.client_id)
    if client.is_public and not client.is_bound and not registry.issuer.has_store:
        sentence = (
            'has "refresh_token", which comes to nothing without DPoP: where there is no '
            "replay_store under [issuer], a public client gets only those that are bound to a key "
            "(RFC 9700 section 4.14.2); dpop_bound_access_tokens = true says that it has one"
        )
        yield (*at, "grant_types"), sentence
    idle = client.refresh_token_idle_lifetime or registry.issuer.refresh_token_idle_lifetime
    longest = registry.longest_access_token_lifetime_at(
        client, (*client.resources, registry.issuer.url)
    )
    if idle is not None and idle <= longest:
        sentence = (
            f"is {idle} seconds, and access tokens live for {longest}: whoever refreshes when one "
            "expires comes too late"
        )
        yield (*at, "refresh_token_idle_lifetime"), sentence
