"""``issuer resource``: the resource servers that tokens are for."""

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError

from issuer.cli import clock, private_half
from issuer.cli.client.secret import SHOWN_ONCE, made_or_chosen
from issuer.cli.init import CLIENT_ID as DEMO_CLIENT_ID
from issuer.cli.init import RESOURCE as DEMO_RESOURCE
from issuer.cli.page import DURATION, columns, note, words
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.cli.resource_secret import CLIENT_ID, how_to_ask, new_secret
from issuer.registry import InvalidRegistry, Registry, edit
from issuer.registry.documents import dotted
from issuer.registry.record import Instant, rfc3339
from issuer.registry.resource import EncryptionJWK
from issuer.token import MAC
from keys.mac.agreement_keys import CURVES, DEFAULT_CURVE
from keys.mac.key_wrapping import generate_key, public_jwk

_INSTANT: TypeAdapter[int] = TypeAdapter(Instant)

CURVE = click.option(
    "--curve",
    type=click.Choice(list(CURVES)),
    help=f"Of the key pair; as the key before it, or else {DEFAULT_CURVE}.",
)
PRIVATE_KEY = click.option(
    "--private-key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Where the private half goes, mode 0600; to stdout if left out.",
)


@click.group
def resource() -> None:
    """Resources: the APIs that tokens are for."""


@resource.command
@click.argument("uri")
@click.option("--scope", "scopes", multiple=True, metavar="NAME", help="Repeat for each scope.")
@click.option("--name", help="What the consent page calls it; its host if left out.")
@click.option("--mac", is_flag=True, help="Its tokens come with a key to sign requests with.")
@PRIVATE_KEY
@CURVE
@click.option("--introspect", is_flag=True, help="It may ask about its tokens, with a secret.")
@CLIENT_ID
@click.option("--access-token-lifetime", type=DURATION, help="Such as 10m.")
@click.option(
    "--file", metavar="NAME", help="The file to add to, where the registry is a directory."
)
@pass_place
def add(  # noqa: PLR0913  the fields of a registration
    place: Place,
    uri: str,
    *,
    scopes: tuple[str, ...],
    name: str | None,
    mac: bool,
    private_key: Path | None,
    curve: str | None,
    introspect: bool,
    client_id: str | None,
    access_token_lifetime: int | None,
    file: str | None,
) -> None:
    """Add a resource server: the audience of a token.

    With --mac, a key pair is made for it: the public half is written into the registry, the private
    half is for the resource server alone. With --introspect, a secret is made and printed this
    once: with it the resource server asks POST /introspect whether a token is good.

    \b
    Examples:
      issuer resource add https://bills.example --scope read --scope write --name Invoices
      issuer resource add https://bills.example --scope read --introspect --client-id bills
      issuer resource add https://pay.example --scope pay --mac --private-key pay.jwks.json
    """
    _check_options(
        mac=mac, of_mac=private_key or curve, introspect=introspect, client_id=client_id,
        on_stdout=private_key is None,
    )  # fmt: skip
    if uri == DEMO_RESOURCE and _is_of_the_demo(place.read_registry()):
        raise Refusal(
            f"{place.registry} already has {dotted(('resources', uri))}: `issuer init` made it for "
            f"its demo, with the client {DEMO_CLIENT_ID}.",
            "To use it, write your scopes into it; to be rid of it, take both out. "
            "Nothing was changed.",
        )
    record: dict[str, Any] = {"scopes": " ".join(scopes).split()}
    if name is not None:
        record["resource_name"] = name
    if access_token_lifetime is not None:
        record["access_token_lifetime"] = access_token_lifetime
    jwk = generate_key(curve or DEFAULT_CURVE)
    if mac:
        record |= {"access_token_type": MAC, "jwks": {"keys": [public_jwk(jwk)]}}
    made, hashed = made_or_chosen(is_chosen=False, from_stdin=False)
    if introspect:
        record |= {"client_secrets": [{"hash": hashed}]}
        record |= {"client_id": client_id} if client_id else {}
    keep = private_half.creating(jwk, private_key)
    edited = place.add(("resources", uri), record, file, keep)
    note(
        f"Added resource {uri} to {edited}. A client names it under `resources` to have its tokens."
    )
    if introspect:
        click.echo(columns([("client_id", client_id or uri), ("client_secret", str(made))]))
        note(f"{SHOWN_ONCE} {how_to_ask(place, uri)}")
    if mac:
        private_half.show(jwk, private_key)


