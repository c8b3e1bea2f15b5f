"""``GET`` and ``POST /device``: the code that a device shows, and whether that is one's own."""

from falcon.asgi import Request, Response

from issuer.browser import device, form_token, interaction, sessions
from issuer.browser.device import Found
from issuer.browser.pages.views import ConfirmDeviceView, DeviceView
from issuer.browser.sealed import Session
from issuer.errors import TooManyAttempts, naming
from issuer.guard import Guard
from issuer.protocol import user_code
from issuer.protocol.replay import ReplayStore
from issuer.protocol.throttling import network
from issuer.resources.browser import Browser, as_pages, read_body, read_query, without_effect
from issuer.resources.client_address import client_address

LONGEST_SHOWN = 64
"""Characters of what was typed that stand in the field again."""


class DeviceResource:
    """The verification URI (RFC 8628 section 3.3), with the code in it or without."""

    def __init__(self, browser: Browser, *, store: ReplayStore, guard: Guard) -> None:
        self.browser = browser
        self._store = store
        self._guard = guard

    @as_pages
    async def on_get(self, req: Request, resp: Response) -> None:
        """Asks for the code, or whether the device that shows it is theirs: typing is no yes."""
        typed = read_query(req).get("user_code")
        if typed is None:
            self.browser.show(req, resp, DeviceView())
            return
        found = await self._find(req, resp, typed)
        if found is not None:
            await self._ask(req, resp, found)

    on_head = without_effect(on_get)

    @as_pages
    async def on_post(self, req: Request, resp: Response) -> None:
        """Their answer. Only who was asked can give it, and about this request alone (P29)."""
        form = await read_body(req)
        found = await self._find(req, resp, form.get("user_code") or "")
        if found is None:
            return
        server, now = self.browser.moment(req)
        client, decision = found.requested.client, form.get("decision")
        with naming(client.client_id):
            session = await self.browser.session(req, server, now)
            shown = form_token.check(server, form.get("form_token"), session, found.about, now)
            if session is None or shown is None or decision is None:
                await self._ask(req, resp, found, expired=True)
                return
            request = device.asked_by(found.request, found.user_code, session.id)
            if decision == "continue":
                resp.context.log = {"client_id": client.client_id, "decision": "continue"}
                begun = interaction.begin(request, now)
                self.browser.go_on(resp, interaction.seal(server, begun, now))
            elif request.device is not None:
                resp.context.log = {"client_id": client.client_id, "decision": "deny"}
                answer = device.denied(server, request.device, client, now)
                await self.browser.answer(req, resp, answer)

    async def _find(self, req: Request, resp: Response, typed: str) -> Found | None:
        """The request whose device shows what was typed; where there is none, the page says so."""
        server, now = self.browser.moment(req)

        async def look() -> Found | None:
            code = user_code.read(typed)
            return None if code is None else await device.find(self._store, server, code, now)

        shown = typed[:LONGEST_SHOWN]
        try:
            found = await self._guard.looking_up(client_address(req, server), now, look)
        except TooManyAttempts as error:
            resp.context.log = {"detail": error.detail}
            view = DeviceView(user_code=shown, wait=error.retry_after)
            self.browser.show(req, resp, view, status=429)
            resp.set_header("Retry-After", str(error.retry_after))
            return None
        if found is None:
            resp.context.log = {"detail": "no device waits with this code"}
            view = DeviceView(user_code=shown, unknown=True)
            self.browser.show(req, resp, view, status=404)
        return found

    async def _ask(
        self, req: Request, resp: Response, found: Found, *, expired: bool = False
    ) -> None:
        server, now = self.browser.moment(req)
        client, address = found.requested.client, found.request.address
        resp.context.log = {"client_id": client.client_id}
        session = await self._session(req, resp)
        view = ConfirmDeviceView(
            client=client,
            user_code=user_code.spelled(found.user_code),
            address=address,
            is_near=network(address) == network(client_address(req, server)),
            form_token=form_token.issue(server, session, found.about, now),
            expired=expired,
        )
        self.browser.show(req, resp, view, status=403 if expired else 200)

    async def _session(self, req: Request, resp: Response) -> Session:
        """The browser's session; a new one without anybody in it where there was none."""
        server, now = self.browser.moment(req)
        session = await self.browser.session(req, server, now)
        if session is None:
            session = sessions.begin(server.registry.issuer, now)
            self.browser.keep(resp, server, session, now)
        return session
