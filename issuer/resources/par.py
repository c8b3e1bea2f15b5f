"""``POST /par`` (RFC 9126)."""

from falcon.asgi import Request, Response

from issuer import possession
from issuer.browser import pushed
from issuer.errors import AccessTokenException
from issuer.resources.answers import write
from issuer.resources.endpoint import Endpoint
from issuer.token import TokenGenerator


class PARResource(Endpoint):
    """The pushed authorization request endpoint: client authentication as at the token endpoint."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Reads a form, answers JSON."""
        server, request = await self.receive(req)
        try:
            held = await self.spending(server, request, lambda: pushed.push(server, request))
            answer = held.response
        except AccessTokenException as error:
            answer = TokenGenerator.error_response(error)
        write(resp, possession.answered(server, request, answer))
