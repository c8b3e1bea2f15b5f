"""What the store is asked about logins of devices: each answer fails closed (RFC 8628)."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from hashlib import sha256

from issuer.errors import AuthorizationPending, ExpiredToken, SlowDown, TooManyDevices
from issuer.protocol.device import INTERVAL, DeviceCode
from issuer.protocol.replay import (
    CLOCK_SKEW,
    RECALL,
    Once,
    ReplayStore,
    Use,
    spend,
    unavailable_store,
)
from issuer.protocol.request import Authorization
from issuer.protocol.throttling import network
from issuer.registry.client import Client
from keys.encoding import to_base64url
from keys.spent import StoreUnavailable

LENGTHENED_BY = 5
"""Seconds that each answer of ``slow_down`` adds to the interval (section 3.5)."""

TOLERANCE = 1
"""Seconds that a device may be early: clocks are read in whole seconds, each replica its own."""

WINDOW = 600
"""Seconds for which logins that were begun are counted."""

OF_AN_ADDRESS = 100
"""Logins that devices of one public client begin from one network in a window. Whoever only says
which client it is has no other bound."""

OF_A_CLIENT = 5_000
"""Logins that all devices of a client begin in a window: some megabytes of the store."""


class Undecided(AuthorizationPending):
    """The code is good, and who asks is who got it. What it is worth, ``decided`` says."""

    def __init__(
        self,
        code: DeviceCode,
        once: tuple[Once, ...],
        decided: Callable[[str], Authorization | None],
    ) -> None:
        super().__init__("The user has not decided yet.")
        self.code = code
        self.once = once
        """What of the request itself is good once, however often it may be made."""
        self.decided = decided
        """What comes of what the store keeps; None as long as that is the request."""


@contextmanager
def _failing_closed() -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as unavailable:
        raise unavailable_store(unavailable) from None


async def admit(store: ReplayStore, client: Client, address: str, now: int) -> None:
    """Counts one more login that a device of ``client`` begins.

    Raises:
        TooManyDevices: there are too many.
        TemporarilyUnavailable: the store cannot say.
    """
    window, ends_at = now // WINDOW, (now // WINDOW + 1) * WINDOW
    bounds = [("client", "", OF_A_CLIENT)]
    if client.is_public:  # the narrow bound first: who is over it must not use up the wide one
        bounds.insert(0, ("address", network(address), OF_AN_ADDRESS))
    for kind, of, most in bounds:
        name = f"devices:{window}:{_digest(f'{kind} {of} {client.client_id}')}"
        with _failing_closed():
            (tally,) = await store.tally((name,), 1, ends_at, now)
        if tally.count > most:
            raise TooManyDevices(
                "Too many logins were begun; wait before the next.",
                detail=f"devices: {tally.count} of this {kind} in {WINDOW} s",
                retry_after=ends_at - now,
            )


async def begin(store: ReplayStore, name: str, text: str, expires_at: int, now: int) -> bool:
    """Keeps a request for whoever types its code; False where another has the code.

    Raises:
        TemporarilyUnavailable: it is not kept.
    """
    return await _note(store, name, text, None, expires_at, now)


async def decide(
    store: ReplayStore, name: str, request: str, decision: str, expires_at: int, now: int
) -> bool:
    """Has ``decision`` take the place of ``request``; False where another did already.

    Raises:
        TemporarilyUnavailable: nobody knows.
    """
    return await _note(store, name, decision, request, expires_at, now)


async def _note(
    store: ReplayStore, name: str, text: str, instead_of: str | None, expires_at: int, now: int
) -> bool:
    forget_at = expires_at + 2 * CLOCK_SKEW
    with _failing_closed():
        return await store.note(
            name, text, instead_of=instead_of, forget_at=forget_at, now=now
        )  # fmt: skip


async def found(store: ReplayStore, name: str, now: int) -> str | None:
    """What is kept under ``name``, if anything is.

    Raises:
        TemporarilyUnavailable: the store cannot say.
    """
    with _failing_closed():
        return (await store.noted(name, now)).text


async def ask(store: ReplayStore, undecided: Undecided, now: int) -> Authorization:
    """What the user granted, to whoever asks with a device code.

    Raises:
        AuthorizationPending: they have not decided, or, ``SlowDown``, it was asked too often.
        AccessTokenException: nothing comes of it.
    """
    # What the client proved itself by is used, whatever was decided: nobody else can ask with it
    # again, at the right moment.
    await spend(store, Use(undecided.once), now)
    authorization = undecided.decided(await kept(store, undecided.code, now))
    if authorization is None:
        await pace(store, undecided.code, now)
        raise undecided
    return authorization


async def kept(store: ReplayStore, code: DeviceCode, now: int) -> str:
    """The request that ``code`` was made with, or what was decided.

    Raises:
        ExpiredToken: the store has lost it, for good: nothing can come of the code any more.
        TemporarilyUnavailable: it cannot say, or may yet find it.
    """
    with _failing_closed():
        note = await store.noted(code.note, now)
        if note.text is not None:
            return note.text
        if code.issued_at < note.since and now >= note.since + RECALL:
            raise ExpiredToken("The device_code has expired.", detail="the store has lost it")
        raise StoreUnavailable("what was noted is not there", retry_after=INTERVAL)


async def pace(store: ReplayStore, code: DeviceCode, now: int) -> None:
    """Returns where the device waited for as long as it has to, whichever replica it asked before.

    Raises:
        SlowDown: it did not, and has to wait longer from now on.
        TemporarilyUnavailable: the store cannot say.
    """
    asked, slowed = f"device_asked:{code.id}", f"device_slowed:{code.id}"
    with _failing_closed():
        (times,) = await store.tally((slowed,), 0, 0, now)
        interval = INTERVAL + LENGTHENED_BY * times.count
        (tally,) = await store.tally((asked,), 1, now + interval - TOLERANCE, now)
        if tally.count > 1:
            await store.tally((slowed,), 1, code.expires_at, now)
            waits_until = now + interval + LENGTHENED_BY - TOLERANCE
            await store.tally((asked,), 1, waits_until, now)
            raise SlowDown(
                "The device must wait longer between two requests.",
                detail=f"device_code: asked again within {interval} s",
            )


def _digest(text: str) -> str:
    return to_base64url(sha256(text.encode(errors="surrogatepass")).digest()[:16])
