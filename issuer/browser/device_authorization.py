"""Where a device begins: what it shows its user, and what it asks with (RFC 8628 section 3.1)."""

from typing import NamedTuple
from urllib.parse import urlencode

from issuer import client_auth
from issuer.browser import device
from issuer.browser.authorize import validate
from issuer.errors import InvalidRequest, TemporarilyUnavailable, naming
from issuer.protocol import deciding, user_code
from issuer.protocol.device import INTERVAL, LIFETIME, DeviceCode, DeviceRequest
from issuer.protocol.replay import Once, ReplayStore
from issuer.protocol.request import Response, TokenRequest
from issuer.protocol.sealed import fresh_id
from issuer.registry.client import Client
from issuer.server import AuthorizationServer

PAGE = "/device"

MAX_REQUEST = 4_096
"""Characters of what waits in the store, for as long as nobody has decided."""

TRIES = 3
"""Codes that are drawn. Two logins that are open at once would have to have one of them in turn."""


class Asked(NamedTuple):
    """What a client may ask a user for on a device, and what of its request is good once."""

    client: Client
    request: DeviceRequest
    once: tuple[Once, ...]

    @property
    def client_id(self) -> str:
        """Whose device it is."""
        return self.client.client_id


def ask(server: AuthorizationServer, request: TokenRequest) -> Asked:
    """What ``request`` begins.

    Raises:
        AccessTokenException: the client is not authenticated, or may not ask for this.
    """
    authenticated = client_auth.authenticate(server, request)
    client, form, now = authenticated.client, request.form, request.received_at
    with naming(client.client_id):
        held = DeviceRequest(
            id=fresh_id(),
            client_id=client.client_id,
            scope=form.get("scope"),
            resource=form.all("resource"),
            acr_values=form.get("acr_values"),
            login_hint=form.get("login_hint"),
            address=request.address,
            issued_at=now,
            expires_at=now + LIFETIME,
        )
        validate(server, device.asked_by(held))
        return Asked(client, held, authenticated.once)


async def begin(
    store: ReplayStore, server: AuthorizationServer, asked: Asked, now: int
) -> Response:
    """The answer to the device, once the store keeps its request (section 3.2).

    Raises:
        InvalidRequest: it is too long.
        TooManyDevices: too many have begun.
        TemporarilyUnavailable: the store does not keep it.
    """
    client, held = asked.client, asked.request
    text = _sealed(server, held, now)
    await deciding.admit(store, client, held.address, now)
    for _ in range(TRIES):
        code = user_code.fresh()
        name = device.name(server, code, now)
        if await deciding.begin(store, name, text, held.expires_at, now):
            body = _answer(server, held, code, name, now)
            return Response(status=200, body=body, log={"client_id": client.client_id})
    raise TemporarilyUnavailable("No code is free; try again.", detail="no user_code is free")


def _sealed(server: AuthorizationServer, held: DeviceRequest, now: int) -> str:
    try:
        text = server.seal(held, now=now)
    except ValueError:
        text = ""
    if not 0 < len(text) <= MAX_REQUEST:
        raise InvalidRequest("The request is too long.")
    return text


def _answer(
    server: AuthorizationServer, held: DeviceRequest, code: str, name: str, now: int
) -> dict[str, object]:
    device_code = DeviceCode(
        id=held.id,
        client_id=held.client_id,
        note=name,
        issued_at=held.issued_at,
        expires_at=held.expires_at,
    )
    page = server.issuer + PAGE
    spelled = user_code.spelled(code)
    return {
        "device_code": server.seal(device_code, now=now),
        "user_code": spelled,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?{urlencode({'user_code': spelled})}",
        "expires_in": held.expires_at - now,
        "interval": INTERVAL,
    }
