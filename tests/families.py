"""Refresh tokens that rotate, asked of the pure pipeline with a store that really remembers."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from issuer.protocol.replay import Revocation
from issuer.protocol.request import Response
from issuer.protocol.sealed import RefreshToken
from issuer.server import AuthorizationServer
from issuer.stores.sqlite import SQLiteStore
from tests.asking import a_public_request, ask
from tests.builders import NOW, VERIFIER, a_client, a_code, a_public_client, a_request, a_server

WITH_REFRESH = ("authorization_code", "refresh_token", "password")
STORE = "sqlite:replay.db"
BUSY = "waiting for it"
"""What a store says that a machine with too much to do did not let answer in time."""


def a_rotating_server(*clients: Any, **registry: Any) -> AuthorizationServer:
    """A server with a store, whose public client spa may refresh."""
    return a_server(*(clients or (a_spa(), a_client())), **({"replay_store": STORE} | registry))


def a_spa(client_id: str = "spa", **fields: Any) -> Any:
    """A public client that gets refresh tokens."""
    return a_public_client(client_id, **({"grant_types": WITH_REFRESH} | fields))


def a_rotating_client(**fields: Any) -> Any:
    """A confidential client that wants what public clients get."""
    return a_client(rotate_refresh_tokens=True, **fields)


class Family:
    """A server, its store, and one client's way to ask: public unless it is web."""

    def __init__(
        self, server: AuthorizationServer, store: SQLiteStore, client_id: str = "spa"
    ) -> None:
        self.server = server
        self.store = store
        self.client_id = client_id

    def ask(self, grant_type: str, now: int = NOW, **parameters: str) -> Response:
        """The answer to the client's request."""
        make = a_request if self.client_id == "web" else a_public_request
        request = make(grant_type, client_id=self.client_id, now=now, **parameters)
        for _ in range(20):
            answer = ask(self.server, request, store=self.store)
            if not answer.log.get("detail", "").endswith(BUSY):
                break
        return answer

    def redeem(self, code: str, now: int = NOW, **parameters: str) -> Response:
        """The answer to the client's code."""
        given = {"code": code, "code_verifier": VERIFIER} | parameters
        return self.ask("authorization_code", now, **given)

    def first(self, now: int = NOW, **code: Any) -> str:
        """The first refresh token of a new grant."""
        answer = self.redeem(a_code(self.server, now=now, client_id=self.client_id, **code), now)
        assert answer.status == 200, answer.log
        return str(answer.body["refresh_token"])

    def refresh(self, held: str, now: int = NOW, **parameters: str) -> Response:
        """The answer to a use of ``held``."""
        return self.ask("refresh_token", now, refresh_token=held, **parameters)

    def next(self, held: str, now: int = NOW, **parameters: str) -> str:
        """The refresh token that comes with a use of ``held``."""
        answer = self.refresh(held, now, **parameters)
        assert answer.status == 200, answer.log
        return str(answer.body["refresh_token"])

    def opened(self, held: str) -> RefreshToken:
        """What only the issuer reads."""
        return self.server.sealer.open(RefreshToken, held, now=0)

    def is_alive(self, held: str, now: int) -> bool:
        """Whether ``held`` was good just now, which spends it."""
        return self.refresh(held, now).status == 200


@contextmanager
def a_family(
    directory: Path,
    *clients: Any,
    client_id: str = "spa",
    since: int = NOW - 10_000,
    **registry: Any,
) -> Iterator[Family]:
    """A server and a store that remembers, if it is new, since long before ``NOW``."""
    store = SQLiteStore(directory / "replay.db")
    try:
        store.remember(since)
        yield Family(a_rotating_server(*clients, **registry), store, client_id)
    finally:
        store.close()


def tell(store: SQLiteStore, name: str, *, not_before: int, now: int = NOW) -> None:
    """Takes back what was issued under ``name`` before ``not_before``."""
    asyncio.run(store.revoke((Revocation(name, not_before, now, now + 9**9),), now))
