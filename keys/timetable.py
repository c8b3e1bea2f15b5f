"""The life of a key, read off the clock: nothing promotes or retires one."""

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """What may be done with a key."""

    NEXT = "next"
    """Published, so that every cache knows it in time; not used yet."""
    CURRENT = "current"
    """Used."""
    RETIRED = "retired"
    """Published and accepted for what it made earlier; not used any more."""
    EXPIRED = "expired"
    """Gone: neither published nor accepted."""


class InvalidTimetable(ValueError):
    """Two instants contradict each other; ``instant`` names the one that is out of place."""

    def __init__(self, instant: str, why: str) -> None:
        super().__init__(f"{instant}: {why}")
        self.instant = instant
        self.why = why


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """When a key is used and until when it is honoured, in seconds since 1970.

    Raises:
        InvalidTimetable: the instants contradict each other.
    """

    activates_at: int
    retires_at: int | None = None
    expires_at: int | None = None
    published_at: int | None = None
    """When the key was put into the ring, as far as that is known."""

    def __post_init__(self) -> None:
        if self.retires_at is not None and self.retires_at <= self.activates_at:
            raise InvalidTimetable("retires_at", "a key retires after it activates")
        if self.expires_at is None:
            return
        if self.retires_at is None:
            raise InvalidTimetable("expires_at", "a key that expires retires first")
        if self.expires_at < self.retires_at:
            raise InvalidTimetable("expires_at", "a key does not expire before it retires")

    def is_current(self, now: int) -> bool:
        """Whether the key is the one to use, if no other has been activated since."""
        return self.activates_at <= now and (self.retires_at is None or now < self.retires_at)

    def is_expired(self, now: int) -> bool:
        """Whether the key is gone, as ``state`` says."""
        return self.expires_at is not None and now >= self.expires_at

    def state(self, now: int) -> State:
        """The state of the key at ``now``."""
        if self.is_current(now):
            return State.CURRENT
        if now < self.activates_at:
            return State.NEXT
        return State.EXPIRED if self.is_expired(now) else State.RETIRED
