"""What a client can find out by itself (RFC 8414), read off the tables so that it cannot drift."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urlsplit

from issuer import pkce
from issuer.client_auth import CLIENT_AUTH
from issuer.grants import GRANTS
from issuer.server import AuthorizationServer

AUTHORIZE = "/authorize"
CONSENT = "/consent"
LOGIN = "/login"
LOGIN_CALLBACK = "/login/callback"
LOGOUT = "/logout"
PAR = "/par"
TOKEN = "/token"
USERINFO = "/userinfo"
JWKS = "/.well-known/jwks.json"

WELL_KNOWN = "/.well-known/oauth-authorization-server"


def base_path(issuer: str) -> str:
    """The path of the issuer's URL, under which its endpoints lie; empty for most."""
    return urlsplit(issuer).path


def metadata_path(issuer: str) -> str:
    """Where the metadata lie: the well-known part comes before the issuer's path (section 3)."""
    return WELL_KNOWN + base_path(issuer)


def metadata(server: AuthorizationServer) -> Mapping[str, object]:
    """The metadata document (RFC 8414 section 2)."""
    registry = server.registry
    document: dict[str, object] = {
        "issuer": server.issuer,
        "token_endpoint": server.issuer + TOKEN,
        "jwks_uri": server.issuer + JWKS,
        "response_types_supported": ["code"],
        "grant_types_supported": list(GRANTS),
        "token_endpoint_auth_methods_supported": list(CLIENT_AUTH),
        "code_challenge_methods_supported": list(pkce.METHODS),
    }
    scopes = sorted({scope for each in registry.resources.values() for scope in each.scopes})
    if scopes:  # a list without elements is left out (section 3.2)
        document["scopes_supported"] = scopes
    return MappingProxyType(document)
