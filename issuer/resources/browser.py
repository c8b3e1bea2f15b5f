"""What every page needs of HTTP: the cookie of the session, redirects, and refusals as pages."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from typing import Any, TypeVar
from urllib.parse import urlencode

import falcon
from falcon.asgi import Request, Response

from issuer.browser import device, sessions
from issuer.browser.answering import Answer, Answered
from issuer.browser.device import DeviceAnswer
from issuer.browser.interaction import Expired, resume
from issuer.browser.pages.rendering import render
from issuer.browser.pages.views import (
    DeviceAnsweredView,
    ErrorView,
    ExpiredView,
    FormPostView,
    Outcome,
    View,
)
from issuer.browser.sealed import Interaction, Session
from issuer.browser.steps import Step, next_step
from issuer.errors import AccessTokenException, TemporarilyUnavailable, naming
from issuer.metadata import CONSENT, DEVICE, base_path
from issuer.protocol.form import Form
from issuer.protocol.replay import ReplayStore, Use, spend
from issuer.registry.client import Client
from issuer.resources.endpoint import read_form, read_headers
from issuer.server import AuthorizationServer

REDIRECTED = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)  # Falcon drops a max_age of zero

R = TypeVar("R")
Responder = Callable[[R, Request, Response], Awaitable[None]]


class Unconfirmed(Exception):
    """Whoever came here has to say first that the device is theirs."""

    def __init__(self, user_code: str) -> None:
        super().__init__("unconfirmed")
        self.user_code = user_code


@dataclass(frozen=True, slots=True)
class Visit:
    """What a page is judged by: the snapshot, the time, and what the browser brought."""

    server: AuthorizationServer
    now: int
    session: Session | None
    interaction: Interaction
    text: str
    """The interaction as it stands in URLs and forms."""

    def log(self, resp: Response, **said: str) -> None:
        """Has the access log say whose visit this is."""
        who = self.session.sub if self.session else ""
        resp.context.log = {"client_id": self.interaction.request.client_id, "sub": who, **said}

    def next_step(self) -> Step:
        """What has to happen now. Raises as ``steps.next_step`` does."""
        return next_step(self.server, self.interaction, self.session, self.now)


class Browser:
    """Reads what a browser sends and writes what it is answered, for the issuer at ``url``."""

    def __init__(
        self,
        url: str,
        *,
        server: Callable[[], AuthorizationServer],
        store: ReplayStore,
        clock: Callable[[], int],
    ) -> None:
        self._server = server
        self._store = store
        self._clock = clock
        self._base = base_path(url)
        secure = url.startswith("https:")
        # __Host-: of this host alone, set by it alone. It needs https, which loopback has not.
        self._cookie = ("__Host-" if secure else "") + "session" + self._base.replace("/", "-")
        self._attributes: dict[str, Any] = {
            "path": "/", "secure": secure, "http_only": True, "same_site": "Lax",
        }  # fmt: skip

    def moment(self, req: Request) -> tuple[AuthorizationServer, int]:
        """The snapshot and the time by which ``req`` is judged, from its start to its end."""
        held: tuple[AuthorizationServer, int] | None = getattr(req.context, "moment", None)
        if held is None:
            held = req.context.moment = self._server(), self._clock()
        return held

    def client(self, req: Request, client_id: str) -> Client | None:
        """The client of that name, for a way back to it."""
        return self.moment(req)[0].registry.clients.get(client_id)

    async def visit(self, req: Request, form: Form) -> Visit:
        """The visit of a page in an interaction.

        Raises:
            Expired: it is in none.
            Unconfirmed: it is about a device of which nobody here said that it is theirs.
            TemporarilyUnavailable: as ``session``.
        """
        server, now = self.moment(req)
        text = form.get("interaction") or ""
        resumed = resume(server, text, now)
        with naming(resumed.request.client_id):
            session = await self.session(req, server, now)
        asks = resumed.request.device
        if asks is not None and not device.is_confirmed(asks, resumed.id, session):
            raise Unconfirmed(asks.user_code)
        return Visit(server, now, session, resumed, text)

    async def session(self, req: Request, server: AuthorizationServer, now: int) -> Session | None:
        """The session that the browser is in, if it was not ended.

        Raises:
            TemporarilyUnavailable: nobody can say whether it was.
        """
        held = self.held(req, server, now)
        try:
            await spend(self._store, Use(standing=sessions.standing(held)), now)
        except sessions.Ended:
            return None
        return held

    def held(self, req: Request, server: AuthorizationServer, now: int) -> Session | None:
        """The session of the browser's cookie, for those who ask themselves whether it stands."""
        held = req.get_cookie_values(self._cookie) or []
        return sessions.read(server, held[0], now) if len(held) == 1 else None

    def keep(self, resp: Response, server: AuthorizationServer, session: Session, now: int) -> None:
        """Gives the browser the cookie of ``session``. It goes when the browser is closed.

        Raises:
            ValueError: the session does not fit.
            TemporarilyUnavailable: the key ring has no current key.
        """
        session = sessions.as_registered(server, session)
        resp.set_cookie(self._cookie, sessions.seal(server, session, now), **self._attributes)

    def forget(self, resp: Response) -> None:
        """Takes the cookie away: with its own attributes, or a browser would refuse __Host-."""
        resp.set_cookie(self._cookie, "", expires=_LONG_AGO, **self._attributes)

    def go(self, resp: Response, location: str) -> None:
        """Sends the browser on with GET, whatever brought it (RFC 9700 section 4.12)."""
        resp.status = falcon.HTTP_303
        resp.location = location
        resp.set_headers(REDIRECTED)

    def go_to(self, resp: Response, path: str, **parameters: str) -> None:
        """Sends the browser to one of our own pages."""
        query = f"?{urlencode(parameters)}" if parameters else ""
        self.go(resp, f"{self._base}{path}{query}")

    def go_on(self, resp: Response, interaction: str) -> None:
        """Sends the browser to the page that knows what comes next."""
        self.go_to(resp, CONSENT, interaction=interaction)

    async def answer(self, req: Request, resp: Response, answer: Answer) -> None:
        """Has the browser carry ``answer`` to the client, or the store keep it for a device.

        Raises:
            TemporarilyUnavailable: the store does not. What was decided can be sent again.
        """
        if isinstance(answer, DeviceAnswer):
            await self._tell_device(req, resp, answer)
        elif answer.response_mode.is_posted:
            view = FormPostView(redirect_uri=answer.redirect_uri, parameters=answer.parameters)
            self.show(req, resp, view)
        else:
            self.go(resp, answer.location)

    async def _tell_device(self, req: Request, resp: Response, answer: DeviceAnswer) -> None:
        server, now = self.moment(req)
        is_told = req.method == "HEAD" or await device.settle(self._store, server, answer, now)
        decided: Outcome = "granted" if answer.is_granted else "denied"
        view = DeviceAnsweredView(client=answer.client, outcome=decided if is_told else "gone")
        self.show(req, resp, view, status=200 if is_told else 400)

    def show(
        self, req: Request, resp: Response, view: View, *, status: int = 200, locales: str = ""
    ) -> None:
        """Shows a page, in the first language that the client or the browser asks for."""
        branding = self.moment(req)[0].registry.branding
        accepted = req.get_header("Accept-Language") or ""
        rendered = render(view, branding, f"{locales} {accepted}")
        resp.status = status
        resp.content_type = falcon.MEDIA_HTML
        resp.data = rendered.html
        resp.set_headers(dict(rendered.headers))


