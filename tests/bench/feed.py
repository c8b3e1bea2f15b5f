"""What the feed of revocations costs by their number: ``python -m tests.bench.feed``.

In one process and without a network: what one worker does to list and sign it, and what one
resource server does to read it. Medians of the rounds, of processor time; memory is what is held.
"""

import asyncio
import gc
import gzip
import os
import statistics
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from issuer.feed import Feed, Lines, claims
from issuer.protocol import revocation
from issuer.protocol.replay import Revocation
from issuer.remembered import Remembered
from issuer.stores.sqlite import SQLiteStore
from issuer.token import handler
from keys import KeySet, Verifier
from keys import feed as feeds
from keys.encoding import to_base64url
from keys.feed import TYP
from tests.bench.report import table
from tests.builders import API, ISSUER, NOW, a_request, a_server

NUMBERS = (0, 100, 1_000, 10_000, 100_000)
ROUNDS = 5
CALLS = 2_000

SERVER = a_server()
KEYS = SERVER.ring.verification_keys(NOW)


class Row(NamedTuple):
    """What so many revocations cost."""

    size: int
    """Bytes of the feed."""
    packed: int
    """Bytes of it by gzip."""
    learn: float
    """Milliseconds for a worker to copy all from SQLite, in the store's thread but for the end."""
    sign: float
    """Milliseconds to list and sign it, in a thread."""
    stall: float
    """Milliseconds for which the event loop did nothing meanwhile, at most; of the best round, for
    it is by the clock, and whoever else takes the core lengthens it."""
    read: float
    """Milliseconds to verify and read it, in a thread."""
    worker: int
    """Bytes that a worker holds."""
    verifier: int
    """Bytes that a resource server holds."""
    seen: float
    """Microseconds for a token seen before."""


def several(number: int) -> list[Revocation]:
    """Of as many tokens, named as ours are."""
    return [
        Revocation(revocation.token(to_base64url(os.urandom(16))), NOW + 960, NOW, NOW + 960)
        for _ in range(number)
    ]


def milliseconds(call: Callable[[], object]) -> float:
    """Of processor time, the median of the rounds."""
    taken = []
    for _ in range(ROUNDS):
        gc.collect()
        began = time.process_time()
        call()
        taken.append((time.process_time() - began) * 1e3)
    return statistics.median(taken)


def held(make: Callable[[], object]) -> int:
    """Bytes of what ``make`` returns."""
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    made = make()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del made
    return after - before


def learnt(store: SQLiteStore) -> Remembered:
    """A worker that has asked for all there is."""
    remembered = Remembered(store, clock=lambda: NOW)
    asyncio.run(remembered.synchronize(NOW))
    return remembered


async def stall(remembered: Remembered) -> float:
    """The longest turn of an event loop while the feed is signed, in milliseconds."""
    feed = Feed(remembered, server=lambda: SERVER, clock=lambda: NOW)
    signing = asyncio.create_task(feed.signed())
    longest = 0.0
    while not signing.done():
        began = time.perf_counter()
        await asyncio.sleep(0)
        longest = max(longest, time.perf_counter() - began)
    return longest * 1e3


def seen(text: str, folder: Path) -> float:
    """Microseconds of processor time for a token that was seen before."""
    (folder / "feed").write_text(text)
    verifier = Verifier(ISSUER, API, KeySet(KEYS), revocations=folder / "feed", clock=lambda: NOW)
    authorized = handler.validate(SERVER, a_request(resource=API))
    token = str(handler.grant_response(SERVER, authorized).body["access_token"])
    verifier.verify(token, now=NOW)
    began = time.process_time()
    for _ in range(CALLS):
        verifier.verify(token, now=NOW)
    return (time.process_time() - began) / CALLS * 1e6


def row(number: int, folder: Path) -> Row:
    """Measures so many."""
    store = SQLiteStore(folder / f"{number}.db")
    try:
        asyncio.run(store.revoke(several(number), NOW))
        remembered = learnt(store)
        lines = Lines.of(SERVER.registry)

        def signed() -> str:
            said = claims(ISSUER, lines, remembered.revocations, NOW)
            return SERVER.signing_key(NOW).sign(TYP, said, convergent=True)

        def read() -> feeds.Feed:
            return feeds.read(text, ISSUER, lambda kid, _: KEYS.get(kid), NOW)

        text = signed()
        return Row(
            size=len(text),
            packed=len(gzip.compress(text.encode())),
            learn=milliseconds(lambda: learnt(store)),
            sign=milliseconds(signed),
            stall=min(asyncio.run(stall(remembered)) for _ in range(ROUNDS)),
            read=milliseconds(read),
            worker=held(lambda: learnt(store)),
            verifier=held(read),
            seen=seen(text, folder),
        )
    finally:
        store.close()


def main() -> None:
    """Measures, and prints a table."""
    head = [
        "revocations", "bytes", "by gzip", "learn, ms", "sign, ms", "stall, ms", "read, ms",
        "worker, kB", "verifier, kB", "token seen, µs",
    ]  # fmt: skip
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for number in NUMBERS:
            each = row(number, Path(folder))
            rows.append([
                f"{number:,}", f"{each.size:,}", f"{each.packed:,}", f"{each.learn:.1f}",
                f"{each.sign:.2f}", f"{each.stall:.1f}", f"{each.read:.2f}",
                f"{each.worker / 1e3:,.0f}", f"{each.verifier / 1e3:,.0f}", f"{each.seen:.1f}",
            ])  # fmt: skip
    print(table(head, rows))


if __name__ == "__main__":
    main()
