"""How one key follows another without anybody noticing, and what would be noticed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TypeVar

from keys.timetable import State, Timetable

JWKS_MAX_AGE = 300
"""Seconds for which a verifier may keep the published keys."""

CLOCK_DIFFERENCE = 60
"""Seconds by which the clocks of replicas and verifiers may differ."""

LEAST_LEAD = JWKS_MAX_AGE + CLOCK_DIFFERENCE
"""Seconds that must lie between publishing a key and using it."""

RETIREMENT = JWKS_MAX_AGE
"""Seconds that a key is published for after the last token it signed has expired."""

K = TypeVar("K", bound=Timetable)


def succeed(
    keys: Sequence[K], successors: Sequence[K], *, now: int, longest_lifetime: int
) -> tuple[K, ...]:
    """``successors`` and the ``keys`` that retire for them; those that have expired are gone."""
    kept = [key for key in keys if key.state(now) is not State.EXPIRED]
    retires_at = successors[0].activates_at
    return (*successors, *(_retire(key, retires_at, longest_lifetime) for key in kept))


def gap(keys: Sequence[Timetable], now: int) -> str | None:
    """When, from ``now`` on, no key will be current, in words; None if one always is."""
    instant = _first_gap(keys, now)
    if instant is None:
        return None
    return "now" if instant == now else f"from {_time(instant)} on"


def problems(
    name: str, keys: Sequence[Timetable], *, now: int, longest_lifetime: int
) -> Iterator[str]:
    """What will go wrong with ``keys``, the member ``name`` of a ring, at ``now`` or later."""
    without = gap(keys, now)
    if without is not None:
        yield f"{name}: no key is current {without}"
    for index, key in enumerate(keys):
        if key.state(now) is State.EXPIRED:
            continue
        if _dies_early(key, longest_lifetime):
            yield (
                f"{name}[{index}].expires_at: must be at least {longest_lifetime} s after "
                "retires_at, or what the key made last outlives it"
            )
        if _comes_early(key, keys, now):
            yield (
                f"{name}[{index}].activates_at: must be at least {LEAST_LEAD} s after "
                "published_at, or verifiers meet the key before they can know it"
            )


def _retire(key: K, retires_at: int, longest_lifetime: int) -> K:
    if key.retires_at is not None:
        return key
    expires_at = retires_at + longest_lifetime + RETIREMENT
    return replace(key, retires_at=retires_at, expires_at=expires_at)


def _first_gap(keys: Sequence[Timetable], now: int) -> int | None:
    """The first instant from ``now`` on at which no key is current; ``None`` if there is none."""
    instant = now
    while current := [key.retires_at for key in keys if key.is_current(instant)]:
        if None in current:
            return None
        instant = max(retires_at for retires_at in current if retires_at is not None)
    return instant


def _dies_early(key: Timetable, longest_lifetime: int) -> bool:
    if key.retires_at is None or key.expires_at is None:
        return False
    return key.expires_at - key.retires_at < longest_lifetime


def _comes_early(key: Timetable, keys: Sequence[Timetable], now: int) -> bool:
    if key.published_at is None or now >= key.published_at + LEAST_LEAD:
        return False  # whoever could have missed it has fetched again
    # The first key of a ring has nobody to surprise: there was no cache before it.
    is_first = all(key.activates_at <= other.activates_at for other in keys)
    return not is_first and key.activates_at - key.published_at < LEAST_LEAD


def _time(instant: int) -> str:
    return f"{datetime.fromtimestamp(instant, UTC):%Y-%m-%dT%H:%M:%SZ}"
