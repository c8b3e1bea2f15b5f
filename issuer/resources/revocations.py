"""What was revoked, for everybody who verifies access tokens."""

from falcon.asgi import Request, Response

from issuer.feed import MAX_AGE, Feed
from issuer.resources.documents import send
from keys.feed import MEDIA_TYPE


class RevocationsResource:
    """The feed, a JWT with a lifetime and an ETag."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def on_get(self, req: Request, resp: Response) -> None:
        """The feed, or 304 for whoever has it already."""
        signed = await self._feed.signed()
        resp.content_type = MEDIA_TYPE
        send(req, resp, signed.text, etag=signed.etag, max_age=MAX_AGE)

    async def on_head(self, req: Request, resp: Response) -> None:
        """The same without its body."""
        await self.on_get(req, resp)
