"""``issuer client``: the applications that ask for tokens."""

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from math import inf
from pathlib import Path
from typing import Any, Literal

import click
from pydantic import TypeAdapter

from issuer.cli import clock
from issuer.cli.page import DURATION, columns, note, words
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.cli.secrets import CHOSEN, SECRET_STDIN, chosen
from issuer.registry import Registry, edit, secret
from issuer.registry.client import ID_TOKEN_ALG, Client, ClientSecret
from issuer.registry.record import Instant, rfc3339
from issuer.registry.scope import OPENID
from issuer.registry.user import OPENID_SCOPES
from issuer.token import OFFERED
from keys.algorithms import ALGORITHMS

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
@click.option(
    "--native",
    is_flag=True,
    help="It runs on people's own machines, and may have http://localhost or a scheme like "
    "vscode://; --public unless --auth-method says otherwise.",
)
@click.option("--auth-method", type=click.Choice(OFFERED.token_endpoint_auth_methods))
@CHOSEN
@SECRET_STDIN
@click.option(
    "--id-token-signed-response-alg",
    type=click.Choice(list(ALGORITHMS)),
    help=f"What its ID tokens are signed by; {ID_TOKEN_ALG} if left out.",
)
@click.option(
    "--require-pushed-authorization-requests",
    is_flag=True,
    help="Refuse its authorization requests that were not pushed to /par.",
)
@click.option("--skip-consent", is_flag=True, help="The team's own: its users are not asked.")
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
    id_token_signed_response_alg: str | None,
    file: str | None,
    public: bool,
    native: bool,
    is_chosen: bool,
    secret_stdin: bool,
    require_pushed_authorization_requests: bool,
    skip_consent: bool,
) -> None:
    """Add a client, and print its secret this once, if it was made here.

    Left out, the grant types are authorization_code and refresh_token with a redirect URI,
    client_credentials without; the resource is the registry's only one, or none for a client that
    asks only who the user is. --grant-type, --redirect-uri and --resource may be repeated.

    \b
    Examples:
      issuer client add billing
      issuer client add web --name "Web shop" --redirect-uri https://shop.example/callback
      issuer client add wiki --redirect-uri https://wiki.example/callback --scope "openid email"
      issuer client add phone --public --redirect-uri com.example.shop:/callback
      issuer client add editor --native --redirect-uri http://localhost/callback
      pass show moved | issuer client add moved --secret-stdin
    """
    registry = place.read_registry()
    if not resources and not _asks_only_who(scope):
        resources = _only_resource(registry)
    method = _method(auth_method, public=public, native=native)
    made = hashed = None
    if method.startswith("client_secret_"):
        made, hashed = _secret(is_chosen=is_chosen, from_stdin=secret_stdin)
    elif is_chosen or secret_stdin:
        raise click.UsageError(f"a client of --auth-method {method} has no secret to choose")
    record: dict[str, Any] = {
        "client_name": name,
        "application_type": "native" if native else None,
        "token_endpoint_auth_method": method,
        "client_secrets": [{"hash": hashed}] if hashed else None,
        "grant_types": list(grant_types or _grant_types(redirect_uris, method)),
        "redirect_uris": list(redirect_uris),
        "scope": _all_scopes(registry, resources) if scope is None else scope,
        "resources": list(resources),
        "id_token_signed_response_alg": id_token_signed_response_alg,
        "require_pushed_authorization_requests": require_pushed_authorization_requests,
        "skip_consent": skip_consent,
    }
    record = {field: value for field, value in record.items() if value}
    edited = place.add(("clients", client_id), record, file)
    _show(client_id, made, record, edited)


def _secret(*, is_chosen: bool, from_stdin: bool) -> tuple[str | None, str]:
    """A secret to be shown, if it is made here, and the hash of it or of one that was chosen."""
    if is_chosen or from_stdin:
        return None, secret.argon2id_hash(chosen("Secret", from_stdin=from_stdin))
    made = secret.generate()
    return made, secret.sha256_hash(made)


def _show(client_id: str, made: str | None, record: dict[str, Any], edited: Path) -> None:
    """Says what can be used on stdout, and all the rest beside it."""
    click.echo(columns([("client_id", client_id), *([("client_secret", made)] if made else [])]))
    rows = [(field, _text(value)) for field, value in record.items() if field != "client_secrets"]
    note(f"\nAdded to {edited}:\n\n{columns(rows, indent='  ')}\n")
    kept = "The registry keeps the hash of its secret."
    note(SHOWN_ONCE if made else kept if "client_secrets" in record else "It has no secret.")


def _text(value: str | Sequence[str] | Literal[True]) -> str:
    if value is True:
        return "true"
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


def _method(asked: str | None, *, public: bool, native: bool) -> str:
    if public and asked not in (None, "none"):
        raise click.UsageError(f"--public is --auth-method none, not {asked}")
    # A secret in an application that people have copies of is none (RFC 8252 section 8.5).
    return asked or ("none" if public or native else "client_secret_basic")


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
    made, hashed = _secret(is_chosen=is_chosen, from_stdin=secret_stdin)
    now = clock.now()
    end = now if revoke_old else now + expires_old_in
    succeed = _succession(hashed, now=now, end=end)
    edited = place.change(("clients", client_id), succeed)
    if made:
        click.echo(made)
    old = "are gone" if end <= now else f"are good until {rfc3339(end)} at most"
    note(f"\nChanged {edited}; older secrets {old}." + (f" {SHOWN_ONCE}" if made else ""))


@client.command("hash")
@click.option(
    "--generated",
    is_flag=True,
    help="It was made by a machine: SHA-256 is enough, and a thousand times as fast to check.",
)
def hash_secret(*, generated: bool) -> None:
    """Print what the registry keeps of a secret that is known already.

    For a registry that is written by hand or by other tools, and for clients that bring their
    secret from elsewhere; no file is read or changed. The secret is the first line of stdin, or
    asked for where stdin is a terminal. Its argon2id hash is good for every secret; --generated is
    for those of 128 random bits and more.

    \b
    Examples:
      issuer client hash
      pass show billing | issuer client hash --generated
    """
    given = chosen("Secret", from_stdin=not sys.stdin.isatty())
    if generated and len(given) < secret.SHORTEST_GENERATED:
        raise click.UsageError(
            f"a secret of 128 random bits has at least {secret.SHORTEST_GENERATED} characters; "
            "leave --generated out"
        )
    click.echo(secret.sha256_hash(given) if generated else secret.argon2id_hash(given))


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
        "application_type": each.application_type,
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
