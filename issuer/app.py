"""The composition root: the only place that knows all the parts, and reads the clock."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import falcon
import falcon.asgi

from issuer.errors import AccessTokenException
from issuer.feed import Feed
from issuer.guard import Guard
from issuer.metadata import (
    AUTHORIZE,
    CONSENT,
    DEVICE,
    DEVICE_AUTHORIZATION,
    INTROSPECT,
    JWKS,
    LOGIN,
    LOGIN_CALLBACK,
    LOGOUT,
    PAR,
    REVOCATIONS,
    REVOKE,
    TOKEN,
    USERINFO,
    base_path,
    metadata_paths,
)
from issuer.protocol.replay import ReplayStore
from issuer.registry import files
from issuer.reload import Reloader
from issuer.remembered import Remembered
from issuer.resources import answers
from issuer.resources.access_log import AccessLog
from issuer.resources.authorize import AuthorizeResource
from issuer.resources.browser import Browser
from issuer.resources.consent import ConsentResource
from issuer.resources.cors import CORS
from issuer.resources.device import DeviceResource
from issuer.resources.device_authorization import DeviceAuthorizationResource
from issuer.resources.documents import Document, render_jwks, render_metadata
from issuer.resources.ending import Ending
from issuer.resources.endpoint import Endpoint
from issuer.resources.front import FrontResource
from issuer.resources.health import Healthz, Readyz
from issuer.resources.introspect import IntrospectResource
from issuer.resources.login import LoginCallbackResource, LoginResource
from issuer.resources.logout import LogoutResource
from issuer.resources.par import PARResource
from issuer.resources.revocations import RevocationsResource
from issuer.resources.revoke import RevokeResource
from issuer.resources.router import ExactRouter
from issuer.resources.token import TokenResource
from issuer.resources.userinfo import UserinfoResource
from issuer.server import AuthorizationServer
from issuer.serving.logout_tokens import LogoutTokens
from issuer.serving.logs import JSONHandler, LineWriter
from issuer.serving.pace import Pace
from issuer.serving.published_keys import PublishedKeys
from issuer.serving.stretching import Stretcher
from issuer.stores import open_store
from issuer.token import TokenGenerator, handler

STDOUT = 1

_ENDPOINTS: Mapping[str, type[Endpoint]] = MappingProxyType(
    {REVOKE: RevokeResource, INTROSPECT: IntrospectResource, PAR: PARResource}
)
"""Where clients authenticate themselves, beside the token endpoint, which has a policy as well."""


def clock() -> int:
    """Now, in whole seconds since 1970."""
    return int(time.time())


class Closing(Protocol):
    """What has something to let go of."""

    def close(self) -> None:
        """Lets go of it."""


class Lifespan:
    """What starts and stops with the worker: Falcon calls it."""

    def __init__(
        self,
        reloader: Reloader,
        store: ReplayStore,
        remembered: Remembered | None,
        logout_tokens: LogoutTokens,
        closing: tuple[Closing, ...],
        clock: Callable[[], int],
    ) -> None:
        self._reloader = reloader
        self._store = store
        self._remembered = remembered
        self._logout_tokens = logout_tokens
        self._clock = clock
        self._closing = closing
        self._watching: list[asyncio.Task[None]] = []

    async def process_startup(self, _: object, __: object) -> None:
        """Starts looking for changes of the two files, and remembering what is spent or revoked."""
        # Whatever the answer: a store's memory begins when it is first asked, and codes that were
        # issued before it begins are refused.
        await self._store.fault(self._clock())
        self._watching.append(asyncio.create_task(self._reloader.watch()))
        if self._remembered is not None:
            self._watching.append(asyncio.create_task(self._remembered.watch()))

    async def process_shutdown(self, _: object, __: object) -> None:
        """Stops that, tells clients what they are waiting for, and lets go of everything."""
        await self._logout_tokens.close()
        for task in self._watching:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        for each in self._closing:
            each.close()


def create_app(
    registry: Path,
    keyring: Path,
    *,
    generator: TokenGenerator = handler,
    clock: Callable[[], int] = clock,
    access_log: bool = True,
) -> falcon.asgi.App[Any, Any]:
    """The issuer that these two files describe, as an ASGI application.

    Raises:
        load.Refused: they describe none.
    """
    reloader = Reloader(registry, keyring, clock=clock)
    settings = reloader.server.registry.issuer
    folder = files.folder_of(registry)
    store = open_store(settings.replay_store, folder=folder, issuer=settings.url)
    remembered = Remembered(store, clock=clock) if settings.has_store else None
    stretcher, writer = Stretcher(), LineWriter(STDOUT)
    logout_tokens = LogoutTokens(server=lambda: reloader.server, clock=clock)
    published_keys = PublishedKeys(clock=clock)
    guard = Guard(store, stretch=stretcher, hold=Pace())
    closing = (store, stretcher, published_keys, writer)
    _log_to(writer, clock)
    middleware: Any = [Lifespan(reloader, store, remembered, logout_tokens, closing, clock)]
    if access_log:
        middleware.append(AccessLog(writer.write, server=lambda: reloader.server, clock=clock))
    base = base_path(settings.url)
    methods = {base + TOKEN: "POST", base + REVOKE: "POST", base + USERINFO: "GET, POST"}
    if settings.has_store:  # many a television is a browser without a keyboard
        methods[base + DEVICE_AUTHORIZATION] = "POST"
    public = frozenset({base + JWKS, base + REVOCATIONS, *metadata_paths(settings.url)})
    middleware.append(CORS(methods, public=public, server=lambda: reloader.server))
    router: Any = ExactRouter()  # Falcon's types know its own router only
    app = falcon.asgi.App(router=router, middleware=middleware, media_type=falcon.MEDIA_JSON)
    app.add_error_handler(Exception, answers.fault)
    app.add_error_handler(falcon.HTTPError, answers.http_error)
    app.add_error_handler(AccessTokenException, answers.refused)
    ending = Ending(store, logout_tokens.send)
    proving: Any = {"guard": guard, "published_keys": published_keys}
    _add_routes(app, reloader, store, proving, generator, ending, clock)
    if remembered is not None:
        feed = Feed(remembered, server=lambda: reloader.server, clock=clock)
        app.add_route(base + REVOCATIONS, RevocationsResource(feed))
    return app


def _add_routes(
    app: falcon.asgi.App[Any, Any],
    reloader: Reloader,
    store: ReplayStore,
    proving: Any,
    generator: TokenGenerator,
    ending: Ending,
    clock: Callable[[], int],
) -> None:
    def server() -> AuthorizationServer:
        return reloader.server

    issuer = server().issuer
    base = base_path(issuer)
    parts: Any = {"server": server, "store": store, "clock": clock}
    token = TokenResource(generator=generator, url=issuer + TOKEN, **parts, **proving)
    app.add_route(base + TOKEN, token)
    for path, endpoint in _ENDPOINTS.items():
        app.add_route(base + path, endpoint(url=issuer + path, **parts, **proving))
    app.add_route(base + USERINFO, UserinfoResource(url=issuer + USERINFO, **parts))
    browser = Browser(issuer, server=server, store=store, clock=clock)
    for front in {"/", base or "/"}:
        app.add_route(front, FrontResource(browser))
    keys = proving["published_keys"]
    authorize = AuthorizeResource(browser, store=store, published_keys=keys)
    app.add_route(base + AUTHORIZE, authorize)
    app.add_route(base + CONSENT, ConsentResource(browser))
    app.add_route(base + LOGIN, LoginResource(browser, ending=ending, guard=proving["guard"]))
    callback = LoginCallbackResource(browser, ending=ending, store=store)
    app.add_route(base + LOGIN_CALLBACK, callback)
    app.add_route(base + LOGOUT, LogoutResource(browser, ending=ending))
    if server().registry.issuer.has_store:
        app.add_route(base + DEVICE, DeviceResource(browser, store=store, guard=proving["guard"]))
        begin = DeviceAuthorizationResource(url=issuer + DEVICE_AUTHORIZATION, **parts, **proving)
        app.add_route(base + DEVICE_AUTHORIZATION, begin)
    app.add_route(base + JWKS, Document(render_jwks, server=server, clock=clock))
    metadata = Document(render_metadata, server=server, clock=clock)
    for path in metadata_paths(issuer):
        app.add_route(path, metadata)
    readyz = Readyz(status=reloader.status, store=store, clock=clock)
    for outside in dict.fromkeys(("", base)):  # a proxy may forward what is below the path alone
        app.add_route(outside + "/healthz", Healthz())
        app.add_route(outside + "/readyz", readyz)


def _log_to(writer: LineWriter, clock: Callable[[], int]) -> None:
    log = logging.getLogger("issuer")
    log.handlers = [JSONHandler(writer, clock)]
    log.setLevel(logging.INFO)
    log.propagate = False


def get_app() -> falcon.asgi.App[Any, Any]:
    """The issuer that the environment names: what gunicorn loads."""
    return create_app(files.registry_path(), files.keyring_path())
