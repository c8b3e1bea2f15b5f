"""``/.well-known/revocations.jwt`` of a real issuer, and a resource server that follows it."""

import asyncio
import time
from collections.abc import Iterator

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet

from issuer.feed import PERIOD
from issuer.metadata import JWKS, REVOCATIONS, REVOKE
from issuer.protocol import revocation
from issuer.protocol.replay import Revocation
from issuer.stores.sqlite import SQLiteStore
from keys import InvalidToken, Verifier
from keys.errors import InvalidMac
from keys.mac import MacVerifier
from keys.mac.signed_request import Request
from keys.mac.signer import MacCredentials, Signer
from tests.builders import API, MAC_API, MAC_PRIVATE_JWK, SECRET
from tests.running import RunningIssuer

STORE = "sqlite:replay.db"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    running = RunningIssuer(tmp_path_factory.mktemp("feed"), replay_store=STORE)
    running.start(workers=2)
    running.wait_until(lambda: running.http.get(REVOCATIONS).status_code == 200)
    yield running
    running.stop()


@pytest.fixture(autouse=True)
def _often(monkeypatch):
    """A resource server here asks every second; how often it does is held elsewhere."""
    for name in ("keys.revocations.LEAST_INTERVAL", "keys.revocations.MAX_INTERVAL"):
        monkeypatch.setattr(name, 1)


def revoke(issuer: RunningIssuer, name: str, *, is_line: bool = False) -> None:
    """By whoever else uses the store."""
    now = int(time.time())
    forget_at = now + 1000

    async def tell(store: SQLiteStore) -> None:
        not_before = now + 1 if is_line else forget_at
        await store.revoke((Revocation(name, not_before, now, forget_at),), now)

    store = SQLiteStore(issuer.directory / "replay.db")
    asyncio.run(tell(store))
    store.close()


def feed(issuer: RunningIssuer) -> dict:
    """The claims, read by somebody else's library."""
    keys = KeySet.import_key_set(issuer.http.get(JWKS).json())
    return jwt.decode(issuer.http.get(REVOCATIONS).text, keys, algorithms=["ES256"]).claims


def is_listed(issuer: RunningIssuer, name: str) -> bool:
    return name in feed(issuer)["revocations"]


def is_refused(verifier: Verifier, token: str) -> bool:
    try:
        verifier.verify(token)
    except InvalidToken as refused:
        return refused.detail.startswith("revoked")
    return False


# --- the document ---


def test_it_is_a_jwt_of_its_own_type_signed_by_the_issuers_keys(issuer):
    answer = issuer.http.get(REVOCATIONS)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/jwt"
    keys = KeySet.import_key_set(issuer.http.get(JWKS).json())
    read = jwt.decode(answer.text, keys, algorithms=["ES256"])
    assert read.header["typ"] == "revocations+jwt"
    assert read.claims["iss"] == issuer.url
    assert read.claims["iat"] % PERIOD == 0
    assert time.time() - 60 < read.claims["iat"] <= time.time()
    assert set(read.claims) == {"iss", "iat", "exp", "revocations"}


def test_it_may_be_kept_for_a_while_by_everybody(issuer):
    answer = issuer.http.get(REVOCATIONS)
    assert answer.headers["Cache-Control"] == "public, max-age=30"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_who_has_it_already_is_told_so(issuer):
    """RFC 9110 section 13.1.2."""

    def is_known() -> bool:
        etag = issuer.http.get(REVOCATIONS).headers["ETag"]
        again = issuer.http.get(REVOCATIONS, headers={"If-None-Match": etag})
        return (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)

    issuer.wait_until(is_known)  # unless the period ends between the two
    other = issuer.http.get(REVOCATIONS, headers={"If-None-Match": '"other"'})
    assert other.status_code == 200


def test_head_is_the_same_without_a_body(issuer):
    def is_same() -> bool:
        head, get = issuer.http.head(REVOCATIONS), issuer.http.get(REVOCATIONS)
        assert head.content == b""
        names = ("ETag", "Content-Type", "Cache-Control")
        return [head.headers[name] for name in names] == [get.headers[name] for name in names]

    issuer.wait_until(is_same)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_nobody_can_write_it(issuer, method):
    answer = issuer.http.request(method, REVOCATIONS)
    assert answer.status_code == 405
    assert answer.headers["Allow"] == "GET, HEAD"


def test_the_metadata_name_it(issuer):
    named = issuer.http.get("/.well-known/oauth-authorization-server").json()["revocations_uri"]
    assert named == issuer.url + REVOCATIONS
    assert httpx.get(named).status_code == 200


def test_without_a_store_there_is_none_and_none_is_announced(issuer_server):
    answer = issuer_server.http.get(REVOCATIONS)
    assert answer.status_code == 404
    assert answer.json()["error"] == "not_found"
    metadata = issuer_server.http.get("/.well-known/oauth-authorization-server").json()
    assert "revocations_uri" not in metadata


def test_an_issuer_with_a_path_has_it_below_the_path(an_issuer):
    issuer = an_issuer("tenant", path="/tenant", replay_store=STORE).start()
    metadata = httpx.get(f"{issuer.url}/.well-known/openid-configuration").json()
    assert metadata["revocations_uri"] == f"{issuer.url}{REVOCATIONS}"
    issuer.wait_until(lambda: issuer.http.get(REVOCATIONS).status_code == 200)
    assert feed(issuer)["iss"] == issuer.url


