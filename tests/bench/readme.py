"""What the README says of the figures: one paragraph, one table, and one paragraph more."""

from collections.abc import Iterator, Mapping

from tests.bench.builds import COMPILED, PURE
from tests.bench.figures import Series
from tests.bench.measure import Measured
from tests.bench.names import MILLION, PEER, SIGNING, of, of_many
from tests.bench.rates import Plan
from tests.bench.report import table

GRANTS = {
    "client_credentials": "client_credentials",
    "refresh_token": "refresh_token",
    "authorization_code": "authorization_code, with PKCE and a refresh token",
}


def section(measured: Measured, plan: Plan, facts: Mapping[str, str]) -> str:
    """To be pasted under "How fast"."""
    series = measured.series
    peer = measured.peer.partition(" on ")[0]
    head = ["", "tokens per second of a core", f"times {peer}", "of bare ES256 signing"]
    shown = [_row(series, name, series[each]) for name, each in _rows(measured)]
    return "\n\n".join(
        [
            f"On {facts['date']}, one worker on one core of {facts['processor']}, load on the"
            f" other core, medians of {plan.rounds} rounds of {plan.seconds:.0f} seconds, under"
            f" {facts['Python']}.",
            table(head, shown),
            _weights(measured),
        ]
    )


def _rows(measured: Measured) -> Iterator[tuple[str, str]]:
    """What each row is called, and the series that it shows."""
    yield "oidc-provider, client_credentials", PEER
    for build in measured.weights:
        suffix = build.removeprefix(PURE.name)
        for grant, name in GRANTS.items():
            emphasis = "**" if grant == "client_credentials" else ""
            yield f"{emphasis}{name}{suffix}{emphasis}", of(build, grant)
        for crowd in measured.crowds:
            if (crowded := of_many(build, crowd.clients)) in measured.series:
                yield f"client_credentials{suffix}, {crowd.clients:,} clients", crowded


def _row(series: Mapping[str, Series], name: str, each: Series) -> list[str]:
    signed = each.over(series[SIGNING])
    return [name, f"{each.median:,.0f}", f"{each.over(series[PEER]):.2f}", f"{signed * 100:.1f} %"]


def _weights(measured: Measured) -> str:
    weight, series = measured.weights[PURE.name], measured.series
    one, two = measured.workers.values()
    tokens = series[of(PURE.name, "client_credentials")]
    said = [
        f"From start to the first token: {weight.first_token:.2f} s."
        f" A worker holds {weight.worker.resident:.0f} MB.",
        f"Of sixteen connections one answer in a hundred took {tokens.tail:.1f} times the median"
        " wait or longer.",
        "While 100,000 clients were reloaded, the slowest answer took"
        f" {measured.longest_answer * 1000:.0f} ms.",
        f"Two workers, sharing both cores with the load, gave {_answers(two) / _answers(one):.2f}"
        f" times the tokens of one, and {two.over(one) * 100:.0f} % of its tokens per second of"
        " processor time.",
    ]
    if COMPILED in measured.weights:
        compiled = measured.weights[COMPILED]
        said.append(
            f"With {compiled.compiled_modules} modules compiled, a worker starts in"
            f" {compiled.first_token:.2f} s and holds {compiled.worker.resident:.0f} MB."
        )
    for crowd in measured.crowds:
        if crowd.clients == MILLION:
            said.append(
                f"A million clients are there {crowd.first_token:.1f} s after the start, and take"
                f" {crowd.bytes_each:,.0f} bytes each."
            )
    return " ".join(said)


def _answers(workers: Series) -> float:
    return workers.median * workers.cores
