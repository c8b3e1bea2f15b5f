"""``POST /introspect`` (RFC 7662, RFC 9701)."""

from collections.abc import Callable

from falcon.asgi import Request, Response

from issuer import client_auth, introspection
from issuer.errors import AccessTokenException
from issuer.introspection import Inquiry
from issuer.protocol.form import Form
from issuer.protocol.replay import ReplayStore
from issuer.protocol.request import Response as Answer
from issuer.protocol.request import TokenRequest
from issuer.resources.answers import write
from issuer.resources.token import read_form, read_headers
from issuer.server import AuthorizationServer
from issuer.serving.stretching import Stretcher
from issuer.token import TokenGenerator

JSON = "application/json"
JWT = f"application/{introspection.TYP}"


class IntrospectResource:
    """The introspection endpoint: for resource servers, which prove who they are as clients do."""

    def __init__(
        self,
        *,
        server: Callable[[], AuthorizationServer],
        store: ReplayStore,
        stretch: Stretcher,
        clock: Callable[[], int],
    ) -> None:
        self._server = server
        self._store = store
        self._stretch = stretch
        self._clock = clock

    async def on_post(self, req: Request, resp: Response) -> None:
        """Reads a form, answers JSON, or a JWT to whoever prefers it."""
        headers = read_headers(req)
        form = Form.parse(await read_form(req, headers))
        request = TokenRequest(form=form, headers=headers, received_at=self._clock())
        server, now, jwt = self._server(), request.received_at, None
        try:
            inquiry = await self._validate(server, request)
            inquiry = await introspection.ask(self._store, inquiry, now)
            if prefers_jwt(req):
                jwt = introspection.sign(server, inquiry, now)
            answer = Answer(status=200, body=introspection.members(inquiry), log=inquiry.log)
        except AccessTokenException as error:
            answer = TokenGenerator.error_response(error)
        write(resp, answer)
        if jwt is not None:
            resp.data, resp.content_type = jwt.encode(), JWT

    async def _validate(self, server: AuthorizationServer, request: TokenRequest) -> Inquiry:
        if client_auth.stretches(server, request, server.registry.resource_servers):
            return await self._stretch(lambda: introspection.validate(server, request))
        return introspection.validate(server, request)


def prefers_jwt(req: Request) -> bool:
    """True where the request names the type of RFC 9701, and prefers it or nothing."""
    accept = req.get_header("Accept") or ""
    return introspection.TYP in accept and req.client_prefers([JWT, JSON]) == JWT
