"""``issuer client add``: what is left out of a registration, and the first secret."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import click

from issuer.cli.client import certificate, key_pair
from issuer.cli.client.certificate import Certified
from issuer.cli.client.key_pair import JWKS, JWKS_URI, KEY_ALG, PRIVATE_KEY, KeyPair
from issuer.cli.client.secret import SHOWN_ONCE, made_or_chosen
from issuer.cli.page import columns, note
from issuer.cli.place import Place, pass_place
from issuer.cli.refusal import Refusal
from issuer.cli.secrets import CHOSEN, SECRET_STDIN
from issuer.registry import Registry
from issuer.registry.client import DEVICE_CODE, ID_TOKEN_ALG
from issuer.registry.record import FAPI2
from issuer.registry.scope import OPENID
from issuer.registry.user import OPENID_SCOPES
from issuer.token import OFFERED
from keys.algorithms import ALGORITHMS, DEFAULT_ALGORITHM

WITH_USER = ("authorization_code", "refresh_token")
ON_DEVICES = (DEVICE_CODE, "refresh_token")


@click.command("add")
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
@click.option(
    "--private-key-jwt",
    is_flag=True,
    help="It proves who it is by a key of its own, which is made here unless it brings one.",
)
@JWKS
@JWKS_URI
@KEY_ALG
@PRIVATE_KEY
@click.option(
    "--device",
    is_flag=True,
    help="It has no browser, as a television or a command in a terminal: its users type a code "
    "elsewhere. --public unless --auth-method says otherwise; it takes a replay_store.",
)
@click.option("--auth-method", type=click.Choice(OFFERED.token_endpoint_auth_methods))
@certificate.options
@click.option(
    "--dpop",
    is_flag=True,
    help="Bind its tokens to a key that it proves by DPoP; of a public client's refresh tokens "
    "that takes the place of a replay_store.",
)
@CHOSEN
@SECRET_STDIN
@click.option(
    "--fapi2",
    is_flag=True,
    help="Hold it to the FAPI 2.0 Security Profile: --private-key-jwt and --dpop unless "
    "--auth-method says otherwise, and what else it wants; it takes a replay_store.",
)
@click.option(
    "--backchannel-logout-uri",
    metavar="URI",
    help="Where its server is told that a user logged out.",
)
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
@click.option(
    "--require-signed-request-object",
    is_flag=True,
    help="Refuse its authorization requests that it did not sign; it takes a key of the client's.",
)
@click.option(
    "--authorization-signed-response-alg",
    type=click.Choice(list(ALGORITHMS)),
    help="Answer its authorization requests by JWTs alone, signed by this.",
)
@click.option(
    "--rotate-refresh-tokens",
    is_flag=True,
    help="Another refresh token at each use, as public clients get; it takes a replay_store.",
)
@click.option("--skip-consent", is_flag=True, help="The team's own: its users are not asked.")
@click.option(
    "--file", metavar="NAME", help="The file to add to, where the registry is a directory."
)
@pass_place
def add_client(  # noqa: PLR0913  the fields of a registration
    place: Place,
    client_id: str,
    *,
    name: str | None,
    grant_types: tuple[str, ...],
    redirect_uris: tuple[str, ...],
    scope: str | None,
    resources: tuple[str, ...],
    auth_method: str | None,
    private_key_jwt: bool,
    jwks: Path | None,
    jwks_uri: str | None,
    key_alg: str | None,
    private_key: Path | None,
    dpop: bool,
    fapi2: bool,
    backchannel_logout_uri: str | None,
    id_token_signed_response_alg: str | None,
    file: str | None,
    public: bool,
    native: bool,
    device: bool,
    is_chosen: bool,
    secret_stdin: bool,
    require_pushed_authorization_requests: bool,
    require_signed_request_object: bool,
    authorization_signed_response_alg: str | None,
    rotate_refresh_tokens: bool,
    skip_consent: bool,
    **certified: Any,
) -> None:
    """Add a client, and print its secret this once, if it was made here.

    Left out, the grant types are authorization_code and refresh_token with a redirect URI, which
    of a public client takes a replay_store, --dpop or --mtls, and client_credentials without; the
    resource is the registry's only one, or none for a client that asks only who the user is.
    --grant-type, --redirect-uri and --resource may be repeated.

    \b
    Examples:
      issuer client add billing
      issuer client add billing --private-key-jwt
      issuer client add billing --mtls --tls-client-auth-subject-dn "CN=billing,O=Example"
      issuer client add billing --mtls-self-signed
      issuer client add web --name "Web shop" --redirect-uri https://shop.example/callback
      issuer client add wiki --redirect-uri https://wiki.example/callback --scope "openid email"
      issuer client add phone --public --redirect-uri com.example.shop:/callback
      issuer client add tablet --public --dpop --redirect-uri https://shop.example/callback
      issuer client add tv --device --name "Television"
      issuer client add bank --fapi2 --redirect-uri https://bank.example/callback
      issuer client add editor --native --redirect-uri http://localhost/callback
      pass show moved | issuer client add moved --secret-stdin
    """
    registry = place.read_registry()
    if not resources and not _asks_only_who(scope):
        resources = _only_resource(registry)
    if private_key_jwt and auth_method not in (None, "private_key_jwt"):
        raise click.UsageError(f"--private-key-jwt is an --auth-method, and not {auth_method}")
    url = registry.issuer.mtls_url or registry.issuer.url
    by = certificate.asked(place, client_id, url=url, private_key=private_key, **certified)
    by_key = private_key_jwt or (fapi2 and auth_method is None and by is None)
    asked = "private_key_jwt" if by_key else auth_method
    dpop = dpop or (fapi2 and asked == "private_key_jwt")
    method = _method(asked, public=public, native=native or device, by=by)
    pair: KeyPair | Certified | None
    if by is not None and by.has_key:
        if jwks or jwks_uri or key_alg or method != by.auth_method:
            raise click.UsageError("--mtls-self-signed knows a client by its certificate's key")
        pair = by
    else:
        named = {"jwks": jwks, "key_alg": key_alg, "private_key": private_key}
        pair = _key_pair(place, client_id, method, jwks_uri, named)
    is_bound = dpop or by is not None
    made = hashed = None
    if method.startswith("client_secret_"):
        made, hashed = made_or_chosen(is_chosen=is_chosen, from_stdin=secret_stdin)
    elif is_chosen or secret_stdin:
        raise click.UsageError(f"a client of --auth-method {method} has no secret to choose")
    scope = _all_scopes(registry, resources) if scope is None else scope
    if fapi2 and id_token_signed_response_alg is None and OPENID in scope.split():
        id_token_signed_response_alg = DEFAULT_ALGORITHM  # RS256 is not for that profile
    record: dict[str, Any] = {
        "client_name": name,
        "profile": FAPI2 if fapi2 else None,
        "application_type": "native" if native else None,
        "token_endpoint_auth_method": method,
        "client_secrets": [{"hash": hashed}] if hashed else None,
        "jwks": {"keys": pair.public} if pair else None,
        **(by.names if by and method == by.auth_method else {}),
        "tls_client_certificate_bound_access_tokens": by is not None,
        "jwks_uri": jwks_uri,
        "dpop_bound_access_tokens": dpop,
        "grant_types": list(
            grant_types
            or _grant_types(registry, redirect_uris, method, is_bound=is_bound, device=device)
        ),
        "redirect_uris": list(redirect_uris),
        "scope": scope,
        "resources": list(resources),
        "backchannel_logout_uri": backchannel_logout_uri,
        "id_token_signed_response_alg": id_token_signed_response_alg,
        "require_pushed_authorization_requests": require_pushed_authorization_requests,
        "require_signed_request_object": require_signed_request_object,
        "authorization_signed_response_alg": authorization_signed_response_alg,
        "rotate_refresh_tokens": rotate_refresh_tokens,
        "skip_consent": skip_consent,
    }
    record = {field: value for field, value in record.items() if value}
    edited = place.add(("clients", client_id), record, file, pair.keep if pair else lambda: None)
    _show(client_id, made, record, edited)
    if pair:
        pair.show(client_id)


def _key_pair(
    place: Place, client_id: str, method: str, jwks_uri: str | None, named: dict[str, Any]
) -> KeyPair | None:
    """The keys that it signs with, where they go into the registry."""
    if jwks_uri is None and (method == "private_key_jwt" or any(named.values())):
        return key_pair.pair(place, client_id, **named)
    if any(named.values()):
        raise click.UsageError("with --jwks-uri the client's keys are there, and nowhere here")
    return None


def _show(client_id: str, made: str | None, record: dict[str, Any], edited: Path) -> None:
    """Says what can be used on stdout, and all the rest beside it."""
    click.echo(columns([("client_id", client_id), *([("client_secret", made)] if made else [])]))
    shown = {field: each for field, each in record.items() if field != "client_secrets"}
    if "jwks" in shown:
        shown["jwks"] = [each.get("kid", "a key without kid") for each in shown["jwks"]["keys"]]
    rows = [(field, _text(value)) for field, value in shown.items()]
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


def _method(asked: str | None, *, public: bool, native: bool, by: Certified | None) -> str:
    if public and asked not in (None, "none"):
        raise click.UsageError(f"--public is --auth-method none, not {asked}")
    # A secret in an application that people have copies of is none (RFC 8252 section 8.5).
    if asked or public or native:
        return asked or "none"
    return "client_secret_basic" if by is None else by.auth_method


def _grant_types(
    registry: Registry, redirect_uris: Sequence[str], method: str, *, is_bound: bool, device: bool
) -> Sequence[str]:
    if device:
        return (*ON_DEVICES, *WITH_USER[:1]) if redirect_uris else ON_DEVICES
    if method == "none":  # unbound, where nothing remembers, it is anybody's who finds it
        return WITH_USER if is_bound or registry.issuer.has_store else WITH_USER[:1]
    return WITH_USER if redirect_uris else ("client_credentials",)
