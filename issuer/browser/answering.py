"""What the client hears in the end, through the browser: its code, a no, or what was refused."""

from collections.abc import Iterator
from contextlib import contextmanager

from issuer.browser import authorization_response
from issuer.browser.authorization_request import AuthorizationRequest, ResponseMode, response_mode
from issuer.browser.authorization_response import AuthorizationResponse, Recipient
from issuer.browser.authorize import Requested, recipient, seal_code
from issuer.browser.sealed import Session
from issuer.errors import AccessDenied, AccessTokenException, TemporarilyUnavailable, naming
from issuer.protocol.form import Form
from issuer.server import AuthorizationServer


class Answered(Exception):
    """The request is refused, and the client is to hear it through the browser."""

    def __init__(self, response: AuthorizationResponse, detail: str, client_id: str) -> None:
        super().__init__(detail)
        self.response = response
        self.detail = detail
        """What the log says of it."""
        self.client_id = client_id


def grant(
    server: AuthorizationServer, requested: Requested, session: Session, now: int
) -> AuthorizationResponse:
    """The answer that brings the code. Who is logged in has agreed.

    Raises:
        TemporarilyUnavailable: the key ring has no current key.
    """
    code = seal_code(
        server,
        requested,
        sub=session.sub,
        auth_time=session.auth_time,
        login=session.login,
        now=now,
    )
    return authorization_response.success(_recipient(server, requested.request), code)


def deny(server: AuthorizationServer, requested: Requested) -> AuthorizationResponse:
    """The answer of a user who said no."""
    error = AccessDenied("The user said no.")
    return authorization_response.refusal(_recipient(server, requested.request), error)


@contextmanager
def refusing(server: AuthorizationServer, request: AuthorizationRequest) -> Iterator[None]:
    """Has the client told what is refused within.

    Raises:
        InvalidRequest: there is no such client any more, or its redirect_uri is not its own.
        Answered: something was refused.
    """
    client_id = request.client_id
    named = naming(registered(server, client_id))
    with named, _answering(_recipient(server, request), client_id):
        yield


@contextmanager
def refusing_unread(
    server: AuthorizationServer, form: Form, client_id: str, redirect_uri: str
) -> Iterator[None]:
    """The same for a request that is still a form, of a client whose ``redirect_uri`` is known.

    Raises:
        Answered: something was refused.
    """
    with _answering(_unread(server, redirect_uri, form), client_id):
        yield


def registered(server: AuthorizationServer, client_id: str) -> str:
    """``client_id``, if it is one that may be logged and shown: that of a client."""
    return client_id if client_id in server.registry.clients else ""


@contextmanager
def _answering(to: Recipient, client_id: str) -> Iterator[None]:
    try:
        yield
    except TemporarilyUnavailable:
        raise  # the person can try again, and lose nothing
    except AccessTokenException as error:
        raise Answered(authorization_response.refusal(to, error), error.detail, client_id) from None


def _recipient(server: AuthorizationServer, request: AuthorizationRequest) -> Recipient:
    _, redirect_uri = recipient(server, request.client_id, request.redirect_uri, request.scope)
    return Recipient(
        redirect_uri=redirect_uri,
        issuer=server.issuer,
        state=request.state,
        response_mode=request.response_mode,
    )


def _unread(server: AuthorizationServer, redirect_uri: str, form: Form) -> Recipient:
    """Whom to tell what is wrong with the rest of ``form``, which may be anything."""
    known = form.get("response_mode") in tuple(ResponseMode)
    return Recipient(
        redirect_uri=redirect_uri,
        issuer=server.issuer,
        state=form.get("state"),
        response_mode=response_mode(form) if known else ResponseMode.QUERY,
    )
