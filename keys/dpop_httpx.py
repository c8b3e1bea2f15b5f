"""Proofs beside what HTTPX sends, in its clients of both kinds. Needs ``httpx``."""

from collections.abc import AsyncGenerator, Callable, Generator, Mapping
from typing import Any

import httpx

from keys.clock import seconds
from keys.dpop_signer import DPoPKey, ProofSigner, Response, origin_of


class DPoPAuth(httpx.Auth):
    """``auth=DPoPAuth(key, token_response)`` sends each request with its access token and a proof.

    A server that asks for a nonce gets the request once more, with it; the nonce is used until the
    server tells another. A body that is a stream cannot be sent twice: the answer is handed back
    then, and the next request has the nonce. A redirect is not signed again, so it is refused.

    Args:
        key: what the proofs are made with.
        token: the access token, or what the token endpoint answered. Without one, there is a proof
            and no more: for the token endpoint and the one for pushed requests.
        client: the ``client_id`` and the secret of a client that authenticates there by
            ``client_secret_basic``.
        clock: the time in seconds.

    Raises:
        ValueError: there is no DPoP-bound access token in the answer, or a client beside it.
    """

    def __init__(
        self,
        key: DPoPKey,
        token: str | Mapping[str, Any] | None = None,
        *,
        client: tuple[str, str] | None = None,
        clock: Callable[[], int] = seconds,
    ) -> None:
        self._signer = ProofSigner(key, token, client=client, clock=clock)

    def sync_auth_flow(
        self, request: httpx.Request
    ) -> Generator[httpx.Request, httpx.Response, None]:
        """``request``, signed, and signed again where a nonce was asked for."""
        self._sign(request)
        response = yield request
        if _may_say_why(response):
            response.read()
        if self._wants_again(request, response):
            self._sign(request)
            response = yield request
            self._remember(response)

    async def async_auth_flow(
        self, request: httpx.Request
    ) -> AsyncGenerator[httpx.Request, httpx.Response]:
        """``sync_auth_flow`` for an event loop."""
        self._sign(request)
        response = yield request
        if _may_say_why(response):
            await response.aread()
        if self._wants_again(request, response):
            self._sign(request)
            response = yield request
            self._remember(response)

    def _sign(self, request: httpx.Request) -> None:
        request.headers.update(self._signer.fields(request.method, _url(request)))

    def _remember(self, response: httpx.Response) -> None:
        self._signer.remember(_url(response.request), response.headers.get("DPoP-Nonce"))

    def _wants_again(self, request: httpx.Request, response: httpx.Response) -> bool:
        answering = _url(response.request)  # another than ``request`` after a redirect
        wants = self._signer.wants_again(answering, _seen(response))
        is_here = origin_of(answering) == origin_of(_url(request))
        return wants and is_here and _can_be_sent_again(request)


def _url(request: httpx.Request) -> str:
    url = request.url
    # The name that the field ``Host`` says is the one that the server knows itself by.
    path = url.raw_path.decode("ascii")
    return f"{url.scheme}://{request.headers.get('Host', url.netloc.decode('ascii'))}{path}"


def _may_say_why(response: httpx.Response) -> bool:
    return response.status_code in (400, 401) and "DPoP-Nonce" in response.headers


def _seen(response: httpx.Response) -> Response:
    def body() -> object:
        try:
            return response.json()
        except ValueError:
            return None

    return Response(
        response.status_code,
        response.headers.get("DPoP-Nonce"),
        response.headers.get("WWW-Authenticate", ""),
        body,
    )


def _can_be_sent_again(request: httpx.Request) -> bool:
    try:
        return isinstance(request.content, bytes)
    except httpx.RequestNotRead:
        return False
