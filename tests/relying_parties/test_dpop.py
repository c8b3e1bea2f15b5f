"""npm's oauth4webapi and openid-client with keys of their own (RFC 9449), and nonces required."""

import time
from collections.abc import Iterator

import jwt
import pytest

from keys.ring import KeyRing, write
from tests.browser.browsing import Browser
from tests.relying_parties.builders import (
    WITH_API,
    a_relying_party,
    as_registered,
    log_in_and_agree,
)
from tests.relying_parties.libraries import Library, node
from tests.running import RunningIssuer


@pytest.fixture(scope="module", params=["/tenant", ""])
def binding(tmp_path_factory: pytest.TempPathFactory, request) -> Iterator[RunningIssuer]:
    """It has no store, and gives no token without a proof; nor does it take one without a nonce."""
    directory = tmp_path_factory.mktemp("binding")
    running = RunningIssuer(directory, path=request.param, dpop_nonce="required")
    table = running.read_registry()
    bound = {"dpop_bound_access_tokens": True, **WITH_API}
    public = {"token_endpoint_auth_method": "none", "client_secrets": []}
    table["clients"] |= {
        "rp": a_relying_party(**bound),
        "public": a_relying_party(**bound, **public),
    }
    running.write_registry(table)
    write(running.keyring, KeyRing.new("ES256", int(time.time()) - 1000, "RS256"))
    yield running.start()
    running.stop()


@pytest.mark.parametrize("pushes", [True, False], ids=["PAR", "dpop_jkt"])
@pytest.mark.parametrize("client_id", ["rp", "public"])
@pytest.mark.parametrize("library", ["oauth4webapi", "openid-client"])
def test_a_client_with_a_key_signs_a_person_in(ready, binding, library, client_id, pushes):
    """Code, PAR, nonces, refreshing and userinfo; with the key of somebody else, nothing."""
    alg = "ES256" if client_id == "rp" else "PS256"
    played = Library(library, ("node", "dpop.mjs", library), ready(node))
    registered = as_registered(binding, client_id, alg=alg, **({"pushes": "yes"} if pushes else {}))
    with Browser(binding) as browser, played.started(registered) as program:
        known = program.say(log_in_and_agree(browser, program.hear()))
    assert "error" not in known
    assert known["algs"] == ["ES256", "RS256", "PS256", "EdDSA"]
    for told in (known["tokens"], known["refreshed"]):
        assert told["token_type"].lower() == "dpop"
        assert "offline_access" in told["scope"].split()
    assert known["userinfo"] == known["again"]
    assert known["userinfo"]["email"] == "alice@example.com"
    assert known["stolen"] == "invalid_grant", "section 10"
    assert known["borne"] == "invalid_token", "section 7.2"
    assert known["imitated"] == "invalid_dpop_proof"
    assert known["other"] == ("invalid_grant" if client_id == "public" else None), "section 5"
    assert known["without"] == "invalid_dpop_proof", "section 5.2"
    wanted = [where for where, _, error in known["asked"] if error == "use_dpop_nonce"]
    assert wanted, "it had no nonce to begin with"
    assert len(wanted) <= 4, "each key hears of it once, and from then on each answer says it"
    claims = jwt.decode(known["tokens"]["access_token"], options={"verify_signature": False})
    assert claims["cnf"] == {"jkt": known["jkt"]}
