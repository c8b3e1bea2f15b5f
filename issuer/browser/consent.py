"""The question that a user is asked: what it shows, and what a yes to it is worth."""

from msgspec.structs import replace

from issuer.browser import sessions
from issuer.browser.authorize import Requested
from issuer.browser.form_token import issue
from issuer.browser.pages.views import ConsentView, ResourceView
from issuer.browser.sealed import FormToken, Session
from issuer.registry.scope import Scope
from issuer.registry.user import User
from issuer.server import AuthorizationServer


def question(
    server: AuthorizationServer,
    requested: Requested,
    user: User,
    *,
    interaction: str,
    form_token: str,
    expired: bool = False,
) -> ConsentView:
    """The page that asks ``user``: each API by its name, and what is asked about themselves."""
    return ConsentView(
        client=requested.client,
        username=user.username,
        resources=_resources(server, requested),
        scopes=_sentences(server, _elsewhere(server, requested)),
        claims=tuple((each, server.registry.scopes.get(each, "")) for each in requested.named),
        interaction=interaction,
        form_token=form_token,
        redirect_uri=requested.redirect_uri,
        expired=expired,
    )


def issue_token(
    server: AuthorizationServer,
    requested: Requested,
    session: Session,
    interaction_id: str,
    now: int,
) -> str:
    """The form token of that page: it says what was shown.

    Raises:
        TemporarilyUnavailable: the key ring has no current key.
    """
    shown, resources = requested.shown, requested.asked
    return issue(server, session, interaction_id, now, shown=shown, resources=resources)


def is_all_shown(requested: Requested, shown: FormToken | None) -> bool:
    """True where the user saw all that is asked by now: nothing else can be agreed to (P34)."""
    if shown is None or not requested.shown <= shown.shown:
        return False
    return requested.asked.keys() <= set(shown.resources)


def agree(session: Session, requested: Requested, interaction_id: str) -> Session:
    """``session`` after a yes, which answers this interaction's question and is remembered."""
    agreed = sessions.agree(session, requested.client.client_id, requested.asked)
    return replace(agreed, agreed_for=interaction_id)


def _resources(server: AuthorizationServer, requested: Requested) -> tuple[ResourceView, ...]:
    return tuple(
        ResourceView(name=each.name, scopes=_sentences(server, requested.scope.only(each.scopes)))
        for each in requested.resources
        if each is not server.registry.own
    )


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


def _sentences(server: AuthorizationServer, scope: Scope) -> tuple[tuple[str, str], ...]:
    return tuple((each, server.registry.scopes.get(each, "")) for each in sorted(scope))
