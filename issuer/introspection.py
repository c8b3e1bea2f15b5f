"""What a resource server is told of a token that it was shown: RFC 7662, and RFC 9701 as a JWT.

Each is told of the tokens for itself alone. Of all else it hears that it is not active, and no
more: not whether it is expired, revoked, another's, or no token at all.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from issuer import client_auth
from issuer.errors import InvalidGrant, naming
from issuer.protocol.replay import ReplayStore, Standing, Use, spend
from issuer.protocol.request import TokenRequest
from issuer.registry.resource import Resource
from issuer.registry.scope import Scope
from issuer.server import AuthorizationServer
from issuer.token_types.bearer import USERINFO, USERINFO_CLAIMS
from issuer.token_types.returned import parties, standing
from keys import AccessToken, InvalidToken

TYP = "token-introspection+jwt"
"""RFC 9701 section 5."""

TOKEN_TYPES: Mapping[str, str] = {"Bearer": "Bearer", "DPoP": "DPoP", "MAC": "mac"}
"""What a token response calls the tokens that are shown by each scheme (RFC 6749 section 5.1).

What such a token is bound to is in its ``cnf`` (RFC 9449 section 6.2, RFC 8705 section 3.2)."""

INACTIVE: Mapping[str, object] = {"active": False}


class Inquiry(NamedTuple):
    """Who asks, and about which token."""

    resource: Resource
    token: AccessToken | None
    """None where it is not good here and now, whatever the store may say."""
    scope: Scope
    """What of its scope the client may have by now."""
    detail: str
    """Why it is not, for the log."""
    standing: tuple[Standing, ...] = ()
    """What must not have been revoked for it to be good."""

    @property
    def log(self) -> dict[str, str]:
        """What the access log says of it."""
        return {"client_id": self.resource.name_at_introspection, "detail": self.detail}


def validate(server: AuthorizationServer, request: TokenRequest) -> Inquiry:
    """What ``request`` asks, and what the keys, the clock and the registry have to say.

    Raises:
        InvalidClient: whoever asks is no resource server that may.
        InvalidRequest: no token is named, or two are.
    """
    resource, _ = client_auth.prove(server, server.registry.resource_servers, request)
    with naming(resource.name_at_introspection):
        text = request.form.require("token")
    try:
        token, scope = _good(server, resource, text, request.received_at)
    except InvalidToken as invalid:
        return Inquiry(resource, None, Scope(), f"not active: {invalid.detail}")
    revoked = partial(InvalidGrant, "The token was revoked.")
    stands_on = (standing(server, token, revoked),)
    return Inquiry(resource, token, scope, f"active: {token.jti}", stands_on)


async def ask(store: ReplayStore, inquiry: Inquiry, now: int) -> Inquiry:
    """``inquiry``, once the store had its say.

    Raises:
        TemporarilyUnavailable: it cannot. The token may be as good as ever.
    """
    if inquiry.token is None:
        return inquiry
    with naming(inquiry.resource.name_at_introspection):
        try:
            await spend(store, Use(standing=inquiry.standing), now)
        except InvalidGrant:
            return inquiry._replace(token=None, detail=f"not active: revoked, {inquiry.token.jti}")
    return inquiry


def members(inquiry: Inquiry) -> Mapping[str, object]:
    """The answer (RFC 7662 section 2.2): what the token says, as far as it still holds.

    A resource server learns nothing of the user that the token itself does not tell it.
    """
    token = inquiry.token
    if token is None:
        return INACTIVE
    said = {name: _thawed(value) for name, value in token.claims.items()}
    for name in (USERINFO, USERINFO_CLAIMS):  # for /userinfo alone to read
        said.pop(name, None)
    said.pop("scope", None)
    if inquiry.scope:
        said["scope"] = str(inquiry.scope)
    # Last, as a registration may add claims of any other name.
    return said | {"active": True, "token_type": TOKEN_TYPES[token.scheme]}


def sign(server: AuthorizationServer, inquiry: Inquiry, now: int) -> str:
    """The answer as a JWT, for whoever asked (RFC 9701 section 5).

    It has no ``sub`` and no ``exp`` of its own, so nobody takes it for an access token.

    Raises:
        TemporarilyUnavailable: no key of its algorithm is current.
    """
    resource = inquiry.resource
    claims = {
        "iss": server.issuer,
        "aud": resource.name_at_introspection,
        "iat": now,
        "token_introspection": members(inquiry),
    }
    alg = resource.introspection_signed_response_alg
    return server.answering_key(now, alg).sign(TYP, claims)


def _good(
    server: AuthorizationServer, resource: Resource, text: str, now: int
) -> tuple[AccessToken, Scope]:
    token = server.issued.verify(text, now)
    if now >= token.expires_at:  # no other clock is involved: there is nothing to forgive
        raise InvalidToken("expired")
    if server.registry.resource(token.audience) is not resource:
        raise InvalidToken("for another audience")
    client, _ = parties(server, token, now)
    return token, Scope(token.scope).only(client.scope)


def _thawed(value: Any) -> Any:
    """``value`` of a token, which is read-only to the ground, as JSON spells it."""
    if isinstance(value, tuple):
        return [_thawed(each) for each in value]
    if isinstance(value, Mapping):
        return {name: _thawed(each) for name, each in value.items()}
    return value
