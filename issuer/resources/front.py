"""``GET`` of the issuer's own URL, and of the root: what somebody sees who typed it."""

from falcon.asgi import Request, Response

from issuer.browser.pages.views import FrontView
from issuer.metadata import JWKS, metadata_url
from issuer.resources.browser import Browser


class FrontResource:
    """Says what this is. No cookie is looked at, and nothing of the request is on the page."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    async def on_get(self, req: Request, resp: Response) -> None:
        """A page with links to what everybody may read."""
        issuer = self._browser.moment(req)[0].issuer
        view = FrontView(metadata_uri=metadata_url(issuer), jwks_uri=issuer + JWKS)
        self._browser.show(req, resp, view)

    async def on_head(self, req: Request, resp: Response) -> None:
        """The same without its body."""
        await self.on_get(req, resp)
