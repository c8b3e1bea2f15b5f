"""Customers: they log in, redeem, refresh, come again, try twice, and take back."""

import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf

import httpx

from issuer.server import AuthorizationServer
from tests.builders import SECRET, VERIFIER, a_code
from tests.faults.ledger import Held, Ledger, Outcome

NEWCOMERS = 3
PATIENCE = 2.0
"""Seconds that a customer lets pass before they try again, whatever they are told."""
RENEWED = 40.0
"""Seconds after which a refresh token that is good must have been accepted."""


@dataclass
class Expected:
    """What may happen at this time, as the README says it."""

    remembers: bool = True
    """False without a store: a code may be redeemed again."""
    forgotten_before: float = 0.0
    """What was issued earlier a store that lost its memory may refuse, if it is good once."""
    may_lose: bool = False
    """Whether connections may break."""
    stops_at: float = inf
    """When the store's process does: what it was just asked may be done and not answered."""

    def leaves_open(self, outcome: Outcome) -> bool:
        """True where nobody can know whether a request did what it was to do."""
        may_be_done = outcome is Outcome.LATER and time.time() >= self.stops_at
        return outcome is Outcome.LOST or may_be_done


@dataclass
class Market:
    """What all customers have in common."""

    url: str
    server: AuthorizationServer
    """What the application that logs users in reads."""
    ledger: Ledger
    expected: Expected
    revocation: str | None = None
    """The revocation endpoint, if there is one."""
    is_over: threading.Event = field(default_factory=threading.Event)


@contextmanager
def shopping(market: Market) -> Iterator[None]:
    """Customers come all the while."""
    habits = [Customer.regular] + [Customer.newcomer] * NEWCOMERS
    customers = [threading.Thread(target=Customer(market).run, args=(each,)) for each in habits]
    for each in customers:
        each.start()
    try:
        yield
    finally:
        market.is_over.set()
        for each in customers:
            each.join()


