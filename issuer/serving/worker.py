"""The process that answers requests: uvicorn under gunicorn, with uvloop and httptools."""

import gc
import signal
import sys
from typing import Any, ClassVar

from uvicorn_worker import UvicornWorker

from issuer.serving.protocol import Protocol


class Worker(UvicornWorker):  # type: ignore[misc]  # uvicorn_worker ships no types
    """Uvicorn without what this application does itself or never needs."""

    CONFIG_KWARGS: ClassVar[dict[str, Any]] = {
        "loop": "uvloop",
        "http": Protocol,
        "ws": "none",
        "interface": "asgi3",
        "lifespan": "on",
        "access_log": False,  # issuer/resources/access_log.py writes it, without the query
        "proxy_headers": False,  # nothing is decided by what a proxy says (RFC 9700 section 4.13)
        "server_header": False,
    }

    def init_signals(self) -> None:
        """Uvicorn raises a signal again once it has shut down; the process then ends in order."""
        super().init_signals()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))

    async def _serve(self) -> None:
        gc.freeze()  # what was loaded stays: nothing in it has to be looked at again
        await super()._serve()
