"""Asking the pure pipeline the way the endpoint does, and reading what it answers."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar
from urllib.parse import urlencode

import jwt

from issuer.guard import Guard
from issuer.protocol.form import Form
from issuer.protocol.replay import ReplayStore
from issuer.protocol.request import Response, TokenRequest
from issuer.server import AuthorizationServer
from issuer.stores.none import NoStore
from issuer.token import TokenGenerator, handler
from tests.builders import NOW, VERIFIER, a_code, a_request, basic

T = TypeVar("T")


def ask(
    server: AuthorizationServer,
    request: TokenRequest,
    *,
    generator: TokenGenerator = handler,
    store: ReplayStore | None = None,
) -> Response:
    """The answer to ``request``: what the endpoint would send."""
    store = store or NoStore()
    guard = Guard(store, stretch=_at_once)
    return asyncio.run(generator(server, request, store=store, guard=guard))


async def _at_once(work: Callable[[], T], _: str, *, is_suspect: bool) -> T:
    return work()


def a_request_of(
    *pairs: tuple[str, str],
    client_id: str | None = "web",
    authorization: str | None = None,
    now: int = NOW,
) -> TokenRequest:
    """A request with these parameters in this order, repeated ones included."""
    if authorization is None and client_id is not None:
        authorization = basic(client_id)
    headers = {} if authorization is None else {"authorization": authorization}
    form = Form.parse(urlencode(pairs).encode())
    return TokenRequest(form=form, headers=headers, received_at=now)


def a_public_request(
    grant_type: str = "authorization_code",
    *,
    client_id: str = "spa",
    now: int = NOW,
    **parameters: str,
) -> TokenRequest:
    """A request by a client that can only say its name."""
    pairs = {"grant_type": grant_type, "client_id": client_id, **parameters}
    return a_request_of(*pairs.items(), client_id=None, now=now)


def redeem(
    server: AuthorizationServer, code: str | None = None, *, now: int = NOW, **parameters: Any
) -> Response:
    """The answer to client web's code, or to another one."""
    given = {"code": code or a_code(server), "code_verifier": VERIFIER} | parameters
    return ask(server, a_request("authorization_code", now=now, **given))


def refresh(
    server: AuthorizationServer, refresh_token: str | None = None, *, now: int = NOW, **more: Any
) -> Response:
    """The answer to client web's refresh token, or to another one."""
    held = refresh_token or a_refresh_token(server)
    return ask(server, a_request("refresh_token", refresh_token=held, now=now, **more))


def a_refresh_token(server: AuthorizationServer, *, now: int = NOW, **code: Any) -> str:
    """A refresh token that client web got for user alice's code."""
    response = redeem(server, a_code(server, now=now, **code), now=now)
    assert response.status == 200, response.log
    return str(response.body["refresh_token"])


def claims_of(server: AuthorizationServer, response: Response) -> dict[str, Any]:
    """The claims of the access token, once its signature is verified."""
    assert response.status == 200, response.log
    signing = server.ring.signing_keys[0]
    claims: dict[str, Any] = jwt.decode(
        str(response.access_token),
        signing.private_key.public_key(),  # type: ignore[arg-type]
        algorithms=[signing.alg],
        options={"verify_exp": False, "verify_iat": False, "verify_aud": False},
    )
    return claims


def scope_of(response: Response) -> set[str]:
    """The scope that the response says it gives."""
    assert response.status == 200, response.log
    return set(str(response.body.get("scope", "")).split())


def told(response: Response) -> tuple[int, object, object]:
    """All that a client is told by a refusal."""
    return response.status, dict(response.body), dict(response.headers)
