"""The token that is exchanged: of which types, how each is verified, and what it allows.

What is wrong with one is said in one sentence (RFC 8693 section 2.2.2); the log has the reason.
"""

from collections.abc import Mapping
from functools import partial
from typing import Any, NamedTuple

from issuer.errors import InvalidGrant, InvalidRequest
from issuer.protocol import client_jwt, federated, revocation
from issuer.protocol.binding import X5T_S256, Binding
from issuer.protocol.replay import Once, Standing
from issuer.protocol.request import AuthenticatedRequest
from issuer.registry.scope import Scope
from issuer.registry.user import User
from issuer.server import AuthorizationServer
from issuer.token_types import id_token, returned
from keys import AccessToken, InvalidToken, jws
from keys import claims as claims_of
from keys.client_certificates import thumbprint

PREFIX = "urn:ietf:params:oauth:token-type:"
ACCESS_TOKEN, ID_TOKEN, JWT = (PREFIX + each for each in ("access_token", "id_token", "jwt"))


class SubjectToken(NamedTuple):
    """What a token allows whoever exchanges it."""

    user: User | None
    """None where it is about the client itself."""
    expires_at: int
    claims: Mapping[str, Any]
    audience: str = ""
    """The resource that it is for, if it is an access token."""
    scope: Scope | None = None
    """None where it has none, and the registry alone says."""
    once: tuple[Once, ...] = ()
    standing: tuple[Standing, ...] = ()
    mapped: Mapping[str, Any] | None = None


def refused(what: str, detail: str) -> InvalidRequest:
    """The one answer to every token that is not good."""
    return InvalidRequest(f"The {what} is not valid, or not for this.", detail=f"{what}: {detail}")


def read_access_token(
    server: AuthorizationServer, authenticated: AuthenticatedRequest, text: str, what: str
) -> AccessToken:
    """The access token of this issuer that ``text`` is, which stands, and whose key was proved.

    Raises:
        InvalidRequest: it is none.
    """
    try:
        token = server.issued.verify(text, authenticated.received_at)
        returned.parties(server, token, authenticated.received_at)
    except InvalidToken as invalid:
        raise refused(what, invalid.detail) from None
    if token.scheme == "MAC":
        raise refused(what, "a mac token, whose key nobody proves here")
    bound = token.confirmation
    if bound is not None and Binding(bound.method, bound.thumbprint) not in _proved(authenticated):
        raise refused(what, "bound to a key that was not proved")
    return token


def of_access_token(
    server: AuthorizationServer, authenticated: AuthenticatedRequest, text: str
) -> SubjectToken:
    """What an access token of this issuer allows. Raises ``InvalidRequest``."""
    token = read_access_token(server, authenticated, text, "subject_token")
    user = None
    if not token.is_client:
        client, user = returned.parties(server, token, authenticated.received_at)
        user = user or User.of_claims(server.real_sub(client, token.subject), {})
    elif token.client_id != authenticated.client.client_id:
        raise refused("subject_token", "another client's, which acts for itself")
    standing = returned.standing(server, token, partial(refused, "subject_token", "revoked"))
    return SubjectToken(
        user,
        token.expires_at,
        token.claims,
        token.audience,
        Scope(token.scope),
        standing=(standing,),
    )


def of_id_token(
    server: AuthorizationServer, authenticated: AuthenticatedRequest, text: str
) -> SubjectToken:
    """What an ID token of this issuer, for this very client, allows. Raises ``InvalidRequest``."""
    client, now = authenticated.client, authenticated.received_at
    try:
        unverified = jws.parse(text)
        key = server.ring.verification_key(unverified.header.kid, now)
        if unverified.header.typ != id_token.TYP.lower() or key is None:
            raise refused("subject_token", "typ or kid")
        claims = unverified.verify(key)
        claims_of.check_issuer(claims, server.issuer)
        claims_of.check_times(claims, now, 0)
        sub, sid = claims.get("sub"), claims.get("sid")
        if claims.get("aud") != client.client_id or not isinstance(sub, str):
            raise refused("subject_token", "another client's")
        sub = server.real_sub(client, sub)
        user = server.living_user(sub)
        server.check_not_before(claims["iat"], client, user)
    except InvalidToken as invalid:
        raise refused("subject_token", invalid.detail) from None
    except InvalidGrant as gone:
        raise refused("subject_token", gone.detail) from None
    standing = revocation.standing(
        grant_id="",
        sub=sub,
        client_id=client.client_id,
        sid=sid if isinstance(sid, str) else "",
        issued_at=claims["iat"],
        refusal=partial(refused, "subject_token", "revoked"),
    )
    return SubjectToken(user, claims["exp"], claims, standing=(standing,))


def of_jwt(
    server: AuthorizationServer, authenticated: AuthenticatedRequest, text: str
) -> SubjectToken:
    """What a federation's token about this client allows. Raises ``InvalidRequest``."""
    try:
        assertion = client_jwt.read(text)
        vouched = federated.prove(
            server.registry,
            authenticated.client,
            assertion,
            authenticated.request,
            partial(refused, "subject_token", "used before"),
        )
    except InvalidToken as invalid:
        raise refused("subject_token", invalid.detail) from None
    return SubjectToken(
        None,
        int(assertion.claims["exp"]),
        assertion.claims,
        once=vouched.once,
        mapped=vouched.claims,
    )


READ = {ACCESS_TOKEN: of_access_token, ID_TOKEN: of_id_token, JWT: of_jwt}
"""How each type of subject token is read."""


def _proved(authenticated: AuthenticatedRequest) -> tuple[Binding | None, ...]:
    """The keys that the sender proved to hold."""
    certificate = authenticated.request.certificate
    if certificate is None:
        return (authenticated.binding,)
    return authenticated.binding, Binding(X5T_S256, thumbprint(certificate))
