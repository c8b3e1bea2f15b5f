"""The team's own login application: asked by a sealed challenge, believed by its signature.

    /login ──▶ login_url?login_challenge=… ──▶ /login/callback?login_response=<JWT> ──▶ /consent

Nothing is stored on either side. The application proves who is there, and nothing else: what its
user is asked for and agrees to stays here.
"""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import urlencode

from msgspec.structs import replace

from issuer.browser import sessions
from issuer.browser.authorization_request import Prompt
from issuer.browser.authorize import Requested
from issuer.browser.sealed import Interaction, LoginChallenge, Session
from issuer.errors import AccessDenied, AccessTokenException, LoginRequired, naming
from issuer.protocol.replay import Once
from issuer.protocol.sealed import Login
from issuer.registry.user import CLAIM_NAMES, User
from issuer.server import AuthorizationServer
from keys import jws
from keys.errors import InvalidToken
from keys.sealing import Unsealable
from keys.subjects import MAX_SUB

TYP = "login-response+jwt"

CHALLENGE_LIFETIME = 1_800
"""Seconds in which a person logs in, a second factor and a new password included."""

RESPONSE_LIFETIME = 300
"""Seconds that a login response may live: it comes back at once."""

LEEWAY = 60
"""Seconds of clock difference forgiven."""

MAX_CLAIMS = 2000
"""Characters, as JSON, of what it says of a user: the session's cookie has room for no more."""

_SAID = "The answer of the login application is not valid."


class InvalidLoginResponse(AccessTokenException):
    """The login application answered what cannot be believed."""


def challenge(
    server: AuthorizationServer,
    requested: Requested,
    interaction: Interaction,
    session: Session,
    now: int,
) -> str:
    """The URL of the login application, with the challenge that its answer must quote.

    What stands beside the challenge is for showing only; the challenge itself is sealed.

    Raises:
        TemporarilyUnavailable: the key ring has no current key.
    """
    held = LoginChallenge(
        session_id=session.id,
        interaction=replace(interaction, asked_at=now),
        issued_at=now,
        expires_at=now + CHALLENGE_LIFETIME,
    )
    request = requested.request
    shown = {
        "login_challenge": server.seal(held, now=now),
        "client_id": requested.client.client_id,
        "client_name": requested.client.client_name,
        "scope": str(requested.scope),
        "prompt": " ".join(sorted(request.prompt - {Prompt.CONSENT})),
        "max_age": "" if request.max_age is None else str(request.max_age),
        "login_hint": request.login_hint,
        "ui_locales": request.ui_locales,
        "acr_values": _wished_classes(requested),
    }
    url = server.registry.issuer.login_url or ""
    joint = "&" if "?" in url else "?"
    return f"{url}{joint}{urlencode({name: value for name, value in shown.items() if value})}"


def _wished_classes(requested: Requested) -> str:
    """The ``acr_values``, behind those that the client asks for by ``claims``."""
    wished = requested.wishes.acr if requested.wishes is not None else ()
    return " ".join(dict.fromkeys((*wished, *(requested.request.acr_values or "").split())))


def accept(
    server: AuthorizationServer, text: str, session: Session | None, now: int
) -> tuple[Interaction, Session, Once]:
    """Whom the application says to be there: a new session, for the interaction it was asked in.

    Raises:
        InvalidLoginResponse: the answer was not signed with a registered key, is not for this
            issuer, this browser and this moment, or says what cannot be.
    """
    claims = _verify(server, text, now)
    held = _challenge_of(server, claims, session, now)
    with naming(held.interaction.request.client_id):
        return _accept(server, claims, held, session, now)


def _accept(
    server: AuthorizationServer,
    claims: Mapping[str, Any],
    held: LoginChallenge,
    session: Session | None,
    now: int,
) -> tuple[Interaction, Session, Once]:
    once = Once(
        id=f"login_response:{_text(claims, 'jti')}",
        issued_at=claims["iat"],
        expires_at=claims["exp"] + LEEWAY,
        refusal=partial(refused, "spent before"),
    )
    if "error" in claims:
        raise Denied(held.interaction, once)
    sub = _text(claims, "sub")
    if sub in server.registry.clients:
        raise refused("sub is a client_id (RFC 9700 section 4.15)")
    _check_sub(server, sub)
    auth_time = claims.get("auth_time", claims["iat"])
    if type(auth_time) is not int or not 0 < auth_time <= now + LEEWAY:
        raise refused("auth_time is no time, or ahead")
    login = Login(
        amr=_methods(claims), acr=_class(server, claims), claims=_claims_of(server, claims)
    )
    entered = sessions.log_in(
        server,
        session,
        login,
        sub=sub,
        auth_time=min(auth_time, now),
        interaction_id=held.interaction.id,
        now=now,
    )
    if sessions.user_of(server, entered) is None:
        raise refused("the registry has the user inactive or blocked, or a not_before ahead")
    return held.interaction, entered, once


