"""``urn:ietf:params:oauth:grant-type:token-exchange``: one token for another that allows less
(RFC 8693).

    subject_token ──▶ a rule of the client for this resource? ──▶ no scope, audience or life that
                                                                  the two do not allow together
"""

from collections.abc import Mapping
from typing import Any

from issuer.errors import InvalidRequest, InvalidScope, InvalidTarget
from issuer.grants.subject_token import (
    ACCESS_TOKEN,
    JWT,
    PREFIX,
    READ,
    SubjectToken,
    read_access_token,
    refused,
)
from issuer.grants.target import target
from issuer.protocol.exchanged import Exchanged
from issuer.protocol.replay import Standing
from issuer.protocol.request import AuthenticatedRequest, Authorization
from issuer.protocol.sealed import fresh_id
from issuer.registry.client import Client
from issuer.registry.exchange import Exchange
from issuer.registry.resource import Resource
from issuer.registry.scope import OFFLINE_ACCESS, Scope
from issuer.server import AuthorizationServer
from issuer.token_types import returned

ISSUED = (ACCESS_TOKEN, JWT)
"""The types that may be requested: what is issued is both."""

MAX_ACTORS = 5
"""Who acts, and who did before: at most so many in one token."""


def authorize(server: AuthorizationServer, authenticated: AuthenticatedRequest) -> Authorization:
    """What the subject token and the rule of the client allow together, and is asked for.

    Raises:
        InvalidRequest: a parameter is wrong, or a token is not good, or nobody may act with it.
        InvalidTarget: no rule of the client is for this resource and token.
        InvalidScope: more is asked for, or nothing is left.
    """
    client, form, now = authenticated.client, authenticated.form, authenticated.received_at
    kind = form.require("subject_token_type")
    issued = form.get("requested_token_type") or ACCESS_TOKEN
    if kind not in READ:
        raise InvalidRequest("This subject_token_type is not supported.")
    if issued not in ISSUED:
        raise InvalidRequest("This requested_token_type is not supported.")
    if client.is_public:
        raise InvalidRequest("A public client exchanges no tokens.")
    subject = READ[kind](server, authenticated, form.require("subject_token"))
    wanted = (*form.all("resource"), *form.all("audience"))
    default = (subject.audience,) if subject.audience in client.resources else client.resources
    resource = target(server, client.resources, tuple(dict.fromkeys(wanted)) or default[:1])
    rule = _rule(client, resource, kind.removeprefix(PREFIX), subject)
    act, standing = _act(server, authenticated, subject, rule)
    return Authorization(
        id=fresh_id(),
        client=client,
        user=subject.user,
        scope=_scope(client, resource, rule, subject, form.get("scope")),
        resource=resource,
        issued_at=now,
        received_at=now,
        auth_time=subject.claims.get("auth_time") if subject.user else None,
        grant_id=str(subject.claims.get("grant_id", "")) if subject.audience else "",
        once=tuple({each.id: each for each in (*authenticated.once, *subject.once)}.values()),
        standing=(*subject.standing, *standing),
        credential=authenticated.credential,
        mapped=subject.mapped,
        exchanged=Exchanged(issued, subject.expires_at, act),
        binding=authenticated.binding,
    )


def _rule(client: Client, resource: Resource, kind: str, subject: SubjectToken) -> Exchange:
    """The first rule of ``client`` that is about such a token, for this resource."""
    for rule in client.exchanges:
        if rule.resource != resource.resource or kind not in rule.subject_token_types:
            continue
        if not subject.audience or subject.audience in rule.audiences:
            return rule
    raise InvalidTarget("The client may not exchange this token for one for this resource.")


def _scope(
    client: Client,
    resource: Resource,
    rule: Exchange,
    subject: SubjectToken,
    requested: str | None,
) -> Scope:
    """What of the requested scope the token and the registry allow: all of it, or it is refused."""
    allowed = client.scope.only(resource.scopes)
    for bound in (rule.scope, subject.scope):
        allowed = allowed if bound is None else allowed.only(bound)
    allowed = Scope(allowed - {OFFLINE_ACCESS})
    asked = allowed if requested is None else Scope.parse(requested)
    if not asked or not asked <= allowed:
        raise InvalidScope("The subject_token and the client's rules do not allow this scope.")
    return asked


def _act(
    server: AuthorizationServer,
    authenticated: AuthenticatedRequest,
    subject: SubjectToken,
    rule: Exchange,
) -> tuple[Mapping[str, Any] | None, tuple[Standing, ...]]:
    """Who acts, with those before, and on what that stands (sections 4.1 and 4.4)."""
    form, actor = authenticated.form, authenticated.client.client_id
    standing: tuple[Standing, ...] = ()
    text, kind = form.get("actor_token"), form.get("actor_token_type")
    if (text is None) != (kind is None):
        raise InvalidRequest("An actor_token and its actor_token_type come together.")
    if text is not None:
        if kind != ACCESS_TOKEN:
            raise InvalidRequest("This actor_token_type is not supported.")
        token = read_access_token(server, authenticated, text, "actor_token")
        if not token.is_client or token.client_id not in (actor, *rule.actors):
            raise refused("actor_token", "of nobody who may act here")
        actor = token.client_id
        standing = (returned.standing(server, token, lambda: refused("actor_token", "revoked")),)
    before = _plain(subject.claims.get("act"))
    if not _may_act(server, subject.claims, actor):
        raise refused("subject_token", "its may_act is another")
    if rule.impersonation and text is None:
        return before, standing
    act = {"sub": actor, **({"act": before} if before is not None else {})}
    _plain(act)
    return act, standing


def _may_act(server: AuthorizationServer, claims: Mapping[str, Any], actor: str) -> bool:
    """Whether the token lets ``actor`` act; where it says nothing, the registry alone does."""
    if "may_act" not in claims:
        return True
    said = claims["may_act"]
    if not isinstance(said, Mapping):
        return False
    return said.get("sub") == actor and said.get("iss", server.issuer) == server.issuer


def _plain(act: object, left: int = MAX_ACTORS) -> dict[str, Any] | None:
    """``act`` as JSON has it. Raises ``InvalidRequest`` where it is none, or too many act."""
    if act is None:
        return None
    if not isinstance(act, Mapping) or not left:
        raise refused("subject_token", f"its act is none, or more than {MAX_ACTORS} act")
    told = {
        name: act[name] for name in ("sub", "iss", "client_id") if isinstance(act.get(name), str)
    }
    before = _plain(act.get("act"), left - 1)
    return told if before is None else {**told, "act": before}
