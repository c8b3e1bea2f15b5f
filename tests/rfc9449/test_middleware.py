"""DPoP in the middleware, as its two gateway interfaces define it."""

import asyncio

import pytest

from keys import DPoP, Nonces, Verifier, asgi, wsgi
from keys.dpop import token_hash
from keys.dpop_nonce import LIFETIME
from tests.keys.builders import AUDIENCE, ISSUER, NOW, a_jwks, a_token
from tests.keys.builders import KEY as ISSUER_KEY
from tests.keys.mac.builders import a_mac_verifier
from tests.rfc9449.gateways import by_asgi, by_wsgi
from tests.rfc9449.proofs import KEY, a_proof

BOUND = a_token(cnf={"jkt": KEY.jkt})
ANOTHER = a_token(cnf={"jkt": KEY.jkt}, jti="t2")
BEARER = a_token()
NONCES = Nonces(b"s" * 32)
OLD_NONCE = NONCES.current(NOW - LIFETIME)
PROOF = a_proof(ath=token_hash(BOUND))


def a_verifier(audience: str = AUDIENCE, **options) -> Verifier:
    dpop = DPoP(**options)
    return Verifier(ISSUER, audience, a_jwks(ISSUER_KEY), dpop=dpop, clock=lambda: NOW)


@pytest.fixture(params=[by_asgi, by_wsgi])
def ask(request):
    def ask(*proofs, token=BOUND, scheme="DPoP", host="api.example", verifier=None, **changes):
        fields = [("Host", host), *(("DPoP", each) for each in proofs)]
        if token is not None:
            fields.append(("Authorization", f"{scheme} {token}"))
        options = {"bearer": verifier or a_verifier()}
        options |= {name: changes.pop(name) for name in ("origin", "mac") if name in changes}
        return request.param(fields, changes, options)

    return ask


def test_a_bound_token_gets_through_with_its_proof(ask):
    assert ask(PROOF) == (200, [])
    assert ask(PROOF, scheme="dpop") == (200, [])
    assert ask(token=BEARER, scheme="Bearer") == (200, [])


@pytest.mark.parametrize(
    ("proofs", "changes"),
    [
        pytest.param([], {}, id="no proof"),
        pytest.param([PROOF, PROOF], {}, id="twice the same"),
        pytest.param([PROOF, a_proof(ath=token_hash(BOUND), jti="p2")], {}, id="two"),
        pytest.param([PROOF], {"method": "POST"}, id="another method"),
        pytest.param([PROOF], {"path": "/other"}, id="another path"),
        pytest.param([PROOF], {"raw_path": "/%2Finvoices"}, id="another raw path"),
        pytest.param(
            [PROOF], {"token": a_token(cnf={"jkt": KEY.jkt}, jti="x")}, id="another token"
        ),
    ],
)
def test_without_it_it_does_not(ask, proofs, changes):
    status, told = ask(*proofs, **changes)
    assert status == 401
    challenges = [value for name, value in told if name == "www-authenticate"]
    assert challenges[0].startswith('DPoP error="invalid_dpop_proof"')
    assert challenges[1] == f'Bearer realm="{AUDIENCE}"'
    assert ask(PROOF)[0] == 200


def test_a_bound_token_is_no_bearer_token(ask):
    """RFC 9449 section 7.2."""
    status, told = ask(PROOF, scheme="Bearer")
    assert status == 401
    assert [value for name, value in told if name == "www-authenticate"][1].startswith("DPoP realm")


def test_each_scheme_has_a_challenge_of_its_own(ask):
    status, told = ask(
        token=None, mac=a_mac_verifier(), verifier=a_verifier("https://dpop.example")
    )
    assert status == 401
    challenges = [value.partition(" ")[0] for name, value in told if name == "www-authenticate"]
    assert challenges == ["Bearer", "DPoP", "MAC"]


def test_what_host_says_is_no_difference(ask):
    """Who was sent a token and a proof for himself cannot send both on under his own name."""
    stolen = a_proof(ath=token_hash(BOUND), htu="https://evil.example/invoices")
    assert ask(stolen, host="evil.example")[0] == 401
    assert ask(PROOF, host="10.0.0.7:8080")[0] == 200


def test_the_origin_is_that_of_the_audience_unless_it_is_said(ask):
    elsewhere = a_proof(ath=token_hash(BOUND), htu="https://public.example:8443/invoices")
    assert ask(elsewhere)[0] == 401
    assert ask(elsewhere, origin="https://public.example:8443")[0] == 200
    assert ask(PROOF, origin="https://public.example:8443")[0] == 401
    assert ask(PROOF, origin="https://API.example")[0] == 200


