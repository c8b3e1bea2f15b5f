"""Logging out at a client's wish (OpenID Connect RP-Initiated Logout 1.0).

The session is in the browser's cookie. With a store its end is remembered, so that copies of the
cookie are dead as well; without one, a copy that somebody stole lives until its own end.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from issuer.browser.sealed import Session
from issuer.errors import InvalidRequest
from issuer.protocol.form import Form
from issuer.registry.client import Client
from issuer.server import AuthorizationServer
from issuer.token_types.id_token import read_id_token_hint

PARAMETERS = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """What a client asks, as far as it holds."""

    client: Client | None = None
    location: str | None = None
    """Where the browser goes afterwards, ``state`` included."""
    sub: str | None = None
    """Whose session is meant, as far as the client proves to know."""
    sid: str | None = None
    detail: str = ""
    """What was passed over, for the log; empty where everything holds."""


def read(server: AuthorizationServer, form: Form, now: int) -> LogoutRequest:
    """What of ``form`` holds. Who asks to leave may leave, so nothing in it is refused.

    An id_token_hint that is none of ours, or another client's, makes the request nobody's: whatever
    else it names is not used (section 4 of the specification). A client that is not there, and a
    post_logout_redirect_uri that it did not register, are as if they had been left out.
    """
    text, client_id = form.get("id_token_hint"), form.get("client_id")
    try:
        hint = None if text is None else read_id_token_hint(server, text, now)
    except InvalidRequest as error:
        return LogoutRequest(detail=error.detail)
    if hint is not None and client_id not in (None, hint.client_id):
        return LogoutRequest(detail="id_token_hint: another client's")
    client_id = client_id if hint is None else hint.client_id
    client = None if client_id is None else server.registry.clients.get(client_id)
    if client_id is not None and client is None:
        return LogoutRequest(detail="no such client")
    uri = form.get("post_logout_redirect_uri")
    if uri is not None and (client is None or not client.registered_post_logout_redirect_uri(uri)):
        return LogoutRequest(client=client, detail="post_logout_redirect_uri: not registered")
    return LogoutRequest(
        client=client,
        location=uri and _with_state(uri, form.get("state")),
        sub=None if hint is None else hint.sub,
        sid=None if hint is None else hint.sid,
    )


def needs_no_question(request: LogoutRequest, session: Session | None) -> bool:
    """True where nobody is logged in, or the client proves that it means who is.

    Else any page could log people out by a link (section 6 of the specification).
    """
    if session is None or not session.sub:
        return True
    return request.sub == session.sub and request.sid in (None, "", session.sid)


def held(request: LogoutRequest, form: Form) -> dict[str, str]:
    """The parameters of ``form`` to come back with: those that hold, and no others."""
    names = ("ui_locales",) if request.detail else PARAMETERS
    parameters = {name: form.require(name) for name in names if form.get(name)}
    named = {"client_id": request.client.client_id} if request.client else {}
    return parameters | named


def _with_state(uri: str, state: str | None) -> str:
    joint = "&" if "?" in uri else "?"
    return uri if state is None else f"{uri}{joint}{urlencode({'state': state})}"
