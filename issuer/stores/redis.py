"""A Redis, or a Valkey, that the workers of many machines share.

All keys of an issuer carry its URL as their hash tag: several issuers may share one Redis, and in
a cluster they lie together, as what is done in one step must.

It fails closed, and vouches for nothing that was issued before its memory begins. Each worker
remembers which memory it knows, how much was written to it and what of that was its own; where
Redis has less, it has gone back in time (flushed, restored, failed over to a replica that lagged),
and its memory begins anew. What all workers together have forgotten cannot be noticed: a backup
restored while none of them runs is believed.
"""

import asyncio
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Self

import hiredis

from issuer.protocol.replay import (
    CLOCK_SKEW,
    RETAUGHT,
    AlreadySpent,
    Memory,
    Note,
    Revocation,
    Revoked,
    Standing,
    Tally,
    Use,
    vouch,
)
from issuer.stores import redis_url
from issuer.stores.redis_connecting import connect
from issuer.stores.redis_line import Line, Pack, Refusal
from issuer.stores.redis_scripts import DIGESTS, SCRIPTS
from keys.spent import StoreUnavailable

AT_ONCE = 500
"""How many revocations go into one question: Redis does nothing else meanwhile."""
MARK_LIFETIME = 43_200
"""Seconds after its last write in which a worker relies on its mark, which Redis keeps longer."""
NEVER = 2**53
LISTS = ("revoked", "by_revoked_at", "by_forget_at")


@dataclass(slots=True)
class Knowledge:
    """What a worker knows of the memory, from the answers it got."""

    id: str = ""
    writes: int = 0
    mark: int = 0
    """How many writes there were when its own last one was among them; 0: it has none."""
    marked_at: float = 0
    fresh: str = field(default_factory=partial(secrets.token_hex, 8))
    """What a memory will be called that this worker has to begin anew."""

    def told(self, at: float) -> tuple[str, int, int, str]:
        """What to send along with a question, for ``redis_scripts``; ``at`` is monotonic."""
        mark = self.mark if at < self.marked_at + MARK_LIFETIME else 0
        return self.id, self.writes, mark, self.fresh

    def learn(self, id_: str, writes: int, mark: int, at: float) -> None:
        """Takes note of what an answer said to a question that was asked ``at``."""
        if id_ != self.id:
            self.id, self.writes, self.mark = id_, 0, 0
        if id_ == self.fresh:
            self.fresh = secrets.token_hex(8)
        self.writes = max(self.writes, writes)
        if mark:
            self.mark, self.marked_at = max(self.mark, mark), at


def prefix(issuer: str) -> str:
    """What all keys of an issuer begin with; what is in braces says where a cluster keeps them."""
    return f"issuer:{{{issuer}}}:"


