"""What a client must be in itself: its secrets, grants and redirect URIs do not contradict."""

from collections.abc import Iterator, Mapping
from shlex import quote
from types import MappingProxyType

from issuer.registry import fapi2, key_checks
from issuer.registry.client import DEVICE_CODE, Client, ClientSecret
from issuer.registry.documents import Finding
from issuer.registry.redirect_uri import Kind, host, is_native, kind
from issuer.registry.registry import Registry

_NATIVE_ALONE: Mapping[Kind, str] = MappingProxyType(
    {
        Kind.LOCALHOST: (
            'is for application_type = "native" (`issuer client add --native`), an application on '
            "people's own machines; https and http://127.0.0.1 are for every client"
        ),
        Kind.PRIVATE_USE: (
            'has a scheme for application_type = "native" (`issuer client add --native`), an '
            "application on people's own machines; https and schemes like com.example.app are for "
            "every client"
        ),
    }
)


def check(client: Client, registry: Registry) -> Iterator[Finding]:
    """Every contradiction within ``client``, and with what holds for all of ``registry``."""
    yield from _check_secrets(client)
    yield from _check_grants(client)
    yield from _check_rotation(client, registry)
    yield from _check_device_login(client, registry)
    yield from _check_dpop(client, registry)
    yield from _check_signing(client, registry)
    yield from _check_sector(client)
    yield from key_checks.check(client, registry)
    yield from fapi2.check(client, registry)


def _check_sector(client: Client) -> Iterator[Finding]:
    """OpenID Connect Core section 8.1. A machine's own address is everybody's: it is no sector."""
    at = ("clients", client.client_id)
    if not client.is_pairwise:
        if client.sector_identifier is not None:
            sentence = 'is for subject_type = "pairwise": take it out, or say so'
            yield (*at, "sector_identifier"), sentence
        return
    hosts = {"" if is_native(uri) else host(uri) for uri in client.redirect_uris}
    if client.sector_identifier is None and (len(hosts) != 1 or "" in hosts):
        yield (
            (*at, "subject_type"),
            "needs a sector_identifier, such as example.com: its redirect URIs have no host, that "
            "of the user's machine, or several, and a sub must never change",
        )


def check_dates(at: tuple[str | int, ...], secrets: tuple[ClientSecret, ...]) -> Iterator[Finding]:
    """Every secret whose end comes before its beginning."""
    for number, each in enumerate(secrets):
        if each.expires_at is not None and each.expires_at <= (each.not_before or 0):
            yield (*at, "client_secrets", number, "expires_at"), "must be later than not_before"


def _check_secrets(client: Client) -> Iterator[Finding]:
    at = ("clients", client.client_id)
    if client.is_public and client.client_secrets:
        yield (
            (*at, "client_secrets"),
            "a public client must have none, for it cannot keep one: take them out",
        )
    if client.client_secrets and not client.is_public and not client.has_secret:
        yield (
            (*at, "client_secrets"),
            f'contradict "{client.auth_method}", by which the client shares no secret: take them '
            "out, once it signs",
        )
    if client.has_secret and not client.client_secrets:
        sentence = "must have one; `issuer client secret` makes it, or the method is none"
        yield (*at, "client_secrets"), sentence
    yield from check_dates(at, client.client_secrets)


def _check_grants(client: Client) -> Iterator[Finding]:
    at = ("clients", client.client_id)
    if client.is_public and "client_credentials" in client.grant_types:
        yield (
            (*at, "grant_types"),
            "client_credentials is for clients with a secret (RFC 6749 4.4): take it out",
        )
    if client.is_public and not client.require_pkce:
        yield (
            (*at, "require_pkce"),
            "a public client cannot go without PKCE (RFC 9700 2.1.1): take it out",
        )
    if client.application_type == "native" and not client.require_pkce:
        yield (*at, "require_pkce"), "a native application cannot go without PKCE (RFC 8252 8.1)"
    if client.skip_consent and client.prompt_consent == "always":
        yield (*at, "prompt_consent"), 'cannot be "always" where skip_consent = true'
    yield from _check_redirect_uris(client)
    yield from _check_logout(client)
    if "authorization_code" in client.grant_types and not client.redirect_uris:
        yield (
            (*at, "redirect_uris"),
            'authorization_code needs one, such as ["https://app.example/callback"]',
        )


def _check_rotation(client: Client, registry: Registry) -> Iterator[Finding]:
    if client.rotate_refresh_tokens and not registry.issuer.has_store:
        sentence = (
            "needs a replay_store under [issuer], which remembers what was used, such as "
            '"sqlite:replay.db": set one, or take this out'
        )
        yield ("clients", client.client_id, "rotate_refresh_tokens"), sentence


def _check_device_login(client: Client, registry: Registry) -> Iterator[Finding]:
    if DEVICE_CODE not in client.grant_types or registry.issuer.has_store:
        return
    sentence = (
        f'has "{DEVICE_CODE}", which needs a replay_store under [issuer], where a decision waits '
        'for its device, such as "sqlite:replay.db": set one, or take this out'
    )
    yield ("clients", client.client_id, "grant_types"), sentence


def _check_dpop(client: Client, registry: Registry) -> Iterator[Finding]:
    """RFC 9449 binds what is otherwise a bearer token."""
    held = [registry.resources.get(each) for each in client.resources]
    takes_mac_alone = bool(held) and all(each is not None and each.is_mac for each in held)
    if client.dpop_bound_access_tokens and takes_mac_alone and not client.is_relying_party:
        sentence = (
            'is for bearer tokens, and its resources have access_token_type = "mac", whose tokens '
            "come with a key of their own: take this out"
        )
        yield ("clients", client.client_id, "dpop_bound_access_tokens"), sentence


def _check_signing(client: Client, registry: Registry) -> Iterator[Finding]:
    if client.has_keys or "authorization_code" not in client.grant_types:
        return
    at, has_to = ("clients", client.client_id), client.require_signed_request_object
    needed = (
        "a key of the client's to sign its requests with, as jwks, jwks_file or jwks_uri; "
        f"`issuer client key {quote(client.client_id)}` makes one"
    )
    if has_to:
        yield (*at, "require_signed_request_object"), f"needs {needed}"
    elif registry.issuer.require_signed_request_object:
        sentence = (
            f"is missing: with require_signed_request_object under [issuer] it needs {needed}"
        )
        yield (*at, "jwks"), sentence
    if client.request_object_signing_alg is not None:
        yield (*at, "request_object_signing_alg"), f"needs {needed}"


def _check_redirect_uris(client: Client) -> Iterator[Finding]:
    if client.application_type == "native":
        return
    at = ("clients", client.client_id)
    for name in ("redirect_uris", "post_logout_redirect_uris"):
        uris: tuple[str, ...] = getattr(client, name)
        for number, uri in enumerate(uris):
            why = _NATIVE_ALONE.get(kind(uri))
            if why:
                yield (*at, name, number), why


def _check_logout(client: Client) -> Iterator[Finding]:
    at = ("clients", client.client_id)
    if client.backchannel_logout_session_required and client.backchannel_logout_uri is None:
        yield (*at, "backchannel_logout_session_required"), "needs a backchannel_logout_uri"
    if client.backchannel_logout_uri is None:
        return
    if not client.is_relying_party:
        yield (
            (*at, "backchannel_logout_uri"),
            'needs "openid" in the scope: who logged out it can tell by its ID token alone',
        )
    elif "authorization_code" not in client.grant_types:
        yield (
            (*at, "backchannel_logout_uri"),
            "needs the grant authorization_code: without it, nobody logs in for the client",
        )
