"""Which clients are judged as one: most of a large registry say the same but for their names."""

from operator import attrgetter

from issuer.registry.client import Client
from issuer.registry.redirect_uri import kind

UNJUDGED = frozenset(
    {"client_id", "client_name", "client_uri", "logo_uri", "policy_uri", "tos_uri", "contacts",
     "client_secrets", "claims", "redirect_uris", "post_logout_redirect_uris",
     "jwks", "jwks_file", "jwks_uri", "tls_client_auth_subject_dn", "tls_client_auth_san_dns",
     "tls_client_auth_san_uri", "tls_client_auth_san_ip", "tls_client_auth_san_email"}
)  # fmt: skip
"""What may differ between clients that are judged alike, but for what ``alike`` keeps of it."""

_JUDGED = attrgetter(*(each for each in Client.__dataclass_fields__ if each not in UNJUDGED))
_KEYS = attrgetter(
    "jwks", "jwks_file", "jwks_uri", "tls_client_auth_subject_dn", "tls_client_auth_san_dns",
    "tls_client_auth_san_uri", "tls_client_auth_san_ip", "tls_client_auth_san_email",
)  # fmt: skip
_DATES = attrgetter("not_before", "expires_at")


def alike(client: Client) -> tuple[object, ...]:
    """What no check and no advice tells apart: where one has nothing to hear, no other has."""
    return (
        _JUDGED(client),
        *(each is None for each in _KEYS(client)),
        client.jwks and client.jwks.kinds,
        client.jwks_file,
        *map(_DATES, client.client_secrets),
        *map(kind, client.redirect_uris),
        client.redirect_uris if client.is_pairwise else None,
        None,
        *map(kind, client.post_logout_redirect_uris),
    )


def unlike(clients: tuple[Client, ...]) -> tuple[Client, ...]:
    """The first of each of those alike."""
    first: dict[object, Client] = {}
    for each in clients:
        first.setdefault(alike(each), each)
    return tuple(first.values())
