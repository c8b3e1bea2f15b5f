"""``private_key_jwt`` at every endpoint of running issuers, and what of it is good once."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from issuer.client_auth.private_key_jwt import ASSERTION_TYPE
from tests.builders import API, CALLBACK, CHALLENGE
from tests.rfc7523.builders import an_assertion
from tests.rfc7523.keys import KID, OTHERS, PRIVATE, a_jwks, a_public_jwk
from tests.rfc7523.publishing import publishing
from tests.running import RunningIssuer

Issuers = Callable[..., RunningIssuer]
SIGNER = {
    "token_endpoint_auth_method": "private_key_jwt",
    "grant_types": ["client_credentials", "authorization_code", "refresh_token"],
    "redirect_uris": [CALLBACK],
    "scope": "read write",
    "resources": [API],
}
FAILED = {"error": "invalid_client", "error_description": "Client authentication failed."}


def register(issuer: RunningIssuer, client_id: str = "signer", **fields: Any) -> None:
    """A client that signs, in the registry."""
    table = issuer.read_registry()
    table["clients"][client_id] = SIGNER | fields
    issuer.write_registry(table)


def signed(issuer: RunningIssuer, *, audience: str | None = None, **changes: Any) -> dict[str, str]:
    """The parameters that say who asks."""
    assertion = an_assertion(now=int(time.time()), aud=audience or issuer.url, **changes)
    return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}


def ask(
    issuer: RunningIssuer, who: dict[str, str], path: str = "/token", **parameters: str
) -> httpx.Response:
    given = parameters or {"grant_type": "client_credentials"}
    return issuer.http.post(path, data={**given, **who})


def says(issuer: RunningIssuer, what: str) -> None:
    """Returns once its log, which is written in the background, has ``what`` in it."""
    issuer.wait_until(lambda: what in issuer.log.read_text())


PUSHED = {
    "response_type": "code", "client_id": "signer", "redirect_uri": CALLBACK, "scope": "read",
    "code_challenge": CHALLENGE, "code_challenge_method": "S256",
}  # fmt: skip


@pytest.fixture(params=["", "/tenant"], ids=["an issuer", "an issuer with a path"])
def issuer(request: pytest.FixtureRequest, an_issuer: Issuers) -> RunningIssuer:
    made = an_issuer(path=request.param, replay_store="sqlite:replay.db")
    register(made, jwks=a_jwks(*(a_public_jwk(each) for each in PRIVATE)))
    return made.start()


def test_an_assertion_gets_a_token_once_and_at_one_endpoint(issuer):
    """J19: the token endpoint, PAR and revocation spend the same ``jti``."""
    for alg in PRIVATE:
        assert ask(issuer, signed(issuer, alg=alg)).status_code == 200
    uses = (
        {"grant_type": "client_credentials"},
        {"path": "/par", **PUSHED},
        {"path": "/revoke", "token": "x"},
    )
    statuses = (200, 201, 200)
    for first in uses:
        who = signed(issuer)
        assert ask(issuer, who, **first).status_code == statuses[uses.index(first)]
        for then in uses:
            answer = ask(issuer, who, **then)
            assert (answer.status_code, answer.json()) == (401, FAILED)
            assert answer.headers["cache-control"] == "no-store"
    says(issuer, '"client_id":"signer","detail":"assertion: used before"')


def test_a_request_that_comes_to_nothing_spends_nothing(issuer):
    """What is spent is spent together, just before minting: so it is said in the README."""
    who = signed(issuer)
    refused = ask(issuer, who, grant_type="client_credentials", scope="unheard-of")
    assert refused.json()["error"] == "invalid_scope"
    assert ask(issuer, who).status_code == 200
    assert ask(issuer, who).status_code == 401


def test_the_code_flow_is_signed_from_end_to_end(issuer):
    pushed = ask(issuer, signed(issuer), "/par", **PUSHED)
    assert pushed.status_code == 201
    code = issuer.code(client_id="signer")
    verifier = "a-code-verifier-of-the-tests-that-is-long-enough"
    redeemed = ask(
        issuer, signed(issuer), grant_type="authorization_code", code=code,
        code_verifier=verifier, redirect_uri=CALLBACK,
    )  # fmt: skip
    assert redeemed.status_code == 200, redeemed.text
    refresh_token = redeemed.json()["refresh_token"]
    for _ in range(2):
        who = signed(issuer)
        refreshed = ask(issuer, who, grant_type="refresh_token", refresh_token=refresh_token)
        assert refreshed.status_code == 200
    again = ask(issuer, who, grant_type="refresh_token", refresh_token=refresh_token)
    assert again.status_code == 401
    revoked = ask(issuer, signed(issuer), "/revoke", token=refresh_token)
    assert revoked.status_code == 200
    gone = ask(issuer, signed(issuer), grant_type="refresh_token", refresh_token=refresh_token)
    assert gone.json()["error"] == "invalid_grant"


def test_the_log_has_no_assertion_and_says_which_key_it_was(issuer):
    """P32."""
    who = signed(issuer)
    for _ in range(2):
        ask(issuer, who)
    ask(issuer, signed(issuer, key=OTHERS["ES256"]))
    says(issuer, f"key {KID}")
    says(issuer, "assertion: the signature does not verify")
    assert who["client_assertion"].rpartition(".")[2] not in issuer.log.read_text()


def test_whoever_fails_locks_nobody_out(issuer):
    for _ in range(30):
        assert ask(issuer, signed(issuer, key=OTHERS["ES256"])).status_code == 401
    assert ask(issuer, signed(issuer)).status_code == 200


def test_resource_servers_do_not_sign(issuer):
    answer = ask(issuer, signed(issuer), "/introspect", token="x")
    assert answer.status_code == 401


@pytest.mark.parametrize("store", ["sqlite", "redis"])
def test_j19_what_one_replica_took_another_refuses(an_issuer, request, store):
    if store == "sqlite":
        settings = {"replay_store": "sqlite:replay.db"}
    else:
        settings = {"replay_store": request.getfixturevalue("redis_server").url}
    first = an_issuer(**settings)
    register(first, jwks=a_jwks())
    first.start()
    second = an_issuer()
    second.start()
    for one, other in ((first, second), (second, first)):
        who = signed(first)
        assert ask(one, who).status_code == 200
        assert ask(other, who).json() == FAILED
        assert ask(other, signed(first)).status_code == 200


def test_without_a_store_it_is_good_until_it_ends(an_issuer):
    """What the README says of replay: a short window, and no more."""
    issuer = an_issuer()
    register(issuer, jwks=a_jwks())
    issuer.start()
    who = signed(issuer)
    assert [ask(issuer, who).status_code for _ in range(2)] == [200, 200]
    late = signed(issuer, exp=int(time.time()) - 61)
    assert ask(issuer, late).json() == FAILED


def test_a_store_that_cannot_say_is_503_at_every_endpoint(an_issuer, redis_server):
    """Fail closed; never ``invalid_client``."""
    issuer = an_issuer(replay_store=redis_server.url)
    register(issuer, jwks=a_jwks())
    issuer.start()
    assert ask(issuer, signed(issuer)).status_code == 200
    redis_server.stop()
    for use in (
        {"grant_type": "client_credentials"},
        {"path": "/par", **PUSHED},
        {"path": "/revoke", "token": "x"},
    ):
        answer = ask(issuer, signed(issuer), **use)
        assert answer.status_code == 503
        assert answer.json()["error"] == "temporarily_unavailable"
        assert int(answer.headers["retry-after"]) > 0
    unspent = issuer.token("billing", grant_type="client_credentials")
    assert unspent.status_code == 200


def test_a_client_rolls_its_key_over_without_a_restart(an_issuer):
    """By the registry's ``jwks``, and by a file beside it."""
    issuer = an_issuer(replay_store="sqlite:replay.db")
    old, new = PRIVATE["ES256"], OTHERS["ES256"]
    by_file = issuer.directory / "signer.jwks.json"
    by_file.write_text(json.dumps(a_jwks(a_public_jwk(key=old, kid="1"))))
    register(issuer, jwks_file=by_file.name)
    issuer.start()

    def good(kid: str, key: Any) -> bool:
        who = signed(issuer, header={"kid": kid}, key=key)
        return ask(issuer, who).status_code == 200

    assert good("1", old)
    assert not good("2", new)
    both = a_jwks(a_public_jwk(key=old, kid="1"), a_public_jwk(key=new, kid="2"))
    by_file.write_text(json.dumps(both))
    issuer.wait_until(lambda: good("2", new))
    assert good("1", old)
    register(issuer, jwks=a_jwks(a_public_jwk(key=new, kid="2")))
    issuer.wait_until(lambda: not good("1", old))
    assert good("2", new)


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    with publishing(tmp_path) as (publisher, authority):
        monkeypatch.setenv("SSL_CERT_FILE", str(authority))
        yield publisher


