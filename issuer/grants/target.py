"""Which resource server a token is for, and which scopes mean anything to it (RFC 8707)."""

from collections.abc import Sequence, Set
from functools import lru_cache

from issuer.errors import InvalidScope, InvalidTarget
from issuer.grants.refreshing import can_refresh
from issuer.registry.client import Client
from issuer.registry.resource import Resource
from issuer.registry.scope import OFFLINE_ACCESS, OPENID, Scope, narrow
from issuer.server import AuthorizationServer

NOTHING = Scope()


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


def still_allowed(
    server: AuthorizationServer, client: Client, granted: Sequence[str]
) -> tuple[str, ...]:
    """Those of the ``granted`` resources that ``client`` may have tokens for by now."""
    allowed = server.audiences(client)
    return tuple([each for each in granted if each in allowed])


def granted_target(
    server: AuthorizationServer,
    granted: Sequence[str],
    allowed: Sequence[str],
    requested: Sequence[str],
) -> Resource:
    """The one of the ``granted`` resources, of which ``allowed`` are left, that a token is for.

    Where none was requested it is the first that is left. That is the issuer only if it was the
    first of all: where a scope with ``openid`` put it beside an API, nobody asked for a token for
    it.

    Raises:
        InvalidTarget: it is not granted, not allowed any more, or there is more than one.
    """
    if requested or not allowed:
        return target(server, allowed, requested)
    others = allowed if granted[0] == server.issuer else [a for a in allowed if a != server.issuer]
    if not others:
        raise InvalidTarget("The resource of this grant is not one this client may use any more.")
    return target(server, others, ())


def targets(
    server: AuthorizationServer, client: Client, requested: Sequence[str], scope: str | None
) -> tuple[Resource, ...]:
    """The resources that a user's grant to ``client`` is for: what was requested, or its default.

    Where the scope has ``openid``, one of them is always the issuer itself.

    Raises:
        InvalidTarget: one of them is unknown or not allowed.
    """
    allowed = server.audiences(client)
    found = [target(server, allowed, [each]) for each in requested or allowed[:1]]
    own = server.registry.own
    if client.is_relying_party and OPENID in (scope or "").split(" ") and own not in found:
        found.append(own)
    return tuple(found)


def asked_of_user(
    server: AuthorizationServer,
    client: Client,
    resources: Sequence[Resource],
    requested: str | None,
) -> Scope:
    """What ``client`` asks a user for at ``resources``.

    A client that names no scope asks for all that it registered there, but for ``openid`` and
    ``offline_access``: nobody gets an ID token or a refresh token without asking. What is not known
    here is left out (OpenID Connect Core section 3.1.2.1).

    Raises:
        InvalidScope: something is not registered for the client and these resources, or nothing is
            left.
    """
    own = server.registry.own
    known = {scope for each in resources if each is not own for scope in each.scopes}
    asked = NOTHING if requested is None else Scope.parse(requested)
    understood = asked.only(server.registry.known_scopes)
    if asked and not understood:
        raise InvalidScope("Nothing in the scope is known here.")
    if OPENID in understood:
        known.update(own.scopes)
    else:
        if own in resources and not known:
            raise InvalidScope("For this resource, the scope must have openid.")
        understood = _without_who(server, known, understood)
    # Whether the client will prove a key of its own, nobody knows before it redeems the code.
    return _chosen(server, client, client.scope.only(known), understood, may_be_bound=True)


def asked_of_client(
    server: AuthorizationServer,
    client: Client,
    resource: Resource,
    requested: str | None,
    *,
    is_bound: bool,
) -> Scope:
    """What ``client``, with proof of a key or without, asks for at ``resource`` without a page.

    Raises:
        InvalidScope: something is not registered for the client and this resource.
    """
    permitted = _permitted(client.scope, resource.scopes)
    if requested is None:
        return permitted
    asked = Scope.parse(requested)
    if OPENID in asked and OPENID not in permitted:
        raise InvalidScope("openid is for authorization codes, and what is refreshed from them.")
    return _chosen(server, client, permitted, asked, may_be_bound=is_bound)


def still_granted(
    server: AuthorizationServer, client: Client, scope: Scope, *, is_bound: bool
) -> Scope:
    """The part of ``scope`` that ``client`` may have by now, with proof of a key or without."""
    kept = scope.only(client.scope)
    if OFFLINE_ACCESS not in scope:
        return kept
    if can_refresh(server, client, is_bound=is_bound):
        return Scope({*kept, OFFLINE_ACCESS})
    return Scope(kept - {OFFLINE_ACCESS})


def scope_at(resource: Resource, granted: Scope) -> Scope:
    """The part of ``granted`` that means something at ``resource``."""
    known = _permitted(granted, resource.scopes)
    return Scope({*known, OFFLINE_ACCESS}) if OFFLINE_ACCESS in granted else known


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
    """What is requested of ``granted`` at ``resource``, and of its ``openid`` part beside that.

    Raises:
        InvalidScope: something requested was not granted, or is nothing to this resource.
    """
    known = scope_at(resource, granted)
    if openid is None:
        return narrow(known, requested), None
    asked = narrow(Scope(known | openid), requested)
    return asked.only(known), asked.only(openid) if OPENID in asked else None


@lru_cache(maxsize=1024)  # most clients and resources register the same few
def _permitted(registered: Scope, known: tuple[str, ...]) -> Scope:
    return registered.only(known)


def _without_who(server: AuthorizationServer, known: Set[str], understood: Scope) -> Scope:
    """``understood`` without what says who the user is: that goes with ``openid`` alone."""
    about_user = server.registry.releasing.about_user - known
    kept = Scope(understood - about_user)
    if understood and not kept:
        raise InvalidScope("Who the user is takes openid in the scope.")
    return kept


def _chosen(
    server: AuthorizationServer,
    client: Client,
    permitted: Scope,
    asked: Scope,
    *,
    may_be_bound: bool,
) -> Scope:
    """What was asked for, or else all that is permitted; ``offline_access`` where it can be had."""
    wishes = OFFLINE_ACCESS in asked
    wanted = Scope(asked.difference((OFFLINE_ACCESS,))) if wishes else asked
    if not wanted <= permitted:
        raise InvalidScope("Part of the scope is not registered for this client and resource.")
    chosen = wanted or permitted
    if wishes and can_refresh(server, client, is_bound=may_be_bound):
        return Scope({*chosen, OFFLINE_ACCESS})
    return chosen