class Customer:
    """One of them, who does one thing after the other."""

    def __init__(self, market: Market) -> None:
        self.market, self.ledger = market, market.ledger
        self.http = httpx.Client(timeout=20)

    def run(self, habit: Callable[["Customer"], Iterable[Callable[[], object]]]) -> None:
        """Until it is over."""
        try:
            while not self.market.is_over.is_set():
                for step in habit(self):
                    step()
                    self.market.is_over.wait(0.02)
        except Exception as error:  # noqa: BLE001  a customer who fell is a run that shows nothing
            self.ledger.report(f"a customer fell: {error!r}")
        finally:
            self.http.close()

    def regular(self) -> Iterable[Callable[[], object]]:
        """Has what somebody got at any time, and needs no new login."""
        return self.ask_for_oneself, self.come_again

    def newcomer(self) -> Iterable[Callable[[], object]]:
        """Begins with a login each time."""
        return self.log_in, self.steal, self.rotate, self.take_back

    # What they do

    def ask_for_oneself(self) -> None:
        """No store is needed for it: only who dies can keep it from being answered."""
        response = self.post("/token", "web", grant_type="client_credentials")
        outcome = self.ledger.write("own", response)
        lost = self.market.expected.may_lose and outcome is Outcome.LOST
        if outcome is not Outcome.ACCEPTED and not lost:
            self.ledger.report(f"client_credentials, which needs no store: {outcome}")

    def log_in(self) -> None:
        """A code is redeemed, and the refresh token that comes with it is kept."""
        body = self.until_accepted(self.a_code("web"), "web")
        if body is not None:
            self.held("refresh", body["refresh_token"])

    def steal(self) -> None:
        """A code is redeemed twice: the second time it takes back what it gave the first time."""
        code = self.a_code("web")
        body = self.until_accepted(code, "web")
        if body is not None and self.market.expected.remembers:
            self.twice(code, "web", self.held("stolen", body["refresh_token"]))

    def come_again(self) -> None:
        """A refresh token that somebody got at any time is good."""
        known = [each for each in self.ledger.refresh_tokens if not each.is_revoked]
        if known:
            self.until_accepted(random.choice(known), "web")  # noqa: S311

    def rotate(self) -> None:
        """A public client's refresh token is used twice: that takes back the one in its place."""
        body = self.until_accepted(self.a_code("spa"), "spa")
        if body is None or "refresh_token" not in body:
            return
        old = self.held("rotating", body["refresh_token"])
        renewed = self.until_accepted(old, "spa")
        if renewed is not None:
            self.twice(old, "spa", self.held("stolen", renewed["refresh_token"]))

    def take_back(self) -> None:
        """What was revoked stays revoked."""
        if self.market.revocation is None or random.random() > 0.2:  # noqa: S311
            return
        body = self.until_accepted(self.a_code("web"), "web")
        if body is None:
            return
        revoked = self.held("revoked", body["refresh_token"])
        for _ in range(20):
            response = self.post("", "web", url=self.market.revocation, token=revoked.text)
            if self.ledger.write("revoke", response) is Outcome.ACCEPTED:
                break
            self.market.is_over.wait(PATIENCE / 2)
        else:
            return
        for _ in range(2):
            if self.send(revoked, "web")[0] is Outcome.ACCEPTED:
                self.ledger.report("accepted after it was revoked: a refresh token")
                return
        self.ledger.revoked.append((revoked, "web"))

    # How they ask

    def a_code(self, client_id: str) -> Held:
        server, now = self.market.server, int(time.time())
        text = a_code(server, now=now, client_id=client_id)
        lifetime = server.registry.issuer.authorization_code_lifetime
        return self.ledger.keep(Held("code", text, expires_at=now + lifetime))

    def held(self, kind: str, text: str) -> Held:
        return self.ledger.keep(Held(kind, text, expires_at=time.time() + RENEWED))

    def until_accepted(self, held: Held, client_id: str) -> Mapping[str, str] | None:
        """The answer to what is good; None where it never came, and may not have.

        Whoever hears 503 asks again, and so does whoever hears nothing.
        """
        end = time.time() + RENEWED if held.kind == "refresh" else held.expires_at - 1
        while time.time() < end:
            outcome, response = self.send(held, client_id)
            if outcome is Outcome.ACCEPTED and response is not None:
                body: Mapping[str, str] = response.json()
                return body
            if outcome is Outcome.REFUSED:
                self.judge(held, f"refused for good, though it was good: a {held.kind}")
                return None
            wait = float(response.headers.get("retry-after", "0")) if response is not None else 0
            if held.kind != "refresh" and time.time() + wait > end:
                break
            if self.market.is_over.wait(min(wait, PATIENCE) if wait else 0.05):
                return None
        self.judge(held, f"never accepted, though it was good: a {held.kind}")
        return None

    def judge(self, held: Held, sentence: str) -> None:
        """Where it may have been used, or memory was lost, a user logs in again; else it is wrong.

        That never holds for the refresh token of a confidential client.
        """
        is_once = held.kind != "refresh"
        is_forgotten = held.issued_at < self.market.expected.forgotten_before
        if is_once and (held.is_uncertain or is_forgotten):
            self.ledger.note_login()
        elif not held.is_revoked:
            self.ledger.report(sentence)

    def twice(self, held: Held, client_id: str, given: Held) -> None:
        """What is good once is used again, and what it gave is good no more."""
        if self.send(held, client_id)[0] is Outcome.REFUSED:
            if self.send(given, client_id)[0] is Outcome.ACCEPTED:
                self.ledger.report("accepted, though what gave it was used twice: a refresh token")
            self.ledger.revoked.append((given, client_id))

    def send(self, held: Held, client_id: str) -> tuple[Outcome, httpx.Response | None]:
        grant = {"code": ("authorization_code", "code")}
        grant_type, name = grant.get(held.kind, ("refresh_token", "refresh_token"))
        form = {"grant_type": grant_type, name: held.text}
        if held.kind == "code":
            form["code_verifier"] = VERIFIER
        response = self.post("/token", client_id, **form)
        outcome = self.ledger.write(held.kind, response, held.issued_at)
        held.is_uncertain |= self.market.expected.leaves_open(outcome)
        if outcome is Outcome.ACCEPTED and response is not None:
            held.accepted += 1
            held.yielded.add(response.json()["refresh_token"] if held.kind == "rotating" else "")
            if held.accepted > 1 and self.market.expected.remembers and held.kind == "code":
                self.ledger.report("I1: accepted twice: a code")
            if len(held.yielded) > 1:
                self.ledger.report("I1: two successors of one refresh token")
        return outcome, response

    def post(
        self, path: str, client_id: str, *, url: str | None = None, **form: str
    ) -> httpx.Response | None:
        """The answer; None where the connection broke."""
        is_public = client_id == "spa"
        given = form | ({"client_id": client_id} if is_public else {})
        auth = None if is_public else (client_id, SECRET)
        try:
            return self.http.post(url or self.market.url + path, data=given, auth=auth)
        except httpx.TransportError:
            return None
