"""The process that answers requests: uvicorn under gunicorn, with uvloop and httptools."""

import gc
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker


class Worker(UvicornWorker):  # type: ignore[misc]  # uvicorn_worker ships no types
    """Uvicorn without what this application does itself or never needs."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": "httptools",
        "ws": "none",
        "interface": "asgi3",
        "lifespan": "on",
        "access_log": False,  # issuer/resources/access_log.py writes it, without the query
        "proxy_headers": False,  # nothing is decided by what a proxy says (RFC 9700 section 4.13)
        "server_header": False,
    }

    async def _serve(self) -> None:
        # What was loaded stays: looking through it for cycles again and again takes a tenth of the
        # processor. What a request makes is gone with its last reference.
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 20, 100)
        await super()._serve()
