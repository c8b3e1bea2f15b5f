"""``/healthz`` and ``/readyz``: for whoever starts, stops and watches the workers."""

from collections.abc import Callable

from falcon.asgi import Request, Response

from issuer.protocol.replay import ReplayStore
from issuer.protocol.request import Response as Answer
from issuer.resources.answers import write


class Healthz:
    """Alive: the process answers."""

    async def on_get(self, _: Request, resp: Response) -> None:
        """Always 200."""
        write(resp, Answer(status=200, body={"alive": True}))

    async def on_head(self, req: Request, resp: Response) -> None:
        """The same without its body."""
        await self.on_get(req, resp)


class Readyz:
    """Ready: what is in force, what on disk was refused, and whether codes can be spent.

    A file that was refused does not make a worker unready: the last good one is in force.
    """

    def __init__(
        self,
        *,
        status: Callable[[], dict[str, object]],
        store: ReplayStore,
        clock: Callable[[], int],
    ) -> None:
        self._status = status
        self._store = store
        self._clock = clock

    async def on_get(self, _: Request, resp: Response) -> None:
        """200 where every grant works here, 503 where those that need the store do not."""
        fault = await self._store.fault(self._clock())
        body = {"ready": not fault, "replay_store": fault or "available", **self._status()}
        write(resp, Answer(status=503 if fault else 200, body=body))

    async def on_head(self, req: Request, resp: Response) -> None:
        """The same without its body."""
        await self.on_get(req, resp)
