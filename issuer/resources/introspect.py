"""``POST /introspect`` (RFC 7662, RFC 9701)."""

from falcon.asgi import Request, Response

from issuer import introspection
from issuer.errors import AccessTokenException
from issuer.protocol.request import Response as Answer
from issuer.resources.answers import write
from issuer.resources.endpoint import Endpoint
from issuer.token import TokenGenerator

JSON = "application/json"
JWT = f"application/{introspection.TYP}"


class IntrospectResource(Endpoint):
    """The introspection endpoint: for resource servers, which prove who they are as clients do."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Reads a form, answers JSON, or a JWT to whoever prefers it."""
        server, request = await self.receive(req)
        now, jwt = request.received_at, None
        try:
            inquiry = await self.guard.authenticating(
                server,
                request,
                lambda: introspection.validate(server, request),
                callers=server.registry.resource_servers,
            )
            inquiry = await introspection.ask(self.store, inquiry, now)
            if prefers_jwt(req):
                jwt = introspection.sign(server, inquiry, now)
            answer = Answer(status=200, body=introspection.members(inquiry), log=inquiry.log)
        except AccessTokenException as error:
            answer = TokenGenerator.error_response(error)
        write(resp, answer)
        if jwt is not None:
            resp.data, resp.content_type = jwt.encode(), JWT


def prefers_jwt(req: Request) -> bool:
    """True where the request names the type of RFC 9701, and prefers it or nothing."""
    accept = req.get_header("Accept") or ""
    return introspection.TYP in accept and req.client_prefers([JWT, JSON]) == JWT
