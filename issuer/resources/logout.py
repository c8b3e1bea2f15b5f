"""``GET`` and ``POST /logout``."""

from falcon.asgi import Request, Response

from issuer.browser import form_token, logout, sessions
from issuer.browser.logout import LogoutRequest
from issuer.browser.pages.views import LoggedOutView, LogoutView
from issuer.browser.sealed import Session
from issuer.errors import InvalidRequest
from issuer.metadata import LOGOUT
from issuer.protocol.form import Form
from issuer.resources.browser import Browser, as_pages, read_body, read_query, without_effect
from issuer.resources.ending import Ending

SUBJECT = "logout"
"""What the form is about."""

NOTHING = Form.parse(b"")
"""What is read where nothing can be: whoever asks to leave is not held up by how."""


class LogoutResource:
    """Ends the session, after asking where somebody else may have sent the browser here."""

    def __init__(self, browser: Browser, *, ending: Ending) -> None:
        self.browser = browser
        self._ending = ending

    @as_pages
    async def on_get(self, req: Request, resp: Response) -> None:
        """Logs out, or asks."""
        await self._receive(req, resp, self._ending)

    @without_effect
    @as_pages
    async def on_head(self, req: Request, resp: Response) -> None:
        """The same without a body; nobody is logged out by looking."""
        await self._receive(req, resp, None)

    @as_pages
    async def on_post(self, req: Request, resp: Response) -> None:
        """Logs out whoever was asked; what a client posts is read anew with GET.

        Another site's form comes without the cookie, so that nobody seems to be logged in. To take
        the cookie away then would let any site log people out.
        """
        try:
            form = await read_body(req)
        except InvalidRequest:
            form = NOTHING
        request, held = self._read(req, resp, form)
        server, now = self.browser.moment(req)
        if form_token.check(server, form.get("form_token"), held, SUBJECT, now):
            await self._ending(server, held, now)
            self._leave(req, resp, request, form)
        else:
            self.browser.go_to(resp, LOGOUT, **logout.held(request, form))

    async def _receive(self, req: Request, resp: Response, ending: Ending | None) -> None:
        try:
            form = read_query(req)
        except InvalidRequest:
            form = NOTHING
        request, held = self._read(req, resp, form)
        server, now = self.browser.moment(req)
        if logout.needs_no_question(request, held):
            # Whether it stands need not be asked: to end it once more does no harm.
            if ending is not None:
                await ending(server, held, now)
            self._leave(req, resp, request, form)
            return
        session = await self.browser.session(req, server, now)
        if session is None:
            self._leave(req, resp, request, form)
        else:
            self._ask(req, resp, request, session, form)

    def _read(
        self, req: Request, resp: Response, form: Form
    ) -> tuple[LogoutRequest, Session | None]:
        server, now = self.browser.moment(req)
        request, session = logout.read(server, form, now), self.browser.held(req, server, now)
        client_id = request.client.client_id if request.client else ""
        resp.context.log = {"client_id": client_id, "sub": session.sub if session else ""}
        if request.detail:
            resp.context.log["detail"] = request.detail
        return request, session

    def _leave(self, req: Request, resp: Response, request: LogoutRequest, form: Form) -> None:
        self.browser.forget(resp)
        if request.location is not None:
            self.browser.go(resp, request.location)
        else:
            locales = form.get("ui_locales") or ""
            self.browser.show(req, resp, LoggedOutView(client=request.client), locales=locales)

    def _ask(
        self, req: Request, resp: Response, request: LogoutRequest, session: Session, form: Form
    ) -> None:
        server, now = self.browser.moment(req)
        user = sessions.user_of(server, session)
        view = LogoutView(
            form_token=form_token.issue(server, session, SUBJECT, now),
            username=user.username if user else session.sub,
            parameters=logout.held(request, form),
            redirect_uri=request.location,
        )
        self.browser.show(req, resp, view, locales=form.get("ui_locales") or "")
