"""What things happen to: two replicas of two workers each, HAProxy before them, and their store."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from issuer.metadata import JWKS
from keys import Verifier
from tests.builders import API
from tests.faults import balancer
from tests.faults.ledger import Ledger
from tests.redis_server import RedisServer
from tests.running import RunningIssuer, free_port, registry_table

WORKERS = 2
METADATA = "/.well-known/oauth-authorization-server"


@dataclass
class Stage:
    """Everything that runs."""

    url: str
    directory: Path
    replicas: tuple[RunningIssuer, RunningIssuer]
    store: str
    """``none``, ``sqlite`` or ``redis``."""
    redis: RedisServer | None = None

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.directory / "store" / "replay.db"

    def workers(self) -> list[int]:
        """Every process that answers."""
        return [pid for each in self.replicas for pid in each.workers()]

    def revocation_endpoint(self) -> str | None:
        """Where tokens are taken back, if they can be."""
        found = httpx.get(self.replicas[0].origin + METADATA).json().get("revocation_endpoint")
        return None if found is None else self.url + httpx.URL(found).path


@contextmanager
def set_up(store: str, directory: Path, redis: RedisServer | None = None) -> Iterator[Stage]:
    """Two replicas with the store of this kind, and HAProxy, until it is over."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    (directory / "store").mkdir(exist_ok=True)
    table = registry_table(url, replay_store=_replay_store(store, redis))
    table["issuer"]["authorization_code_lifetime"] = 60
    if store != "none":
        table["clients"]["spa"]["grant_types"].append("refresh_token")
    with ExitStack() as closing:
        ports = free_port(), free_port()
        replicas = _written(directory, table, ports[0]), RunningIssuer(directory, port=ports[1])
        for each in replicas:
            closing.callback(each.stop)
            each.start(workers=WORKERS)
        closing.enter_context(balancer.started(directory, port, *ports))
        yield Stage(url, directory, replicas, store, redis)


def _replay_store(store: str, redis: RedisServer | None) -> str:
    if redis is not None:
        return redis.url
    return {"none": "none", "sqlite": "sqlite:store/replay.db"}[store]


def _written(directory: Path, table: dict[str, object], port: int) -> RunningIssuer:
    running = RunningIssuer(directory, port=port)
    running.write_registry(table)
    return running


def check_afterwards(stage: Stage, ledger: Ledger) -> None:
    """I2 and I4: every token verifies by what is published, and no log says a secret."""
    jwks = stage.replicas[0].http.get(JWKS).json()
    verifier = Verifier(issuer=stage.url, audience=API, keys=jwks)
    for token, at in ledger.access_tokens:
        try:
            verifier.verify(token, now=int(at))
        except Exception as error:  # noqa: BLE001  whatever it is, it is one that does not verify
            ledger.report(f"I2: an access token does not verify: {error!r}")
    logs = "".join(each.log.read_text(errors="replace") for each in stage.replicas)
    if any(secret in logs for secret in ledger.secrets):
        ledger.report("I4: a log has a code or refresh token in it")
    if "Traceback" in logs:
        ledger.report(f"a log has a traceback in it: {logs[logs.index('Traceback') :][:3000]}")
