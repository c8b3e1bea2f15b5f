"""No store: whoever redeems a code again gets the same tokens, byte for byte, from any worker.

Two gunicorns of two workers each, over the same two files; the issuer's URL has a path.
"""

import re
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from issuer.metadata import JWKS, TOKEN
from issuer.protocol.sealed import AuthorizationCode, Login
from keys.ring import KeyRing, write
from keys.signing import SigningKey
from tests.builders import API, CALLBACK, MAC_API, OTHER_API, SECRET, VERIFIER, a_code
from tests.running import RunningIssuer
from tests.verifying import ResourceServer

Pair = tuple[RunningIssuer, RunningIssuer]

ALGS = ("ES256", "RS256", "EdDSA")
TIMES = 8
HTTP = httpx.Client(limits=httpx.Limits(max_keepalive_connections=0), timeout=30)
"""Each request has a connection of its own: any worker may have it."""
LOGIN_KEY = SigningKey.generate(activates_at=0)
LIFETIMES = {"longest_token_lifetime": 600, "longest_sealed_lifetime": 30 * 86400}
NOT_THE_SAME = re.compile(rb'"expires_in":\d+')
"""The seconds that are left."""


def a_ring() -> KeyRing:
    return KeyRing.new("ES256", int(time.time()) - 1000, "RS256", "EdDSA")


def registry_of(issuer: RunningIssuer) -> dict[str, Any]:
    """Clients with and without what changes how a code is redeemed."""
    table = issuer.read_registry()
    table["issuer"] |= {
        "login_url": "https://login.example/",
        "login_jwks": {"keys": [dict(LOGIN_KEY.public_jwk)]},
    }
    web = table["clients"]["web"] | {
        "grant_types": ["authorization_code", "refresh_token"],
        "claims": {"tenant": "north", "a": 1},
    }
    asking = web | {"scope": "openid email profile offline_access read write pay"}
    public = {
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code"],
        "redirect_uris": [CALLBACK],
        "resources": [API, OTHER_API],
    }
    table["clients"] = {
        "plain": web | {"require_pkce": False},
        **{alg: asking | {"id_token_signed_response_alg": alg} for alg in ALGS},
        "rp": asking | {"scope": "openid email", "resources": []},
        "spa": public | {"scope": "read write pay"},
        "asking-spa": public | {"scope": "openid email read"},
    }
    return table


