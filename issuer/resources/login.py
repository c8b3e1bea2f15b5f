"""``GET`` and ``POST /login``, and the way back from a login application of the team's own."""

from typing import NamedTuple

from falcon.asgi import Request, Response

from issuer.browser import form_token, interaction, login_application, sessions
from issuer.browser.answering import refusing
from issuer.browser.login_application import Denied, InvalidLoginResponse
from issuer.browser.pages.views import LoginView
from issuer.browser.sealed import Session
from issuer.browser.steps import LogIn
from issuer.errors import InvalidGrant, TooManyAttempts, naming
from issuer.grants import passwords
from issuer.guard import Guard
from issuer.protocol.form import Form
from issuer.protocol.replay import Once, ReplayStore, Use, spend
from issuer.resources.browser import (
    Browser,
    Visit,
    as_pages,
    read_body,
    read_query,
    without_effect,
)
from issuer.resources.client_address import client_address
from issuer.resources.ending import Ending


class _Asked(NamedTuple):
    """What became of the last attempt."""

    username: str = ""
    failed: bool = False
    expired: bool = False
    wait: int = 0


class LoginResource:
    """Asks who is there."""

    def __init__(self, browser: Browser, *, ending: Ending, guard: Guard) -> None:
        self.browser = browser
        self._ending = ending
        self._guard = guard

    @as_pages
    async def on_get(self, req: Request, resp: Response) -> None:
        """The login page, or the way to the team's own. Whoever asks for it gets it."""
        visit = await self.browser.visit(req, read_query(req))
        requested = visit.next_step().requested
        if visit.server.registry.issuer.login_url is None:
            self._ask(req, resp, visit, _Asked(requested.request.login_hint or ""))
            return
        location = login_application.challenge(
            visit.server, requested, visit.interaction, self._session(resp, visit), visit.now
        )
        self.browser.go(resp, location)

    on_head = without_effect(on_get)

    @as_pages
    async def on_post(self, req: Request, resp: Response) -> None:
        """Checks who it is; a form that nobody here was shown does nothing (P29)."""
        form = await read_body(req)
        visit = await self.browser.visit(req, form)
        step = visit.next_step()
        if not self._was_shown(visit, form):
            if isinstance(step, LogIn) and visit.server.registry.issuer.login_url is None:
                self._ask(req, resp, visit, _Asked(form.get("username") or "", expired=True))
            else:  # by now they have logged in in another tab, or do so at the team's own page
                self.browser.go_on(resp, visit.text)
            return
        try:
            session = await self._log_in(req, visit, form)
        except TooManyAttempts as error:
            visit.log(resp, detail=error.detail)
            username = form.get("username") or ""
            self._ask(req, resp, visit, _Asked(username, wait=error.retry_after))
            return
        if sessions.user_of(visit.server, session) is None or session is None:
            visit.log(resp, detail="wrong user or password")
            self._ask(req, resp, visit, _Asked(form.get("username") or "", failed=True))
            return
        visit.log(resp, sub=session.sub)
        with naming(visit.interaction.request.client_id):
            await self._ending.replaced(visit.server, visit.session, session, visit.now)
        self.browser.keep(resp, visit.server, session, visit.now)
        self.browser.go_on(resp, visit.text)

    def _was_shown(self, visit: Visit, form: Form) -> bool:
        held, subject = form.get("form_token"), visit.interaction.id
        token = form_token.check(visit.server, held, visit.session, subject, visit.now)
        return token is not None and visit.server.registry.issuer.login_url is None

    async def _log_in(self, req: Request, visit: Visit, form: Form) -> Session | None:
        """The session of whoever has this password; None where nobody has.

        Raises:
            TooManyAttempts: it was not looked at.
        """
        login, password = form.get("username") or "", form.get("password") or ""
        server, address = visit.server, client_address(req, visit.server)
        try:
            user = await self._guard.logging_in(
                server, login, address, visit.now,
                lambda: passwords.authenticate(server, login, password, address),
            )  # fmt: skip
        except InvalidGrant:
            return None
        return sessions.log_in(
            visit.server,
            visit.session,
            sessions.password_login(visit.server.registry.issuer),
            sub=user.sub,
            auth_time=visit.now,
            interaction_id=visit.interaction.id,
            now=visit.now,
        )

    def _session(self, resp: Response, visit: Visit) -> Session:
        """The browser's session; a new one without anybody in it where there was none."""
        if visit.session is not None:
            return visit.session
        session = sessions.begin(visit.server.registry.issuer, visit.now)
        self.browser.keep(resp, visit.server, session, visit.now)
        return session

    def _ask(self, req: Request, resp: Response, visit: Visit, asked: _Asked) -> None:
        requested = visit.next_step().requested
        session = self._session(resp, visit)
        view = LoginView(
            client=requested.client,
            interaction=visit.text,
            form_token=form_token.issue(visit.server, session, visit.interaction.id, visit.now),
            redirect_uri=requested.redirect_uri,
            username=asked.username,
            failed=asked.failed,
            expired=asked.expired,
            wait=asked.wait,
        )
        status = 429 if asked.wait else 403 if asked.failed or asked.expired else 200
        locales = requested.request.ui_locales or ""
        self.browser.show(req, resp, view, status=status, locales=locales)
        if asked.wait:
            resp.set_header("Retry-After", str(asked.wait))


class LoginCallbackResource:
    """Where the login application sends the browser back to."""

    def __init__(self, browser: Browser, *, ending: Ending, store: ReplayStore) -> None:
        self.browser = browser
        self._ending = ending
        self._store = store

    @as_pages
    async def on_get(self, req: Request, resp: Response) -> None:
        """Believes the signed answer once, in the browser that was sent to fetch it."""
        await self._receive(req, resp, self._store)

    @without_effect
    @as_pages
    async def on_head(self, req: Request, resp: Response) -> None:
        """The same without a body; the answer is looked at and stays unspent."""
        await self._receive(req, resp, None)

    async def _receive(self, req: Request, resp: Response, store: ReplayStore | None) -> None:
        server, now = self.browser.moment(req)
        if server.registry.issuer.login_url is None:
            raise InvalidLoginResponse("This issuer has no login application.")
        text = read_query(req).require("login_response")
        held = self.browser.held(req, server, now)
        try:
            resumed, session, once = login_application.accept(server, text, held, now)
        except Denied as denied:
            with refusing(server, denied.interaction.request, now):
                raise login_application.denied() from None
        with naming(resumed.request.client_id):
            if store is not None:
                await self._spend(store, held, once, now)
            with refusing(server, resumed.request, now):
                login_application.check_fresh(resumed, session)
            if store is not None:
                await self._ending.replaced(server, held, session, now)
            try:
                self.browser.keep(resp, server, session, now)
            except ValueError:
                raise login_application.refused("claims do not fit into a cookie") from None
        self.browser.go_on(resp, interaction.seal(server, resumed, now))

    @staticmethod
    async def _spend(store: ReplayStore, held: Session | None, once: Once, now: int) -> None:
        """The answer counts once, in a session that was not ended since it was asked for."""
        try:
            await spend(store, Use((once,), sessions.standing(held)), now)
        except sessions.Ended as ended:
            raise login_application.refused(ended.detail) from None
