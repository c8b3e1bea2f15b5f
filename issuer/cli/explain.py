"""``issuer explain``: which client a token of a federation is, and why it is not another."""

from collections.abc import Iterator
from typing import BinaryIO

import click

from issuer.cli import clock
from issuer.cli.findings import quoted, shown
from issuer.cli.page import columns
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.protocol import client_jwt, federated
from issuer.protocol.client_jwt import Unproved
from issuer.registry import Registry
from issuer.registry.claim_rules import said, written
from issuer.registry.client import Client
from issuer.registry.federation import Federation
from keys import InvalidToken
from keys.algorithms import ALGORITHMS

SHOWN = ("iss", "sub", "aud", "iat", "nbf", "exp")


@click.command
@click.option(
    "--assertion", "file", metavar="FILE", required=True,
    type=click.File("rb"), help="The workload's token; - reads stdin.",
)  # fmt: skip
@click.argument("client_id", required=False)
@pass_place
@click.pass_context
def explain(
    context: click.Context, place: Place, file: BinaryIO, client_id: str | None = None
) -> None:
    """Say which client a workload's token is, and why no other.

    Looks at the rules that clients have for its federation, one by one: at CLIENT_ID's alone, if it
    is named. The token is not sent anywhere, and nothing is spent. Leaves with 1 if no client could
    come with it.

    \b
    Examples:
      issuer explain --assertion /var/run/secrets/tokens/issuer
      kubectl create token api --audience https://id.example | issuer explain --assertion - api
    """
    registry, now = place.read_registry(), clock.now()
    try:
        assertion = client_jwt.read(file.read(1 << 20).decode("ascii", "replace").strip())
    except InvalidToken as invalid:
        raise Refusal(f"This is no token that could be verified: {invalid.detail}.") from None
    federation = registry.federation_of(assertion.claims.get("iss"))
    if federation is None:
        known = ", ".join(each.issuer for each in registry.federations.values()) or "none"
        iss = quoted(assertion.claims.get("iss"))
        raise Refusal(f"No federation has the issuer {iss}. There is: {known}.")
    clients = registry.federated_with(federation)
    if client_id is not None:
        clients = tuple(each for each in clients if each.client_id == client_id)
        if not clients:
            raise Refusal(
                f"No client {client_id} has a rule for federation {federation.federation}."
            )
    told = {name: each for name, each in assertion.claims.items() if name in SHOWN}
    faults = [*_faults(registry, federation, assertion, now)]
    matching = [each for each in clients if federated.rule_of(federation, each, assertion.claims)]
    parts = [f"A token of federation {federation.federation}."]
    parts += [columns(shown(told, now).items(), indent="  ")]
    parts += [f"Refused: {each}." for each in faults]
    parts += ["\n".join(_verdicts(federation, each, assertion)) for each in clients]
    if not clients:
        parts += ["No client has a rule for this federation."]
    if client_id is None and len(matching) > 1:
        parts += ["Note: it is several clients', so requests with it have to say the client_id."]
    click.echo("\n\n".join(parts))
    context.exit(0 if matching and not faults else 1)


def _faults(
    registry: Registry, federation: Federation, assertion: Unproved, now: int
) -> Iterator[str]:
    keys = registry.federation_keys(federation)
    try:
        if keys is not None:
            federated.verify(federation, assertion, keys, ALGORITHMS)
    except InvalidToken as invalid:
        yield invalid.detail
    try:
        federated.check(federation, assertion, issuer=registry.issuer.url, now=now)
    except InvalidToken as invalid:
        audience = federation.audience or registry.issuer.url
        yield invalid.detail + (f", {audience}" if invalid.detail.startswith("aud ") else "")


def _verdicts(federation: Federation, client: Client, assertion: Unproved) -> Iterator[str]:
    for number, rule in enumerate(client.federated):
        if rule.federation != federation.federation:
            continue
        at = f"clients.{client.client_id}.federated[{number}]"
        wrong = [
            f"{written(path)} is {quoted(said(assertion.claims, path))}"
            for path in rule.mismatches(assertion.claims)
        ]
        yield f"{at}: no, {', '.join(wrong)}" if wrong else f"{at}: matches"
