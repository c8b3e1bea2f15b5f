"""``POST /revoke`` (RFC 7009)."""

from collections.abc import Callable

from falcon.asgi import Request, Response

from issuer import client_auth, revoking
from issuer.errors import AccessTokenException
from issuer.protocol.form import Form
from issuer.protocol.replay import ReplayStore
from issuer.protocol.request import TokenRequest
from issuer.resources.answers import write
from issuer.resources.token import read_form, read_headers
from issuer.revoking import Asked
from issuer.server import AuthorizationServer
from issuer.serving.stretching import Stretcher
from issuer.token import TokenGenerator


class RevokeResource:
    """The revocation endpoint: client authentication as at the token endpoint."""

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
        """Reads a form, answers an empty object: clients look at the status alone."""
        headers = read_headers(req)
        form = Form.parse(await read_form(req, headers))
        request = TokenRequest(form=form, headers=headers, received_at=self._clock())
        try:
            asked = await self._validate(self._server(), request)
            answer = await revoking.revoke(self._store, asked, request.received_at)
        except AccessTokenException as error:
            answer = TokenGenerator.error_response(error)
        write(resp, answer)

    async def _validate(self, server: AuthorizationServer, request: TokenRequest) -> Asked:
        if client_auth.stretches(server, request):
            return await self._stretch(lambda: revoking.validate(server, request))
        return revoking.validate(server, request)
