"""``issuer resource secret``: by what a resource server proves who it is when it introspects."""

from urllib.parse import quote_plus

import click

from issuer.cli import clock
from issuer.cli.client.secret import SHOWN_ONCE, made_or_chosen, succession
from issuer.cli.page import DURATION, note
from issuer.cli.place import Place, pass_place
from issuer.cli.secrets import CHOSEN, SECRET_STDIN
from issuer.metadata import INTROSPECT
from issuer.registry import edit
from issuer.registry.record import rfc3339

CLIENT_ID = click.option(
    "--client-id", metavar="ID", help="What it calls itself then; its URI if left out."
)


@click.command("secret")
@click.argument("uri")
@CLIENT_ID
@click.option(
    "--expires-old-in",
    type=DURATION,
    default="7d",
    show_default=True,
    help="How long the secrets it has stay good.",
)
@click.option("--revoke-old", is_flag=True, help="Take the secrets it has away at once.")
@CHOSEN
@SECRET_STDIN
@pass_place
def new_secret(
    place: Place,
    uri: str,
    *,
    client_id: str | None,
    expires_old_in: int,
    revoke_old: bool,
    is_chosen: bool,
    secret_stdin: bool,
) -> None:
    """Give a resource server a secret to introspect with.

    It is printed this once. With it the resource server may ask POST /introspect about the tokens
    for it, and about no others. The secrets that it has stay good for a while; those that have
    expired are taken out.

    \b
    Examples:
      issuer resource secret https://bills.example --client-id bills
      issuer resource secret https://bills.example --revoke-old
    """
    made, hashed = made_or_chosen(is_chosen=is_chosen, from_stdin=secret_stdin)
    now = clock.now()
    end = now if revoke_old else now + expires_old_in
    succeed = succession(hashed, now=now, end=end)

    def change(record: edit.Table) -> None:
        if client_id is not None:
            record["client_id"] = client_id
        succeed(record)

    edited = place.change(("resources", uri), change)
    if made:
        click.echo(made)
    old = "are gone" if end <= now else f"are good until {rfc3339(end)} at most"
    note(f"\nChanged {edited}; older secrets {old}." + (f" {SHOWN_ONCE}" if made else ""))
    note(how_to_ask(place, uri))


def how_to_ask(place: Place, uri: str) -> str:
    """A command that introspects as this resource server, for whoever puts the secret in."""
    registry = place.read_registry()
    asking, url = registry.resources[uri], registry.issuer.url + INTROSPECT
    named = quote_plus(asking.name_at_introspection)
    who = f"-u '{named}:…'"
    if asking.auth_method == "client_secret_post":
        who = f"-d client_id={named} -d client_secret=…"
    return f"It asks: curl {who} -d token=… {url}"
