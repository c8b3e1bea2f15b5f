"""Ever more of what answers a request, from the parser alone to the whole issuer.

Each is given the same requests, and where there is no issuer yet, what answers instead is an
application that sends the issuer's own answer. What a layer costs is what it adds to those below.
"""

import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import falcon.asgi
import httptools
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from issuer.app import create_app
from issuer.load import load
from issuer.protocol.form import Form
from issuer.protocol.request import TokenRequest
from issuer.resources.router import ExactRouter
from issuer.serving.protocol import Protocol
from issuer.token import handler
from tests.bench.clients import client_credentials, form, spread
from tests.bench.driving import Driver, request
from tests.bench.load import TokenForm
from tests.bench.names import FEW
from tests.bench.ours import Ours
from tests.bench.signing import MESSAGE

Ask = Callable[[int], Awaitable[object]]
"""Answers so many requests."""

GRANTS = ("client_credentials", "refresh_token", "authorization_code")
DIFFERENT = 64
"""Requests, sent in turn; each is of another client or for another token."""

PARSER = "httptools"
UVICORN = "uvicorn's protocol, and an application that answers at once"
OURS = "our protocol, and the same"
FALCON = "our protocol, Falcon, and a resource that answers at once"
TOKEN_PATH = "validate and grant_response"
SIGNATURE = "one ES256 signature"
WHOLE = "everything"
STACKS = (PARSER, UVICORN, OURS, FALCON, TOKEN_PATH, SIGNATURE, WHOLE)
"""In the order of ``stacks``."""


async def stacks(directory: Path, grant: str) -> Mapping[str, Ask]:
    """Each of the above, for requests by ``grant``."""
    directory.mkdir()
    issuer = Ours(directory / "issuer", FEW)
    application: Any = create_app(issuer.registry, issuer.keyring)
    whole = Driver(application, Protocol)
    forms = await _forms(grant, issuer, whole)
    requests = [request(each) for each in forms]
    (answer,) = await whole.ask(requests[:1])
    assert answer.startswith(b"HTTP/1.1 200"), answer
    head, body = answer.split(b"\r\n\r\n", 1)
    headers = [tuple(line.split(b": ", 1)) for line in head.split(b"\r\n")[1:]]
    headers = [(name, value) for name, value in headers if name != b"date"]

    async def bare(scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return MappingProxyType(
        {
            PARSER: _parsing(requests),
            UVICORN: _driving(Driver(bare, HttpToolsProtocol), requests),
            OURS: _driving(Driver(bare, Protocol), requests),
            FALCON: _driving(Driver(_falcon(body), Protocol), requests),
            TOKEN_PATH: _granting(issuer, forms),
            SIGNATURE: _signing(convergent=grant == "authorization_code"),
            WHOLE: _driving(whole, requests),
        }
    )


async def _forms(grant: str, issuer: Ours, driver: Driver) -> Sequence[TokenForm]:
    if grant == "client_credentials":
        return client_credentials(FEW)[:DIFFERENT]
    codes = issuer.codes(DIFFERENT)
    if grant == "authorization_code":
        return codes
    answers = await driver.ask([request(code) for code in codes])
    given = [json.loads(answer.split(b"\r\n\r\n", 1)[1])["refresh_token"] for answer in answers]
    return [
        form(number, grant_type=grant, refresh_token=refresh_token)
        for number, refresh_token in zip(spread(FEW, DIFFERENT), given, strict=True)
    ]


def _driving(driver: Driver, requests: Sequence[bytes]) -> Ask:
    async def ask(count: int) -> None:
        await driver.ask([requests[number % DIFFERENT] for number in range(count)])

    return ask


class _Heedless:
    """What a parser tells of a request, for nobody."""

    def on_url(self, url: bytes) -> None: ...

    def on_header(self, name: bytes, value: bytes) -> None: ...

    def on_headers_complete(self) -> None: ...

    def on_body(self, body: bytes) -> None: ...

    def on_message_complete(self) -> None: ...


def _parsing(requests: Sequence[bytes]) -> Ask:
    parser = httptools.HttpRequestParser(_Heedless())

    async def ask(count: int) -> None:
        for number in range(count):
            parser.feed_data(requests[number % DIFFERENT])

    return ask


def _falcon(body: bytes) -> Any:
    class AtOnce:
        async def on_post(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
            await req.stream.read(req.content_length)
            resp.data = body
            resp.set_header("cache-control", "no-store")

    router: Any = ExactRouter()
    application = falcon.asgi.App(router=router, media_type=falcon.MEDIA_JSON)
    application.add_route("/token", AtOnce())
    return application


def _granting(issuer: Ours, forms: Sequence[TokenForm]) -> Ask:
    now = int(time.time())
    server = load(issuer.registry, issuer.keyring, now)
    requests = [(each.body.encode(), {"authorization": each.authorization}) for each in forms]

    async def ask(count: int) -> None:
        for number in range(count):
            body, headers = requests[number % DIFFERENT]
            asked = TokenRequest(form=Form.parse(body), headers=headers, received_at=now)
            handler.grant_response(server, handler.validate(server, asked))

    return ask


def _signing(*, convergent: bool) -> Ask:
    """Convergent ones are the same for the same claims, as a code's are that is redeemed again."""
    key = ec.generate_private_key(ec.SECP256R1())
    algorithm = ec.ECDSA(SHA256(), deterministic_signing=convergent)

    async def ask(count: int) -> None:
        for _ in range(count):
            key.sign(MESSAGE, algorithm)

    return ask
