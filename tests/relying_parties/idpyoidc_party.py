"""A relying party on idpyoidc: prints where to send the browser, reads where it came back."""

import json
import sys
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from idpyoidc.client.defaults import DEFAULT_OIDC_SERVICES
from idpyoidc.client.oauth2.stand_alone_client import StandAloneClient
from idpyoidc.message.oauth2 import is_error_message
from idpyoidc.message.oidc import verified_claim_name

PKCE = {
    "function": "idpyoidc.client.oauth2.add_on.pkce.add_support",
    "kwargs": {"code_challenge_length": 64, "code_challenge_method": "S256"},
}
METHODS = ["client_secret_basic", "client_secret_post", "bearer_header"]
"""What it may use at all: without them it has no way to send a secret or an access token."""


def say(value: object) -> None:
    """Prints one line of JSON."""
    sys.stdout.write(json.dumps(value) + "\n")
    sys.stdout.flush()


def a_client(registered: dict[str, str]) -> Any:
    """The library's client, as the registry has it, with what the issuer says of itself."""
    config: dict[str, Any] = {
        "client_id": registered["client_id"],
        "client_secret": registered["client_secret"],
        "id_token_signing_alg_values_supported": [registered["id_token_signed_response_alg"]],
        "issuer": registered["issuer"],
        "base_url": "http://127.0.0.1",
        "client_type": "oidc",
        "client_authn_methods": METHODS,
        "redirect_uris": [registered["redirect_uri"]],
        "scope": registered["scope"].split(),
        "add_ons": {"pkce": PKCE},
    }
    if method := registered["token_endpoint_auth_method"]:
        config["token_endpoint_auth_methods_supported"] = [method]
    client = StandAloneClient(config=config, services=DEFAULT_OIDC_SERVICES)
    client.do_provider_info()
    client.do_client_registration()
    return client


def learn(client: Any, state: str, tokens: Any) -> dict[str, Any]:
    """Whom the ID token is about, and what userinfo says of them."""
    claims = tokens[verified_claim_name("id_token")].to_dict()
    userinfo = client.get_user_info(state, tokens["access_token"]).to_dict()
    return {"claims": claims, "userinfo": userinfo, "access_token": tokens["access_token"]}


def main() -> None:
    """One person's visit."""
    registered = json.loads(sys.argv[1])
    client = a_client(registered)
    say(client.init_authorization({"scope": registered["scope"].split()}))
    answer = dict(parse_qsl(urlsplit(sys.stdin.readline().strip()).query))
    try:
        response = client.finalize_auth(answer)
        if is_error_message(response):
            say({"error": response["error"]})
            return
        state = response["state"]
        tokens = client.get_tokens(state)
        known = learn(client, state, tokens)
        if "refresh_token" in tokens:
            known["refreshed"] = learn(client, state, client.refresh_access_token(state))
    except Exception as error:  # noqa: BLE001 – what it is is for the test to say
        say({"error": str(error)})
    else:
        say(known)


main()
