"""RFC 9728 section 5.1: each challenge says where the metadata are."""

import asyncio

import pytest

from keys import MTLS, AccessRefused, DPoP, InvalidToken, Nonces
from keys.dpop import token_hash
from tests.keys.builders import NOW, a_token
from tests.keys.mac.builders import a_mac_verifier
from tests.rfc9449.proofs import KEY, a_proof
from tests.rfc9728.builders import METADATA_URL, RESOURCE, a_verifier, some_metadata
from tests.rfc9728.gateways import APPLICATION, by_asgi, by_wsgi

GATEWAYS = pytest.mark.parametrize("ask", [by_asgi, by_wsgi])
WHERE = f', resource_metadata="{METADATA_URL}"'
SCOPE = ', scope="read write"'
WRONG = 'error="invalid_token", error_description="The access token is not valid here'
TOKEN = a_token(aud=RESOURCE)
BOUND = a_token(aud=RESOURCE, cnf={"jkt": KEY.jkt})
DPOP = f'DPoP realm="{RESOURCE}", algs="ES256 RS256 PS256 EdDSA Ed25519"{WHERE}{SCOPE}'
BEARER = f'Bearer realm="{RESOURCE}"{WHERE}{SCOPE}'


@GATEWAYS
def test_a_request_without_a_token_is_told_where_and_what_to_ask_for(ask):
    told = ask("/x", bearer=a_verifier())
    assert (told.status, told["www-authenticate"]) == (401, BEARER)
    assert ask("/x", token=TOKEN, bearer=a_verifier()).body == APPLICATION


@GATEWAYS
def test_so_is_one_whose_token_is_not_valid(ask):
    told = ask("/x", token="nonsense", bearer=a_verifier())
    assert told["www-authenticate"].startswith(f"Bearer {WRONG}")
    assert told["www-authenticate"].endswith(f'"{WHERE}{SCOPE}')


@GATEWAYS
def test_a_token_without_the_scope_is_told_the_scope_that_it_lacks(ask):
    """RFC 6750 section 3.1: and not those of a first token."""
    told = ask("/x", token=TOKEN, scope="pay", bearer=a_verifier())
    assert told.status == 403
    assert told["www-authenticate"].startswith('Bearer error="insufficient_scope"')
    assert told["www-authenticate"].endswith(f'{WHERE}, scope="pay"')


@GATEWAYS
def test_both_schemes_say_it(ask):
    assert ask("/x", bearer=a_verifier(dpop=DPoP())).all("www-authenticate") == [BEARER, DPOP]
    only = a_verifier(dpop=DPoP(required=True))
    assert ask("/x", bearer=only).all("www-authenticate") == [DPOP]


@GATEWAYS
def test_a_proof_that_is_refused_says_it_in_both(ask):
    for dpop in (DPoP(), DPoP(nonces=Nonces(b"s" * 32))):
        verifier = a_verifier(dpop=dpop)
        told = ask(
            "/x", bearer=verifier,
            headers=[("Authorization", f"DPoP {BOUND}"),
                     ("DPoP", a_proof(ath=token_hash(BOUND), htm="PUT"))],
        )  # fmt: skip
        first, second = told.all("www-authenticate")
        assert first.startswith('DPoP error="invalid_dpop_proof"')
        assert first.endswith(f'"{WHERE}{SCOPE}')
        assert second == BEARER


@GATEWAYS
def test_so_does_a_proxy_s_certificate_that_is_none(ask):
    """It is refused before any verifier has seen the token."""
    mtls = MTLS(header="X-SSL-Client-Cert", trusted_proxies=["unix:"])
    told = ask(
        "/x", bearer=a_verifier(mtls=mtls), token=TOKEN, headers=[("X-SSL-Client-Cert", "x")]
    )
    assert told.status == 401
    assert told["www-authenticate"].endswith(f'"{WHERE}{SCOPE}')


@GATEWAYS
def test_a_mac_challenge_says_nothing_of_it(ask):
    """Its audience is another resource."""
    bearer, mac = ask("/x", bearer=a_verifier(), mac=a_mac_verifier()).all("www-authenticate")
    assert bearer == BEARER
    assert "resource_metadata" not in mac
    assert "scope" not in mac


@GATEWAYS
@pytest.mark.parametrize(("options", "guidance"), [
    pytest.param({"scope": ["read"]}, f'{WHERE}, scope="read"', id="fewer than there are"),
    pytest.param({"scope": []}, WHERE, id="none"),
    pytest.param({"scopes_supported": ()}, WHERE, id="nobody said"),
])  # fmt: skip
def test_what_to_ask_for_is_said_if_it_is_known(ask, options, guidance):
    told = ask("/x", bearer=a_verifier(metadata=some_metadata(**options)))
    assert told["www-authenticate"] == f'Bearer realm="{RESOURCE}"{guidance}'


@GATEWAYS
def test_without_metadata_no_challenge_has_more_than_before(ask):
    told = ask("/x", bearer=a_verifier(metadata=None))
    assert told["www-authenticate"] == f'Bearer realm="{RESOURCE}"'
    told = ask("/x", token=TOKEN, scope="pay", bearer=a_verifier(metadata=None))
    assert told["www-authenticate"].endswith('what this needs.", scope="pay"')


def test_whoever_verifies_by_hand_says_it_too():
    verifier = a_verifier()
    for call in (
        lambda token: verifier.verify(token, now=NOW),
        lambda token: verifier.verify_header(f"Bearer {token}", now=NOW),
        lambda token: asyncio.run(verifier.verify_async(token, now=NOW)),
        lambda token: asyncio.run(verifier.verify_header_async(f"Bearer {token}", now=NOW)),
        lambda token: verifier.verify_request(
            authorization=f"Bearer {token}", method="GET", url=RESOURCE, now=NOW
        ),
    ):
        with pytest.raises(InvalidToken) as raised:
            call("x.y.z")
        assert raised.value.headers["WWW-Authenticate"].endswith(f'"{WHERE}{SCOPE}')
        token = call(TOKEN)
        with pytest.raises(AccessRefused) as lacking:
            token.require("pay")
        assert lacking.value.headers["WWW-Authenticate"].endswith(f'{WHERE}, scope="pay"')
        assert token == a_verifier(metadata=None).verify(TOKEN, now=NOW)