resource.add_command(new_secret)


def _check_options(
    *, mac: bool, of_mac: object, introspect: bool, client_id: str | None, on_stdout: bool
) -> None:
    if of_mac and not mac:
        raise click.UsageError("--private-key and --curve are for --mac alone")
    if client_id and not introspect:
        raise click.UsageError("--client-id is for --introspect alone")
    if mac and introspect and on_stdout:
        raise click.UsageError("two secrets are too much for stdout: give --private-key FILE")


def _is_of_the_demo(registry: Registry) -> bool:
    demo = registry.clients.get(DEMO_CLIENT_ID)
    return demo is not None and DEMO_RESOURCE in demo.resources


@resource.command
@click.argument("uri")
@click.option(
    "--in",
    "delay",
    type=DURATION,
    default="1d",
    show_default=True,
    help="Time to bring the private half to every resource server.",
)
@PRIVATE_KEY
@CURVE
@pass_place
def rotate(place: Place, uri: str, delay: int, private_key: Path | None, curve: str | None) -> None:
    """Give a mac resource another key, which takes over later.

    Every replica changes in the same second. Before that, the resource server needs the new private
    half beside the old one, which it keeps for as long as tokens live. If FILE is there, the key is
    added to those in it; the resource server reads it again by itself. A resource without a key
    gets its first one, used at once.

    \b
    Examples:
      issuer resource rotate https://pay.example --private-key pay.jwks.json
      issuer resource rotate https://pay.example --in 1h > next.jwks.json
    """
    now, jwk = clock.now(), generate_key(curve or _curve_in_use(place, uri))
    succeed = _succession(uri, public_jwk(jwk), now=now, begins_at=now + delay)
    keep = private_half.adding(jwk, private_key)
    edited = place.change(("resources", uri), succeed, keep)
    (begins_at,) = (each.not_before for each in _keys(place, uri) if each.kid == jwk["kid"])
    at_once = begins_at is None or begins_at <= now
    when = "at once" if at_once else f"in {words(delay)}, at {rfc3339(now + delay)}"
    note(f"Changed {edited}: the new key is used {when}.")
    private_half.show(jwk, private_key)


def _keys(place: Place, uri: str) -> tuple[EncryptionJWK, ...]:
    resource = place.read_registry().resources.get(uri)
    return resource.jwks.keys if resource and resource.jwks else ()


def _curve_in_use(place: Place, uri: str) -> str:
    try:
        keys = _keys(place, uri)
    except InvalidRegistry:
        keys = ()  # the lack of a key may be all that is wrong
    return keys[-1].crv if keys else DEFAULT_CURVE


def _succession(uri: str, jwk: Mapping[str, str], *, now: int, begins_at: int) -> edit.Change:
    """Adds a key to a resource, and takes out those that are not used any more."""

    def succeed(record: edit.Table) -> None:
        if record.get("access_token_type") != MAC:
            raise Refusal(f"{uri} takes Bearer tokens, which have no key.", "Nothing was changed.")
        if "jwks" not in record:
            record["jwks"] = {"keys": []}
        keys = record["jwks"]["keys"]
        begins = [_begins_at(each) for each in keys]
        pending = [instant for instant in begins if instant > now]
        if pending:
            raise Refusal(
                f"{uri} has a next key already, used from {rfc3339(pending[0])}.",
                "Nothing was changed.",
            )
        for number in reversed(range(len(keys))):
            if begins[number] != max(begins):
                del keys[number]
        keys.append(
            {**jwk, "not_before": datetime.fromtimestamp(begins_at, UTC)} if begins else jwk
        )

    return succeed


def _begins_at(entry: Mapping[str, Any]) -> int:
    try:
        return _INSTANT.validate_python(entry.get("not_before", 0))
    except ValidationError:
        return 0  # the registry says it better
