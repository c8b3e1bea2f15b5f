"""What has to happen next with an interaction: a login, a question, or the client's code."""

from dataclasses import dataclass

from issuer.browser import sessions
from issuer.browser.answering import refusing
from issuer.browser.authorization_request import Prompt
from issuer.browser.authorize import Requested, validate
from issuer.browser.sealed import Interaction, Session
from issuer.errors import ConsentRequired, LoginRequired, UnmetAuthenticationRequirements
from issuer.registry.redirect_uri import is_native
from issuer.registry.user import User
from issuer.server import AuthorizationServer
from issuer.token_types.id_token import read_id_token_hint

FRESH = 600
"""Seconds for which a login answers the request for a new one that it was done for."""

MAX_LOGINS = 3
"""Logins for one request, one after the other, after which its client hears that none will do."""


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


def next_step(
    server: AuthorizationServer, interaction: Interaction, session: Session | None, now: int
) -> Step:
    """What has to happen before the client gets its code; asked of the live registry every time.

    Raises:
        InvalidRequest: the client is gone, or the redirect_uri is its own no more.
        Answered: the request is good no more, or forbids the question that it needs.
    """
    with refusing(server, interaction.request, now):
        requested = validate(server, interaction.request)
        user = sessions.user_of(server, session)
        if user is None or session is None:
            return _unless_silent(LogIn(requested), interaction)
        must = _must_log_in(interaction, session, now)
        if must or _lacks_class(server, requested, interaction, session):
            if session.logged_in_for == interaction.id and session.logins >= MAX_LOGINS:
                raise LoginRequired("The user did not log in lately enough.")
            return _unless_silent(LogIn(requested), interaction)
        if not _is_meant(server, requested, user, now):
            if session.logged_in_for == interaction.id:
                raise LoginRequired("Another user logged in.")
            return _unless_silent(LogIn(requested), interaction)
        if _must_agree(interaction, requested, session):
            return _unless_silent(AskConsent(requested, user), interaction)
        return Granted(requested)


def _unless_silent(step: LogIn | AskConsent, interaction: Interaction) -> Step:
    """``step``, where the request lets the user be asked (OpenID Connect Core section 3.1.2.6)."""
    if Prompt.NONE not in interaction.request.prompt:
        return step
    if isinstance(step, LogIn):
        raise LoginRequired("The user has to log in.")
    raise ConsentRequired("The user has to agree.")


def _is_meant(server: AuthorizationServer, requested: Requested, user: User, now: int) -> bool:
    """True where ``user`` is whom the client expects, if it expects anybody: by an ID token, or by
    the ``sub`` among the claims that it asks for (OpenID Connect Core section 5.5.1)."""
    hint, wishes = requested.request.id_token_hint, requested.wishes
    if wishes is not None and wishes.sub is not None:
        told = server.told_sub(requested.client, user.sub)
        if told not in wishes.sub:
            return False
    return hint is None or read_id_token_hint(server, hint, now).sub == user.sub


def _lacks_class(
    server: AuthorizationServer, requested: Requested, interaction: Interaction, session: Session
) -> bool:
    """True where logging in again may reach a class that the client cannot do without, and this
    login is of none (OpenID Connect Core section 5.5.1.1).

    Raises:
        UnmetAuthenticationRequirements: it was done for that, or would be in vain.
    """
    wishes, settings = requested.wishes, server.registry.issuer
    if wishes is None or not wishes.needs_acr:
        return False
    if session.login is not None and session.login.acr in wishes.acr:
        return False
    # Our own page reaches the first class. What a login application reaches, it says itself.
    reached = wishes.acr if settings.login_url else settings.acr_values_supported[:1]
    in_vain = set(wishes.acr).isdisjoint(reached)
    if in_vain or session.logged_in_for == interaction.id:
        raise UnmetAuthenticationRequirements("The user did not log in by an acr that will do.")
    return True


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
    if client.can_be_imitated and _is_anybodys(requested.redirect_uri):
        return True
    return not has_agreed


def _is_anybodys(redirect_uri: str | None) -> bool:
    """True where any application can get the answer: a device's comes to whoever began."""
    return redirect_uri is None or is_native(redirect_uri)
