"""Signing what HTTPX sends, in its clients of both kinds. Needs ``httpx``."""

from collections.abc import Callable, Generator, Mapping
from typing import Any

import httpx

from keys import authority
from keys.mac.signed_request import Request
from keys.mac.signer import MacCredentials, Signer, seconds


class MacAuth(httpx.Auth):
    """``auth=MacAuth(token_response)`` signs each request with the key of its access token.

    A redirect is not signed again, so the resource server refuses it.

    Args:
        token: what the token endpoint answered, or ``MacCredentials``.
        body_hash: whether the MAC covers the body as well, by a hash in ``ext``. A body that is a
            stream is read into memory for it.
        clock: the time in seconds.

    Raises:
        ValueError: there are no MAC credentials in the answer.
    """

    def __init__(
        self,
        token: MacCredentials | Mapping[str, Any],
        *,
        body_hash: bool = False,
        clock: Callable[[], int] = seconds,
    ) -> None:
        self._signer = Signer(MacCredentials.of(token), clock)
        self.requires_request_body = body_hash

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        """``request``, signed."""
        host, port = authority.parse(request.headers["Host"], request.url.scheme)
        signed = Request.of(request.method, request.url.raw_path.decode("ascii"), host, port)
        body = request.content if self.requires_request_body else None
        request.headers["Authorization"] = self._signer.sign(signed, body)
        yield request
