"""A device, its user, and an issuer between them, with every default filled in."""

import asyncio
import base64
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

from msgspec.structs import replace

from issuer.browser import device, device_authorization, interaction
from issuer.browser.answering import deny, grant
from issuer.browser.sealed import Session
from issuer.browser.steps import next_step
from issuer.errors import AccessTokenException
from issuer.guard import Guard
from issuer.protocol import user_code
from issuer.protocol.device import GRANT_TYPE
from issuer.protocol.form import Form
from issuer.protocol.replay import ReplayStore, Use, spend
from issuer.protocol.request import Response, TokenRequest
from issuer.registry.client import Client
from issuer.registry.scope import Scope
from issuer.server import AuthorizationServer
from issuer.stores import open_store
from issuer.token import handler
from tests.browser.builders import a_session
from tests.builders import (
    API,
    ISSUER,
    NOW,
    OTHER_API,
    SECRET,
    a_client,
    a_public_client,
    a_server,
    basic,
)
from tests.openid.builders import RING

T = TypeVar("T")
ADDRESS = "192.0.2.7"
SCOPE = Scope({"openid", "email", "read", "write"})
STORE = "sqlite:replay.db"


def a_tv(client_id: str = "tv", **fields: Any) -> Client:
    """A public client on a device, which may refresh."""
    given = {
        "grant_types": (GRANT_TYPE, "refresh_token"),
        "redirect_uris": (),
        "scope": SCOPE,
        "resources": (API, OTHER_API),
    }
    return a_public_client(client_id, **(given | fields))


def a_console(client_id: str = "console", **fields: Any) -> Client:
    """A confidential client on a device, which may log in in a browser as well."""
    given = {
        "grant_types": (GRANT_TYPE, "refresh_token", "authorization_code"),
        "scope": SCOPE,
        "resources": (API, OTHER_API),
    }
    return a_client(client_id, **(given | fields))


def an_issuer_of_devices(*clients: Client, **registry: Any) -> AuthorizationServer:
    """A server with a store, whose clients are on devices."""
    known = clients or (a_tv(), a_console(), a_client("other"))
    return a_server(*known, **({"ring": RING, "replay_store": STORE} | registry))


class Home:
    """One worker, and everything that happens at it; time passes by arithmetic."""

    def __init__(
        self, folder: Path, server: AuthorizationServer | None = None, store: str = STORE
    ) -> None:
        self.server = server or an_issuer_of_devices()
        self.store: ReplayStore = open_store(store, folder=folder, issuer=ISSUER)
        self.guard = Guard(self.store)
        self._runner = asyncio.Runner()
        self.run(self.store.fault(NOW - 10))

    def run(self, question: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(question)

    def close(self) -> None:
        async def close() -> None:
            self.store.close()

        self.run(close())
        self._runner.close()

    def request(
        self,
        client_id: str,
        now: int,
        *,
        address: str = ADDRESS,
        secret: str = SECRET,
        resource: tuple[str, ...] = (),
        **parameters: str | None,
    ) -> TokenRequest:
        """A request of a client: the public one says its name, others prove it."""
        client = self.server.registry.clients.get(client_id)
        headers = {}
        if client is None or client.is_public:
            parameters = {"client_id": client_id} | parameters
        else:
            headers["authorization"] = basic(client_id, secret)
        pairs = [(name, value) for name, value in parameters.items() if value is not None]
        pairs += [("resource", each) for each in resource]
        form = Form.parse(urlencode(pairs).encode())
        return TokenRequest(form=form, headers=headers, received_at=now, address=address)

    def begin(self, client_id: str = "tv", *, now: int = NOW, **sent: Any) -> dict[str, Any]:
        """What the device is answered that begins. Raises what it is refused for."""
        request = self.request(client_id, now, **sent)

        async def begin() -> Response:
            asked = await self.guard.authenticating(
                self.server, request, lambda: device_authorization.ask(self.server, request)
            )
            await spend(self.store, Use(asked.once), now)
            return await device_authorization.begin(self.store, self.server, asked, now)

        return dict(self.run(begin()).body)

    def refused(self, begin: Callable[[], object]) -> str:
        """By which error the device is refused."""
        try:
            begin()
        except AccessTokenException as error:
            return error.error
        return ""

    def poll(
        self,
        begun: dict[str, Any] | str,
        client_id: str = "tv",
        *,
        now: int = NOW + 10,
        **sent: Any,
    ) -> Response:
        """What the device is answered that asks."""
        code = begun if isinstance(begun, str) else begun["device_code"]
        parameters = {"grant_type": GRANT_TYPE, "device_code": code} | sent
        request = self.request(client_id, now, **parameters)
        return self.run(handler(self.server, request, store=self.store, guard=self.guard))

    def find(self, typed: str, *, now: int = NOW + 1) -> device.Found | None:
        """The request that waits for whoever types this."""
        code = user_code.read(typed)
        assert code is not None
        return self.run(device.find(self.store, self.server, code, now))

    def decide(
        self,
        begun: dict[str, Any],
        session: Session | None = None,
        *,
        allow: bool = True,
        now: int = NOW + 5,
    ) -> bool:
        """What the user says who typed the code, and logged in; False where nobody waits."""
        session = session or a_session(self.server, now=now)
        found = self.find(begun["user_code"], now=now)
        if found is None:
            return False
        asked = device.asked_by(found.request, found.user_code, session.id)
        begun_here = interaction.begin(asked, now)
        requested = next_step(self.server, begun_here, session, now).requested
        answer = (
            grant(self.server, requested, session, now)
            if allow
            else deny(self.server, requested, now)
        )
        assert isinstance(answer, device.DeviceAnswer)
        return self.run(device.settle(self.store, self.server, answer, now))


def altered(code: str) -> str:
    """``code`` with one bit of its ciphertext turned."""
    version, kid, box = code.split(".")
    raw = bytearray(base64.urlsafe_b64decode(box + "=" * (-len(box) % 4)))
    raw[20] ^= 1
    return f"{version}.{kid}.{base64.urlsafe_b64encode(raw).decode().rstrip('=')}"


def logged_in(server: AuthorizationServer, *, now: int = NOW, **fields: Any) -> Session:
    """A session of alice in which more is known of her login than the method."""
    session = a_session(server, now=now)
    assert session.login is not None
    return replace(session, login=replace(session.login, **fields))
