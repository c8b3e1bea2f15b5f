"""``POST /token``."""

from dataclasses import dataclass

from falcon.asgi import Request, Response

from issuer.resources.answers import write
from issuer.resources.endpoint import Endpoint
from issuer.token import TokenGenerator


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenResource(Endpoint):
    """The token endpoint (RFC 6749 section 3.2)."""

    generator: TokenGenerator

    async def on_post(self, req: Request, resp: Response) -> None:
        """Reads a form, answers JSON."""
        server, request = await self.receive(req)
        answer = await self.generator(server, request, store=self.store, guard=self.guard)
        write(resp, answer)