def test_a_client_publishes_its_keys_and_rolls_them_over_by_itself(an_issuer, published):
    """By a real server with https, and nobody here does anything."""
    networks = ["127.0.0.0/8", "::1"]
    issuer = an_issuer(replay_store="sqlite:replay.db", jwks_uri_networks=networks)
    register(issuer, jwks_uri=published.jwks_uri)
    published.jwks = a_jwks()
    issuer.start()
    for _ in range(3):
        assert ask(issuer, signed(issuer)).status_code == 200
    assert ask(issuer, signed(issuer), "/par", **PUSHED).status_code == 201
    assert published.asked == 1
    made_up = signed(issuer, header={"kid": "made-up"}, key=OTHERS["ES256"])
    assert ask(issuer, made_up).json() == FAILED
    assert published.asked == 1


def test_what_a_client_does_not_publish_just_now_is_503_and_then_all_is_well(an_issuer, published):
    networks = ["127.0.0.0/8", "::1"]
    issuer = an_issuer(replay_store="sqlite:replay.db", jwks_uri_networks=networks)
    register(issuer, jwks_uri=published.jwks_uri)
    published.status = 500
    issuer.start()
    for use in ({"grant_type": "client_credentials"}, {"path": "/par", **PUSHED}):
        answer = ask(issuer, signed(issuer), **use)
        assert answer.status_code == 503
        assert answer.json()["error"] == "temporarily_unavailable"
        assert 0 < int(answer.headers["retry-after"]) <= 5
    says(issuer, "no keys of a client")
    says(issuer, "answered 500")
    published.status, published.jwks = 200, a_jwks()
    issuer.wait_until(lambda: ask(issuer, signed(issuer)).status_code == 200)


def test_a_private_address_is_not_asked_unless_its_network_is_named(an_issuer, published):
    issuer = an_issuer(replay_store="sqlite:replay.db")
    register(issuer, jwks_uri=published.jwks_uri)
    issuer.start()
    assert ask(issuer, signed(issuer)).status_code == 503
    assert published.asked == 0
    says(issuer, "private ones may not")
