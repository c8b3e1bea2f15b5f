"""The rounds: each contender answers for so many seconds, while all others are stopped."""

import sys
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.bench import ours, peer, signing
from tests.bench.builds import COMPILED, PURE, Build
from tests.bench.clients import client_credentials
from tests.bench.endpoint import INTROSPECT, TOKEN, Endpoint
from tests.bench.figures import Crowd, Rate, Series, interleaved
from tests.bench.load import TokenForm
from tests.bench.names import (
    FEW,
    INTROSPECTION,
    MANY,
    PEER,
    SIGNING,
    UNSEEN,
    WITH_ASSERTIONS,
    WITH_CERTIFICATES,
    WITH_KEYS,
    WITH_PROOFS,
    of,
    of_many,
)
from tests.bench.ours import Ours
from tests.bench.processes import Memory, running
from tests.builders import MAC_API

MORE_THAN_REMEMBERED = 4
"""Tokens of each client that, sent in turn, are forgotten before they come again."""
WARM_UP = 2
"""Seconds of load before the first round of whoever compiles nothing while it runs."""

Contenders = dict[str, Callable[[], Rate]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure, and how long."""

    rounds: int
    seconds: float
    warm_up: float
    """Seconds of load for the peer before the first round: V8 compiles what it sees often."""
    builds: tuple[Build, ...] = ()
    """Beside the checkout by this interpreter."""
    crowds: tuple[int, ...] = (MANY,)
    """Of clients."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What the rounds showed, and what the contenders weighed."""

    series: dict[str, Series]
    memory: dict[str, Memory]
    """Of a worker of each build with few clients, after the load."""
    compiled_modules: dict[str, int]
    """How many of the issuer's modules each build's worker had imported compiled."""
    crowds: tuple[Crowd, ...]


def rates(plan: Plan, directory: Path) -> Rates:
    """Measures everybody; the peer is installed in ``directory``."""
    with ExitStack() as stack:
        say("starting the contenders")

        def start(name: str, clients: int, core: int = 0, build: Build = PURE) -> Ours:
            return stack.enter_context(ours.started(directory / name, clients, core, build=build))

        builds = (PURE, *plan.builds)
        rival = stack.enter_context(peer.started(directory / "peer", FEW, 0))
        certified = stack.enter_context(
            ours.started(directory / "certified", FEW, 0, by_certificate=True)
        )
        bystander = start("bystander", FEW, 1)
        few = {
            build.name: start(f"few-{number}", FEW, build=build)
            for number, build in enumerate(builds)
        }
        crowds = {number: start(f"many-{number}", number) for number in plan.crowds}
        compiled = [build for build in plan.builds if build.name == COMPILED]
        crowded = {
            build.name: {MANY: start("many-compiled", MANY, build=build)} for build in compiled
        }
        alone = few[PURE.name].held
        weighed = tuple(
            Crowd(number, each.first_token, (each.held - alone) * 2**20 / number)
            for number, each in crowds.items()
        )
        say("warming up")
        rounds = _Rounds(plan, directory / "requests")
        contenders: Contenders = {
            SIGNING: partial(signing.beside, bystander.endpoint, rounds.requests, plan.seconds),
            PEER: rounds.of(rival, lambda: client_credentials(FEW), warm_up=plan.warm_up),
            **rounds.grants(PURE.name, few[PURE.name]),
            **rounds.others(few[PURE.name]),
            WITH_CERTIFICATES: rounds.of(certified.endpoint, certified.certified),
            **rounds.crowds(PURE.name, crowds),
        }
        for build in plan.builds:
            contenders |= rounds.grants(build.name, few[build.name])
            contenders |= rounds.crowds(build.name, crowded.get(build.name, {}))
        say(f"{plan.rounds} rounds of {len(contenders)} times {plan.seconds:.0f} s")
        return Rates(
            series=interleaved(contenders, plan.rounds),
            memory={name: each.memory for name, each in few.items()},
            compiled_modules={name: each.compiled_modules for name, each in few.items()},
            crowds=weighed,
        )


def say(what: str) -> None:
    """Tells whoever waits what they wait for."""
    print(f"… {what}", file=sys.stderr, flush=True)


class _Rounds:
    """How each contender is asked; everybody is asked, and warm, before the first round."""

    def __init__(self, plan: Plan, requests: Path) -> None:
        self._seconds = plan.seconds
        self.requests = requests

    def of(
        self,
        endpoint: Endpoint,
        forms: Callable[[], list[TokenForm]],
        path: str = TOKEN,
        *,
        warm_up: float = WARM_UP,
    ) -> Callable[[], Rate]:
        endpoint.rate(forms(), self.requests, warm_up, path=path)
        return lambda: endpoint.rate(forms(), self.requests, self._seconds, path=path)

    def grants(self, build: str, issuer: Ours) -> Contenders:
        with running(issuer.endpoint.group):
            refreshing = issuer.refresh_tokens()
        endpoint = issuer.endpoint
        return {
            of(build, "client_credentials"): self.of(endpoint, lambda: client_credentials(FEW)),
            of(build, "refresh_token"): self.of(endpoint, lambda: refreshing),
            of(build, "authorization_code"): self.of(endpoint, issuer.codes),
        }

    def others(self, issuer: Ours) -> Contenders:
        endpoint = issuer.endpoint
        unseen = partial(issuer.introspections, MORE_THAN_REMEMBERED)
        return {
            WITH_KEYS: self.of(endpoint, lambda: client_credentials(FEW, resource=MAC_API)),
            WITH_ASSERTIONS: self.of(endpoint, issuer.assertions),
            WITH_PROOFS: self.of(endpoint, issuer.proofs),
            INTROSPECTION: self.of(endpoint, issuer.introspections, INTROSPECT),
            UNSEEN: self.of(endpoint, unseen, INTROSPECT),
        }

    def crowds(self, build: str, issuers: Mapping[int, Ours]) -> Contenders:
        return {
            of_many(build, number): self.of(issuer.endpoint, partial(client_credentials, number))
            for number, issuer in issuers.items()
        }
