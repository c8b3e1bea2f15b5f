"""``issuer client secret``: another secret for a client, and how long the old ones stay good."""

from collections.abc import Mapping
from datetime import UTC, datetime
from math import inf
from typing import Any

import click
from pydantic import TypeAdapter

from issuer.cli import clock
from issuer.cli.page import DURATION, note
from issuer.cli.place import Place, pass_place
from issuer.cli.secrets import CHOSEN, SECRET_STDIN, chosen
from issuer.registry import edit, secret
from issuer.registry.record import Instant, rfc3339

SHOWN_ONCE = "The secret is shown this once; the registry keeps its hash."
_INSTANT: TypeAdapter[int] = TypeAdapter(Instant)


@click.command("secret")
@click.argument("client_id", metavar="ID")
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
    client_id: str,
    expires_old_in: int,
    *,
    revoke_old: bool,
    is_chosen: bool,
    secret_stdin: bool,
) -> None:
    """Give a client another secret, and print it this once.

    The old ones stay good for a while, so that nothing fails before the client has the new one.
    Secrets that have expired are taken out.

    \b
    Examples:
      issuer client secret billing
      issuer client secret billing --revoke-old
    """
    made, hashed = made_or_chosen(is_chosen=is_chosen, from_stdin=secret_stdin)
    now = clock.now()
    end = now if revoke_old else now + expires_old_in
    succeed = succession(hashed, now=now, end=end)
    edited = place.change(("clients", client_id), succeed)
    if made:
        click.echo(made)
    old = "are gone" if end <= now else f"are good until {rfc3339(end)} at most"
    note(f"\nChanged {edited}; older secrets {old}." + (f" {SHOWN_ONCE}" if made else ""))


def made_or_chosen(*, is_chosen: bool, from_stdin: bool) -> tuple[str | None, str]:
    """A secret to be shown, if it is made here, and the hash of it or of one that was chosen."""
    if is_chosen or from_stdin:
        return None, secret.argon2id_hash(chosen("Secret", from_stdin=from_stdin))
    made = secret.generate()
    return made, secret.sha256_hash(made)


def succession(hashed: str, *, now: int, end: int) -> edit.Change:
    """Adds a secret to a record, and lets the others end at ``end`` or earlier."""

    def succeed(record: edit.Table) -> None:
        if "client_secrets" not in record:
            record["client_secrets"] = []
        secrets = record["client_secrets"]
        for number in reversed(range(len(secrets))):
            if min(end, _expires_at(secrets[number])) <= now:
                del secrets[number]
            elif end < _expires_at(secrets[number]):
                secrets[number]["expires_at"] = datetime.fromtimestamp(end, UTC)
        secrets.append({"hash": hashed})

    return succeed


def _expires_at(entry: Mapping[str, Any]) -> float:
    if "expires_at" not in entry:
        return inf
    return _INSTANT.validate_python(entry["expires_at"])