def _check_sub(server: AuthorizationServer, sub: str) -> None:
    """Returns where ``sub`` is nobody else, and can be told to every client."""
    if server.revealed(sub) is not None:
        raise refused("sub is what a client calls somebody else")
    if server.registry.sectors and len(sub.encode()) > MAX_SUB:
        raise refused(f"sub has more than {MAX_SUB} bytes, too long for clients that are pairwise")


class Denied(Exception):
    """The application says that nobody logged in."""

    def __init__(self, interaction: Interaction, once: Once) -> None:
        super().__init__("nobody logged in")
        self.interaction = interaction
        self.once = once


def check_fresh(interaction: Interaction, session: Session) -> None:
    """Returns where the user logged in as lately as the client asked.

    A new login is one since the application was asked. ``max_age`` counts back from the answer, and
    once more, without the leeway, from the code.

    Raises:
        LoginRequired: the application did not ask anew although it was told to.
    """
    request = interaction.request
    oldest = max(interaction.issued_at, interaction.asked_at) if request.wants_new_login else 0
    if request.max_age:
        oldest = max(oldest, session.started_at - request.max_age)
    if session.auth_time < oldest - LEEWAY:
        raise LoginRequired("The user did not log in again.")


def denied() -> AccessDenied:
    """What the client hears where nobody logged in."""
    return AccessDenied("The user did not log in.")


def refused(detail: str) -> InvalidLoginResponse:
    """The one answer to every response that is not good; the log says why."""
    return InvalidLoginResponse(_SAID, detail=f"login_response: {detail}")


def _verify(server: AuthorizationServer, text: str, now: int) -> Mapping[str, Any]:
    try:
        unverified = jws.parse(text)
        key = server.registry.issuer.login_keys.get(unverified.header.kid)
        if unverified.header.typ != TYP or key is None:
            raise refused(f"its typ is not {TYP}, or its kid is not registered")
        claims = unverified.verify(key)
    except InvalidToken as error:
        raise refused(error.detail) from None
    if claims.get("aud") != server.issuer:
        raise refused("aud is not the issuer")
    issued_at, expires_at = claims.get("iat"), claims.get("exp")
    if type(issued_at) is not int or type(expires_at) is not int:
        raise refused("iat and exp are needed, in whole seconds")
    if not issued_at < expires_at <= issued_at + RESPONSE_LIFETIME:
        raise refused(f"it must live {RESPONSE_LIFETIME} s at most")
    if not issued_at - LEEWAY <= now < expires_at + LEEWAY:
        raise refused("expired, or issued ahead of time")
    return claims


def _challenge_of(
    server: AuthorizationServer, claims: Mapping[str, Any], session: Session | None, now: int
) -> LoginChallenge:
    try:
        held = server.sealer.open(LoginChallenge, _text(claims, "login_challenge"), now=now)
    except Unsealable as error:
        raise refused(f"login_challenge: {error.detail}") from None
    # Else somebody could be logged in as somebody else by following a link.
    with naming(held.interaction.request.client_id):
        if session is None or held.session_id != session.id:
            raise refused("another browser was sent to log in")
    return held


def _text(claims: Mapping[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not value or not value.isprintable():
        raise refused(f"{name} must be text")
    return value


def _class(server: AuthorizationServer, claims: Mapping[str, Any]) -> str | None:
    if "acr" not in claims:
        return None
    acr, known = _text(claims, "acr"), server.registry.issuer.acr_values_supported
    if known and acr not in known:
        raise refused("acr is not among acr_values_supported")
    return acr


def _methods(claims: Mapping[str, Any]) -> tuple[str, ...]:
    amr = claims.get("amr", [])
    if not isinstance(amr, list) or not all(isinstance(each, str) for each in amr):
        raise refused("amr must be an array of strings")
    return tuple(amr)


def _claims_of(server: AuthorizationServer, claims: Mapping[str, Any]) -> Mapping[str, Any]:
    """Those among the claims it said that some client could be told."""
    said = claims.get("claims", {})
    if not isinstance(said, dict):
        raise refused("claims must be an object")
    names = (*CLAIM_NAMES, *server.registry.releasing.names)
    kept = {name: said[name] for name in names if name in said}
    try:
        User.of_claims("sub", kept)
    except ValueError:
        raise refused(
            "claims must have the types of OpenID Connect Core section 5.1; groups and roles are "
            "arrays of strings"
        ) from None
    if len(json.dumps(kept, ensure_ascii=False)) > MAX_CLAIMS:
        raise refused(f"claims have more than {MAX_CLAIMS} characters: say fewer groups")
    return kept
