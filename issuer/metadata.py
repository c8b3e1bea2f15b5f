"""What a client can find out by itself, read off the tables so that it cannot drift.

One document for both that ask for it, RFC 8414 and OpenID Connect Discovery 1.0.
"""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from issuer.browser.authorization_request import Prompt, ResponseMode
from issuer.browser.device_authorization import PAGE
from issuer.browser.pages.languages import CATALOGUES
from issuer.client_auth import BY_SECRET, CLIENT_AUTH
from issuer.grants import GRANTS
from issuer.protocol import pkce
from issuer.protocol.device import GRANT_TYPE
from issuer.registry.record import FAPI2
from issuer.registry.user import CLAIM_NAMES
from issuer.server import TOKEN as TOKEN
from issuer.server import AuthorizationServer
from keys.algorithms import ALGORITHMS

AUTHORIZE = "/authorize"
CONSENT = "/consent"
DEVICE = PAGE
DEVICE_AUTHORIZATION = "/device_authorization"
LOGIN = "/login"
LOGIN_CALLBACK = "/login/callback"
LOGOUT = "/logout"
PAR = "/par"
REVOKE = "/revoke"
INTROSPECT = "/introspect"
USERINFO = "/userinfo"
JWKS = "/.well-known/jwks.json"
REVOCATIONS = "/.well-known/revocations.jwt"

OPENID_CONFIGURATION = "/.well-known/openid-configuration"

WELL_KNOWN = "/.well-known/oauth-authorization-server"


ID_TOKEN_CLAIMS = (
    "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid"
)  # fmt: skip


def base_path(issuer: str) -> str:
    """The path of the issuer's URL, under which its endpoints lie; empty for most."""
    return urlsplit(issuer).path


def metadata_paths(issuer: str) -> tuple[str, ...]:
    """Every place where clients look for the metadata; the first is where RFC 8414 has them.

    It puts the well-known part before the issuer's path (section 3.1), Discovery behind it (section
    4), and clients try either part in either place.
    """
    base = base_path(issuer)
    known = (WELL_KNOWN, OPENID_CONFIGURATION)
    return tuple(dict.fromkeys(path for each in known for path in (each + base, base + each)))


def metadata_url(issuer: str) -> str:
    """The URL at which RFC 8414 has the metadata."""
    return issuer.removesuffix(base_path(issuer)) + metadata_paths(issuer)[0]


def _revocation(server: AuthorizationServer) -> Mapping[str, object]:
    """Whoever reads of no revocation endpoint knows that nothing remembers what was revoked."""
    if not server.registry.issuer.has_store:
        return {}
    return {
        "revocation_endpoint": server.issuer + REVOKE,
        **_client_auth("revocation_endpoint", server),
        "revocations_uri": server.issuer + REVOCATIONS,  # a name of ours: the feed
    }


def _device_login(server: AuthorizationServer) -> Mapping[str, object]:
    """What a user decides about a device, a store has to keep until it asks (RFC 8628 4)."""
    if not server.registry.issuer.has_store:
        return {"grant_types_supported": [each for each in GRANTS if each != GRANT_TYPE]}
    return {
        "device_authorization_endpoint": server.issuer + DEVICE_AUTHORIZATION,
        "grant_types_supported": list(GRANTS),
    }


def _request_objects(server: AuthorizationServer) -> Mapping[str, object]:
    """Where some client can sign its requests, and by what (RFC 9101 section 10.5)."""
    registry = server.registry
    algs = [each for each in ALGORITHMS if each in registry.request_object_algs]
    return {
        "request_parameter_supported": bool(algs),
        **({"request_object_signing_alg_values_supported": algs} if algs else {}),
        "require_signed_request_object": registry.issuer.require_signed_request_object,
    }


