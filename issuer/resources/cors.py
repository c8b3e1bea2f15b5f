"""Cross-origin requests: documents for everybody's scripts, endpoints for registered origins'."""

import re
from collections.abc import Callable, Mapping

from falcon.asgi import Request, Response

from issuer.server import AuthorizationServer

PREFLIGHT_MAX_AGE = "600"
"""Seconds for which a browser may keep the answer to a preflight."""

ALLOWED_HEADERS = ("authorization", "content-type", "dpop")
EXPOSED_HEADERS = "WWW-Authenticate, DPoP-Nonce, Retry-After"
PUBLIC_METHODS = "GET, HEAD"

MAX_ASKED = 32
"""Headers that a preflight may ask for beside those."""
MAX_ASKED_CHARACTERS = 1024
"""Characters of all their names together."""

_ASKED_METHOD = "Access-Control-Request-Method"
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header (RFC 9110 section 5.6.2)."""


class CORS:
    """Middleware that lets scripts in a browser read what some paths answer.

    What is at a ``public`` path anybody may read anyway, so any origin may; the paths of
    ``methods`` are for registered origins, with these methods. Never with credentials: no cookie
    matters there. A path that is not listed is left alone, the pages above all (RFC 9700 section
    2.6).
    """

    def __init__(
        self,
        methods: Mapping[str, str],
        *,
        public: frozenset[str],
        server: Callable[[], AuthorizationServer],
    ) -> None:
        self._methods = methods
        self._public = public
        self._server = server

    async def process_request(self, req: Request, resp: Response) -> None:
        """Answers a preflight of an origin that may ask; the router refuses all others."""
        if req.method != "OPTIONS":
            return
        origin, public = req.get_header("Origin"), req.path in self._public
        if origin is None or not req.get_header(_ASKED_METHOD):
            return
        if public or (req.path in self._methods and self._is_registered(origin)):
            resp.status = 204
            resp.set_headers(
                {
                    "Access-Control-Allow-Methods": (
                        PUBLIC_METHODS if public else self._methods[req.path]
                    ),
                    "Access-Control-Allow-Headers": allowed_headers(
                        req.get_header("Access-Control-Request-Headers") or ""
                    ),
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
        if req.path in self._public:
            resp.set_header("Access-Control-Allow-Origin", "*")
            return
        if not self._server().registry.cors_origins or req.path not in self._methods:
            return
        origin = req.get_header("Origin")
        if origin is None:
            return
        resp.set_header("Vary", "Origin")
        if self._is_registered(origin):
            resp.set_header("Access-Control-Allow-Origin", origin)
            resp.set_header("Access-Control-Expose-Headers", EXPOSED_HEADERS)

    def _is_registered(self, origin: str) -> bool:
        return origin in self._server().registry.cors_origins


def allowed_headers(asked: str) -> str:
    """What a script that asks for ``asked`` may send: all of it, as what means nothing is harmless.

    Where it is no list of names, or longer than any application's, only what every script needs.
    ``*`` is a name like any other to HTTP, but would allow everything in this answer.
    """
    names = [each.strip(" \t").lower() for each in asked.split(",")] if asked else []
    if (
        len(names) > MAX_ASKED
        or len(asked) > MAX_ASKED_CHARACTERS
        or not all(_TOKEN.fullmatch(each) and each != "*" for each in names)
    ):
        names = []
    return ", ".join(dict.fromkeys((*ALLOWED_HEADERS, *names)))
