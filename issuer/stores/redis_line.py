"""One connection to Redis, on which everything that a turn of the event loop asks goes out at once.

redis-py makes the connection. From then on requests and answers pass each other on it in order,
with hiredis reading; nobody waits for a free connection, or for the answer of another.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import hiredis
from redis.asyncio.connection import AbstractConnection

from issuer.stores.redis_connecting import UNREACHABLE
from keys.spent import StoreUnavailable

QUESTION_TIMEOUT = 0.25
"""Seconds from asking to an answer, whatever has to be waited for in between."""
CONNECT_TIMEOUT = 1.0
"""Seconds for one attempt to connect. Whoever waits for it does so for QUESTION_TIMEOUT only."""
OPENS_AFTER = 3
"""How many failures in a row it takes until nobody is kept waiting any more."""
PROBE_EVERY = 0.5
"""Seconds between two attempts to connect while nobody is."""

_MORE = object()
_GO_ELSEWHERE = frozenset({"READONLY", "MOVED", "ASK", "CLUSTERDOWN", "NOAUTH", "NOPERM"})
"""Errors that another connection may not have: there is a new master, node or password."""

log = logging.getLogger("issuer.stores")

Connect = Callable[[], Awaitable[tuple[AbstractConnection, int]]]
"""A connection, and what time it is by Redis' clock: milliseconds since 1970."""


class Refusal(Exception):
    """Redis answered with an error; ``code`` is its first word and nothing of what was sent."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


Pack = Callable[[int], bytes]
"""A command as it travels, made when it leaves. It is told until when it counts: milliseconds since
1970 by Redis' clock."""


class _Question:
    __slots__ = ("answer", "asked_at", "pack", "sent_at")

    def __init__(self, pack: Pack, answer: asyncio.Future[Any], asked_at: float) -> None:
        self.pack = pack
        self.answer = answer
        self.asked_at = asked_at
        self.sent_at = 0.0


