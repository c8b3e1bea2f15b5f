"""Which resource server a token is for, and which scopes mean anything to it (RFC 8707)."""

from collections.abc import Sequence

from issuer.client import Client
from issuer.errors import InvalidTarget
from issuer.resource import Resource
from issuer.scope import OPENID, Scope, narrow
from issuer.server import AuthorizationServer


def target(
    server: AuthorizationServer, allowed: Sequence[str], requested: Sequence[str]
) -> Resource:
    """The one resource that was requested, or the first allowed one if none was.

    Raises:
        InvalidTarget: it is unknown, not allowed, or there is more than one: a token has a single
            audience, so that no resource server can use it at another (RFC 9700 section 2.3).
    """
    if len(requested) > 1:
        raise InvalidTarget("A token has one audience; ask for one resource at a time.")
    wanted = requested or allowed[:1]
    resource = server.registry.resource(wanted[0]) if wanted else None
    if resource is None or resource.resource not in allowed:
        raise InvalidTarget("The resource is unknown, or not one this client may use.")
    return resource


def targets(
    server: AuthorizationServer, client: Client, requested: Sequence[str], scope: str | None
) -> tuple[Resource, ...]:
    """The resources that a user's grant to ``client`` is for: what was requested, or its default.

    Where the scope has ``openid``, one of them is always the issuer itself.

    Raises:
        InvalidTarget: one of them is unknown or not allowed.
    """
    allowed = server.audiences(client)
    wanted = tuple(requested) or allowed[:1]
    asks_who = client.is_relying_party and (scope is None or OPENID in scope.split(" "))
    if asks_who and server.issuer not in wanted:
        wanted += (server.issuer,)
    return tuple(target(server, allowed, [each]) for each in wanted)


def scope_for(resource: Resource, granted: Scope, requested: str | None) -> Scope:
    """The part of ``granted`` that ``resource`` knows, narrowed to what was requested.

    Raises:
        InvalidScope: something requested was not granted, or is nothing to this resource.
    """
    return narrow(granted.only(resource.scopes), requested)


def openid_scope(
    server: AuthorizationServer, resources: Sequence[str], granted: Scope
) -> Scope | None:
    """The part of ``granted`` by which the issuer says who the user is; None without ``openid``."""
    if OPENID not in granted or server.issuer not in resources:
        return None
    return granted.only(server.registry.own.scopes)


def refreshed_scope(
    resource: Resource, granted: Scope, openid: Scope | None, requested: str | None
) -> tuple[Scope, Scope | None]:
    """``scope_for`` where the ``openid`` part of what was granted may be requested beside it.

    Raises:
        InvalidScope: as ``scope_for``.
    """
    if openid is None:
        return scope_for(resource, granted, requested), None
    asked = narrow(granted.only(openid.union(resource.scopes)), requested)
    return asked.only(resource.scopes), asked.only(openid) if OPENID in asked else None
