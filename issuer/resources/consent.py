"""``GET`` and ``POST /consent``: what every other page leads to, and the question it asks."""

from falcon.asgi import Request, Response

from issuer import form_token, interaction, sessions
from issuer.interaction import AskConsent, LogIn
from issuer.metadata import LOGIN
from issuer.pages.views import ConsentView
from issuer.resources.browser import Browser, Visit, as_pages, read_body, read_query, without_effect
from issuer.sealed import Session


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
        settings = visit.server.registry.issuer
        renewed = sessions.renew(settings, visit.session, visit.now)
        if renewed is not visit.session:
            self.browser.keep(resp, visit.server, renewed, visit.now)
        if isinstance(step, AskConsent):
            self._ask(req, resp, visit, visit.session, step)
        else:
            answer = interaction.grant(visit.server, step.requested, renewed, visit.now)
            self.browser.answer(req, resp, answer)

    on_head = without_effect(on_get)

    @as_pages
    async def on_post(self, req: Request, resp: Response) -> None:
        """The user's decision. Only what they were shown can be agreed to (P34)."""
        form = await read_body(req)
        visit = self.browser.visit(req, form)
        visit.log(resp, decision="allow" if form.get("decision") == "allow" else "deny")
        server, session, now = visit.server, visit.session, visit.now
        step = visit.next_step()
        if session is None or isinstance(step, LogIn):
            self.browser.go_to(resp, LOGIN, interaction=visit.text)
            return
        requested, decision = step.requested, form.get("decision")
        held = form.get("form_token")
        token = form_token.check(server, held, session, visit.interaction.id, now)
        if token is None or not requested.scope <= token.shown or decision is None:
            if isinstance(step, AskConsent):
                self._ask(req, resp, visit, session, step, expired=True)
            else:
                self.browser.go_on(resp, visit.text)
        elif decision == "allow":
            agreed = sessions.agree(session, requested.client.client_id, requested.scope)
            self.browser.keep(resp, server, agreed, now)
            self.browser.answer(req, resp, interaction.grant(server, requested, agreed, now))
        else:
            self.browser.answer(req, resp, interaction.deny(server, requested))

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
            server, session, visit.interaction.id, visit.now, shown=requested.scope
        )
        sentences = server.registry.scopes
        view = ConsentView(
            client=requested.client,
            username=step.user.username,
            scopes=tuple((each, sentences.get(each, "")) for each in sorted(requested.scope)),
            interaction=visit.text,
            form_token=token,
            redirect_uri=requested.redirect_uri,
            expired=expired,
        )
        locales = requested.request.ui_locales or ""
        self.browser.show(req, resp, view, status=403 if expired else 200, locales=locales)
