"""What a person decides about a device that shows them a code (RFC 8628 section 3.3).

    /device ── "is this yours?" ──▶ /consent ──▶ the store, which the device asks
                                    │    ▲
                             log in ▼    │ Session
                                   /login

The store keeps the request under a name that the code leads to. The decision takes its place, once.
"""

from dataclasses import dataclass, field

from msgspec.structs import replace

from issuer.browser.authorization_request import AuthorizationRequest, Device
from issuer.browser.authorize import Requested, validate
from issuer.browser.sealed import Session
from issuer.errors import AccessTokenException, TemporarilyUnavailable
from issuer.protocol import deciding, user_code
from issuer.protocol.device import LIFETIME, DeviceDecision, DeviceRequest
from issuer.protocol.replay import ReplayStore
from issuer.registry.client import Client
from issuer.server import AuthorizationServer
from keys.sealing import Unsealable

SECRET = "user_code"
"""What the secret is for by which names are made of codes."""


@dataclass(frozen=True, slots=True)
class Found:
    """A request that waits for its user."""

    user_code: str
    name: str
    text: str = field(repr=False)
    """What the store keeps under ``name``."""
    request: DeviceRequest
    requested: Requested
    """The same, in terms of the live registry."""

    @property
    def about(self) -> str:
        """What a form is about that asks for it."""
        return f"device:{self.request.id}"


@dataclass(frozen=True, slots=True)
class DeviceAnswer:
    """A decision, on its way to the store."""

    device: Device
    client: Client
    decision: str = field(repr=False)
    is_granted: bool


def name(server: AuthorizationServer, code: str, now: int, *, made_at: int | None = None) -> str:
    """What the store knows ``code`` by, which was made at ``made_at``, or now.

    Raises:
        TemporarilyUnavailable: the key ring has no current key.
    """
    secret = server.secret(SECRET, now=now, at=now if made_at is None else made_at)
    return user_code.name(code, secret)


async def find(
    store: ReplayStore, server: AuthorizationServer, code: str, now: int
) -> Found | None:
    """The request whose device shows ``code``; None where there is none, or it was decided.

    Raises:
        TemporarilyUnavailable: the store cannot say.
    """
    # The secret may have changed since the code was made.
    for each in dict.fromkeys(name(server, code, now, made_at=at) for at in (now, now - LIFETIME)):
        text = await deciding.found(store, each, now)
        if text is None:
            continue
        try:
            request = server.sealer.open(DeviceRequest, text, now=now)
            requested = validate(server, asked_by(request, code))
        except TemporarilyUnavailable:
            raise
        except (Unsealable, AccessTokenException):
            return None
        return Found(code, each, text, request, requested)
    return None


def asked_by(request: DeviceRequest, code: str = "", session_id: str = "") -> AuthorizationRequest:
    """``request`` on its way through the pages, in the session where its device was confirmed."""
    return AuthorizationRequest(
        client_id=request.client_id,
        scope=request.scope,
        resource=request.resource,
        acr_values=request.acr_values,
        login_hint=request.login_hint,
        device=Device(
            id=request.id,
            user_code=code,
            confirmed_in=session_id,
            expires_at=request.expires_at,
        ),
    )


def granted(
    server: AuthorizationServer, device: Device, requested: Requested, session: Session, now: int
) -> DeviceAnswer:
    """Whoever is logged in has agreed.

    What the device gets is no part of their session here: who logs out in a browser goes on
    watching television.

    Raises:
        TemporarilyUnavailable: the key ring has no current key.
    """
    login = server.as_registered(session.sub, session.login)
    decision = DeviceDecision(
        id=device.id,
        sub=session.sub,
        scope=requested.scope,
        resources=tuple(each.resource for each in requested.resources),
        auth_time=session.auth_time,
        login=replace(login, sid="") if login else None,
        issued_at=now,
        expires_at=device.expires_at,
    )
    return DeviceAnswer(device, requested.client, server.seal(decision, now=now), is_granted=True)


def denied(server: AuthorizationServer, device: Device, client: Client, now: int) -> DeviceAnswer:
    """They said no, or nothing can come of it.

    Raises:
        TemporarilyUnavailable: the key ring has no current key.
    """
    decision = DeviceDecision(id=device.id, issued_at=now, expires_at=device.expires_at)
    return DeviceAnswer(device, client, server.seal(decision, now=now), is_granted=False)


async def settle(
    store: ReplayStore, server: AuthorizationServer, answer: DeviceAnswer, now: int
) -> bool:
    """Has the device hear ``answer``; False where it waits no longer, or was answered before.

    Raises:
        TemporarilyUnavailable: the store cannot say. What was decided can be sent again.
    """
    found = await find(store, server, answer.device.user_code, now)
    if found is None or found.request.id != answer.device.id:
        return False
    expires_at = found.request.expires_at
    return await deciding.decide(store, found.name, found.text, answer.decision, expires_at, now)


def is_confirmed(device: Device, interaction_id: str, session: Session | None) -> bool:
    """True where who is in ``session`` said that the device is theirs, or logged in after that."""
    if session is None:
        return False
    return session.id == device.confirmed_in or session.logged_in_for == interaction_id
