"""``GET`` and ``POST /userinfo``."""

from collections.abc import Callable
from dataclasses import dataclass

from falcon.asgi import Request, Response

from issuer import errors, possession
from issuer.browser.userinfo import challenged, sign, tell
from issuer.errors import InvalidGrant, TemporarilyUnavailable
from issuer.protocol.form import Form
from issuer.protocol.replay import ReplayStore, spend
from issuer.protocol.request import Response as Answer
from issuer.protocol.request import TokenRequest
from issuer.resources.answers import write
from issuer.resources.client_certificate import client_certificates
from issuer.resources.endpoint import NO_PROOFS, proofs, read_headers
from issuer.server import AuthorizationServer
from issuer.token import TokenGenerator
from keys import AccessRefused, InvalidToken
from keys.errors import Challenged, InvalidDPoPProof

_NO_FORM = Form({})


@dataclass(frozen=True, slots=True, kw_only=True)
class UserinfoResource:
    """The userinfo endpoint. Tokens are read from the Authorization header, and nowhere else."""

    url: str
    """Where the metadata say that it is."""
    server: Callable[[], AuthorizationServer]
    store: ReplayStore
    clock: Callable[[], int]

    async def on_get(self, req: Request, resp: Response) -> None:
        """Says who the user is, or why it does not (RFC 6750 section 3.1, RFC 9449 section 7.1)."""
        headers, server = read_headers(req), self.server()
        certificates = client_certificates(req, server)
        request = TokenRequest(
            form=_NO_FORM,
            headers=headers,
            received_at=self.clock(),
            method=req.method,
            url=self.url,
            dpop=proofs(headers) if "dpop" in headers else NO_PROOFS,
            certificate=certificates[0] if certificates else None,
        )
        jwt = None
        try:
            answer, jwt = await self._tell(server, request)
        except Challenged as refused:
            answer = _refusal(challenged(server, request, refused))
        except TemporarilyUnavailable as unavailable:
            answer = TokenGenerator.error_response(unavailable)
        write(resp, possession.answered(server, request, answer))
        if jwt is not None:
            resp.data, resp.content_type = jwt.encode(), "application/jwt"

    async def on_head(self, req: Request, resp: Response) -> None:
        """The same without its body."""
        await self.on_get(req, resp)

    async def on_post(self, req: Request, resp: Response) -> None:
        """The same (OpenID Connect Core section 5.3.1); what is in the body is not looked at."""
        await self.on_get(req, resp)
        if req.content_length != 0:
            resp.set_header("Connection", "close")

    async def _tell(
        self, server: AuthorizationServer, request: TokenRequest
    ) -> tuple[Answer, str | None]:
        """The answer, and the JWT that takes the place of its body, if one does."""
        told = tell(server, request)
        try:
            await spend(self.store, told.use, request.received_at)
        except InvalidGrant:
            raise InvalidToken("revoked") from None
        except errors.InvalidDPoPProof as refused:
            raise InvalidDPoPProof(refused.detail) from None
        jwt = sign(server, told, request.received_at)
        return Answer(status=200, body=told.claims), jwt


def _refusal(refused: AccessRefused) -> Answer:
    return Answer(
        status=refused.status,
        body={"error": refused.error, "error_description": str(refused)},
        headers=refused.headers,
        log={"detail": refused.detail},
    )