def as_pages(responder: Responder[Any]) -> Responder[Any]:
    """``responder`` with every refusal as a page, or as an answer to the client."""

    @wraps(responder)
    async def respond(resource: Any, req: Request, resp: Response) -> None:
        browser: Browser = resource.browser
        try:
            try:
                await responder(resource, req, resp)
            except Answered as refused:
                _log(resp, refused.client_id, refused.detail)
                await browser.answer(req, resp, refused.response)
        except Unconfirmed as unconfirmed:
            browser.go_to(resp, DEVICE, user_code=unconfirmed.user_code)
        except Expired as expired:
            _log(resp, expired.client_id, "the interaction is too old, or none")
            client = browser.client(req, expired.client_id)
            view: View = ExpiredView() if client is None else ExpiredView.of(client)
            browser.show(req, resp, view, status=400)
        except AccessTokenException as error:
            _log(resp, error.client_id, error.detail)
            view = ErrorView(
                status=error.status,
                error=error.error,
                description=error.description,
                client=browser.client(req, error.client_id),
            )
            browser.show(req, resp, view, status=error.status)
            if isinstance(error, TemporarilyUnavailable):
                resp.set_header("Retry-After", str(error.retry_after))

    return respond


def _log(resp: Response, client_id: str, detail: str) -> None:
    """Has the access log say what was refused, and whose request it was where that is known."""
    said = {"client_id": client_id, "detail": detail} if client_id else {"detail": detail}
    resp.context.log = {**getattr(resp.context, "log", {}), **said}


def without_effect(on_get: Responder[Any]) -> Responder[Any]:
    """``HEAD``: what ``on_get`` would say, and nothing that anybody could act on (RFC 9110 9.3.2).

    No cookie is set or taken away, and where a redirect leads is said without what it would bring:
    no interaction, no code. What ``on_get`` spends it must not spend here: that is for the resource
    to see to.
    """

    async def on_head(resource: Any, req: Request, resp: Response) -> None:
        got = Response(options=resp.options)
        await on_get(resource, req, got)
        resp.status = got.status
        resp.data = got.data  # Falcon says its length, and leaves it out
        resp.set_headers(got.headers)  # cookies are not among them
        if got.location is not None:
            resp.location = got.location.partition("?")[0]
        resp.context.log = getattr(got.context, "log", {})

    return on_head


def read_query(req: Request) -> Form:
    """The parameters of the query.

    Raises:
        InvalidRequest: they are not a form in UTF-8, or one of them is there more than once.
    """
    return Form.parse(req.query_string.encode("latin-1"))


async def read_body(req: Request) -> Form:
    """The parameters of a form that was submitted.

    Raises:
        InvalidRequest: as ``read_query``, or the body is no form.
    """
    return Form.parse(await read_form(req, read_headers(req)))
