"""Proofs beside what Requests sends. Needs ``requests``."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase
from requests.cookies import RequestsCookieJar, extract_cookies_to_jar

from keys.clock import seconds
from keys.dpop_signer import DPoPKey, ProofSigner, Response, origin_of


class DPoPAuth(AuthBase):
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

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """``request``, signed. Its method, URL and token must not be changed after that."""
        self._sign(request)
        request.register_hook("response", partial(self._answered, origin_of(_url(request))))
        return request

    def _answered(
        self, origin: str, response: requests.Response, **options: Any
    ) -> requests.Response:
        """``response``, or what comes of the request when it is sent again."""
        sent = response.request
        wants_again = self._signer.wants_again(_url(sent), _seen(response))
        # Requests calls this too where a redirect led, to which no token of ours goes. And what
        # was a stream is at its end.
        is_here = origin_of(_url(sent)) == origin
        if not wants_again or not is_here or not isinstance(sent.body, bytes | str | None):
            return response
        response.content  # noqa: B018  read, so that the connection can be used again
        response.close()
        again = sent.copy()
        cookies = again._cookies or RequestsCookieJar()
        extract_cookies_to_jar(cookies, sent, response.raw)
        again.prepare_cookies(cookies)
        self._sign(again)
        # Below the hooks: there is no third time.
        answer = response.connection.send(again, **options)
        answer.history.append(response)
        answer.request = again
        self._signer.remember(_url(again), answer.headers.get("DPoP-Nonce"))
        return answer

    def _sign(self, request: requests.PreparedRequest) -> None:
        request.headers.update(self._signer.fields(str(request.method), _url(request)))


def _url(request: requests.PreparedRequest) -> str:
    url = urlsplit(str(request.url))
    named = request.headers.get("Host") or url.netloc.rpartition("@")[2]
    host = named.decode("ascii") if isinstance(named, bytes) else named
    return f"{url.scheme}://{host}{request.path_url}"


def _seen(response: requests.Response) -> Response:
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
