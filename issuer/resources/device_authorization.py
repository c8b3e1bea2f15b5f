"""``POST /device_authorization`` (RFC 8628 section 3.1)."""

from falcon.asgi import Request, Response

from issuer import possession
from issuer.browser import device_authorization
from issuer.errors import AccessTokenException, naming
from issuer.resources.answers import write
from issuer.resources.endpoint import Endpoint
from issuer.token import TokenGenerator


class DeviceAuthorizationResource(Endpoint):
    """Where a device begins: client authentication as at the token endpoint."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Reads a form, answers JSON."""
        server, request = await self.receive(req)
        try:
            asked = await self.spending(
                server, request, lambda: device_authorization.ask(server, request)
            )
            with naming(asked.client_id):
                answer = await device_authorization.begin(
                    self.store, server, asked, request.received_at
                )
        except AccessTokenException as error:
            answer = TokenGenerator.error_response(error)
        write(resp, possession.answered(server, request, answer))
