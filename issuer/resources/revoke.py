"""``POST /revoke`` (RFC 7009)."""

from falcon.asgi import Request, Response

from issuer import revoking
from issuer.errors import AccessTokenException
from issuer.resources.answers import write
from issuer.resources.endpoint import Endpoint
from issuer.token import TokenGenerator


class RevokeResource(Endpoint):
    """The revocation endpoint: client authentication as at the token endpoint."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Reads a form, answers an empty object: clients look at the status alone."""
        server, request = await self.receive(req)
        try:
            asked = await self.spending(server, request, lambda: revoking.validate(server, request))
            answer = await revoking.revoke(self.store, asked, request.received_at)
        except AccessTokenException as error:
            answer = TokenGenerator.error_response(error)
        write(resp, answer)
