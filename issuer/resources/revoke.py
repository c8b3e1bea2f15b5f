"""``POST /revoke`` (RFC 7009)."""

from collections.abc import Callable

from falcon.asgi import Request, Response

from issuer import revoking
from issuer.errors import AccessTokenException
from issuer.guard import Guard
from issuer.protocol.replay import ReplayStore
from issuer.resources.answers import write
from issuer.resources.token import read_request
from issuer.server import AuthorizationServer
from issuer.token import TokenGenerator


class RevokeResource:
    """The revocation endpoint: client authentication as at the token endpoint."""

    def __init__(
        self,
        *,
        server: Callable[[], AuthorizationServer],
        store: ReplayStore,
        guard: Guard,
        clock: Callable[[], int],
    ) -> None:
        self._server = server
        self._store = store
        self._guard = guard
        self._clock = clock

    async def on_post(self, req: Request, resp: Response) -> None:
        """Reads a form, answers an empty object: clients look at the status alone."""
        server = self._server()
        request = await read_request(req, server, self._clock)
        try:
            asked = await self._guard.authenticating(
                server, request, lambda: revoking.validate(server, request)
            )
            answer = await revoking.revoke(self._store, asked, request.received_at)
        except AccessTokenException as error:
            answer = TokenGenerator.error_response(error)
        write(resp, answer)