class RedisStore:
    """Lua scripts over one connection per worker, all questions of a turn in one round trip."""

    def __init__(self, address: redis_url.Address, issuer: str) -> None:
        self._address = address
        self._prefix = prefix(issuer)
        self._known = Knowledge()
        self._line: Line | None = None
        self._head = (self._prefix + "memory", f"{self._prefix}worker:{secrets.token_hex(8)}")
        self._lists = tuple([self._prefix + name for name in LISTS])

    @classmethod
    def open(cls, url: str, folder: Path, issuer: str) -> Self:
        """The store at ``url``; it is connected to when it is first asked."""
        return cls(redis_url.read(url, folder), issuer)

    async def use(self, use: Use, now: int) -> tuple[int, ...]:
        """See ``ReplayStore``."""
        names = [(each.issued_at, name) for each in use.standing for name in each.names]
        arguments: list[str | int] = [
            RETAUGHT,
            min([each.issued_at for each in use.once], default=NEVER),
            min([each.issued_at for each in use.standing], default=NEVER),
            len(names),
        ]
        for issued_at, name in names:
            arguments += (name, issued_at)
        for once in use.once:
            arguments += (_milliseconds(once.forget_at, now), once.grace)
        keys = [f"{self._prefix}spent:{once.id}" for once in use.once]
        status, since, rest = await self._ask("use", (self._lists[0], *keys), arguments, now)
        if status == b"ok":
            return tuple(rest)
        if status == b"spent":
            raise AlreadySpent(use.once[rest[0] - 1])
        if status == b"revoked":
            raise Revoked(_owner(use.standing, rest[0] - 1))
        vouch(use, since, now)
        raise StoreUnavailable("issued before the memory begins")

    async def revoke(self, revocations: Sequence[Revocation], now: int) -> None:
        """See ``ReplayStore``."""
        for first in range(0, len(revocations), AT_ONCE):
            arguments: list[str | int] = []
            for each in revocations[first : first + AT_ONCE]:
                arguments += (each.name, each.not_before, each.revoked_at, each.forget_at)
            await self._ask("revoke", self._lists, arguments, now)

    async def revocations(self, after: int, now: int) -> Memory:
        """See ``ReplayStore``."""
        found: dict[str, Revocation] = {}
        limit, since = 2 * AT_ONCE, 0
        while True:
            _, begins, (pairs,) = await self._ask("revocations", self._lists, (after, limit), now)
            page = [_revocation(*pairs[i : i + 2]) for i in range(0, len(pairs), 2)]
            if found and begins != since:
                raise StoreUnavailable("its memory began anew in between")
            since = begins
            found.update((each.name, each) for each in page)
            if len(page) < limit:
                break
            # A page begins with the second in which the one before ended: all of it, as what
            # expires in between would shift a count.
            last = page[-1].revoked_at
            limit = limit * 2 if last == after else 2 * AT_ONCE
            after = last
        return Memory(since, tuple([each for each in found.values() if each.forget_at > now]))

    async def spent(self, ids: Sequence[str], now: int) -> tuple[int | None, ...]:
        """See ``ReplayStore``."""
        keys = [f"{self._prefix}spent:{id_}" for id_ in ids]
        _, _, (found,) = await self._ask("spent", keys, (), now)
        return tuple([None if at < 0 else at for at in found])

    async def tally(
        self, names: Sequence[str], add: int, forget_at: int, now: int
    ) -> tuple[Tally, ...]:
        """See ``ReplayStore``."""
        keys = [f"{self._prefix}tally:{name}" for name in names]
        arguments = (add, forget_at, _milliseconds(forget_at, now))
        _, _, (counts,) = await self._ask("tally", keys, arguments, now)
        return tuple([Tally(*counts[i : i + 2]) for i in range(0, len(counts), 2)])

    async def note(
        self, name: str, text: str, *, instead_of: str | None, forget_at: int, now: int
    ) -> bool:
        """See ``ReplayStore``."""
        key = f"{self._prefix}note:{name}"
        arguments = (instead_of or "", text, _milliseconds(forget_at, now))
        _, _, (is_noted,) = await self._ask("note", (key,), arguments, now)
        return bool(is_noted)

    async def noted(self, name: str, now: int) -> Note:
        """See ``ReplayStore``."""
        _, since, (text,) = await self._ask("noted", (f"{self._prefix}note:{name}",), (), now)
        return Note(text.decode() or None, since)

    async def fault(self, now: int) -> str:
        """See ``ReplayStore``."""
        try:
            await self._ask("probe", (), (), now)
        except StoreUnavailable as unavailable:
            return str(unavailable)
        return ""

    def close(self) -> None:
        """See ``ReplayStore``."""
        if self._line is not None:
            self._line.close()
        self._line = None

    async def _ask(
        self, script: str, keys: Sequence[str], arguments: Sequence[str | int], now: int
    ) -> tuple[bytes, int, list[Any]]:
        """The status, since when the memory remembers, and what else ``script`` says.

        Raises:
            StoreUnavailable: it says nothing, or says so too late.
        """
        line, known = self._open_line(), self._known
        asked_at = line.loop.time()

        def pack(*script: str) -> Pack:
            return lambda last_call: _packed(
                *script, 2 + len(keys), *self._head, *keys,
                now, *known.told(asked_at), last_call, *arguments,
            )  # fmt: skip

        try:
            try:
                answer = await line.ask(pack("EVALSHA", DIGESTS[script]), asked_at)
            except Refusal as refusal:
                if refusal.code != "NOSCRIPT":
                    raise
                # Redis was started anew, or told to forget scripts; now it knows this one.
                answer = await line.ask(pack("EVAL", SCRIPTS[script]), asked_at)
        except Refusal as refusal:
            raise StoreUnavailable(refusal.code) from None
        status, id_, since, writes, mark, milliseconds, *rest = answer
        line.tell_time(milliseconds)
        if status == b"late":
            raise StoreUnavailable("timed out")
        known.learn(id_.decode(), writes, mark, asked_at)
        return status, since, rest

    def _open_line(self) -> Line:
        """The line of this event loop: made in it, and so after every fork."""
        if self._line is None or self._line.loop is not asyncio.get_running_loop():
            self.close()
        if self._line is None or self._line.is_over:
            self._line = Line(lambda: connect(self._address, self._head[0]))
        return self._line


def _packed(*words: str | int) -> bytes:
    return hiredis.pack_command(words)  # type: ignore[arg-type, no-any-return]


def _milliseconds(forget_at: int, now: int) -> int:
    """How long Redis has to keep it: a length of time, as its clock is not the issuer's.

    Longer than it must, as a replica of it may go by yet another clock.
    """
    return (max(forget_at - now, 0) + CLOCK_SKEW) * 1000


def _owner(standing: Sequence[Standing], number: int) -> Standing:
    """Which one the name is of that is ``number`` in all their names."""
    return [each for each in standing for _ in each.names][number]


def _revocation(name: bytes, line: bytes) -> Revocation:
    not_before, revoked_at, forget_at = map(int, line.split())
    return Revocation(name.decode(), not_before, revoked_at, forget_at)
