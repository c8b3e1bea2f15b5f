"""Middleware for WSGI applications: no request reaches them without a valid access token."""

import sys
from collections.abc import Collection, Iterable, Mapping
from http import HTTPStatus
from io import BytesIO
from typing import TYPE_CHECKING, Any

from keys.admission import MAX_BODY, Admission, Arrival, ContentTooLarge
from keys.errors import AccessRefused
from keys.mtls import MTLS
from keys.verifier import Verifier

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication

    from keys.mac.verifier import MacVerifier

Environ = dict[str, Any]

ACCESS_TOKEN = "keys.access_token"
"""Where the application finds the token in ``environ``."""


class AccessMiddleware:
    """Puts the verified token into ``environ["keys.access_token"]``, an ``AccessToken``.

    It answers everybody else itself, and an ``AccessRefused`` that the application raises before
    it returns.

    Args:
        app: the application.
        bearer: verifies bearer tokens, and bound ones if it is made with ``dpop`` or ``mtls``;
            without it none is accepted. If it is made with ``metadata``, they are answered here.
        mac: verifies MAC credentials; without it none are accepted. The server has to tell the
            request target as it was sent, in ``RAW_URI`` or ``REQUEST_URI``.
        origin: ``scheme://host[:port]`` as clients see it, where that is not what ``Host`` and the
            connection say: behind a proxy. ``X-Forwarded-*`` are not looked at. Of DPoP proofs
            the default is what the audience begins with: ``Host`` is not asked about them.
        public: paths, decoded and whole, that are answered without a token.
        max_body: bytes of the largest body that is held in memory. It is, if the credentials
            have a hash of it; any other body is for the application to read.

    Raises:
        ValueError: no verifier, or two for the same audience, or an argument makes no sense.
    """

    def __init__(
        self,
        app: "WSGIApplication",
        *,
        bearer: Verifier | None = None,
        mac: "MacVerifier | None" = None,
        origin: str | None = None,
        public: Collection[str] = (),
        max_body: int = MAX_BODY,
    ) -> None:
        self._app = app
        self._admission = Admission(
            bearer=bearer, mac=mac, origin=origin, public=public, max_body=max_body
        )

    def __call__(self, environ: Environ, start_response: "StartResponse") -> Iterable[bytes]:
        """One request, as WSGI describes it."""
        path = _path(environ)
        if self._admission.is_public(path):
            return self._app(environ, start_response)
        told = self._admission.metadata(environ["REQUEST_METHOD"], path, _mount(environ))
        if told is not None:
            start_response(_status(told.status), list(told.headers))
            return [told.body]
        start = start_response
        beside: Mapping[str, str] = {}
        try:
            arrival = _arrival(environ, self._admission.mtls)
            body = None
            if self._admission.needs_body(arrival.authorization):
                body = _read(environ, self._admission.max_body)
                environ["wsgi.input"] = BytesIO(body)
            token = environ[ACCESS_TOKEN] = self._admission.verify(arrival, body)
            beside = token.answer_headers
            if beside:
                start = _starting_with(beside, start_response)
            return self._app(environ, start)
        except AccessRefused as refused:
            return self._refuse(refused, environ, start_response, beside)

    def _refuse(
        self,
        refused: AccessRefused,
        environ: Environ,
        start_response: "StartResponse",
        beside: Mapping[str, str],
    ) -> Iterable[bytes]:
        body = str(refused).encode()
        fields = self._admission.header_fields(refused, beside)
        fields.append(("Content-Length", str(len(body))))
        # With exc_info an answer that was not sent yet is replaced, and after one that was, it
        # raises.
        start_response(_status(refused.status), fields, sys.exc_info())
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]


def _starting_with(beside: Mapping[str, str], start_response: "StartResponse") -> "StartResponse":
    """``start_response`` for an application that is to say ``beside`` as well."""

    def start(status: str, fields: list[tuple[str, str]], *exc_info: Any) -> Any:
        said = {name.lower() for name, _ in fields}
        more = [(name, value) for name, value in beside.items() if name.lower() not in said]
        return start_response(status, [*fields, *more], *exc_info)

    return start


def _status(status: int) -> str:
    return f"{status} {HTTPStatus(status).phrase}"


def _mount(environ: Environ) -> str:
    return _decoded(environ.get("SCRIPT_NAME", ""))


def _path(environ: Environ) -> str:
    return _decoded(environ.get("SCRIPT_NAME", "") + environ.get("PATH_INFO", ""))


def _decoded(path: str) -> str:
    return path.encode("latin-1").decode("utf-8", "replace")


def _arrival(environ: Environ, mtls: MTLS | None) -> Arrival:
    return Arrival(
        method=environ["REQUEST_METHOD"],
        path=_path(environ),
        target=environ.get("RAW_URI") or environ.get("REQUEST_URI"),
        scheme=environ["wsgi.url_scheme"],
        host=environ.get("HTTP_HOST", ""),
        authorization=environ.get("HTTP_AUTHORIZATION"),
        dpop=environ.get("HTTP_DPOP"),
        certificate=None if mtls is None else mtls.of_wsgi(environ),
    )


def _read(environ: Environ, max_body: int) -> bytes:
    length = environ.get("CONTENT_LENGTH") or ""
    if not length.isdecimal() and not environ.get("wsgi.input_terminated"):
        return b""  # PEP 3333: without a length there is nothing to read
    if length.isdecimal() and int(length) > max_body:
        raise ContentTooLarge(f"a body of {length} bytes")
    size = int(length) if length.isdecimal() else max_body + 1
    body: bytes = environ["wsgi.input"].read(size)
    if len(body) > max_body:
        raise ContentTooLarge(f"a body of more than {max_body} bytes")
    return body
