"""A token endpoint that runs: asked once to see that it is right, asked often to see how fast."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

import jwt

from tests.bench import load
from tests.bench.figures import Rate
from tests.bench.load import Load, TokenForm
from tests.bench.processes import cpu_seconds, running
from tests.builders import API

TOKEN = "/token"
INTROSPECT = "/introspect"
REVOKE = "/revoke"
PATIENCE = 120
"""Seconds until nothing is expected any more: a worker may be reading a million clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a contender listens, and the process group that it is."""

    url: str
    jwks_path: str
    group: int

    @property
    def token(self) -> str:
        """The token endpoint; every contender has it at the same path."""
        return self.url + TOKEN

    def rate(
        self,
        forms: list[TokenForm],
        requests: Path,
        seconds: float,
        *,
        path: str = TOKEN,
        cores: str = "1",
        connections: int = load.CONNECTIONS,
    ) -> Rate:
        """Its answers to load from ``cores``, proved to be right ones before and after."""
        with self._proved(forms, requests, path):
            before = cpu_seconds(self.group)
            url = self.url + path
            done = load.run(url, requests, seconds, cores=cores, connections=connections)
            used = cpu_seconds(self.group) - before
        return Rate(done.answers / done.seconds, used / done.seconds, done.tail)

    def waits(
        self, forms: list[TokenForm], requests: Path, seconds: float, *, connections: int
    ) -> Load:
        """How long so many connections wait for its answers, from the moment they connect."""
        with self._proved(forms, requests, TOKEN):
            return load.run(self.token, requests, seconds, cores="1", connections=connections)

    @contextmanager
    def _proved(self, forms: list[TokenForm], requests: Path, path: str) -> Iterator[None]:
        """Runs, and has ``requests`` to answer; its answers are right ones before and after.

        The first and the last form are for that alone: a code may be good once.
        """
        load.write(requests, forms[1:-1])
        with running(self.group):
            self._check(forms[0], path)
            yield
            self._check(forms[-1], path)

    def _check(self, form: TokenForm, path: str) -> None:
        if path == INTROSPECT:
            assert ask(self.url + path, form)["active"] is True
        elif path == REVOKE:
            assert ask(self.url + path, form) == {}
        else:
            self._check_token(form)

    def _check_token(self, form: TokenForm) -> None:
        token = str(ask(self.token, form)["access_token"])
        with urlopen(self.url + self.jwks_path) as answer:  # noqa: S310  the address is ours
            keys = jwt.PyJWKSet.from_json(answer.read().decode())
        header = jwt.get_unverified_header(token)
        audience = dict(form.parameters).get("resource", API)
        claims = jwt.decode(
            token, keys[header["kid"]], algorithms=["ES256"], audience=audience, issuer=self.url
        )
        assert header["typ"] == ("mac-at+jwt" if "jwe" in claims.get("cnf", {}) else "at+jwt")
        assert claims["client_id"] == form.client_id
        assert claims["scope"] == "read write"


def ask(url: str, form: TokenForm) -> dict[str, Any]:
    """The JSON that answers ``form``. A refusal is an ``HTTPError``."""
    request = Request(url, form.body.encode(), form.headers)  # noqa: S310
    with urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310
        return dict(json.load(answer))


def is_answered(url: str, form: TokenForm) -> bool:
    """Whether somebody listens yet. A refusal is an ``HTTPError``."""
    try:
        return bool(ask(url, form)["access_token"])
    except HTTPError:
        raise
    except URLError:
        return False
