"""Asks a token endpoint as fast as one core can, by wrk."""

import json
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from tests.builders import basic

SCRIPT = Path(__file__).with_name("load.lua")
CONNECTIONS = 16
"""Kept alive throughout; enough that the server always has a next request."""
TIMEOUT = 10
"""Seconds until an answer is given up. A long wait is to be measured, not to end the run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """How many tokens came in which time."""

    answers: int
    seconds: float
    mean_wait: float
    """Seconds from a request to its answer."""
    median_wait: float
    """Seconds in which half of them were answered."""
    p99_wait: float
    """Seconds that one in a hundred waited for, or longer."""

    @property
    def tail(self) -> float:
        """How many times the median wait the p99 is."""
        return self.p99_wait / self.median_wait


class Failed(Exception):
    """Some answers were no tokens, so the number of them means nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenForm:
    """A token request by client_secret_basic, over a connection with a certificate, or by what its
    parameters say."""

    client_id: str
    client_secret: str
    parameters: tuple[tuple[str, str], ...]
    dpop: str = ""
    """The proof in its header ``DPoP``; empty where it has none."""
    certificate: str = ""
    """What a proxy would say in ``Client-Cert``; empty where there is no secret either."""

    @property
    def authorization(self) -> str:
        """The header; empty where something else takes its place."""
        if self.certificate or not self.client_secret:
            return ""
        return basic(self.client_id, self.client_secret)

    @property
    def headers(self) -> dict[str, str]:
        """What says who sends it."""
        if self.certificate:
            return {"Client-Cert": self.certificate}
        return {"Authorization": self.authorization} if self.client_secret else {}

    @property
    def body(self) -> str:
        """The form."""
        return urlencode(self.parameters)


def write(requests: Path, forms: Iterable[TokenForm]) -> None:
    """Writes the file that ``load.lua`` reads."""
    requests.write_text("".join(f"{_line(form)}\n" for form in forms))


def _line(form: TokenForm) -> str:
    columns = (form.authorization, form.body, form.dpop, form.certificate)
    return "\t".join(columns).rstrip("\t")


def run(
    url: str, requests: Path, seconds: float, *, cores: str, connections: int = CONNECTIONS
) -> Load:
    """Asks for ``seconds`` from ``cores``, over so many connections at once.

    Raises:
        Failed: an answer was a refusal, or a connection broke.
    """
    command = _wrk(url, requests, seconds, cores, connections)
    return parse(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


@contextmanager
def in_background(url: str, requests: Path, *, cores: str) -> Iterator[None]:
    """Load for as long as what is within takes."""
    command = _wrk(url, requests, 3600, cores, CONNECTIONS)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            yield
        finally:
            process.kill()


def parse(output: str) -> Load:
    """What ``load.lua`` said last. Raises ``Failed`` where it speaks of other than tokens."""
    said = json.loads(output.splitlines()[-1])
    if said["refused"] or said["broken"] or not said["answers"]:
        raise Failed(str(said))
    return Load(
        answers=said["answers"],
        seconds=said["microseconds"] / 1e6,
        mean_wait=said["mean"] / 1e6,
        median_wait=said["median"] / 1e6,
        p99_wait=said["p99"] / 1e6,
    )


def _wrk(url: str, requests: Path, seconds: float, cores: str, connections: int) -> list[str]:
    kept = ["-t1", f"-c{connections}", f"-d{seconds:.0f}s", f"--timeout={TIMEOUT}s"]
    return ["taskset", "-c", cores, "wrk", *kept, "-s", str(SCRIPT), url, "--", str(requests)]