class Line:
    """Asks, for the event loop that it was made in, with one task and at most one connection."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self.loop = asyncio.get_running_loop()
        self._waiting: list[_Question] = []
        self._sent: deque[_Question] = deque()
        self._wire: _Wire | None = None
        self._is_flushing = False
        self._timer: asyncio.TimerHandle | None = None
        self._failures = 0
        self._why = ""
        self._offset = 0.0
        self._keeping = self.loop.create_task(self._keep())

    @property
    def is_over(self) -> bool:
        """True where nothing will be answered any more."""
        return self._keeping.done()

    async def ask(self, pack: Pack, asked_at: float) -> Any:
        """What Redis answers, to a question that came up ``asked_at`` by the loop's clock.

        Raises:
            Refusal: an error; nothing was done.
            StoreUnavailable: nothing, in time.
        """
        if self._wire is None and self._failures >= OPENS_AFTER:
            raise StoreUnavailable(self._why)
        question = _Question(pack, self.loop.create_future(), asked_at)
        self._waiting.append(question)
        if self._wire is not None and not self._is_flushing:
            # At the end of this turn of the loop: whoever else asks in it goes along.
            self._is_flushing = True
            self.loop.call_soon(self._flush)
        if self._timer is None:
            self._timer = self.loop.call_later(QUESTION_TIMEOUT, self._give_up)
        return await question.answer

    def tell_time(self, milliseconds: int) -> None:
        """Takes note that by Redis' clock it is ``milliseconds`` since 1970, or a little more."""
        offset = milliseconds - self.loop.time() * 1000
        # A busy loop hears of it late, and never early: the greatest offset is the truest one,
        # until Redis' clock is set back.
        if not offset < self._offset < offset + QUESTION_TIMEOUT * 1000:
            self._offset = offset

    def close(self) -> None:
        """Lets go of the connection, when the loop next turns."""
        if self._timer is not None:
            self._timer.cancel()
        if not self.loop.is_closed():
            self._keeping.cancel()

    def answered(self, answer: Any) -> None:
        """Hands ``answer`` to whoever asked first."""
        question = self._sent.popleft()
        if not isinstance(answer, hiredis.ReplyError):
            self._failures = 0
            if not question.answer.done():
                question.answer.set_result(answer)
            return
        code = _code(answer)
        if not question.answer.done():
            question.answer.set_exception(Refusal(code))
        if code in _GO_ELSEWHERE:
            self._hang_up(code)

    def lost(self, why: str) -> None:
        """Takes note that the connection is gone, with all that was under way."""
        self._wire = None
        self._failed(why, self._sent)
        self._sent = deque()

    def _flush(self) -> None:
        self._is_flushing = False
        if self._wire is None:
            return
        now = self.loop.time()
        commands = []
        for question in self._waiting:
            question.sent_at = now
            ends = (question.asked_at + QUESTION_TIMEOUT) * 1000 + self._offset
            commands.append(question.pack(int(ends)))
        self._sent.extend(self._waiting)
        self._waiting = []
        self._wire.send(b"".join(commands))

    def _give_up(self) -> None:
        """Answers whoever has waited long enough; one timer is for all, as hardly any ever does."""
        self._timer = None
        now = self.loop.time()
        horizon = now - QUESTION_TIMEOUT
        late = [each for each in (*self._sent, *self._waiting) if each.asked_at <= horizon]
        self._waiting = [each for each in self._waiting if each.asked_at > horizon]
        if late and not all(each.answer.done() for each in late):
            self._failed("timed out", late)
        if self._sent and self._sent[0].sent_at <= horizon:
            self._hang_up("timed out")
        left = (*self._sent, *self._waiting)
        if left:
            next_one = min(each.asked_at for each in left) + QUESTION_TIMEOUT
            self._timer = self.loop.call_at(max(next_one, now + 0.01), self._give_up)

    def _hang_up(self, why: str) -> None:
        if self._wire is not None:
            self._wire.hang_up(why)

    def _failed(self, why: str, questions: Iterable[_Question]) -> None:
        self._failures += 1
        self._why = why
        if self._failures == OPENS_AFTER:
            log.error("the replay store is unavailable", extra={"fields": {"fault": why}})
        for each in questions:
            if not each.answer.done():
                each.answer.set_exception(StoreUnavailable(why))

    async def _keep(self) -> None:
        """Connects, and does so again whenever the connection is lost."""
        while True:
            if self._failures >= OPENS_AFTER:
                await asyncio.sleep(PROBE_EVERY)
            try:
                async with asyncio.timeout(CONNECT_TIMEOUT):
                    connection, milliseconds = await self._connect()
            except UNREACHABLE as error:
                # The type alone: the text may quote the URL, the user or what was sent.
                waiting, self._waiting = self._waiting, []
                self._failed(type(error).__name__, waiting)
                continue
            self.tell_time(milliseconds)
            await self._use(connection)

    async def _use(self, connection: AbstractConnection) -> None:
        """Returns when ``connection`` is lost."""
        if self._failures >= OPENS_AFTER:
            log.info("the replay store answers again")
            self._failures = OPENS_AFTER - 1  # what comes next shows whether that lasts
        self._wire = wire = _Wire(self, connection)
        try:
            self._flush()
            await wire.gone
        finally:
            self.lost(wire.why)
            await connection.disconnect(nowait=True)


class _Wire(asyncio.Protocol):
    """Bytes, out and in, on a connection that redis-py has made."""

    def __init__(self, line: Line, connection: AbstractConnection) -> None:
        self._line = line
        self._reader = hiredis.Reader(notEnoughData=_MORE)
        self.gone: asyncio.Future[None] = line.loop.create_future()
        self.why = "connection lost"
        # Its own way of reading costs a code as much again as everything else about the store.
        writer: Any = connection._writer
        self._transport = writer.transport
        self._transport.set_protocol(self)

    def send(self, commands: bytes) -> None:
        """Writes; what does not fit into the socket is written when it does."""
        if commands:
            self._transport.write(commands)

    def hang_up(self, why: str) -> None:
        """Leaves at once, whatever is under way."""
        self.why = why
        self._transport.abort()
        self._leave()

    def data_received(self, data: bytes) -> None:
        """See ``asyncio.Protocol``."""
        self._reader.feed(data)
        while not self.gone.done():
            answer = self._reader.gets()
            if answer is _MORE:
                return
            self._line.answered(answer)

    def connection_lost(self, _: Exception | None) -> None:
        """See ``asyncio.Protocol``."""
        self._leave()

    def _leave(self) -> None:
        if not self.gone.done():
            self.gone.set_result(None)


def _code(error: Exception) -> str:
    """The first word of an error of Redis, which names its kind; nothing else of its text."""
    word = str(error).partition(" ")[0]
    return word if word.isascii() and word.isalpha() and word.isupper() else "ERR"
