"""Logging out at a client's wish (OpenID Connect RP-Initiated Logout 1.0).

The session is in the browser's cookie, so it ends where the cookie goes: a copy of it that somebody
stole lives until its own end.
"""

from dataclasses import dataclass
from urllib.parse import urlencode

from issuer.client import Client
from issuer.errors import InvalidRequest
from issuer.form import Form
from issuer.id_token import read_id_token_hint
from issuer.sealed import Session
from issuer.server import AuthorizationServer

PARAMETERS = ("id_token_hint", "client_id", "post_logout_redirect_uri", "state", "ui_locales")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutRequest:
    """What a client asks, checked."""

    client: Client | None = None
    location: str | None = None
    """Where the browser goes afterwards, ``state`` included."""
    sub: str | None = None
    """Whose session is meant, as far as the client proves to know."""
    sid: str | None = None


def read(server: AuthorizationServer, form: Form, now: int) -> LogoutRequest:
    """The request that ``form`` spells.

    Raises:
        InvalidRequest: the id_token_hint is none of ours, or is another client's; there is no such
            client; or the post_logout_redirect_uri is not one that it registered.
    """
    text, client_id = form.get("id_token_hint"), form.get("client_id")
    hint = None if text is None else read_id_token_hint(server, text, now)
    if hint is not None and client_id not in (None, hint.client_id):
        raise InvalidRequest("The id_token_hint is another client's.")
    client_id = client_id if hint is None else hint.client_id
    client = None if client_id is None else server.registry.clients.get(client_id)
    if client_id is not None and client is None:
        raise InvalidRequest("There is no such client.")
    return LogoutRequest(
        client=client,
        location=_location(client, form.get("post_logout_redirect_uri"), form.get("state")),
        sub=None if hint is None else hint.sub,
        sid=None if hint is None else hint.sid,
    )


def needs_no_question(request: LogoutRequest, session: Session | None) -> bool:
    """True where nobody is logged in, or the client proves that it means who is.

    Else any page could log people out by a link (section 6 of the specification).
    """
    if session is None or not session.sub:
        return True
    return request.sub == session.sub and request.sid in (None, "", session.id)


def _location(client: Client | None, uri: str | None, state: str | None) -> str | None:
    if uri is None:
        return None
    if client is None or not client.registered_post_logout_redirect_uri(uri):
        raise InvalidRequest("The post_logout_redirect_uri is not one that the client registered.")
    joint = "&" if "?" in uri else "?"
    return uri if state is None else f"{uri}{joint}{urlencode({'state': state})}"
