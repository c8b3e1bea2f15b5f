"""A bank's client that keeps the FAPI 2.0 Security Profile, and a shop's that need not."""

from typing import Any

from msgspec.structs import replace

from issuer.browser import pushed
from issuer.protocol.replay import ReplayStore
from issuer.protocol.request import Response, TokenRequest
from issuer.registry.scope import Scope
from issuer.server import AuthorizationServer
from tests.asking import ask
from tests.browser.builders import a_form
from tests.builders import CALLBACK, CHALLENGE, NOW, VERIFIER, a_client, a_code, a_server
from tests.rfc7523.builders import a_signed_request, a_signing_client, an_assertion
from tests.rfc9449.proving import PAR_URL, TOKEN_URL, Prover, proving

BANK, SHOP = "bank", "shop"
GRANTS = ("authorization_code", "refresh_token", "client_credentials")
STORE = "sqlite:replay.db"

KEY = Prover()
OTHER_KEY = Prover()


def the_server(**registry: Any) -> AuthorizationServer:
    """With both clients, alike but for the profile."""
    fields: dict[str, Any] = {
        "dpop_bound_access_tokens": True,
        "id_token_signed_response_alg": "ES256",
        "grant_types": GRANTS,
        "scope": Scope({"openid", "read", "write"}),
    }
    return a_server(
        a_signing_client(BANK, profile="fapi2", **fields),
        a_signing_client(SHOP, **fields),
        a_client(),
        **({"replay_store": STORE} | registry),
    )


def a_token_request(
    client_id: str = BANK,
    *,
    key: Prover | None = KEY,
    now: int = NOW,
    proof: dict[str, Any] | None = None,
    assertion: dict[str, Any] | None = None,
    **parameters: str | None,
) -> TokenRequest:
    """A token request of the client, with a proof of ``key``."""
    text = an_assertion(client_id, **({"now": now} | (assertion or {})))
    request = a_signed_request(text, now=now, **parameters)
    if key is None:
        return request
    return proving(request, key.proof(TOKEN_URL, **({"now": now} | (proof or {}))))


def asked(
    server: AuthorizationServer, store: ReplayStore | None = None, /, *given: str, **changes: Any
) -> Response:
    """What the client is answered at the token endpoint."""
    return ask(server, a_token_request(*given, **changes), store=store)


def redeemed(
    server: AuthorizationServer, code: str, store: ReplayStore, **changes: Any
) -> Response:
    """What the bank is answered to its code."""
    given = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    return asked(server, store, **(given | changes))


def a_bank_code(server: AuthorizationServer, **fields: Any) -> str:
    """What alice granted the bank."""
    return a_code(server, **({"client_id": BANK, "scope": "openid read"} | fields))


def a_push(
    server: AuthorizationServer,
    client_id: str = BANK,
    *,
    assertion: dict[str, Any] | None = None,
    **changes: str | None,
) -> Response:
    """What the client is answered to its authorization request."""
    text = an_assertion(client_id, **(assertion or {}))
    signed = a_signed_request(text, grant_type=None)
    form = a_form(
        **{
            "client_id": client_id,
            "redirect_uri": CALLBACK,
            "code_challenge": CHALLENGE,
            "client_assertion": text,
            "client_assertion_type": signed.form.require("client_assertion_type"),
            **changes,
        }
    )
    return pushed.push(server, replace(signed, form=form, url=PAR_URL)).response
