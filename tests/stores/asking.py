"""Stores as tests ask them: each from an event loop of its own, as a worker would."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from issuer.protocol.replay import AlreadySpent, Memory, Once, ReplayStore, Revocation, Tally, Use
from issuer.stores import open_store
from keys.spent import StoreUnavailable
from tests.builders import NOW
from tests.redis_server import RedisServer

T = TypeVar("T")
ISSUER = "https://id.example"


class Asked:
    """A store, and a loop to ask it from."""

    def __init__(self, store: ReplayStore) -> None:
        self.store = store
        self._runner = asyncio.Runner()

    def run(self, question: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(question)

    def use(self, *once: Once, now: int = NOW, **standing: Any) -> tuple[int, ...]:
        return self.run(self.store.use(Use(once, **standing), now))

    def spend(self, once: Once, now: int = NOW) -> bool:
        """True where it was spent now, False where it was before."""
        try:
            self.use(once, now=now)
        except AlreadySpent:
            return False
        return True

    def revoke(self, *revocations: Revocation, now: int = NOW) -> None:
        self.run(self.store.revoke(revocations, now))

    def revocations(self, after: int = 0, now: int = NOW) -> Memory:
        return self.run(self.store.revocations(after, now))

    def tally(self, *names: str, add: int = 0, until: int = 0, now: int = NOW) -> tuple[Tally, ...]:
        return self.run(self.store.tally(names, add, until, now))

    def note(
        self,
        name: str,
        text: str,
        instead_of: str | None = None,
        until: int = NOW + 60,
        now: int = NOW,
    ) -> bool:
        noting = self.store.note(name, text, instead_of=instead_of, forget_at=until, now=now)
        return self.run(noting)

    def noted(self, name: str, now: int = NOW) -> str | None:
        return self.run(self.store.noted(name, now)).text

    def fault(self, now: int = NOW) -> str:
        return self.run(self.store.fault(now))

    def close(self) -> None:
        async def close() -> None:
            self.store.close()

        self.run(close())
        self._runner.close()


class Backing:
    """What several workers share, and how to harm it."""

    def __init__(self, kind: str, folder: Path, redis: RedisServer | None) -> None:
        self.kind = kind
        self.folder = folder
        self.redis = redis
        self.opened: list[Asked] = []
        self.replay_store = redis.url if redis else "sqlite:replay.db"

    def open(self, now: int | None = NOW) -> Asked:
        """The store as one more worker; it is asked for the first time at ``now``."""
        asked = Asked(open_store(self.replay_store, folder=self.folder, issuer=ISSUER))
        self.opened.append(asked)
        if now is not None:
            assert asked.fault(now) == ""
        return asked

    def lose(self) -> None:
        """All that was remembered is gone."""
        if self.redis:
            self.redis.flush()
        else:
            (self.folder / "replay.db").unlink()

    def close(self) -> None:
        for each in self.opened:
            each.close()


def unavailable(ask: Callable[[], object]) -> StoreUnavailable | None:
    """Why nothing could be said."""
    try:
        ask()
    except StoreUnavailable as error:
        return error
    return None
