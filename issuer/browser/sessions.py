"""The session in the browser's cookie: begun, entered, renewed and read, without a table."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from msgspec.structs import replace

from issuer.browser.sealed import Session
from issuer.errors import AccessTokenException, InvalidGrant
from issuer.protocol import revocation
from issuer.protocol.replay import CLOCK_SKEW, Revocation, Standing
from issuer.protocol.sealed import Login, fresh_id
from issuer.registry.scope import Scope
from issuer.registry.settings import Settings
from issuer.registry.user import User
from issuer.server import AuthorizationServer
from keys.sealing import Unsealable

MAX_COOKIE = 3800
"""Characters of the sealed session: browsers drop a cookie of more than 4096 with its name."""

PASSWORD = Login(amr=("pwd",))
"""RFC 8176 section 2."""

RENEW_AFTER = 60
"""Seconds after which a session that is used gets a new cookie."""

T = TypeVar("T")


class Ended(AccessTokenException):
    """The session was ended, whatever copies of its cookie there are."""


def begin(settings: Settings, now: int) -> Session:
    """A session in which nobody is logged in yet."""
    return Session(
        id=fresh_id(),
        started_at=now,
        renewed_at=now,
        expires_at=now + min(settings.session_idle_lifetime, settings.session_lifetime),
    )


def password_login(settings: Settings) -> Login:
    """The login of somebody who typed their password here: of the first class, if there are any."""
    classes = settings.acr_values_supported
    return replace(PASSWORD, acr=classes[0]) if classes else PASSWORD


def log_in(
    server: AuthorizationServer,
    before: Session | None,
    login: Login,
    *,
    sub: str,
    auth_time: int,
    interaction_id: str,
    now: int,
) -> Session:
    """A new session of ``sub``, in place of the one ``before`` (P29).

    For whoever was logged in before, what was agreed to stays, and what clients know the session
    by: they log out of both at once.
    """
    session = begin(server.registry.issuer, now)
    before = before or session
    again = before.logged_in_for == interaction_id
    same = before if before.sub == sub else session
    return replace(
        session,
        sub=sub,
        auth_time=auth_time,
        logged_in_for=interaction_id,
        logins=before.logins + 1 if again else 1,
        login=server.as_registered(sub, replace(login, sid=same.sid)),
        consents=same.consents,
        agreed_for=same.agreed_for,
        clients=same.clients,
    )


def read(server: AuthorizationServer, cookie: str | None, now: int) -> Session | None:
    """The session in ``cookie``; None where there is none that is still good."""
    if cookie is None:
        return None
    try:
        return server.sealer.open(Session, cookie, now=now)
    except Unsealable:
        return None


def renew(settings: Settings, session: Session, now: int) -> Session:
    """``session``, used again: it idles from now on, and never outlives its absolute end."""
    if now < session.renewed_at + RENEW_AFTER:
        return session
    end = session.started_at + settings.session_lifetime
    idle = now + settings.session_idle_lifetime
    return replace(session, renewed_at=now, expires_at=min(end, idle))


def as_registered(server: AuthorizationServer, session: Session) -> Session:
    """``session`` as it goes into a cookie now: a user whom the registry knows by now is known."""
    return replace(session, login=server.as_registered(session.sub, session.login))


def standing(session: Session | None) -> tuple[Standing, ...]:
    """What a store has to be asked of ``session``: nothing, where nobody is logged in."""
    if session is None or not session.sub:
        return ()
    names = (revocation.session(session.sid), revocation.user(session.sub))
    return (Standing(names=names, issued_at=session.started_at, refusal=_ended),)


def _ended() -> Ended:
    return Ended("Nobody is logged in.", detail="the session was ended")


def end(server: AuthorizationServer, session: Session, now: int) -> Revocation:
    """What ends ``session``, and the codes and refresh tokens that go with it.

    It is kept for as long as any of them can live: a session that the same user began later, from
    a copy, as well as a refresh token.
    """
    settings = server.registry.issuer
    longest = max(settings.session_lifetime, server.registry.longest_sealed_lifetime())
    forget_at = now + longest + 2 * CLOCK_SKEW
    return Revocation(revocation.session(session.sid), forget_at, now, forget_at)


def user_of(server: AuthorizationServer, session: Session | None) -> User | None:
    """Who is logged in, if the live registry still knows them and has drawn no line since."""
    if session is None or not session.sub:
        return None
    try:
        user = server.living_user(session.sub, session.login)
    except InvalidGrant:
        return None
    lines = (server.registry.issuer.not_before, user.not_before)
    if any(line is not None and session.started_at < line for line in lines):
        return None
    return user


def agree(session: Session, client_id: str, asked: Mapping[str, Scope]) -> Session:
    """``session`` with what was agreed to, by resource, remembered as the newest."""
    consents = {name: held for name, held in session.consents.items() if name != client_id}
    agreed = {resource: tuple(sorted(scope)) for resource, scope in asked.items()}
    before = session.consents.get(client_id, {})
    return replace(session, consents={**consents, client_id: {**before, **agreed}})


def answered(session: Session, interaction_id: str) -> Session:
    """``session`` once the code of this interaction is made.

    The login and the yes that were given for it have served. That holds for the browser that keeps
    what it is given: a copy of its cookie is a copy of its session.
    """
    login = "" if session.logged_in_for == interaction_id else session.logged_in_for
    yes = "" if session.agreed_for == interaction_id else session.agreed_for
    return replace(session, logged_in_for=login, agreed_for=yes)


def has_agreed(session: Session, client_id: str, asked: Mapping[str, Scope]) -> bool:
    """True where all that is asked at each resource was agreed to, for it, in this session."""
    held = session.consents.get(client_id, {})
    return all(at in held and scope.issubset(held[at]) for at, scope in asked.items())


def seal(server: AuthorizationServer, session: Session, now: int) -> str:
    """The cookie of ``session``; where it would be too long, the oldest in it are forgotten.

    Consents first, for they can be given again; then the clients that are told of its end.

    Raises:
        TemporarilyUnavailable: the key ring has no current key.
        ValueError: it is too long even without them.
    """
    text = server.seal(session, now=now)
    while len(text) > MAX_COOKIE:
        if session.consents:
            session = replace(session, consents=dict(_without_oldest([*session.consents.items()])))
        elif session.clients:
            session = replace(session, clients=tuple(_without_oldest(session.clients)))
        else:
            raise ValueError("the session does not fit into a cookie")
        text = server.seal(session, now=now)
    return text


def _without_oldest(held: Sequence[T]) -> Sequence[T]:
    return held[1 + len(held) // 4 :]
