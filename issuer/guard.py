"""Lets secrets and passwords be compared, unless too many were wrong; and off the event loop.

Every place where somebody proves who they are goes through here, so that no way in is left where a
guess costs nothing.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from issuer import client_auth
from issuer.errors import AccessTokenException, TemporarilyUnavailable, TooManyAttempts
from issuer.protocol import throttling
from issuer.protocol.replay import ReplayStore, unavailable_store
from issuer.protocol.request import TokenRequest
from issuer.protocol.throttling import CLIENT, Guess, Memory
from issuer.registry.callers import Callers
from issuer.server import AuthorizationServer
from keys.spent import StoreUnavailable

log = logging.getLogger("issuer.guard")

ASKING = 4
"""Questions to the store that may be open at once. Further wrong guesses are counted here alone:
whoever spends a code must not wait behind them."""
EVERY = 1_000_000
"""More wrong guesses than anybody makes in the time for which they are counted."""

T = TypeVar("T")


class Stretch(Protocol):
    """Runs slow work somewhere off the event loop, in turn with that for other addresses."""

    async def __call__(self, work: Callable[[], T], address: str, /, *, is_suspect: bool) -> T:
        """What ``work`` returns or raises. Suspects wait for the others."""


async def in_a_thread(work: Callable[[], T], _: str, *, is_suspect: bool) -> T:
    """Runs it at once, whoever asks."""
    return await asyncio.to_thread(work)


async def not_at_all() -> None:
    """Holds nobody back."""


class Guard:
    """Of one process. It counts wrong guesses, with the others where there is a store."""

    def __init__(
        self,
        store: ReplayStore,
        *,
        stretch: Stretch = in_a_thread,
        hold: Callable[[], Awaitable[None]] = not_at_all,
    ) -> None:
        self._store = store
        self._stretch = stretch
        self._hold = hold
        self._memory = Memory()
        self._asking = 0
        self._looking = asyncio.Lock()

    async def authenticating(
        self,
        server: AuthorizationServer,
        request: TokenRequest,
        work: Callable[[], T],
        *,
        callers: Callers[Any] | None = None,
        login: str | None = None,
    ) -> T:
        """``work()``, which authenticates the client of ``request`` and, by password, ``login``.

        Or whoever else of ``callers`` it says it is of.

        Raises:
            TooManyAttempts: it was not done.
            AccessTokenException: as ``work`` does, or it is not even clear who asks.
        """
        callers = server.registry.callers if callers is None else callers
        is_slow = login is not None or client_auth.stretches(server, request, callers)
        address, now = request.address, request.received_at
        if not is_slow and not self._memory.knows(address, now):  # as for most requests
            try:
                return work()
            except AccessTokenException as error:
                await self._refused(error, now)
                raise
        guesses = client_auth.guesses(callers, request)
        if login is not None:
            guesses = (*guesses, of_user(server, login, address))
        return await self._judging(work, guesses, address, now, is_slow=is_slow)

    async def logging_in(
        self, server: AuthorizationServer, login: str, address: str, now: int, work: Callable[[], T]
    ) -> T:
        """``work()``, which authenticates ``login`` by password.

        Raises:
            TooManyAttempts: it was not done.
            AccessTokenException: as ``work`` does.
        """
        guesses = (of_user(server, login, address),)
        return await self._judging(work, guesses, address, now, is_slow=True)

    async def looking_up(
        self, address: str, now: int, look: Callable[[], Awaitable[T | None]]
    ) -> T | None:
        """What ``look`` finds by a code that somebody at ``address`` typed; None is counted.

        One at a time, so that many at once are not all let in before the first is counted. A right
        code forgives no wrong ones: whoever guesses has right ones of their own to type.

        Raises:
            TooManyAttempts: it was not done.
            TemporarilyUnavailable: the store cannot say.
        """
        guess = throttling.of_user_code(address)
        async with self._looking:
            self._check((guess,), now)
            await self._check_codes(0, now)
            found = await look()
            if found is None:
                await self._count(guess, now)
                await self._check_codes(1, now)
        return found

    async def _check_codes(self, number: int, now: int) -> None:
        """Counts wrong codes of whatever address: a net of many machines is slowed down as well."""
        window = now // throttling.CODES_WINDOW
        ends_at = (window + 1) * throttling.CODES_WINDOW
        try:
            (tally,) = await self._store.tally((f"user_codes:{window}",), number, ends_at, now)
        except StoreUnavailable as unavailable:
            raise unavailable_store(unavailable) from None
        if tally.count >= throttling.CODES + number:
            raise TooManyAttempts(
                "Too many attempts failed; wait before the next.",
                detail=f"throttled: {tally.count} wrong codes of devices in a minute",
                retry_after=ends_at - now,
            )

    async def _judging(
        self,
        work: Callable[[], T],
        guesses: tuple[Guess, ...],
        address: str,
        now: int,
        *,
        is_slow: bool,
    ) -> T:
        def in_turn() -> T:
            # Again: others that came at the same time may have been wrong by now.
            self._check(guesses, now)
            return work()

        try:
            self._check(guesses, now)
            if is_slow:
                # Whoever mistyped too: of many addresses that guess, each looks like that.
                is_suspect = self._memory.knows(address, now)
                done = await self._stretch(in_turn, address, is_suspect=is_suspect)
            else:
                done = work()
        except AccessTokenException as error:
            await self._refused(error, now)
            raise
        await self._forgive(guesses, now)
        return done

    async def _refused(self, error: AccessTokenException, now: int) -> None:
        if error.guess is not None:
            await self._count(error.guess, now)
        elif isinstance(error, TemporarilyUnavailable):  # or there was no room to wait
            await self._hold()

    def _check(self, guesses: tuple[Guess, ...], now: int) -> None:
        for guess in guesses:
            failures = self._memory.failures(guess, now)
            if seconds := failures.wait(now):
                error = TooManyAttempts(
                    "Too many attempts failed; wait before the next.",
                    detail=f"throttled: {failures.number} wrong guesses for this {guess.kind}",
                    retry_after=seconds,
                )
                if guess.kind == CLIENT:
                    error.client_id = guess.who
                raise error

    async def _count(self, guess: Guess, now: int) -> None:
        failures = self._memory.add(guess, now)
        if shared := await self._tally(guess, 1, now):
            failures = self._memory.raise_to(guess, shared, now)
        if seconds := failures.wait(now):
            fields: dict[str, Any] = {
                "remote_addr": guess.address,
                guess.kind: guess.who or None,
                "failures": failures.number,
                "seconds": seconds,
            }
            log.warning("throttled", extra={"fields": fields})

    async def _forgive(self, guesses: tuple[Guess, ...], now: int) -> None:
        for guess in guesses:
            if self._memory.forget(guess):
                await self._tally(guess, -EVERY, now)

    async def _tally(self, guess: Guess, number: int, now: int) -> int:
        """How many all processes have counted, after ``number`` more; 0 where that is not known."""
        if self._asking >= ASKING:
            return 0
        self._asking += 1
        name = self._memory.shared_name(guess)
        try:
            forget_at = now + throttling.FORGIVEN_AFTER
            return (await self._store.tally((name,), number, forget_at, now))[0].count
        except StoreUnavailable:
            return 0  # nobody is refused for what the store cannot say
        finally:
            self._asking -= 1


def of_user(server: AuthorizationServer, login: str, address: str) -> Guess:
    """A guess of the password of ``login``, which need not be known."""
    user = server.registry.user_named(login)
    return throttling.of_user(login, address, who=user.sub if user else "")
