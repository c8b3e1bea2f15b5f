"""``POST /par`` (RFC 9126)."""

from falcon.asgi import Request, Response

from issuer import possession
from issuer.browser import pushed
from issuer.errors import AccessTokenException, naming
from issuer.protocol.replay import Use, spend
from issuer.resources.answers import write
from issuer.resources.endpoint import Endpoint
from issuer.token import TokenGenerator


class PARResource(Endpoint):
    """The pushed authorization request endpoint: client authentication as at the token endpoint."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Reads a form, answers JSON."""
        server, request = await self.receive(req)
        try:
            answer, once = await self.guard.authenticating(
                server, request, lambda: pushed.push(server, request)
            )
            with naming(answer.log["client_id"]):
                await spend(self.store, Use(once), request.received_at)
        except AccessTokenException as error:
            answer = TokenGenerator.error_response(error)
        write(resp, possession.answered(server, request, answer))
