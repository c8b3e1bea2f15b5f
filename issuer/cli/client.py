"""``issuer client``: the applications that ask for tokens."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter

from issuer import edit, secret
from issuer.cli import clock
from issuer.cli.page import DURATION, columns, note, words
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.cli.secrets import chosen
from issuer.client import Client, ClientSecret
from issuer.record import Instant, rfc3339
from issuer.registry import Registry
from issuer.scope import OPENID
from issuer.token import OFFERED
from issuer.user import OPENID_SCOPES

SHOWN_ONCE = "The secret is shown this once; the registry keeps its hash."
_INSTANT: TypeAdapter[int] = TypeAdapter(Instant)

WITH_USER = ("authorization_code", "refresh_token")


@click.group
def client() -> None:
    """Clients: the applications that ask for tokens."""


@client.command
@click.argument("client_id", metavar="ID")
@click.option("--name", metavar="TEXT", help="What a person calls it.")
@click.option("--grant-type", "grant_types", multiple=True, type=click.Choice(OFFERED.grant_types))
@click.option("--redirect-uri", "redirect_uris", multiple=True, metavar="URI")
@click.option("--scope", help="Space-separated; every scope of its resources if left out.")
@click.option(
    "--resource", "resources", multiple=True, metavar="URI", help="The first is the default."
)
@click.option(
    "--public", is_flag=True, help="It cannot keep a secret: an app, or code in a browser."
)
@click.option("--auth-method", type=click.Choice(OFFERED.token_endpoint_auth_methods))
@click.option(
    "--file", metavar="NAME", help="The file to add to, where the registry is a directory."
)
@pass_place
def add(  # noqa: PLR0913  the fields of a registration
    place: Place,
    client_id: str,
    *,
    name: str | None,
    grant_types: tuple[str, ...],
    redirect_uris: tuple[str, ...],
    scope: str | None,
    resources: tuple[str, ...],
    auth_method: str | None,
    file: str | None,
    public: bool,
) -> None:
    """Add a client, and print its secret this once.

    Left out, the grant types are authorization_code and refresh_token with a redirect URI,
    client_credentials without; the resource is the registry's only one, or none for a client that
    asks only who the user is. --grant-type, --redirect-uri and --resource may be repeated.

    \b
    Examples:
      issuer client add billing
      issuer client add web --name "Web shop" --redirect-uri https://shop.example/callback
      issuer client add wiki --redirect-uri https://wiki.example/callback --scope "openid email"
      issuer client add phone --public --redirect-uri com.example.shop:/callback
    """
    registry = place.read_registry()
    if not resources and not _asks_only_who(scope):
        resources = _only_resource(registry)
    method = _method(auth_method, public=public)
    made = secret.generate() if method.startswith("client_secret_") else None
    record: dict[str, Any] = {
        "client_name": name,
        "token_endpoint_auth_method": method,
        "client_secrets": [{"hash": secret.sha256_hash(made)}] if made else None,
        "grant_types": list(grant_types or _grant_types(redirect_uris, method)),
        "redirect_uris": list(redirect_uris),
        "scope": _all_scopes(registry, resources) if scope is None else scope,
        "resources": list(resources),
    }
    record = {field: value for field, value in record.items() if value}
    edited = place.add(("clients", client_id), record, file)
    _show(client_id, made, record, edited)


def _show(client_id: str, made: str | None, record: dict[str, Any], edited: Path) -> None:
    """Says what can be used on stdout, and all the rest beside it."""
    click.echo(columns([("client_id", client_id), *([("client_secret", made)] if made else [])]))
    rows = [(field, _text(value)) for field, value in record.items() if field != "client_secrets"]
    note(f"\nAdded to {edited}:\n\n{columns(rows, indent='  ')}\n")
    note(SHOWN_ONCE if made else "It has no secret.")


def _text(value: str | Sequence[str]) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def _asks_only_who(scope: str | None) -> bool:
    """True where tokens of the client are for the issuer itself, which needs no naming."""
    asked = scope.split() if scope else []
    return OPENID in asked and set(asked) <= set(OPENID_SCOPES)


def _only_resource(registry: Registry) -> tuple[str, ...]:
    if len(registry.resources) == 1:
        return tuple(registry.resources)
    if not registry.resources:
        raise Refusal("The registry has no resource yet: `issuer resource add URI --scope NAME`.")
    raise click.UsageError(f"name one of these with --resource: {', '.join(registry.resources)}")


def _all_scopes(registry: Registry, resources: Sequence[str]) -> str:
    known = [registry.resources[each].scopes for each in resources if each in registry.resources]
    return " ".join(dict.fromkeys(scope for scopes in known for scope in scopes))


def _method(asked: str | None, *, public: bool) -> str:
    if public and asked not in (None, "none"):
        raise click.UsageError(f"--public is --auth-method none, not {asked}")
    return asked or ("none" if public else "client_secret_basic")


def _grant_types(redirect_uris: Sequence[str], method: str) -> Sequence[str]:
    if method == "none":
        return WITH_USER[:1]  # a refresh token would be anybody's who finds it
    return WITH_USER if redirect_uris else ("client_credentials",)


@client.command("secret")
@click.argument("client_id", metavar="ID")
@click.option(
    "--expires-old-in",
    type=DURATION,
    default="7d",
    show_default=True,
    help="How long the secrets it has stay good.",
)
@click.option("--revoke-old", is_flag=True, help="Take the secrets it has away at once.")
@click.option("--chosen", "is_chosen", is_flag=True, help="Ask for a secret instead of making one.")
@pass_place
def new_secret(
    place: Place, client_id: str, expires_old_in: int, *, revoke_old: bool, is_chosen: bool
) -> None:
    """Give a client another secret, and print it this once.

    The old ones stay good for a while, so that nothing fails before the client has the new one.
    Secrets that have expired are taken out.

    \b
    Examples:
      issuer client secret billing
      issuer client secret billing --revoke-old
    """
    made = chosen("Secret", from_stdin=False) if is_chosen else secret.generate()
    hashed = secret.argon2id_hash(made) if is_chosen else secret.sha256_hash(made)
    now = clock.now()
    end = now if revoke_old else now + expires_old_in
    succeed = _succession(hashed, now=now, end=end)
    edited = place.change(("clients", client_id), succeed)
    if not is_chosen:
        click.echo(made)
    old = "are gone" if end <= now else f"are good until {rfc3339(end)} at most"
    note(f"\nChanged {edited}; older secrets {old}." + ("" if is_chosen else f" {SHOWN_ONCE}"))


def _succession(hashed: str, *, now: int, end: int) -> edit.Change:
    """Adds a secret to a client, and lets the others end at ``end`` or earlier."""

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


@client.command("list")
@click.option(
    "--json", "as_json", is_flag=True, help="As a JSON array of registrations (RFC 7591)."
)
@pass_place
def list_clients(place: Place, *, as_json: bool) -> None:
    """Show every client: how it authenticates, and what it may ask for.

    \b
    Examples:
      issuer client list
      issuer client list --json | jq -r '.[].client_id'
    """
    clients, now = place.read_registry().clients.values(), clock.now()
    if as_json:
        listed = [_registration(each) for each in clients]
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
    elif clients:
        heading = ("client_id", "auth method", "secrets", "grant types", "scope")
        click.echo(columns([heading, *(_row(each, now) for each in clients)]))
    else:
        note("There is none yet: `issuer client add ID`.")


def _row(each: Client, now: int) -> tuple[str, ...]:
    return (
        each.client_id,
        each.token_endpoint_auth_method,
        _secrets_in_words(each.client_secrets, now),
        ", ".join(each.grant_types),
        str(each.scope),
    )


def _secrets_in_words(secrets: Sequence[ClientSecret], now: int) -> str:
    live = [each for each in secrets if each.is_live(now)]
    ends = [each.expires_at for each in live if each.expires_at]
    if not secrets:
        return "-"
    if live and len(ends) == len(live):
        return f"{len(live)} live, the last for {words(max(ends) - now)}"
    return f"{len(live)} live"


def _registration(each: Client) -> dict[str, Any]:
    """The client's registration without what proves anything."""
    return {
        "client_id": each.client_id,
        "client_name": each.client_name,
        "token_endpoint_auth_method": each.token_endpoint_auth_method,
        "grant_types": list(each.grant_types),
        "redirect_uris": list(each.redirect_uris),
        "scope": str(each.scope),
        "resources": list(each.resources),
        "client_secrets": [_dates(held) for held in each.client_secrets],
    }


def _dates(held: ClientSecret) -> dict[str, str]:
    dates = {"not_before": held.not_before, "expires_at": held.expires_at}
    return {name: rfc3339(instant) for name, instant in dates.items() if instant is not None}
