"""Who the user is, told to whoever holds their access token (OpenID Connect Core section 5.3)."""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from issuer import errors
from issuer.possession import dpop
from issuer.protocol.replay import Once, Standing, Use
from issuer.protocol.request import TokenRequest
from issuer.registry.client import Client
from issuer.registry.released import Place
from issuer.registry.scope import OPENID, Scope
from issuer.server import AuthorizationServer
from issuer.token_types.bearer import USERINFO_CLAIMS
from issuer.token_types.returned import parties, standing
from keys import AccessToken, InsufficientScope, InvalidToken
from keys.algorithms import ALGORITHMS
from keys.errors import Challenged, InvalidDPoPProof, MissingToken, UseDPoPNonce
from keys.mtls import held_by

ALGS = " ".join(ALGORITHMS)
"""What proofs may be signed with, as a challenge lists it (RFC 9449 section 7.1)."""


TYP = "userinfo+jwt"
"""Not JWT: the answer says who the user is, and must never pass as an ID token (RFC 8725 3.11)."""


class Told(NamedTuple):
    """An answer, and what the store has to agree to for it to be given."""

    client: Client
    """Who is told."""
    claims: Mapping[str, Any]
    standing: Standing
    once: tuple[Once, ...] = ()

    @property
    def use(self) -> Use:
        """What the store has to be asked."""
        return Use(self.once, (self.standing,))


def tell(server: AuthorizationServer, request: TokenRequest) -> Told:
    """What the holder of the token in an ``Authorization`` header may know of its user, by now.

    It may be for any resource that did not register ``userinfo = false``. The token is verified as
    that resource would; then, unlike there, the live registry is asked.

    Raises:
        InvalidToken: the token is not valid, or not good here, or not shown by its scheme, or its
            client, user or audience is gone, inactive, or has drawn a line since.
        InvalidDPoPProof, UseDPoPNonce: it is bound to a key, and nothing good proves that.
        InsufficientScope: it was granted without ``openid``, or its client may not have that now.
    """
    now = request.received_at
    token, once = _shown(server, request)
    client, user = parties(server, token, now)
    scope = Scope(token.scope).only(client.scope)
    if OPENID not in scope:
        raise InsufficientScope((OPENID,), scope, token.scheme)
    if user is None:
        raise InvalidToken("user gone or inactive")
    releasing = server.registry.releasing
    also = releasing.may_be_asked(_named(token), client.scope, Place.USERINFO)
    told = releasing.told(user, scope, Place.USERINFO, also)
    try:
        sub = server.told_sub(client, user.sub)
    except errors.InvalidGrant as refused:
        raise InvalidToken(refused.detail) from None
    return Told(
        client=client,
        claims={**told, "sub": sub},
        standing=standing(server, token, partial(errors.InvalidGrant, "The token was revoked.")),
        once=once,
    )


def _named(token: AccessToken) -> tuple[str, ...]:
    """The claims that were asked for by name (section 5.5)."""
    names = token.claims.get(USERINFO_CLAIMS)
    return names if isinstance(names, tuple) else ()


def sign(server: AuthorizationServer, told: Told, now: int) -> str | None:
    """The answer as a JWT, for a client that registered to have it signed; None for others.

    It says by whom and for whom, and nothing of a time: each is asked for anew (section 5.3.2).

    Raises:
        TemporarilyUnavailable: no key of its algorithm is current.
    """
    alg = told.client.userinfo_signed_response_alg
    if alg is None:
        return None
    claims = {**told.claims, "iss": server.issuer, "aud": told.client.client_id}
    return server.signing_key(now, alg).sign(TYP, claims)


def challenged(
    server: AuthorizationServer, request: TokenRequest, refused: Challenged
) -> Challenged:
    """``refused`` with a challenge for each scheme there is, that which was shown first."""
    bearer = f'Bearer realm="{server.issuer}"'
    if _credentials(request)[0] == "dpop":
        refused.scheme, refused.algs, refused.others = "DPoP", ALGS, (bearer,)
    else:
        refused.others = (f'DPoP realm="{server.issuer}", algs="{ALGS}"',)
    return refused


def _credentials(request: TokenRequest) -> tuple[str, str]:
    """The scheme, in lower case, and the token."""
    scheme, _, text = request.headers.get("authorization", "").partition(" ")
    return scheme.lower(), text.strip(" ")


def _shown(
    server: AuthorizationServer, request: TokenRequest
) -> tuple[AccessToken, tuple[Once, ...]]:
    """The token of the header, for a resource whose tokens are good here; what is good once."""
    scheme, text = _credentials(request)
    if scheme not in ("bearer", "dpop") or not text:
        raise MissingToken("no token", realm=server.issuer)
    token = server.issued.verify(text, request.received_at)
    resource = server.registry.resource(token.audience)
    if resource is None or not resource.tells_who:
        raise InvalidToken(f"aud is {ascii(token.audience)[:80]}")
    if token.scheme.lower() != scheme:
        raise InvalidToken(f"a {token.scheme} token, and not shown as one")
    if token.confirmation is None:
        return token, ()
    if scheme != "dpop":
        return held_by(token, request.certificate), ()
    return token, (_proved(server, request, text, token.confirmation.thumbprint),)


def _proved(server: AuthorizationServer, request: TokenRequest, token: str, jkt: str) -> Once:
    """That the request has a proof of ``token``, by the key that this is bound to (section 7.1)."""
    try:
        proof = dpop.check(server, request, access_token=token, jkt=jkt)
    except errors.UseDPoPNonce as refused:
        raise UseDPoPNonce(refused.detail) from None
    except errors.InvalidDPoPProof as refused:
        raise InvalidDPoPProof(refused.detail) from None
    return dpop.once(proof)
