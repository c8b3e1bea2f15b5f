"""``issuer client key``: another key for a client, beside those it has or in their place."""

from collections.abc import Sequence
from pathlib import Path

import click

from issuer.cli.client import key_pair
from issuer.cli.client.key_pair import JWKS, KEY_ALG, PRIVATE_KEY
from issuer.cli.page import note
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.registry import edit


@click.command("key")
@click.argument("client_id", metavar="ID")
@click.option("--revoke-old", is_flag=True, help="Take the keys it has away at once.")
@click.option("--remove", metavar="KID", help="Take this one away, and make none.")
@click.option(
    "--private-key-jwt",
    is_flag=True,
    help="From now on it proves who it is by its key, and its secrets go.",
)
@JWKS
@KEY_ALG
@PRIVATE_KEY
@pass_place
def new_key(  # noqa: PLR0913  the ways of one change
    place: Place,
    client_id: str,
    *,
    revoke_old: bool,
    remove: str | None,
    private_key_jwt: bool,
    jwks: Path | None,
    key_alg: str | None,
    private_key: Path | None,
) -> None:
    """Give a client another key; its private half goes into a file.

    The keys it has stay good, so that nothing fails before the client signs with the new one; then
    --remove takes an old one away. Keys that a client publishes at a jwks_uri, or that lie in a
    jwks_file, it changes there.

    \b
    Examples:
      issuer client key billing --private-key billing-2.jwk.json
      issuer client key billing --remove KID
      issuer client key web --private-key-jwt
    """
    if remove is not None:
        if jwks or key_alg or private_key or revoke_old or private_key_jwt:
            raise click.UsageError("--remove makes no key: give it alone")
        edited = place.change(("clients", client_id), _without(client_id, remove))
        note(f"Changed {edited}: the key {remove} is gone.")
        return
    pair = key_pair.pair(place, client_id, jwks=jwks, key_alg=key_alg, private_key=private_key)

    def succeed(record: edit.Table) -> None:
        keys = _keys(record, client_id)
        if revoke_old:
            keys.clear()
        keys.extend(pair.public)
        if private_key_jwt:
            record["token_endpoint_auth_method"] = "private_key_jwt"
            record.pop("client_secrets", None)

    edited = place.change(("clients", client_id), succeed, pair.keep)
    old = "are gone" if revoke_old else "stay good until `issuer client key --remove`"
    note(f"Changed {edited}: {_named(pair.public)} is new; keys that it had {old}.")
    pair.show(client_id)


def _without(client_id: str, kid: str) -> edit.Change:
    def succeed(record: edit.Table) -> None:
        keys = _keys(record, client_id)
        found = [number for number, each in enumerate(keys) if each.get("kid") == kid]
        if not found:
            known = ", ".join(str(each["kid"]) for each in keys if "kid" in each) or "none"
            raise Refusal(f"{client_id} has no key {kid}; it has {known}.", "Nothing was changed.")
        for number in reversed(found):
            del keys[number]

    return succeed


def _keys(record: edit.Table, client_id: str) -> list[dict[str, str]]:
    """The list of its keys in a record, which has one afterwards."""
    for elsewhere in ("jwks_uri", "jwks_file"):
        if elsewhere in record:
            raise Refusal(
                f"{client_id} has its keys at {record[elsewhere]}, its {elsewhere}: "
                "they are changed there.",
                "Nothing was changed.",
            )
    if "jwks" not in record:
        record["jwks"] = {"keys": []}
    keys: list[dict[str, str]] = record["jwks"]["keys"]
    return keys


def _named(keys: Sequence[dict[str, str]]) -> str:
    return ", ".join(each.get("kid", "a key without kid") for each in keys)
