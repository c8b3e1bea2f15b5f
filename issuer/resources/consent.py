"""``GET`` and ``POST /consent``: what every other page leads to, and the question it asks."""

from falcon.asgi import Request, Response
from msgspec.structs import replace

from issuer.browser import answering, form_token, sessions
from issuer.browser.authorize import Requested
from issuer.browser.pages.views import ConsentView, ResourceView
from issuer.browser.sealed import FormToken, Session
from issuer.browser.steps import AskConsent, Granted, LogIn
from issuer.metadata import LOGIN
from issuer.protocol.form import Form
from issuer.registry.scope import Scope
from issuer.resources.browser import Browser, Visit, as_pages, read_body, read_query, without_effect
from issuer.server import AuthorizationServer


class ConsentResource:
    """Finds out what comes next, and asks the user where it is a question."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    @as_pages
    async def on_get(self, req: Request, resp: Response) -> None:
        """The login page, the question, or the answer to the client."""
        visit = self.browser.visit(req, read_query(req))
        visit.log(resp)
        step = visit.next_step()
        if visit.session is None or isinstance(step, LogIn):
            self.browser.go_to(resp, LOGIN, interaction=visit.text)
            return
        renewed = sessions.renew(visit.server.registry.issuer, visit.session, visit.now)
        if isinstance(step, Granted):
            self._grant(req, resp, visit, renewed, step.requested)
            return
        if renewed is not visit.session:
            self.browser.keep(resp, visit.server, renewed, visit.now)
        self._ask(req, resp, visit, visit.session, step)

    on_head = without_effect(on_get)

    @as_pages
    async def on_post(self, req: Request, resp: Response) -> None:
        """The user's decision. Only what they were shown can be agreed to (P34)."""
        form = await read_body(req)
        visit = self.browser.visit(req, form)
        visit.log(resp, decision="allow" if form.get("decision") == "allow" else "deny")
        session, step, decision = visit.session, visit.next_step(), form.get("decision")
        requested, shown = step.requested, self._shown(visit, form)
        is_decided = decision is not None and self._is_all_shown(requested, shown)
        if session is None or (isinstance(step, LogIn) and not is_decided):
            self.browser.go_to(resp, LOGIN, interaction=visit.text)
        elif isinstance(step, AskConsent) and not is_decided:
            self._ask(req, resp, visit, session, step, expired=True)
        elif not is_decided:
            self.browser.go_on(resp, visit.text)
        elif decision != "allow":
            self.browser.answer(req, resp, answering.deny(visit.server, requested))
        elif isinstance(step, LogIn):
            # The login is too old by now. Whoever has agreed need not do it again.
            agreed = self._agreed(session, visit, requested)
            self.browser.keep(resp, visit.server, agreed, visit.now)
            self.browser.go_to(resp, LOGIN, interaction=visit.text)
        else:
            self._grant(req, resp, visit, self._agreed(session, visit, requested), requested)

    @staticmethod
    def _shown(visit: Visit, form: Form) -> FormToken | None:
        """What the form was shown for, if that was in this session and for this request."""
        held, subject = form.get("form_token"), visit.interaction.id
        return form_token.check(visit.server, held, visit.session, subject, visit.now)

    @staticmethod
    def _is_all_shown(requested: Requested, shown: FormToken | None) -> bool:
        if shown is None or not requested.scope <= shown.shown:
            return False
        return requested.asked.keys() <= set(shown.resources)

    @staticmethod
    def _agreed(session: Session, visit: Visit, requested: Requested) -> Session:
        agreed = sessions.agree(session, requested.client.client_id, requested.asked)
        return replace(agreed, agreed_for=visit.interaction.id)

    def _grant(
        self, req: Request, resp: Response, visit: Visit, session: Session, requested: Requested
    ) -> None:
        answer = answering.grant(visit.server, requested, session, visit.now)
        answered = sessions.answered(session, visit.interaction.id)
        if answered != visit.session:
            self.browser.keep(resp, visit.server, answered, visit.now)
        self.browser.answer(req, resp, answer)

    def _ask(
        self,
        req: Request,
        resp: Response,
        visit: Visit,
        session: Session,
        step: AskConsent,
        *,
        expired: bool = False,
    ) -> None:
        requested, server = step.requested, visit.server
        token = form_token.issue(
            server,
            session,
            visit.interaction.id,
            visit.now,
            shown=requested.scope,
            resources=requested.asked,
        )
        view = ConsentView(
            client=requested.client,
            username=step.user.username,
            resources=self._resources(server, requested),
            scopes=self._sentences(server, self._elsewhere(server, requested)),
            interaction=visit.text,
            form_token=token,
            redirect_uri=requested.redirect_uri,
            expired=expired,
        )
        locales = requested.request.ui_locales or ""
        self.browser.show(req, resp, view, status=403 if expired else 200, locales=locales)

    def _resources(
        self, server: AuthorizationServer, requested: Requested
    ) -> tuple[ResourceView, ...]:
        return tuple(
            ResourceView(
                name=each.name,
                scopes=self._sentences(server, requested.scope.only(each.scopes)),
            )
            for each in requested.resources
            if each is not server.registry.own
        )

    @staticmethod
    def _elsewhere(server: AuthorizationServer, requested: Requested) -> Scope:
        """What is asked of the issuer itself: who the user is, and for how long."""
        apis = [each for each in requested.resources if each is not server.registry.own]
        known = {scope for each in apis for scope in each.scopes}
        own = server.registry.own in requested.resources
        return Scope(
            each
            for each in requested.scope
            if each not in known or (own and each in server.registry.own.scopes)
        )

    @staticmethod
    def _sentences(server: AuthorizationServer, scope: Scope) -> tuple[tuple[str, str], ...]:
        return tuple((each, server.registry.scopes.get(each, "")) for each in sorted(scope))
