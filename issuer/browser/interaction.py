"""The way of an authorization request through the pages: from a URL to a code, with nothing kept.

    /authorize ── Interaction ──▶ /consent ──▶ the client
                                   │    ▲
                            log in ▼    │ Session
                                  /login

Each function answers from what the browser brought, the two files and the time.
"""

from dataclasses import dataclass

from issuer.browser import pushed, sessions
from issuer.browser.answering import refusing, refusing_unread, registered
from issuer.browser.authorization_request import (
    AuthorizationRequest,
    Prompt,
    read,
)
from issuer.browser.authorize import Requested, recipient, validate
from issuer.browser.sealed import Interaction, Session
from issuer.errors import (
    ConsentRequired,
    InvalidRequest,
    LoginRequired,
    naming,
)
from issuer.protocol.form import Form
from issuer.protocol.replay import Once
from issuer.protocol.sealed import fresh_id
from issuer.registry.redirect_uri import is_native
from issuer.registry.user import User
from issuer.server import AuthorizationServer
from issuer.token_types.id_token import read_id_token_hint
from keys.sealing import Unsealable

LIFETIME = 86_400
"""Seconds for which a page can be come back to. It is worth no more than the URL that led to it."""

LEGIBLE = 7 * 86_400
"""Seconds for which one that is too old still knows the way back to the application."""

FRESH = 600
"""Seconds for which a login answers the request for a new one that it was done for."""

MAX_LOGINS = 3
"""Logins for one request, one after the other, after which its client hears that none will do."""


class Expired(Exception):
    """The text is no interaction of this issuer, or it began too long ago."""

    def __init__(self, client_id: str = "") -> None:
        super().__init__("expired")
        self.client_id = client_id
        """Whose interaction it was, where that can still be read."""


@dataclass(frozen=True, slots=True)
class LogIn:
    """Somebody has to log in first."""

    requested: Requested


@dataclass(frozen=True, slots=True)
class AskConsent:
    """``user`` has to be asked."""

    requested: Requested
    user: User


@dataclass(frozen=True, slots=True)
class Granted:
    """All is said: the client gets its code."""

    requested: Requested


Step = LogIn | AskConsent | Granted


def receive(
    server: AuthorizationServer, form: Form, now: int
) -> tuple[Interaction, tuple[Once, ...]]:
    """What the authorization endpoint was sent, checked, and what of it may be used once.

    Raises:
        AccessTokenException: there is nobody to tell but the person before the browser.
        Answered: the client hears it.
    """
    client_id = form.require("client_id")
    with naming(registered(server, client_id)):
        return _receive(server, form, client_id, now)


def _receive(
    server: AuthorizationServer, form: Form, client_id: str, now: int
) -> tuple[Interaction, tuple[Once, ...]]:
    if form.get("request_uri") is not None:
        held = pushed.resolve(server, form.require("request_uri"), client_id, now)
        with refusing(server, held.request):
            validate(server, held.request)
        return _begin(held.request, now), (pushed.once(held),)
    client, redirect_uri = recipient(server, client_id, form.get("redirect_uri"), form.get("scope"))
    with refusing_unread(server, form, client_id, redirect_uri):
        request = read(form)
        if server.registry.issuer.require_pushed_authorization_requests or (
            client.require_pushed_authorization_requests
        ):
            raise InvalidRequest("The client must push its requests to /par (RFC 9126).")
        validate(server, request)
    return _begin(request, now), ()


def seal(server: AuthorizationServer, interaction: Interaction, now: int) -> str:
    """``interaction`` as a parameter of URLs.

    Raises:
        Answered: it is too long for that.
        TemporarilyUnavailable: the key ring has no current key.
    """
    with refusing(server, interaction.request):
        try:
            return server.seal(interaction, now=now)
        except ValueError:
            raise InvalidRequest("The request is too long.") from None


def resume(server: AuthorizationServer, text: str | None, now: int) -> Interaction:
    """The interaction that a page came back with.

    Raises:
        Expired: it is none, or too old.
    """
    try:
        interaction = server.sealer.open(Interaction, text or "", now=now)
    except Unsealable:
        raise Expired from None
    if now >= interaction.issued_at + LIFETIME:
        raise Expired(interaction.request.client_id)
    return interaction


def next_step(
    server: AuthorizationServer, interaction: Interaction, session: Session | None, now: int
) -> Step:
    """What has to happen before the client gets its code; asked of the live registry every time.

    Raises:
        InvalidRequest: the client is gone, or the redirect_uri is its own no more.
        Answered: the request is good no more, or forbids the question that it needs.
    """
    with refusing(server, interaction.request):
        requested = validate(server, interaction.request)
        user = sessions.user_of(server, session)
        if user is None or session is None:
            return _unless_silent(LogIn(requested), interaction)
        if _must_log_in(interaction, session, now):
            if session.logged_in_for == interaction.id and session.logins >= MAX_LOGINS:
                raise LoginRequired("The user did not log in lately enough.")
            return _unless_silent(LogIn(requested), interaction)
        if not _is_hinted(server, interaction.request, user, now):
            if session.logged_in_for == interaction.id:
                raise LoginRequired("Another user logged in.")
            return _unless_silent(LogIn(requested), interaction)
        if _must_agree(interaction, requested, session):
            return _unless_silent(AskConsent(requested, user), interaction)
        return Granted(requested)


def _begin(request: AuthorizationRequest, now: int) -> Interaction:
    """A new interaction, each time: what was done for one must not answer another's prompt."""
    expires_at = now + LIFETIME + LEGIBLE
    return Interaction(id=fresh_id(), request=request, issued_at=now, expires_at=expires_at)


def _unless_silent(step: LogIn | AskConsent, interaction: Interaction) -> Step:
    """``step``, where the request lets the user be asked (OpenID Connect Core section 3.1.2.6)."""
    if Prompt.NONE not in interaction.request.prompt:
        return step
    if isinstance(step, LogIn):
        raise LoginRequired("The user has to log in.")
    raise ConsentRequired("The user has to agree.")


def _is_hinted(
    server: AuthorizationServer, request: AuthorizationRequest, user: User, now: int
) -> bool:
    """True where ``user`` is whom the client expects, if it expects anybody."""
    if request.id_token_hint is None:
        return True
    return read_id_token_hint(server, request.id_token_hint, now).sub == user.sub


def _must_log_in(interaction: Interaction, session: Session, now: int) -> bool:
    """True where the login is older than the request allows, as of now, when the code is made."""
    request = interaction.request
    if request.max_age and now - session.auth_time > request.max_age:
        return True
    if not request.wants_new_login:
        return False
    return session.logged_in_for != interaction.id or now - session.started_at > FRESH


def _must_agree(interaction: Interaction, requested: Requested, session: Session) -> bool:
    client = requested.client
    has_agreed = sessions.has_agreed(session, client.client_id, requested.asked)
    if has_agreed and session.agreed_for == interaction.id:
        return False
    if Prompt.CONSENT in requested.request.prompt or client.prompt_consent == "always":
        return True
    if client.skip_consent:
        return False
    # Anybody can install an application that says it is this one (RFC 8252 section 8.6).
    if client.can_be_imitated and is_native(requested.redirect_uri):
        return True
    return not has_agreed