@pytest.fixture(scope="module")
def replicas(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Two of them, of two workers each."""
    directory = tmp_path_factory.mktemp("convergence")
    write(directory / "keyring.json", a_ring())
    one = RunningIssuer(directory, path="/tenants/north")
    one.write_registry(registry_of(one))
    pair = one, RunningIssuer(directory, path="/tenants/north")
    for each in pair:
        each.start(workers=2)
    yield pair
    for each in pair:
        each.stop()


def redeem(replica: RunningIssuer, client_id: str, **form: str) -> bytes:
    """The answer, as it is written."""
    form = {"grant_type": "authorization_code"} | form
    credentials: Any = (client_id, SECRET)
    if "spa" in client_id:
        form["client_id"], credentials = client_id, None
    answered = HTTP.post(replica.url + TOKEN, data=form, auth=credentials)
    assert answered.status_code == 200, answered.text
    return NOT_THE_SAME.sub(b"", answered.content)


def redeemed(replicas: Pair, client_id: str, **form: str) -> set[bytes]:
    """What ``TIMES`` redemptions in parallel yield, and as many one after the other."""
    at_once = threading.Barrier(TIMES)

    def in_parallel(number: int) -> bytes:
        at_once.wait(30)
        return redeem(replicas[number % 2], client_id, **form)

    with ThreadPoolExecutor(TIMES) as threads:
        answers = set(threads.map(in_parallel, range(TIMES)))
    return answers | {redeem(replicas[n % 2], client_id, **form) for n in range(TIMES)}


def members_of(answers: set[bytes]) -> dict[str, str]:
    (answer,) = answers
    found = re.findall(rb'"(access_token|id_token|refresh_token|mac_key|scope)":"([^"]*)"', answer)
    return {name.decode(): value.decode() for name, value in found}


def claims_of(replicas: Pair, text: str, audience: str) -> dict[str, Any]:
    """What whoever has only the URL of the JWKS reads in it."""
    issuer = replicas[0].files().issuer
    return ResourceServer(replicas[1].url + JWKS, issuer, audience).verify(text)


ALICE = {"scope": "openid email offline_access read"}


@pytest.mark.parametrize(
    ("client_id", "asked", "resources", "yielded"),
    [
        *(
            pytest.param(alg, ALICE, [API], {"id_token", "refresh_token"}, id=f"ID token: {alg}")
            for alg in ALGS
        ),
        pytest.param(
            "ES256",
            {"scope": "openid email profile read write pay", "resource": (API, OTHER_API)},
            [API, OTHER_API],
            {"id_token"},
            id="two audiences",
        ),
        pytest.param(
            "ES256",
            {"scope": "openid offline_access read", "resource": (MAC_API, API)},
            [MAC_API, API],
            {"id_token", "refresh_token"},
            id="a mac resource",
        ),
        pytest.param("plain", {}, [API], {"refresh_token"}, id="without openid"),
        pytest.param(
            "plain",
            {"code_challenge": None, "code_challenge_method": None},
            [API],
            {"refresh_token"},
            id="without PKCE",
        ),
        pytest.param(
            "rp",
            {"scope": "openid email"},
            [""],
            {"id_token", "refresh_token"},
            id="without resources",
        ),
        pytest.param("spa", {"resource": (API, OTHER_API)}, [API, OTHER_API], set(), id="public"),
        pytest.param(
            "asking-spa", {"scope": "openid email read"}, [API], {"id_token"}, id="public, asking"
        ),
    ],
)
def test_one_code_yields_the_same_tokens_each_time(replicas, client_id, asked, resources, yielded):
    """The table of properties, store none: in parallel and in sequence, to the byte."""
    server = replicas[0].files()
    code = a_code(server, now=int(time.time()), client_id=client_id, **asked)
    form = {"code": code} | ({} if "code_challenge" in asked else {"code_verifier": VERIFIER})
    if "code_challenge" in asked:
        form["redirect_uri"] = CALLBACK
    ids = set()
    for each in resources:
        given = form | ({"resource": each} if each else {})
        members = members_of(redeemed(replicas, client_id, **given))
        claims = claims_of(replicas, members["access_token"], each or server.issuer)
        assert claims["sub"] == "alice"
        ids.add(claims["jti"])
        assert members.keys() & {"id_token", "refresh_token"} == yielded
        assert ("mac_key" in members) == (each == MAC_API)
        if "id_token" in members:
            assert claims_of(replicas, members["id_token"], client_id)["sub"] == "alice"
        if "refresh_token" in members:
            refreshed = replicas[1].refresh(members["refresh_token"], client_id)
            assert refreshed.status_code == 200
    assert len(ids) == len(resources)


def test_what_a_login_application_said_of_somebody_is_the_same_each_time(replicas):
    """It travels in the code, the refresh token, the ID token and, sealed, the access token."""
    login = Login(
        amr=("hwk", "pin"),
        acr="urn:example:2",
        sid="s-1",
        claims={"name": "Bob", "email": "bob@b.example", "address": {"country": "FR"}},
    )
    server, now = replicas[0].files(), int(time.time())
    alices = a_code(server, now=now, client_id="ES256", **ALICE)
    held = server.sealer.open(AuthorizationCode, alices, now=now)
    code = server.seal(replace(held, sub="bob", login=login), now=now)
    members = members_of(redeemed(replicas, "ES256", code=code, code_verifier=VERIFIER))
    claims = claims_of(replicas, members["access_token"], API)
    assert claims["sub"] == "bob"
    assert "bob@b.example" not in str(claims)
    told = HTTP.get(
        replicas[1].url + "/userinfo",
        headers={"Authorization": f"Bearer {members['access_token']}"},
    )
    assert told.json() == {"sub": "bob", "email": "bob@b.example"}
    assert claims_of(replicas, members["id_token"], "ES256")["sid"] == "s-1"


def test_a_rotation_between_two_redemptions_does_not_show(an_issuer):
    """The new keys are in use on both replicas by then: the next code is made with them."""
    one = an_issuer()
    ring = a_ring()
    write(one.keyring, ring)
    one.write_registry(registry_of(one))
    pair = one.start(workers=2), an_issuer().start(workers=2)
    issued_at = int(time.time())
    code = a_code(one.files(), now=issued_at, client_id="ES256", **ALICE)
    form = {"code_verifier": VERIFIER}
    first = redeem(one, "ES256", code=code, **form)
    rotated = ring.rotate(issued_at + 1 - 400, **LIFETIMES, lead=400)
    write(one.keyring, rotated)
    one.wait_until(lambda: all(in_force(pair[n % 2]) == rotated.digest for n in range(8)))
    one.wait_until(lambda: time.time() >= issued_at + 2)
    assert redeemed(pair, "ES256", code=code, **form) == {first}
    following = a_code(one.files(), now=int(time.time()), client_id="ES256", **ALICE)
    old, new = members_of({first}), members_of({redeem(one, "ES256", code=following, **form)})
    for token, audience in (("access_token", API), ("id_token", "ES256")):
        assert old[token].split(".")[0] != new[token].split(".")[0], "another kid"
        assert claims_of(pair, old[token], audience)["sub"] == "alice"
    assert old["refresh_token"].split(".")[1] != new["refresh_token"].split(".")[1]
    assert pair[1].refresh(old["refresh_token"], "ES256").status_code == 200


def in_force(replica: RunningIssuer) -> str:
    """The key ring of one of its workers."""
    return str(HTTP.get(replica.origin + "/readyz").json()["keyring"]["digest"])
