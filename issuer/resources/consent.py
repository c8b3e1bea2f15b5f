"""``GET`` and ``POST /consent``: what every other page leads to, and the question it asks."""

from falcon.asgi import Request, Response

from issuer.browser import answering, backchannel, consent, form_token, sessions
from issuer.browser.authorize import Requested
from issuer.browser.sealed import FormToken, Session
from issuer.browser.steps import AskConsent, Granted, LogIn
from issuer.metadata import LOGIN
from issuer.protocol.form import Form
from issuer.resources.browser import Browser, Visit, as_pages, read_body, read_query, without_effect


class ConsentResource:
    """Finds out what comes next, and asks the user where it is a question."""

    def __init__(self, browser: Browser) -> None:
        self.browser = browser

    @as_pages
    async def on_get(self, req: Request, resp: Response) -> None:
        """The login page, the question, or the answer to the client."""
        visit = await self.browser.visit(req, read_query(req))
        visit.log(resp)
        step = visit.next_step()
        if visit.session is None or isinstance(step, LogIn):
            self.browser.go_to(resp, LOGIN, interaction=visit.text)
            return
        renewed = sessions.renew(visit.server.registry.issuer, visit.session, visit.now)
        if isinstance(step, Granted):
            await self._grant(req, resp, visit, renewed, step.requested)
            return
        if renewed is not visit.session:
            self.browser.keep(resp, visit.server, renewed, visit.now)
        self._ask(req, resp, visit, visit.session, step)

    on_head = without_effect(on_get)

    @as_pages
    async def on_post(self, req: Request, resp: Response) -> None:
        """The user's decision. Only what they were shown can be agreed to (P34)."""
        form = await read_body(req)
        visit = await self.browser.visit(req, form)
        visit.log(resp, decision="allow" if form.get("decision") == "allow" else "deny")
        session, step, decision = visit.session, visit.next_step(), form.get("decision")
        requested, shown = step.requested, self._shown(visit, form)
        is_decided = decision is not None and consent.is_all_shown(requested, shown)
        if session is None or (isinstance(step, LogIn) and not is_decided):
            self.browser.go_to(resp, LOGIN, interaction=visit.text)
        elif isinstance(step, AskConsent) and not is_decided:
            self._ask(req, resp, visit, session, step, expired=True)
        elif not is_decided:
            self.browser.go_on(resp, visit.text)
        elif decision != "allow":
            answer = answering.deny(visit.server, requested, visit.now)
            await self.browser.answer(req, resp, answer)
        elif isinstance(step, LogIn):
            # The login is too old by now. Whoever has agreed need not do it again.
            agreed = consent.agree(session, requested, visit.interaction.id)
            self.browser.keep(resp, visit.server, agreed, visit.now)
            self.browser.go_to(resp, LOGIN, interaction=visit.text)
        else:
            agreed = consent.agree(session, requested, visit.interaction.id)
            await self._grant(req, resp, visit, agreed, requested)

    @staticmethod
    def _shown(visit: Visit, form: Form) -> FormToken | None:
        """What the form was shown for, if that was in this session and for this request."""
        held, subject = form.get("form_token"), visit.interaction.id
        return form_token.check(visit.server, held, visit.session, subject, visit.now)

    async def _grant(
        self, req: Request, resp: Response, visit: Visit, session: Session, requested: Requested
    ) -> None:
        answer = answering.grant(visit.server, requested, session, visit.now)
        answered = sessions.answered(session, visit.interaction.id)
        answered = backchannel.remember(answered, requested)
        # First the answer: where no store keeps it, the yes and the login are still to be used.
        await self.browser.answer(req, resp, answer)
        if answered != visit.session:
            self.browser.keep(resp, visit.server, answered, visit.now)

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
        server, requested = visit.server, step.requested
        token = consent.issue_token(server, requested, session, visit.interaction.id, visit.now)
        view = consent.question(
            server,
            requested,
            step.user,
            interaction=visit.text,
            form_token=token,
            expired=expired,
        )
        locales = requested.request.ui_locales or ""
        self.browser.show(req, resp, view, status=403 if expired else 200, locales=locales)
