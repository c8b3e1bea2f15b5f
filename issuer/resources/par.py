"""``POST /par`` (RFC 9126)."""

from collections.abc import Callable

from falcon.asgi import Request, Response

from issuer.browser import pushed
from issuer.errors import AccessTokenException
from issuer.guard import Guard
from issuer.resources.answers import write
from issuer.resources.token import read_request
from issuer.server import AuthorizationServer
from issuer.token import TokenGenerator


class PARResource:
    """The pushed authorization request endpoint: client authentication as at the token endpoint."""

    def __init__(
        self,
        *,
        server: Callable[[], AuthorizationServer],
        guard: Guard,
        clock: Callable[[], int],
    ) -> None:
        self._server = server
        self._guard = guard
        self._clock = clock

    async def on_post(self, req: Request, resp: Response) -> None:
        """Reads a form, answers JSON."""
        server = self._server()
        request = await read_request(req, server, self._clock)
        try:
            answer = await self._guard.authenticating(
                server, request, lambda: pushed.push(server, request)
            )
        except AccessTokenException as error:
            answer = TokenGenerator.error_response(error)
        write(resp, answer)
