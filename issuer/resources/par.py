"""``POST /par`` (RFC 9126)."""

from collections.abc import Callable

from falcon.asgi import Request, Response

from issuer import client_auth
from issuer.browser import pushed
from issuer.errors import AccessTokenException
from issuer.protocol.form import Form
from issuer.protocol.request import Response as Answer
from issuer.protocol.request import TokenRequest
from issuer.resources.answers import write
from issuer.resources.token import read_form, read_headers
from issuer.server import AuthorizationServer
from issuer.serving.stretching import Stretcher
from issuer.token import TokenGenerator


class PARResource:
    """The pushed authorization request endpoint: client authentication as at the token endpoint."""

    def __init__(
        self,
        *,
        server: Callable[[], AuthorizationServer],
        stretch: Stretcher,
        clock: Callable[[], int],
    ) -> None:
        self._server = server
        self._stretch = stretch
        self._clock = clock

    async def on_post(self, req: Request, resp: Response) -> None:
        """Reads a form, answers JSON."""
        headers = read_headers(req)
        form = Form.parse(await read_form(req, headers))
        request = TokenRequest(form=form, headers=headers, received_at=self._clock())
        try:
            answer = await self._push(self._server(), request)
        except AccessTokenException as error:
            answer = TokenGenerator.error_response(error)
        write(resp, answer)

    async def _push(self, server: AuthorizationServer, request: TokenRequest) -> Answer:
        if server.registry.has_stretched_secrets and client_auth.stretches(server, request):
            return await self._stretch(lambda: pushed.push(server, request))
        return pushed.push(server, request)
