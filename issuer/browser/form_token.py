"""Tokens in forms, without which a form does nothing: only the page that we showed has one."""

from collections.abc import Iterable

from issuer.browser.sealed import FormToken, Session
from issuer.registry.scope import Scope
from issuer.server import AuthorizationServer
from keys.sealing import Unsealable

NOTHING = Scope()

LIFETIME = 3_600
"""Seconds for which a page waits to be submitted; after them it is shown anew."""


def issue(
    server: AuthorizationServer,
    session: Session,
    subject: str,
    now: int,
    *,
    shown: Scope = NOTHING,
    resources: Iterable[str] = (),
) -> str:
    """A token for one form about ``subject``, in this session alone.

    Raises:
        TemporarilyUnavailable: the key ring has no current key.
    """
    token = FormToken(
        session_id=session.id,
        subject=subject,
        shown=shown,
        resources=tuple(resources),
        expires_at=now + LIFETIME,
    )
    return server.seal(token, now=now)


def check(
    server: AuthorizationServer, text: str | None, session: Session | None, subject: str, now: int
) -> FormToken | None:
    """The token, if it was issued for this session and subject; None where it proves nothing."""
    try:
        token = server.sealer.open(FormToken, text or "", now=now)
    except Unsealable:
        return None
    if session is None or (token.session_id, token.subject) != (session.id, subject):
        return None
    return token