@pytest.mark.parametrize("middleware", [asgi.AccessMiddleware, wsgi.AccessMiddleware])
def test_an_audience_without_an_origin_needs_one(middleware):
    with pytest.raises(ValueError, match="the origin is needed"):
        middleware(None, bearer=a_verifier("urn:example:api"))
    assert middleware(None, bearer=a_verifier("urn:example:api"), origin="https://api.example")
    assert middleware(None, bearer=Verifier(ISSUER, "urn:example:api"))
    assert middleware(None, bearer=a_verifier("https://api.example/v1"))


def test_the_raw_path_is_what_a_proof_is_for(ask):
    path = {"path": "/a/b é", "raw_path": "/a%2Fb%20%C3%A9"}
    proof = a_proof(ath=token_hash(BOUND), htu="https://api.example/a%2fb%20%c3%a9")
    assert ask(proof, **path)[0] == 200
    absolute = {"path": "/invoices", "raw_path": "http://anything:1/invoices"}
    assert ask(PROOF, **absolute)[0] == 200


def test_where_the_server_does_not_tell_it_the_path_is_quoted():
    options = {"bearer": a_verifier()}
    proof = a_proof(ath=token_hash(BOUND), htu="https://api.example/a%20%C3%A9:b")
    fields = [("Authorization", f"DPoP {BOUND}"), ("DPoP", proof)]
    assert by_asgi(fields, {"path": "/a é:b", "raw_path": None}, options)[0] == 200
    environ = {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/a é:b".encode().decode("latin-1"),
        "wsgi.url_scheme": "http",
        "HTTP_AUTHORIZATION": f"DPoP {BOUND}",
        "HTTP_DPOP": proof,
    }
    statuses = []

    def app(environ, start_response):
        start_response("200 OK", [])
        return []

    middleware = wsgi.AccessMiddleware(app, **options)
    middleware(environ, lambda status, *_: statuses.append(status))
    assert statuses == ["200 OK"]


def test_a_nonce_is_told_with_a_refusal_and_with_a_good_answer(ask):
    """RFC 9449 sections 8.2 and 9: once, and only where it is news."""
    verifier = a_verifier(nonces=NONCES)
    status, told = ask(PROOF, verifier=verifier)
    assert status == 401
    assert dict(told)["dpop-nonce"] == NONCES.current(NOW)
    newest = [("dpop-nonce", NONCES.current(NOW))]
    old = a_proof(ath=token_hash(BOUND), nonce=OLD_NONCE)
    assert ask(old, verifier=verifier) == (200, newest)
    assert ask(old, verifier=verifier, own=[("DPoP-Nonce", "mine")]) == (
        200,
        [("dpop-nonce", "mine")],
    )
    current = a_proof(ath=token_hash(BOUND), nonce=NONCES.current(NOW))
    assert ask(current, verifier=verifier) == (200, [])


def test_a_refusal_of_the_applications_tells_the_nonce_too(ask):
    verifier = a_verifier(nonces=NONCES)
    old = a_proof(ath=token_hash(BOUND), nonce=OLD_NONCE)
    status, told = ask(old, verifier=verifier, scope="admin")
    assert status == 403
    assert dict(told)["dpop-nonce"] == NONCES.current(NOW)
    assert dict(told)["www-authenticate"].startswith('DPoP error="insufficient_scope"')


def test_a_websocket_is_let_in_by_a_proof_of_its_handshake():
    sent = []

    async def app(scope, receive, send):
        await send({"type": "websocket.accept"})

    async def send(message):
        sent.append(message)

    scope = {
        "type": "websocket", "scheme": "wss", "path": "/invoices", "raw_path": b"/invoices",
        "query_string": b"", "headers": [
            (b"authorization", f"DPoP {BOUND}".encode()),
            (b"dpop", a_proof(ath=token_hash(BOUND), nonce=OLD_NONCE).encode()),
        ],
    }  # fmt: skip
    options = {"bearer": a_verifier(nonces=NONCES)}
    asyncio.run(asgi.AccessMiddleware(app, **options)(scope, None, send))
    headers = [(b"dpop-nonce", NONCES.current(NOW).encode())]
    assert sent == [{"type": "websocket.accept", "headers": headers}]
