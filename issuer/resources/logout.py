"""``GET`` and ``POST /logout``."""

from falcon.asgi import Request, Response

from issuer import form_token, logout, sessions
from issuer.form import Form
from issuer.logout import LogoutRequest
from issuer.pages.views import LoggedOutView, LogoutView
from issuer.resources.browser import Browser, as_pages, read_body, read_query
from issuer.sealed import Session
from issuer.server import AuthorizationServer

SUBJECT = "logout"
"""What the form is about."""


class LogoutResource:
    """Ends the session, after asking where somebody else may have sent the browser here."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    @as_pages
    async def on_get(self, req: Request, resp: Response) -> None:
        """Logs out, or asks."""
        self._receive(req, resp, read_query(req))

    @as_pages
    async def on_post(self, req: Request, resp: Response) -> None:
        """The same for a client that posts, and for the form that was shown."""
        self._receive(req, resp, await read_body(req))

    def _receive(self, req: Request, resp: Response, form: Form) -> None:
        server, now = self.browser.moment(req)
        request = logout.read(server, form, now)
        session = self.browser.session(req, server, now)
        confirmed = form_token.check(server, form.get("form_token"), session, SUBJECT, now)
        if session is None or confirmed or logout.needs_no_question(request, session):
            self._end(req, resp, request, form)
        else:
            self._ask(req, resp, server, session, form, now)

    def _end(self, req: Request, resp: Response, request: LogoutRequest, form: Form) -> None:
        self.browser.forget(resp)
        if request.location is not None:
            self.browser.go(resp, request.location)
        else:
            locales = form.get("ui_locales") or ""
            self.browser.show(req, resp, LoggedOutView(client=request.client), locales=locales)

    def _ask(
        self,
        req: Request,
        resp: Response,
        server: AuthorizationServer,
        session: Session,
        form: Form,
        now: int,
    ) -> None:
        user = sessions.user_of(server, session)
        view = LogoutView(
            form_token=form_token.issue(server, session, SUBJECT, now),
            username=user.username if user else session.sub,
            parameters={name: form.require(name) for name in logout.PARAMETERS if form.get(name)},
            redirect_uri=form.get("post_logout_redirect_uri"),
        )
        self.browser.show(req, resp, view, locales=form.get("ui_locales") or "")
