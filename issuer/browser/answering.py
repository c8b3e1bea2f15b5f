"""What the client hears in the end: its code, a no, or what was refused.

It hears it through the browser, or, on a device, when it asks next.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from issuer.browser import authorization_response, device, jarm
from issuer.browser.authorization_request import (
    AuthorizationRequest,
    Device,
    ResponseMode,
    response_mode,
)
from issuer.browser.authorization_response import AuthorizationResponse, Recipient
from issuer.browser.authorize import Requested, known, recipient, seal_code
from issuer.browser.device import DeviceAnswer
from issuer.browser.sealed import Session
from issuer.errors import AccessDenied, AccessTokenException, TemporarilyUnavailable, naming
from issuer.protocol.form import Form
from issuer.registry.client import Client
from issuer.server import AuthorizationServer

Answer = AuthorizationResponse | DeviceAnswer


class Answered(Exception):
    """The request is refused, and the client is to hear it."""

    def __init__(self, response: Answer, detail: str, client_id: str) -> None:
        super().__init__(detail)
        self.response = response
        self.detail = detail
        """What the log says of it."""
        self.client_id = client_id


def grant(server: AuthorizationServer, requested: Requested, session: Session, now: int) -> Answer:
    """The answer that brings the code, or what a device gets. Who is logged in has agreed.

    Raises:
        TemporarilyUnavailable: the key ring has no current key.
    """
    to = _recipient(server, requested.request)
    if isinstance(to, Device):
        return device.granted(server, to, requested, session, now)
    code = seal_code(
        server,
        requested,
        sub=session.sub,
        auth_time=session.auth_time,
        login=session.login,
        now=now,
    )
    answer = authorization_response.success(to, code)
    return jarm.secure(server, requested.client, answer, now)


def deny(server: AuthorizationServer, requested: Requested, now: int) -> Answer:
    """The answer of a user who said no.

    Raises:
        TemporarilyUnavailable: it is to be signed, and the key ring has no current key.
    """
    to = _recipient(server, requested.request)
    return _refusal(server, to, requested.client, AccessDenied("The user said no."), now)


@contextmanager
def refusing(
    server: AuthorizationServer, request: AuthorizationRequest, now: int
) -> Iterator[None]:
    """Has the client told what is refused within.

    Raises:
        InvalidRequest: there is no such client any more, or its redirect_uri is not its own.
        Answered: something was refused.
    """
    client_id = request.client_id
    with naming(registered(server, client_id)):
        to = _recipient(server, request)
        with _answering(server, to, client_id, now):
            yield


@contextmanager
def refusing_unread(
    server: AuthorizationServer, form: Form, client_id: str, redirect_uri: str, now: int
) -> Iterator[None]:
    """The same for a request that is still a form, of a client whose ``redirect_uri`` is known.

    Raises:
        Answered: something was refused.
    """
    with _answering(server, _unread(server, redirect_uri, form), client_id, now):
        yield


@contextmanager
def refusing_unopened(
    server: AuthorizationServer, form: Form, client: Client, now: int
) -> Iterator[None]:
    """The same for what stands for a request, and cannot be opened.

    It may name a redirect_uri beside that, as requests do that spell all out for others to read.

    Raises:
        Answered: something was refused, and that is one of the client's.
        AccessTokenException: nothing that may be believed says where to send the person.
    """
    beside = form.get("redirect_uri")
    if beside is None or not client.registered_redirect_uri(beside):
        yield
        return
    with _answering(server, _unread(server, beside, form), client.client_id, now):
        yield


def registered(server: AuthorizationServer, client_id: str) -> str:
    """``client_id``, if it is one that may be logged and shown: that of a client."""
    return client_id if client_id in server.registry.clients else ""


@contextmanager
def _answering(
    server: AuthorizationServer, to: Recipient | Device, client_id: str, now: int
) -> Iterator[None]:
    try:
        yield
    except TemporarilyUnavailable:
        raise  # the person can try again, and lose nothing
    except AccessTokenException as error:
        answer = _refusal(server, to, server.registry.clients[client_id], error, now)
        raise Answered(answer, error.detail, client_id) from None


def _refusal(
    server: AuthorizationServer,
    to: Recipient | Device,
    client: Client,
    error: AccessTokenException,
    now: int,
) -> Answer:
    if isinstance(to, Device):  # all that one can be told is that nothing comes of it
        return device.denied(server, to, client, now)
    return jarm.secure(server, client, authorization_response.refusal(to, error), now)


def _recipient(server: AuthorizationServer, request: AuthorizationRequest) -> Recipient | Device:
    if request.device is not None:
        known(server, request.client_id)
        return request.device
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
