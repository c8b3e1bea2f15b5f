"""``GET`` and ``POST /userinfo``."""

from collections.abc import Callable

from falcon.asgi import Request, Response

from issuer.browser.userinfo import tell
from issuer.errors import InvalidGrant, TemporarilyUnavailable
from issuer.protocol.replay import ReplayStore, Use, spend
from issuer.protocol.request import Response as Answer
from issuer.resources.answers import write
from issuer.resources.endpoint import read_headers
from issuer.server import AuthorizationServer
from issuer.token import TokenGenerator
from keys import AccessRefused, InvalidToken


class UserinfoResource:
    """The userinfo endpoint. Tokens are read from the Authorization header, and nowhere else."""

    def __init__(
        self,
        *,
        server: Callable[[], AuthorizationServer],
        store: ReplayStore,
        clock: Callable[[], int],
    ) -> None:
        self._server = server
        self._store = store
        self._clock = clock

    async def on_get(self, req: Request, resp: Response) -> None:
        """Says who the user is, or why it does not (RFC 6750 section 3.1)."""
        authorization = read_headers(req).get("authorization")
        try:
            answer = await self._tell(authorization)
        except AccessRefused as refused:
            answer = _refusal(refused)
        except TemporarilyUnavailable as unavailable:
            answer = TokenGenerator.error_response(unavailable)
        write(resp, answer)

    async def on_head(self, req: Request, resp: Response) -> None:
        """The same without its body."""
        await self.on_get(req, resp)

    async def on_post(self, req: Request, resp: Response) -> None:
        """The same (OpenID Connect Core section 5.3.1); what is in the body is not looked at."""
        await self.on_get(req, resp)
        if req.content_length != 0:
            resp.set_header("Connection", "close")

    async def _tell(self, authorization: str | None) -> Answer:
        now = self._clock()
        told = tell(self._server(), authorization, now)
        try:
            await spend(self._store, Use(standing=(told.standing,)), now)
        except InvalidGrant:
            raise InvalidToken("revoked") from None
        return Answer(status=200, body=told.claims)


def _refusal(refused: AccessRefused) -> Answer:
    return Answer(
        status=refused.status,
        body={"error": refused.error, "error_description": str(refused)},
        headers=refused.headers,
        log={"detail": refused.detail},
    )
