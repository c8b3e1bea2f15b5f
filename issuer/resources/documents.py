"""What everybody may read: the metadata and the public keys."""

from collections.abc import Callable
from hashlib import sha256

import msgspec
from falcon.asgi import Request, Response

from issuer.metadata import metadata
from issuer.server import AuthorizationServer

METADATA_MAX_AGE = 300
"""Seconds for which the metadata may be kept."""


class Document:
    """A JSON document with a lifetime and an ETag."""

    def __init__(
        self,
        render: Callable[[AuthorizationServer, int], tuple[object, int]],
        *,
        server: Callable[[], AuthorizationServer],
        clock: Callable[[], int],
    ) -> None:
        self._render = render
        self._server = server
        self._clock = clock

    async def on_get(self, req: Request, resp: Response) -> None:
        """The document, or 304 for whoever has it already."""
        document, max_age = self._render(self._server(), self._clock())
        body = msgspec.json.encode(document)
        send(req, resp, body, etag=sha256(body).hexdigest()[:32], max_age=max_age)

    async def on_head(self, req: Request, resp: Response) -> None:
        """The same without its body."""
        await self.on_get(req, resp)


def send(req: Request, resp: Response, body: bytes, *, etag: str, max_age: int) -> None:
    """Puts ``body`` into ``resp``, or 304 for whoever has it already (RFC 9110 section 13.1.2)."""
    resp.etag = etag
    resp.set_header("Cache-Control", f"public, max-age={max_age}")
    known = req.if_none_match or []
    if "*" in known or etag in known:
        resp.status = 304
    else:
        resp.data = body


def render_metadata(server: AuthorizationServer, now: int) -> tuple[object, int]:
    """The metadata document (RFC 8414) and the seconds for which it may be kept."""
    return dict(metadata(server, now)), METADATA_MAX_AGE


def render_jwks(server: AuthorizationServer, now: int) -> tuple[object, int]:
    """The public keys (RFC 7517) and the seconds for which the timetable lets them be kept."""
    return server.ring.jwks(now), server.ring.max_age(now)
