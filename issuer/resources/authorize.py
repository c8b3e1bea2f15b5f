"""``GET`` and ``POST /authorize``: no cookie is looked at, and no page shown but refusals."""

from falcon.asgi import Request, Response

from issuer.browser import interaction
from issuer.browser.answering import refusing
from issuer.protocol.form import Form
from issuer.protocol.replay import ReplayStore, Use, spend
from issuer.resources.browser import Browser, as_pages, read_body, read_query, without_effect
from issuer.serving.published_keys import PublishedKeys


class AuthorizeResource:
    """The authorization endpoint (RFC 6749 section 3.1)."""

    def __init__(
        self, browser: Browser, *, store: ReplayStore, published_keys: PublishedKeys
    ) -> None:
        self.browser = browser
        self._store = store
        self._published_keys = published_keys

    @as_pages
    async def on_get(self, req: Request, resp: Response) -> None:
        """Reads the request in the query."""
        await self._receive(req, resp, read_query(req))

    @without_effect
    @as_pages
    async def on_head(self, req: Request, resp: Response) -> None:
        """The same without a body; a request_uri is looked at and stays unspent."""
        server, now = self.browser.moment(req)
        form = read_query(req)
        keys = await self._published_keys.of(server, form)
        received, _ = interaction.receive(server, form, now, keys)
        self.browser.go_on(resp, interaction.seal(server, received, now))

    @as_pages
    async def on_post(self, req: Request, resp: Response) -> None:
        """Reads the request in the body; the query does not count."""
        await self._receive(req, resp, await read_body(req))

    async def _receive(self, req: Request, resp: Response, form: Form) -> None:
        server, now = self.browser.moment(req)
        keys = await self._published_keys.of(server, form)
        received, once = interaction.receive(server, form, now, keys)
        with refusing(server, received.request, now):
            await spend(self._store, Use(once), now)
        # The next page is reached with GET and from here, so the browser sends its cookie along
        # even where another site posted this form.
        self.browser.go_on(resp, interaction.seal(server, received, now))
