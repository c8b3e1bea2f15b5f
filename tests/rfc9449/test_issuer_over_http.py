"""RFC 9449 at running issuers: replicas that share two files and nothing else, or a store."""

import sqlite3
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.builders import CALLBACK, CHALLENGE, SECRET, VERIFIER
from tests.rfc9449.proving import Prover
from tests.running import RunningIssuer

KEY, OTHER = Prover(), Prover()
CC = {"grant_type": "client_credentials"}
PATHS = {"none": "", "sqlite:replay.db": "/tenant"}
Pair = tuple[RunningIssuer, RunningIssuer]


@pytest.fixture(scope="module", params=PATHS)
def replicas(tmp_path_factory: pytest.TempPathFactory, request) -> Iterator[Pair]:
    """Two gunicorns over the same two files, without a store, and with one and a path."""
    store, path = request.param, PATHS[request.param]
    directory = tmp_path_factory.mktemp("dpop")
    one = RunningIssuer(directory, path=path, replay_store=store)
    table = one.read_registry()
    table["clients"]["spa"]["grant_types"] = ["authorization_code", "refresh_token"]
    for client in ("web", "spa"):
        table["clients"][client]["scope"] += " openid email offline_access"
        table["clients"][client]["id_token_signed_response_alg"] = "ES256"
    one.write_registry(table)
    pair = one, RunningIssuer(directory, path=path)
    for each in pair:
        each.start()
    yield pair
    for each in pair:
        each.stop()


def url_of(replicas: Pair, path: str = "/token") -> str:
    """Where clients know the issuer to be, whichever replica answers."""
    return replicas[0].url + path


def sent(at: RunningIssuer, *proofs, path="/token", client_id="web", headers=(), **data):
    dpop = [("DPoP", each) for each in proofs]
    auth = None if client_id == "spa" else (client_id, SECRET)
    named = {"client_id": client_id} if client_id == "spa" or path == "/par" else {}
    every = [*dpop, *headers]
    return at.http.post(path, data=named | data, auth=auth, headers=every)


def proof(replicas: Pair, path="/token", *, key=KEY, **more):
    return key.proof(url_of(replicas, path), now=int(time.time()), **more)


def with_nonce_required(replicas: Pair, policy: str) -> None:
    table = replicas[0].read_registry()
    table["issuer"]["dpop_nonce"] = policy
    replicas[0].write_registry(table)
    for each in replicas:
        each.wait_until(
            lambda each=each: (
                (sent(each, proof(replicas), **CC).status_code == 400) is (policy == "required")
            )
        )


def test_a_nonce_of_one_replica_is_good_at_the_other(replicas):
    """Nothing is shared for that: it follows from the clock and the ring."""
    one, other = replicas
    with_nonce_required(replicas, "required")
    try:
        refused = sent(one, proof(replicas), **CC)
        assert (refused.status_code, refused.json()["error"]) == (400, "use_dpop_nonce")
        nonce = refused.headers["dpop-nonce"]
        answer = sent(other, proof(replicas, nonce=nonce), **CC)
        assert answer.json()["token_type"] == "DPoP"
        assert answer.headers["dpop-nonce"]
        foreign = sent(other, proof(replicas, nonce=nonce[:-2] + "AA"), **CC)
        assert foreign.json()["error"] == "use_dpop_nonce"
    finally:
        with_nonce_required(replicas, "optional")


