"""The ledger: every code and token, every answer, and what of it must never have been."""

import threading
import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

import httpx


class Outcome(StrEnum):
    """What came of a request."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    """For good: 400 or 401, as RFC 6749 section 5.2 has it."""
    LATER = "later"
    """The documented 503: temporarily_unavailable, with Retry-After."""
    LOST = "lost"
    """No answer: the connection broke, or the balancer says that it did. Whether the request did
    anything nobody knows."""
    WRONG = "wrong"
    """Nothing that is documented."""


def outcome_of(response: httpx.Response | None) -> Outcome:
    """What ``response`` says; None is a connection that broke."""
    if response is None or _is_the_balancers(response):
        return Outcome.LOST
    status = response.status_code
    if status == 200:
        return Outcome.ACCEPTED
    error = response.json().get("error")
    if status in (400, 401) and error in ("invalid_grant", "invalid_client"):
        return Outcome.REFUSED
    if status == 503 and error == "temporarily_unavailable" and "retry-after" in response.headers:
        return Outcome.LATER
    return Outcome.WRONG


def _is_the_balancers(response: httpx.Response) -> bool:
    """Whether HAProxy speaks for a replica that did not: its pages are HTML, the issuer's JSON."""
    is_html = response.headers.get("content-type", "").startswith("text/html")
    return response.status_code in (502, 503, 504) and is_html


@dataclass
class Held:
    """A code or a token, and what became of it."""

    kind: str
    text: str
    expires_at: float
    issued_at: float = field(default_factory=time.time)
    accepted: int = 0
    is_uncertain: bool = False
    """True where an answer got lost: perhaps it was used."""
    is_revoked: bool = False
    yielded: set[str] = field(default_factory=set)
    """The refresh tokens that took its place."""


@dataclass(frozen=True)
class Entry:
    """One answer."""

    at: float
    kind: str
    outcome: Outcome
    issued_at: float
    """When what was sent was made; for what is made of nothing, now."""


class Ledger:
    """What all customers write into, at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.entries: list[Entry] = []
        self.broken: list[str] = []
        """Each a sentence: an invariant that did not hold."""
        self.access_tokens: list[tuple[str, float]] = []
        self.refresh_tokens: list[Held] = []
        """Of confidential clients: good until they expire or are revoked."""
        self.revoked: list[tuple[Held, str]] = []
        """With whose they are."""
        self.logins: list[float] = []
        """When a user had to log in again."""
        self.secrets: list[str] = []
        """What no log may say."""

    def write(
        self, kind: str, response: httpx.Response | None, issued_at: float | None = None
    ) -> Outcome:
        """Notes an answer."""
        outcome, now = outcome_of(response), time.time()
        with self._lock:
            self.entries.append(Entry(now, kind, outcome, issued_at or now))
            if outcome is Outcome.ACCEPTED and response is not None and response.content:
                token = response.json().get("access_token")
                self.access_tokens += [(token, time.time())] if token else []
        if outcome is Outcome.WRONG and response is not None:
            self.report(f"I3: {kind} was answered {response.status_code} {response.text[:200]}")
        return outcome

    def keep(self, held: Held) -> Held:
        """Notes what was handed out."""
        with self._lock:
            self.secrets.append(held.text)
            if held.kind == "refresh":
                self.refresh_tokens.append(held)
        return held

    def note_login(self) -> None:
        """Notes that a user has to log in again: an answer or the memory of it was lost."""
        with self._lock:
            self.logins.append(time.time())

    def report(self, sentence: str) -> None:
        """Notes that something is wrong."""
        with self._lock:
            self.broken.append(sentence)

    def reported(self) -> list[str]:
        """What was, each once; from then on it is forgotten."""
        with self._lock:
            found, self.broken = list(dict.fromkeys(self.broken)), []
        return found

    def counted(self, since: float, until: float) -> Counter[Outcome]:
        """How often which outcome, in this time."""
        return Counter(each.outcome for each in self.between(since, until))

    def between(self, since: float, until: float) -> Iterable[Entry]:
        """The answers of this time."""
        with self._lock:
            return [each for each in self.entries if since <= each.at < until]

    def failing_after(self, ended_at: float, *, new: bool) -> float:
        """Seconds from ``ended_at`` to the last failure.

        With what was made since, if ``new``; else with refresh tokens that were there before.
        """
        late = [
            each.at - ended_at
            for each in self.between(ended_at, time.time())
            if each.outcome in (Outcome.LATER, Outcome.LOST, Outcome.WRONG)
            and (each.issued_at >= ended_at if new else each.kind == "refresh")
        ]
        return max(late, default=0.0)