def test_all_replicas_and_workers_answer_with_the_same_text(issuer):
    other = RunningIssuer(issuer.directory, port=None)
    other.start(workers=2)

    def are_same() -> bool:
        texts = {
            httpx.get(f"{each.origin}{REVOCATIONS}").text
            for each in (issuer, other)
            for _ in range(8)
        }
        return len(texts) == 1

    try:
        issuer.wait_until(are_same, 25)  # once none is within five seconds of a new period
    finally:
        other.stop()


# --- a resource server that follows it ---


def test_a_revoked_token_is_refused_and_its_neighbour_is_not(issuer):
    verifier = Verifier(issuer.url, API, revocations=True)
    revoked, neighbour = issuer.access_token(), issuer.access_token()
    assert verifier.verify(revoked)
    assert verifier.verify(neighbour)
    answer = issuer.http.post(REVOKE, data={"token": revoked}, auth=("billing", SECRET))
    assert answer.status_code == 200
    issuer.wait_until(lambda: is_refused(verifier, revoked), 12)
    assert verifier.verify(neighbour)


def test_a_revoked_grant_takes_its_access_tokens_with_it(issuer):
    verifier = Verifier(issuer.url, API, revocations=True)
    first = issuer.redeem(issuer.code()).json()
    second = issuer.refresh(first["refresh_token"]).json()
    other = issuer.redeem(issuer.code()).json()["access_token"]
    tokens = [each["access_token"] for each in (first, second)]
    assert all(verifier.verify(each).claims["grant_id"] for each in tokens)
    given = {"token": second.get("refresh_token") or first["refresh_token"]}
    answer = issuer.http.post(REVOKE, data=given, auth=("web", SECRET))
    assert answer.status_code == 200
    issuer.wait_until(lambda: all(is_refused(verifier, each) for each in tokens), 12)
    assert verifier.verify(other)


def test_a_line_for_a_client_refuses_what_it_has_and_not_what_it_gets(issuer):
    verifier = Verifier(issuer.url, API, revocations=True)
    before = issuer.access_token()
    other = issuer.token("web", grant_type="client_credentials").json()["access_token"]
    revoke(issuer, revocation.client("billing"), is_line=True)
    issuer.wait_until(lambda: is_refused(verifier, before), 12)
    assert verifier.verify(issuer.access_token())
    assert verifier.verify(other)


def test_a_token_for_signed_requests_is_revoked_like_any_other(issuer):
    verifier = MacVerifier(
        issuer.url,
        MAC_API,
        decryption_keys={"keys": [MAC_PRIVATE_JWK]},
        revocations=True,
    )
    held = issuer.token("web", grant_type="client_credentials", resource=MAC_API).json()

    def request() -> dict:
        signer = Signer(MacCredentials.from_response(held))
        sent = {"method": "GET", "target": "/", "host": "mac.example", "port": 443}
        return {**sent, "authorization": signer.sign(Request.of(*sent.values()))}

    def is_refused_now() -> bool:
        try:
            verifier.verify(**request())
        except InvalidMac as refused:
            return refused.detail.startswith("revoked")
        return False

    assert not is_refused_now()
    given = {"token": held["access_token"]}
    assert issuer.http.post(REVOKE, data=given, auth=("web", SECRET)).status_code == 200
    issuer.wait_until(is_refused_now, 12)


def test_a_line_in_the_registry_refuses_access_tokens_too(an_issuer):
    issuer: RunningIssuer = an_issuer("lines", replay_store=STORE).start()
    verifier = Verifier(issuer.url, API, revocations=True)
    issuer.wait_until(lambda: issuer.http.get(REVOCATIONS).status_code == 200)
    token = issuer.redeem(issuer.code()).json()["access_token"]
    assert verifier.verify(token)
    table = issuer.read_registry()
    table["issuer"]["blocked_subjects"] = ["alice"]
    issuer.write_registry(table)
    issuer.wait_until(lambda: is_refused(verifier, token), 15)
    assert verifier.verify(issuer.access_token())


def test_a_store_that_is_lost_takes_no_revocation_back(an_issuer):
    issuer: RunningIssuer = an_issuer("lost", replay_store=STORE).start(workers=2)
    issuer.wait_until(lambda: issuer.http.get(REVOCATIONS).status_code == 200)
    revoke(issuer, "token:t1")
    issuer.wait_until(lambda: all(is_listed(issuer, "token:t1") for _ in range(20)), 12)
    delete_store(issuer)
    time.sleep(6)  # every worker has asked since
    assert all(is_listed(issuer, "token:t1") for _ in range(20))
    issuer.process.terminate()
    issuer.process.wait(30)
    issuer.start()
    issuer.wait_until(lambda: is_listed(issuer, "token:t1"))


def test_while_the_store_is_down_the_feed_goes_on_and_says_since_when(an_issuer):
    issuer: RunningIssuer = an_issuer("down", replay_store=STORE).start()
    issuer.wait_until(lambda: issuer.http.get(REVOCATIONS).status_code == 200)
    revoke(issuer, "token:t1")
    issuer.wait_until(lambda: is_listed(issuer, "token:t1"))
    delete_store(issuer)
    (issuer.directory / "replay.db").mkdir()
    stopped_at = time.time()
    time.sleep(PERIOD + 6)
    said = feed(issuer)
    assert said["iat"] <= stopped_at
    assert said["revocations"].keys() == {"token:t1"}
    (issuer.directory / "replay.db").rmdir()
    issuer.wait_until(lambda: feed(issuer)["iat"] > stopped_at, PERIOD + 10)
    assert is_listed(issuer, "token:t1")


def delete_store(issuer: RunningIssuer) -> None:
    for each in issuer.directory.glob("replay.db*"):
        each.unlink()