@pytest.mark.parametrize("path", ["/token", "/par"])
def test_a_proof_is_good_once_where_a_store_remembers(replicas, path):
    """Section 11.1: at whichever replica. Without a store it is good for its window."""
    one, other = replicas
    said = {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
    data = CC if path == "/token" else said | {"response_type": "code", "redirect_uri": CALLBACK}
    text = proof(replicas, path)
    first = sent(one, text, path=path, **data)
    assert first.status_code in (200, 201)
    remembers = one.files().registry.issuer.has_store
    for again in (sent(other, text, path=path, **data), sent(one, text, path=path, **data)):
        if remembers:
            assert (again.status_code, again.json()["error"]) == (400, "invalid_dpop_proof")
            assert "used before" in again.json()["error_description"]
        else:
            assert again.status_code == first.status_code
    assert sent(one, proof(replicas, path), path=path, **data).status_code == first.status_code


def test_a_public_client_signs_in_and_refreshes_by_its_key(replicas):
    """Section 5: without a store as with one, at either replica, and it never rotates."""
    one, other = replicas
    code = one.code(client_id="spa", scope="read offline_access", dpop_jkt=KEY.jkt)
    grant = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    for key in (None, OTHER):
        proofs = () if key is None else (proof(replicas, key=key),)
        refused = sent(one, *proofs, client_id="spa", **grant)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    first = sent(other, proof(replicas), client_id="spa", **grant).json()
    assert first["token_type"] == "DPoP"
    assert set(first["scope"].split()) == {"read", "offline_access"}
    held = first["refresh_token"]
    for at in (one, other, one):
        more = {"grant_type": "refresh_token", "refresh_token": held}
        again = sent(at, proof(replicas), client_id="spa", **more).json()
        assert (again["token_type"], again["refresh_token"]) == ("DPoP", held)
        for key in (None, OTHER):
            proofs = () if key is None else (proof(replicas, key=key),)
            refused = sent(at, *proofs, client_id="spa", **more)
            assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize("headers", [
    [("Host", "evil.example")],
    [("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https")],
    [("Forwarded", "host=evil.example;proto=https")],
])  # fmt: skip
def test_the_registry_says_what_the_url_is_and_no_header(replicas, headers):
    """P11."""
    one, _ = replicas
    assert sent(one, proof(replicas), headers=headers, **CC).status_code == 200
    for elsewhere in ("http://evil.example/token", "https://evil.example/tenant/token"):
        evil = KEY.proof(elsewhere, now=int(time.time()))
        refused = sent(one, evil, headers=headers, **CC)
        assert refused.json()["error"] == "invalid_dpop_proof"


def test_more_than_one_proof_is_none(replicas):
    """Section 4.3, item 1: in two headers or in one, where any proxy may have put them."""
    one, _ = replicas
    two = proof(replicas), proof(replicas)
    for proofs in (two, (", ".join(two),), (two[0], two[0]), ("", "")):
        refused = sent(one, *proofs, **CC)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_dpop_proof")
    assert sent(one, two[0], **CC).status_code == 200


def test_userinfo_takes_a_bound_token_with_its_proof(replicas):
    """Section 7."""
    one, other = replicas
    code = one.code(scope="openid email")
    grant = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    token = sent(one, proof(replicas), **grant).json()["access_token"]

    def ask(at, *proofs, scheme="DPoP", method="GET"):
        headers = [("Authorization", f"{scheme} {token}"), *(("DPoP", each) for each in proofs)]
        return at.http.request(method, "/userinfo", headers=headers)

    def fresh(method="GET", **more):
        return proof(replicas, "/userinfo", method=method, access_token=token, **more)

    for method in ("GET", "POST"):
        told = ask(other, fresh(method), method=method)
        assert told.json() == {"sub": "alice", "email": "alice@example.com"}
        assert told.headers["dpop-nonce"]
    borne = ask(one, scheme="Bearer")
    assert (borne.status_code, borne.json()["error"]) == (401, "invalid_token")
    assert "DPoP realm=" in borne.headers["www-authenticate"]
    for wrong in ((), ("x",), (fresh("POST"),), (fresh(), fresh()), (fresh(key=OTHER),)):
        refused = ask(one, *wrong)
        assert (refused.status_code, refused.json()["error"]) == (401, "invalid_dpop_proof")
        assert refused.headers["www-authenticate"].startswith('DPoP error="invalid_dpop_proof"')
    text = fresh()
    assert ask(one, text).status_code == 200
    remembers = one.files().registry.issuer.has_store
    assert ask(other, text).status_code == (401 if remembers else 200)
    sentence = "The DPoP proof is not valid: htm is not the method."
    one.wait_until(lambda: sentence in one.log.read_text())
    for secret in (text, token):
        assert secret not in one.log.read_text()


def test_a_flood_of_proofs_that_get_nothing_leaves_nothing_in_the_store(replicas):
    """P27: nobody makes the store grow who gets no token. What is kept has a short name."""
    one, _ = replicas
    if not one.files().registry.issuer.has_store:
        pytest.skip("nothing is remembered")

    def names() -> set[str]:
        with sqlite3.connect(one.directory / "replay.db") as database:
            (table,) = [
                name
                for (name,) in database.execute("select name from sqlite_master where type='table'")
                if "spent" in name
            ]
            return {str(row[0]) for row in database.execute(f"select * from {table}")}  # noqa: S608

    before = names()
    for number in range(300):
        refused = sent(one, proof(replicas, jti=f"{number}" * 50), client_id="spa",
                       grant_type="refresh_token", refresh_token="x")  # fmt: skip
        assert refused.json()["error"] == "invalid_grant"
    assert names() == before
    assert sent(one, proof(replicas, jti="j" * 256), **CC).status_code == 200
    (kept,) = names() - before
    assert len(kept) < 60


def test_a_jti_of_a_megabyte_is_refused_before_it_is_read(replicas):
    """P27."""
    one, _ = replicas
    try:
        refused = sent(one, proof(replicas, jti="j" * 1_000_000), **CC)
        assert refused.status_code in (400, 431)
    except httpx.TransportError:
        pass  # it hung up on whoever sends that
    assert sent(one, proof(replicas), **CC).status_code == 200