def _client_auth(endpoint: str, server: AuthorizationServer) -> Mapping[str, object]:
    """How the clients of this registry prove who they are, and no other way that they might."""
    registry = server.registry
    methods = [each for each in CLIENT_AUTH if each in registry.auth_methods]
    algs = [each for each in ALGORITHMS if each in registry.assertion_algs]
    return {
        **({f"{endpoint}_auth_methods_supported": methods} if methods else {}),
        **({f"{endpoint}_auth_signing_alg_values_supported": algs} if algs else {}),
    }


def _mutual_tls(server: AuthorizationServer) -> Mapping[str, object]:
    """Where certificates can be known (RFC 8705 section 3.3), and where else to come with them
    (section 5): the browser's pages are not for that."""
    settings = server.registry.issuer
    if not settings.takes_certificates:
        return {}
    aliases = {
        "token_endpoint": TOKEN,
        "pushed_authorization_request_endpoint": PAR,
        **({"revocation_endpoint": REVOKE} if settings.has_store else {}),
        **(
            {"introspection_endpoint": INTROSPECT} if server.registry.resource_servers.known else {}
        ),
        "userinfo_endpoint": USERINFO,
    }
    url = settings.mtls_url
    there = {name: url + path for name, path in aliases.items()} if url is not None else {}
    return {
        "tls_client_certificate_bound_access_tokens": True,
        **({"mtls_endpoint_aliases": there} if there else {}),
    }


def _introspection(server: AuthorizationServer, now: int) -> Mapping[str, object]:
    if not server.registry.resource_servers.known:
        return {}
    return {
        "introspection_endpoint": server.issuer + INTROSPECT,
        "introspection_endpoint_auth_methods_supported": list(BY_SECRET),
        "introspection_signing_alg_values_supported": list(server.ring.algs(now)),
    }


def metadata(server: AuthorizationServer, now: int) -> Mapping[str, object]:
    """The metadata document (RFC 8414 section 2, OpenID Connect Discovery 1.0 section 3)."""
    registry, issuer = server.registry, server.issuer
    classes = list(registry.issuer.acr_values_supported)
    says_class = classes or registry.issuer.login_url is not None
    claims = [each for each in ID_TOKEN_CLAIMS if each != "acr" or says_class]
    scopes = {scope for each in registry.resources.values() for scope in each.scopes}
    return MappingProxyType(
        {
            "issuer": issuer,
            **_mutual_tls(server),
            "authorization_endpoint": issuer + AUTHORIZE,
            "token_endpoint": server.token_endpoint,
            "userinfo_endpoint": issuer + USERINFO,
            "jwks_uri": issuer + JWKS,
            "pushed_authorization_request_endpoint": issuer + PAR,
            **_revocation(server),
            **_introspection(server, now),
            "end_session_endpoint": issuer + LOGOUT,
            "backchannel_logout_supported": True,
            "backchannel_logout_session_supported": True,
            "scopes_supported": sorted(scopes.union(registry.own.scopes)),
            "response_types_supported": ["code"],
            "response_modes_supported": list(ResponseMode),
            **_device_login(server),
            **_client_auth("token_endpoint", server),
            "code_challenge_methods_supported": list(pkce.METHODS),
            "dpop_signing_alg_values_supported": list(ALGORITHMS),
            "subject_types_supported": ["public", *(["pairwise"] if registry.sectors else [])],
            "id_token_signing_alg_values_supported": list(server.ring.algs(now)),
            "userinfo_signing_alg_values_supported": list(server.ring.algs(now)),
            "claims_supported": [*claims, *CLAIM_NAMES, *registry.releasing.names],
            "authorization_signing_alg_values_supported": list(server.ring.algs(now)),
            "claim_types_supported": ["normal"],
            "prompt_values_supported": list(Prompt),
            "ui_locales_supported": list(CATALOGUES),
            **({"acr_values_supported": classes} if classes else {}),
            "authorization_response_iss_parameter_supported": True,
            "require_pushed_authorization_requests": (
                registry.issuer.require_pushed_authorization_requests
                or registry.issuer.profile == FAPI2
            ),
            "claims_parameter_supported": True,
            **_request_objects(server),
            "request_uri_parameter_supported": False,  # left out, it would be true
        }
    )
