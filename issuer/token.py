"""The token endpoint's pipeline: validate, spend, grant; or refuse.

``TokenGenerator`` holds policy and no request, so one instance serves every request at once.
"""

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from types import coroutine

from msgspec.structs import replace

from issuer import client_auth, possession, stores
from issuer.client_auth import CLIENT_AUTH
from issuer.errors import (
    AccessTokenException,
    InvalidScope,
    InvalidTarget,
    OAuth2Exception,
    TemporarilyUnavailable,
    UnauthorizedClient,
    UnsupportedGrantType,
    UnvalidatedRequest,
)
from issuer.grants import GRANTS, password
from issuer.grants.refreshing import successor
from issuer.guard import Guard
from issuer.protocol import deciding
from issuer.protocol.deciding import Undecided
from issuer.protocol.replay import ReplayStore, spend
from issuer.protocol.request import Authorization, Response, TokenRequest
from issuer.protocol.sealed import RefreshToken
from issuer.registry.consistency import Offered
from issuer.registry.scope import OPENID, Scope
from issuer.server import AuthorizationServer
from issuer.token_types import TOKEN_TYPES, id_token

BEARER = "Bearer"
MAC = "mac"

OFFERED = Offered(
    grant_types=tuple(GRANTS),
    token_endpoint_auth_methods=tuple(CLIENT_AUTH),
    access_token_types=tuple(TOKEN_TYPES),
    introspection_endpoint_auth_methods=client_auth.BY_SECRET,
    replay_stores=tuple(stores.STORES),
    fault_of_store=stores.fault,
)
"""What a registry may name, read off the tables."""

CHALLENGE = 'Basic realm="token endpoint", charset="UTF-8"'


@dataclass(frozen=True, slots=True)
class TokenGenerator:
    """Answers token requests, within the policy it was made with.

    Raises:
        OAuth2Exception: no token type is called ``authentication_method``.
    """

    scope: Iterable[str] | None = None
    """The most that any grant gives here, as tokens or as text; None sets no bound."""
    authentication_method: str | None = None
    """The only token type given here; None leaves it to each resource's registration."""
    refreshable: bool = True
    """False gives no refresh token with any grant."""

    def __post_init__(self) -> None:
        """Checks the policy now, not at the first request."""
        method = self.authentication_method
        if method is not None and method not in TOKEN_TYPES:
            known = ", ".join(TOKEN_TYPES)
            raise OAuth2Exception(f"authentication_method must be None or one of: {known}")
        if self.scope is not None:
            given = self.scope
            scope = Scope.parse(given) if isinstance(given, str) else Scope(given)
            object.__setattr__(self, "scope", scope)

    async def __call__(
        self,
        server: AuthorizationServer,
        request: TokenRequest,
        *,
        store: ReplayStore,
        guard: Guard | None = None,
    ) -> Response:
        """The answer to ``request``, whatever it is: the one place where refusals are caught."""
        guard = guard or Guard(store)
        client_id = ""
        try:
            await _together()
            try:
                authorization = await guard.authenticating(
                    server, request, lambda: self.validate(server, request), login=_login(request)
                )
            except Undecided as undecided:
                client_id = undecided.client_id
                decided = await deciding.ask(store, undecided, request.received_at)
                authorization = self._within_policy(decided, request)
            client_id = authorization.client.client_id
            spent_at: Sequence[int] = ()
            if authorization.once or authorization.standing:
                spent_at = await spend(store, authorization.use, request.received_at)
            await _together()
            response = self.grant_response(server, authorization, spent_at)
        except AccessTokenException as error:
            error.client_id = error.client_id or client_id
            response = self.error_response(error)
        await _together()
        return possession.answered(server, request, response) if request.dpop else response

    def validate(self, server: AuthorizationServer, request: TokenRequest) -> Authorization:
        """What ``request`` is worth. Nothing has been spent or minted yet.

        Raises:
            AccessTokenException: it is worth nothing.
        """
        grant_type = request.form.require("grant_type")
        grant = GRANTS.get(grant_type)
        if grant is None:
            raise UnsupportedGrantType("This grant type is not supported.")
        authenticated = client_auth.authenticate(server, request)
        try:
            if grant_type not in authenticated.client.grant_types:
                raise UnauthorizedClient("The client may not use this grant type.")
            authorization = grant(server, possession.bind(server, authenticated))
            return self._within_policy(authorization, request)
        except AccessTokenException as error:
            error.client_id = authenticated.client.client_id
            raise

    def grant_response(
        self,
        server: AuthorizationServer,
        authorization: Authorization,
        spent_at: Sequence[int] = (),
    ) -> Response:
        """The response that gives what ``validate`` found due (RFC 6749 section 5.1).

        ``spent_at`` is what ``spend`` returned: when each of ``authorization.once`` was used first.
        Left out, that is now.

        Raises:
            UnvalidatedRequest: that is not what was passed.
            InvalidGrant: the refresh token was not used in time.
            TemporarilyUnavailable: the key ring has no current key.
        """
        if not isinstance(authorization, Authorization):
            raise UnvalidatedRequest("grant_response takes what validate returned.")
        authorization = _superseding(server, authorization, spent_at)
        client, resource = authorization.client, authorization.resource
        lifetime = server.registry.access_token_lifetime(client, resource)
        expires_at = authorization.issued_at + lifetime
        exchanged = authorization.exchanged
        if exchanged is not None:
            expires_at = min(expires_at, exchanged.not_after)
        body = TOKEN_TYPES[resource.access_token_type](server, authorization, expires_at)
        body["expires_in"] = expires_at - authorization.received_at
        if authorization.openid_scope is not None:
            access_token = str(body["access_token"])
            body["id_token"] = id_token.mint(server, authorization, access_token, expires_at)
        if exchanged is not None:
            body["issued_token_type"] = exchanged.issued_token_type
        if scope := authorization.granted:
            body["scope"] = str(scope)
        refresh_token = _sealed(server, authorization)
        if refresh_token is not None:
            body["refresh_token"] = refresh_token
        log = {"client_id": client.client_id, "credential": authorization.credential}
        return Response(status=200, body=body, log=log)

    @staticmethod
    def error_response(error: AccessTokenException) -> Response:
        """The response that refuses (RFC 6749 section 5.2)."""
        headers = {}
        if error.status == 401:  # noqa: PLR2004  the name of the number is its meaning
            headers["WWW-Authenticate"] = CHALLENGE
        if isinstance(error, TemporarilyUnavailable):
            headers["Retry-After"] = str(error.retry_after)
        return Response(
            status=error.status,
            body={"error": error.error, "error_description": error.description},
            headers=headers,
            log={"client_id": error.client_id, "detail": error.detail},
        )

    def _within_policy(self, authorization: Authorization, request: TokenRequest) -> Authorization:
        method = self.authentication_method
        if method is not None and authorization.resource.access_token_type != method:
            raise InvalidTarget("This resource takes another type of token.")
        if authorization.binding is not None and authorization.resource.is_mac:
            raise InvalidTarget(
                "Tokens for this resource are of type mac and have a key of their own: ask for "
                "them without proving another."
            )
        if self.scope is not None:
            authorization = _capped(authorization, Scope(self.scope), request.form.get("scope"))
        if not self.refreshable:
            authorization = replace(authorization, refresh_token=None, superseded=None)
        return authorization


