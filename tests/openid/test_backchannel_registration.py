"""Where a client's server hears of logouts: what may be registered.

OpenID Connect Back-Channel Logout 1.0 section 2.2.
"""

import json
from typing import Any

import pytest

from issuer.registry import InvalidRegistry, Registry, parse
from issuer.registry.secret import sha256_hash
from issuer.token import OFFERED
from tests.builders import API, ISSUER, SECRET

URI = "https://rp.example/backchannel_logout"
HTTPS = "must be https; http is for 127.0.0.1, [::1] and localhost only"
SERVER = "must be https: it is a server that is told, not an application"


def registered(**fields: Any) -> Registry:
    client = {
        "client_secrets": [{"hash": sha256_hash(SECRET)}],
        "grant_types": ["authorization_code"],
        "redirect_uris": ["https://rp.example/callback"],
        "scope": "openid",
        "backchannel_logout_uri": URI,
        **fields,
    }
    whole = {
        "issuer": {"url": ISSUER},
        "resources": {API: {"scopes": ["read"]}},
        "clients": {"rp": {name: value for name, value in client.items() if value is not None}},
    }
    return parse({"registry.json": json.dumps(whole).encode()}, OFFERED)


@pytest.mark.parametrize(
    "uri",
    [
        URI,
        "https://rp.example:8443/logout?tenant=north",
        "https://10.0.0.7/logout",
        "http://127.0.0.1:3000/logout",
        "http://[::1]:3000/logout",
        "http://localhost:3000/logout",
    ],
)
def test_a_server_is_told_by_https_or_on_this_machine(uri):
    """Addresses of a private network included: whoever may edit the registry may say so."""
    found = registered(backchannel_logout_uri=uri, backchannel_logout_session_required=True)
    assert found.clients["rp"].backchannel_logout_uri == uri


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        ("http://rp.example/logout", HTTPS),
        ("http://127.0.0.1.rp.example/logout", HTTPS),
        ("https://rp.example/logout#there", "must have no fragment"),
        ("https://user@rp.example/logout", "must have no user information"),
        ("https:///logout", "must have a host"),
        ("/logout", "must be https, http on a loopback address, or an application's scheme"),
        ("com.example.app:/logout", SERVER),
        ("vscode://logout", SERVER),
        (["https://rp.example/logout"], "must be text in quotes, such as "
         '"https://app.example/backchannel_logout"'),
    ],
)  # fmt: skip
def test_and_nowhere_else(uri, sentence):
    with pytest.raises(InvalidRegistry) as refused:
        registered(backchannel_logout_uri=uri)
    (problem,) = refused.value.problems
    assert problem.path == ("clients", "rp", "backchannel_logout_uri")
    assert problem.message == sentence


@pytest.mark.parametrize(
    ("fields", "at", "sentence"),
    [
        ({"scope": "read", "resources": [API]}, "backchannel_logout_uri",
         'needs "openid" in the scope: who logged out it can tell by its ID token alone'),
        ({"grant_types": ["client_credentials"], "scope": "openid read", "resources": [API]},
         "backchannel_logout_uri",
         "needs the grant authorization_code: without it, nobody logs in for the client"),
        ({"backchannel_logout_uri": None, "backchannel_logout_session_required": True},
         "backchannel_logout_session_required", "needs a backchannel_logout_uri"),
    ],
)  # fmt: skip
def test_whoever_is_told_has_people_who_log_in(fields, at, sentence):
    with pytest.raises(InvalidRegistry) as refused:
        registered(**fields)
    (problem,) = refused.value.problems
    assert (problem.path, problem.message) == (("clients", "rp", at), sentence)
