"""Signing what Requests sends. Needs ``requests``."""

from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import requests
from requests.auth import AuthBase

from keys import authority
from keys.mac.signed_request import Request
from keys.mac.signer import MacCredentials, Signer, seconds


class MacAuth(AuthBase):
    """``auth=MacAuth(token_response)`` signs each request with the key of its access token.

    A redirect is not signed again, so the resource server refuses it.

    Args:
        token: what the token endpoint answered, or ``MacCredentials``.
        body_hash: whether the MAC covers the body as well, by a hash in ``ext``.
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
        self._body_hash = body_hash

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        """``request``, signed. It must not be changed after that.

        Raises:
            ValueError: its body is to be hashed and is a stream.
        """
        url = urlsplit(str(request.url))
        named = request.headers.get("Host") or url.netloc.rpartition("@")[2]
        text = named.decode("ascii") if isinstance(named, bytes) else named
        host, port = authority.parse(text, url.scheme)
        signed = Request.of(str(request.method), request.path_url, host, port)
        body = _body(request) if self._body_hash else None
        request.headers["Authorization"] = self._signer.sign(signed, body)
        return request


def _body(request: requests.PreparedRequest) -> bytes:
    body = request.body or b""
    if isinstance(body, str):
        return body.encode()  # as urllib3 does
    if not isinstance(body, bytes):
        raise ValueError("a body that is a stream cannot be hashed before it is sent")  # noqa: TRY004 - the type is Requests' own
    return body