@coroutine
def _together() -> Generator[None, None, None]:
    """Lets the other requests of this turn of the event loop come as far.

    So each stage's code and tables stay in the processor's caches for all of them, which under load
    is worth a fifth of what a token costs. ``asyncio.sleep(0)`` does the same in three steps.
    """
    yield


def _superseding(
    server: AuthorizationServer, authorization: Authorization, spent_at: Sequence[int]
) -> Authorization:
    """``authorization`` with what takes the place of the refresh token that was spent for it."""
    held = authorization.superseded
    if held is None:
        return authorization
    rotated_at = spent_at[-1] if spent_at else authorization.received_at
    following = successor(server, authorization.client, held, rotated_at)
    return replace(authorization, refresh_token=following)


def _sealed(server: AuthorizationServer, authorization: Authorization) -> str | None:
    """The refresh token as text: byte for byte the same wherever it can be asked for twice."""
    held = authorization.refresh_token
    if not isinstance(held, RefreshToken):
        return held
    is_successor = authorization.superseded is not None
    return server.seal(
        held,
        now=authorization.received_at,
        issued_at=held.rotated_at if is_successor else authorization.issued_at,
        convergent=is_successor or authorization.converges,
    )


def _login(request: TokenRequest) -> str | None:
    """Whose password ``validate`` would compare; None where nobody's."""
    if request.form.get("grant_type") != "password":
        return None
    return password.login_of(request.form) or ""


def _capped(authorization: Authorization, cap: Scope, requested: str | None) -> Authorization:
    """``authorization`` with no more than ``cap`` in it, now or at a refresh."""
    if requested is not None and not authorization.scope <= cap:
        raise InvalidScope("Part of the scope is not given here.", detail="policy")
    held, superseded = authorization.refresh_token, authorization.superseded
    if isinstance(held, RefreshToken):
        held = replace(held, scope=held.scope.only(cap))
    if superseded is not None:
        superseded = replace(superseded, scope=superseded.scope.only(cap))
    openid = authorization.openid_scope
    if openid is not None:
        openid = openid.only(cap) if OPENID in cap else None
    return replace(
        authorization,
        scope=authorization.scope.only(cap),
        openid_scope=openid,
        refresh_token=held,
        superseded=superseded,
    )


handler = TokenGenerator()
"""The token endpoint as most deployments want it: no policy beyond the registry."""
