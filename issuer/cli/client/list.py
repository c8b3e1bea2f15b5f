"""``issuer client list``: every client, in a table or as JSON."""

import json
from collections.abc import Sequence
from typing import Any

import click

from issuer.cli import clock
from issuer.cli.page import columns, note, words
from issuer.cli.place import Place, pass_place
from issuer.registry import Registry
from issuer.registry.certificate_checks import BY_CERTIFICATE, NAMES
from issuer.registry.client import Client, ClientSecret
from issuer.registry.record import rfc3339


@click.command("list")
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
    registry, now = place.read_registry(), clock.now()
    clients = registry.clients.values()
    if as_json:
        listed = [_registration(each) for each in clients]
        click.echo(json.dumps(listed, indent=2, ensure_ascii=False))
    elif clients:
        heading = ("client_id", "auth method", "proof", "grant types", "scope")
        click.echo(columns([heading, *(_row(each, registry, now) for each in clients)]))
    else:
        note("There is none yet: `issuer client add ID`.")


def _row(each: Client, registry: Registry, now: int) -> tuple[str, ...]:
    return (
        each.client_id,
        each.token_endpoint_auth_method,
        _proofs_in_words(each, registry, now),
        ", ".join(each.grant_types),
        str(each.scope),
    )


def _proofs_in_words(each: Client, registry: Registry, now: int) -> str:
    """By what it proves who it is."""
    if each.auth_method == "tls_client_auth":
        return next((name for field in NAMES if (name := getattr(each, field))), "-")
    if each.signs_assertions or each.auth_method in BY_CERTIFICATE:
        return _keys_in_words(each, registry)
    return _secrets_in_words(each.client_secrets, now)


def _keys_in_words(each: Client, registry: Registry) -> str:
    keys = registry.client_keys(each)
    if keys is None:
        return f"keys at {each.jwks_uri}"
    return f"{len(keys.keys)} key{'s' * (len(keys.keys) != 1)}"


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
        **({"jwks": each.jwks.as_jwks()} if each.jwks else {}),
        **({"jwks_uri": each.jwks_uri} if each.jwks_uri else {}),
        **{field: name for field in NAMES if (name := getattr(each, field))},
    }


def _dates(held: ClientSecret) -> dict[str, str]:
    dates = {"not_before": held.not_before, "expires_at": held.expires_at}
    return {name: rfc3339(instant) for name, instant in dates.items() if instant is not None}
