"""Cross-origin requests: for scripts of registered origins, at the endpoints that they need."""

from collections.abc import Callable, Mapping

from falcon.asgi import Request, Response

from issuer.server import AuthorizationServer

PREFLIGHT_MAX_AGE = "600"
"""Seconds for which a browser may keep the answer to a preflight."""

ALLOWED_HEADERS = "Authorization, Content-Type"
EXPOSED_HEADERS = "WWW-Authenticate, Retry-After"

_ASKED_METHOD = "Access-Control-Request-Method"


class CORS:
    """Middleware that lets registered origins read what the endpoints of ``methods`` answer.

    Never with credentials: no cookie matters there. A path that is not listed is left alone, the
    pages above all (RFC 9700 section 2.6).
    """

    def __init__(
        self, methods: Mapping[str, str], *, server: Callable[[], AuthorizationServer]
    ) -> None:
        self._methods = methods
        self._server = server

    async def process_request(self, req: Request, resp: Response) -> None:
        """Answers a preflight of a registered origin; the router refuses all others."""
        if req.method != "OPTIONS" or req.path not in self._methods:
            return
        if self._is_registered(req.get_header("Origin")) and req.get_header(_ASKED_METHOD):
            resp.status = 204
            resp.set_headers(
                {
                    "Access-Control-Allow-Methods": self._methods[req.path],
                    "Access-Control-Allow-Headers": ALLOWED_HEADERS,
                    "Access-Control-Max-Age": PREFLIGHT_MAX_AGE,
                }
            )
            resp.complete = True

    async def process_response(
        self,
        req: Request,
        resp: Response,
        _: object,
        __: bool,  # noqa: FBT001  Falcon's interface
    ) -> None:
        """Names the origin that may read the answer."""
        if not self._server().registry.cors_origins or req.path not in self._methods:
            return
        origin = req.get_header("Origin")
        if origin is None:
            return
        resp.set_header("Vary", "Origin")
        if self._is_registered(origin):
            resp.set_header("Access-Control-Allow-Origin", origin)
            resp.set_header("Access-Control-Expose-Headers", EXPOSED_HEADERS)

    def _is_registered(self, origin: str | None) -> bool:
        return origin in self._server().registry.cors_origins
