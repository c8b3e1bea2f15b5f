"""Which resource server a token is for, and which scopes mean anything to it (RFC 8707)."""

from collections.abc import Sequence

from issuer.errors import InvalidTarget
from issuer.resource import Resource
from issuer.scope import Scope, narrow
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
    resource = server.registry.resources.get(wanted[0]) if wanted else None
    if resource is None or resource.resource not in allowed:
        raise InvalidTarget("The resource is unknown, or not one this client may use.")
    return resource


def scope_for(resource: Resource, granted: Scope, requested: str | None) -> Scope:
    """The part of ``granted`` that ``resource`` knows, narrowed to what was requested.

    Raises:
        InvalidScope: something requested was not granted, or is nothing to this resource.
    """
    return narrow(granted.only(resource.scopes), requested)
