"""Settings for gunicorn; a ``gunicorn.conf.py`` of one line takes them all, and may change any."""

import contextlib
import os
import sys

from gunicorn.arbiter import Arbiter

from issuer.app import clock
from issuer.load import Refused, load, share
from issuer.registry import files
from issuer.registry.freeing import no_collection
from issuer.serving import listening

wsgi_app = "issuer.app:get_app()"
worker_class = "issuer.serving.worker.Worker"
workers = int(os.environ.get("WEB_CONCURRENCY") or len(os.sched_getaffinity(0)))
bind = listening.addresses(os.environ.get("PORT"))
keepalive = 75
"""Seconds that an idle connection stays: longer than load balancers keep theirs."""
graceful_timeout = 20
"""Seconds that requests under way get when a worker is told to stop."""
timeout = 10
"""Seconds after which a worker that hangs is replaced."""
control_socket_disable = True


def on_starting(_: Arbiter) -> None:
    """Before there is a socket: files that describe no issuer end it here."""
    try:
        _share()
    except Refused as refused:
        print(*refused.problems, sep="\n", file=sys.stderr)
        print("The issuer was not started; `issuer check` says the same.", file=sys.stderr)
        raise SystemExit(1) from None


def on_reload(_: Arbiter) -> None:
    """At SIGHUP, before there are other workers."""
    with contextlib.suppress(Refused):  # they read the files themselves, and say the same
        _share()


def _share() -> None:
    """Reads the registry once for all workers. Everything else is each worker's own: its keys, its
    threads, and its connections to a store."""
    with no_collection():
        share(load(files.registry_path(), files.keyring_path(), clock()).registry)
