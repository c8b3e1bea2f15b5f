"""One line per request, with what its reader needs and nothing that is secret."""

import time
from collections.abc import Callable, Mapping

from falcon.asgi import Request, Response

from issuer.registry.record import rfc3339
from issuer.resources.client_address import client_address
from issuer.server import AuthorizationServer

MAX_PATH = 100
"""Characters of a path that are logged. The query never is: secrets stray there."""


class AccessLog:
    """Middleware of the application."""

    def __init__(
        self,
        write: Callable[[Mapping[str, object]], None],
        *,
        server: Callable[[], AuthorizationServer],
        clock: Callable[[], int],
    ) -> None:
        self._write = write
        self._server = server
        self._clock = clock

    async def process_request(self, req: Request, _: Response) -> None:
        """Starts the watch."""
        req.context.started = time.perf_counter()

    async def process_response(
        self,
        req: Request,
        resp: Response,
        _: object,
        __: bool,  # noqa: FBT001  Falcon's interface
    ) -> None:
        """Writes the line."""
        self._write(
            {
                "time": rfc3339(self._clock()),
                "remote_addr": client_address(req, self._server()),
                "method": req.method,
                "path": req.path[:MAX_PATH],
                "status": resp.status_code,
                "duration_us": int((time.perf_counter() - req.context.started) * 1e6),
                **getattr(resp.context, "log", {}),
            }
        )
