"""What the exchanges of a client must be to what else it registers."""

from collections.abc import Iterator

from issuer.registry.client import Client
from issuer.registry.documents import Finding
from issuer.registry.exchange import TOKEN_EXCHANGE, Exchange
from issuer.registry.registry import Registry

Path = tuple[str | int, ...]


def check_client(client: Client, registry: Registry) -> Iterator[Finding]:
    """Every contradiction between the exchanges of ``client`` and the rest."""
    at: Path = ("clients", client.client_id)
    exchanges = TOKEN_EXCHANGE in client.grant_types
    if exchanges and client.is_public:
        yield (
            (*at, "grant_types"),
            f"{TOKEN_EXCHANGE} is for clients that prove who they are: take it out",
        )
    if exchanges and not client.exchanges:
        yield (*at, "grant_types"), f"{TOKEN_EXCHANGE} needs exchanges, which say what for what"
    if client.exchanges and not exchanges:
        yield (*at, "exchanges"), f"needs the grant {TOKEN_EXCHANGE}: add it, or take this out"
    for number, rule in enumerate(client.exchanges):
        yield from _check_rule((*at, "exchanges", number), rule, client, registry)


def _check_rule(at: Path, rule: Exchange, client: Client, registry: Registry) -> Iterator[Finding]:
    if rule.resource not in client.resources:
        yield (*at, "resource"), "must be one of the client's resources"
    for number, audience in enumerate(rule.audiences):
        if audience not in registry.resources:
            yield (
                (*at, "audiences", number),
                f'"{audience}" is not known here; `issuer resource add` makes one',
            )
    takes = "access_token" in rule.subject_token_types
    if takes and not rule.audiences:
        yield (
            (*at, "audiences"),
            "must name the resources whose access tokens are exchanged: which the client is itself",
        )
    if "jwt" in rule.subject_token_types and not client.federated:
        yield (
            (*at, "subject_token_types"),
            '"jwt" needs federated, which says whose tokens it takes',
        )
    for number, actor in enumerate(rule.actors):
        if actor not in registry.clients:
            yield (*at, "actors", number), f'"{actor}" is no client here'
    if rule.scope is not None and not rule.scope <= client.scope:
        yield (*at, "scope"), "must be within the client's scope, beyond which it gets nothing"
