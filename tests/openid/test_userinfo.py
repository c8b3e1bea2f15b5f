"""The userinfo endpoint: OpenID Connect Core section 5.3, RFC 6750 section 3."""

import json

import pytest
from msgspec.structs import replace

from issuer.browser.userinfo import tell
from issuer.protocol.sealed import Login
from issuer.registry.client_claims import ISSUER_CLAIMS
from issuer.registry.scope import Scope
from keys import AccessRefused, Verifier
from tests.asking import claims_of
from tests.builders import (
    API,
    ISSUER,
    MAC_API,
    NOW,
    OTHER_API,
    SECRET,
    a_client,
    a_mac_resource,
    a_resource,
    showing,
)
from tests.openid.builders import (
    RING,
    a_known_user,
    a_relying_party,
    an_openid_server,
    redeemed,
    with_resources,
)
from tests.running import RunningIssuer

SERVER = an_openid_server()
LOGIN_URL = "https://login.example/"
BOB = Login(claims={"name": "Bob", "email": "bob@b.example", "address": {"country": "FR"}})


def a_token(server=SERVER, *, asked: str = ISSUER, **code) -> str:
    response = redeemed(server, asked=asked, **code)
    assert response.status == 200, response.log
    return str(response.access_token)


def userinfo(server, authorization, now):
    return tell(server, showing(authorization, now)).claims


def refusal(server, token: str, now: int = NOW) -> AccessRefused:
    with pytest.raises(AccessRefused) as refused:
        userinfo(server, f"Bearer {token}", now)
    return refused.value


@pytest.mark.parametrize(
    ("scope", "claims"),
    [
        ("openid", {}),
        ("openid email", {"email": "alice@example.com", "email_verified": True}),
        ("openid address phone offline_access",
         {"address": {"locality": "Berlin", "country": "DE"}, "phone_number": "+49 30 1234"}),
    ],
)  # fmt: skip
def test_it_says_who_the_user_is_and_what_the_scope_allows(scope, claims):
    """Section 5.3.2: sub always."""
    answer = userinfo(SERVER, f"Bearer {a_token(scope=scope)}", NOW)
    assert answer == {"sub": "alice", **claims}


def test_it_says_what_the_registry_says_now():
    token = a_token(scope="openid profile")
    later = an_openid_server(users=(a_known_user(name="Alice Married"),))
    assert userinfo(later, f"Bearer {token}", NOW)["name"] == "Alice Married"


def test_a_client_that_loses_a_scope_is_told_less():
    token = a_token(scope="openid email")
    later = an_openid_server(a_relying_party(scope=Scope({"openid", "read"})))
    assert userinfo(later, f"Bearer {token}", NOW) == {"sub": "alice"}


@pytest.mark.parametrize(
    ("server", "why"),
    [
        pytest.param(an_openid_server(users=()), "user gone", id="the user is gone"),
        pytest.param(
            an_openid_server(users=(a_known_user(active=False),)), "inactive", id="inactive"
        ),
        pytest.param(
            an_openid_server(users=(a_known_user(not_before=NOW + 1),)),
            "before not_before",
            id="the user drew a line since",
        ),
        pytest.param(
            an_openid_server(a_relying_party(not_before=NOW + 1)),
            "before not_before",
            id="the client drew a line since",
        ),
        pytest.param(an_openid_server(not_before=NOW + 1), "before", id="the issuer drew one"),
        pytest.param(an_openid_server(a_client("other")), "client is gone", id="no such client"),
    ],
)
def test_the_live_registry_is_asked(server, why):
    """Unlike at a resource server that verifies offline."""
    token = a_token()
    assert userinfo(SERVER, f"Bearer {token}", NOW)["sub"] == "alice"
    refused = refusal(server, token)
    assert (refused.status, refused.error) == (401, "invalid_token")
    assert why in refused.detail


@pytest.mark.parametrize(
    ("token", "now"),
    [
        pytest.param(str(redeemed(SERVER).body["id_token"]), NOW, id="an ID token"),
        pytest.param(a_token()[:-4] + "AAAA", NOW, id="another signature"),
        pytest.param(a_token(), NOW + 660, id="expired"),
        pytest.param("x", NOW, id="no token"),
    ],
)
def test_what_is_no_token_for_the_issuer_is_refused(token, now):
    """J13 to J15."""
    assert refusal(SERVER, token, now).status == 401
    assert userinfo(SERVER, f"bearer {a_token()}", NOW + 659)["sub"] == "alice"


@pytest.mark.parametrize("header", [None, "", "Basic YTpi", "Bearer", "MAC id=1"])
def test_without_a_bearer_token_the_challenge_names_no_error(header):
    """RFC 6750 section 3."""
    with pytest.raises(AccessRefused) as refused:
        userinfo(SERVER, header, NOW)
    assert refused.value.status == 401
    assert "error=" not in refused.value.headers["WWW-Authenticate"]


@pytest.mark.parametrize(
    ("server", "scope"),
    [
        pytest.param(SERVER, "read", id="it was not asked for"),
        pytest.param(
            an_openid_server(a_client(scope=Scope({"email", "read"}))),
            "openid email",
            id="the client may not have it any more",
        ),
    ],
)
def test_a_token_without_openid_is_not_enough(server, scope):
    """RFC 6750 section 3.1: insufficient_scope."""
    refused = refusal(server, a_token(scope=scope, asked=API))
    assert (refused.status, refused.error) == (403, "insufficient_scope")
    assert 'scope="openid"' in refused.headers["WWW-Authenticate"]


@pytest.mark.parametrize("audience", [API, ISSUER])
def test_of_a_user_in_no_registry_it_says_what_the_login_application_said(audience):
    """Nothing is stored: the access token brings it, and nobody but the issuer can read it (R9)."""
    server = an_openid_server(login_url=LOGIN_URL)
    response = redeemed(server, asked=audience, sub="bob", login=BOB, scope="openid email address")
    token = str(response.access_token)
    assert "bob@b.example" not in json.dumps(claims_of(server, response))
    said = {"email": "bob@b.example", "address": {"country": "FR"}}
    assert userinfo(server, f"Bearer {token}", NOW) == {"sub": "bob", **said}
    assert userinfo(server, f"Bearer {token}", NOW + 659) == {"sub": "bob", **said}
    assert refusal(an_openid_server(), token).detail == "user gone or inactive"
    inactive = (a_known_user(username="bob", active=False),)
    assert refusal(an_openid_server(login_url=LOGIN_URL, users=inactive), token).status == 401


def test_a_token_without_openid_brings_nothing_of_its_user():
    server = an_openid_server(login_url=LOGIN_URL)
    response = redeemed(server, sub="bob", login=BOB, scope="read")
    assert "userinfo" not in claims_of(server, response)


def test_no_registration_says_who_a_user_is():
    assert "userinfo" in ISSUER_CLAIMS
    assert "userinfo" not in claims_of(SERVER, redeemed(SERVER, asked=ISSUER, login=replace(
        BOB, claims=None)))  # fmt: skip


def test_a_key_that_signed_a_token_may_have_retired_since():
    lifetimes = {"longest_token_lifetime": 600, "longest_sealed_lifetime": 86400}
    rotated = an_openid_server(ring=RING.rotate(NOW, **lifetimes, lead=400))
    token = a_token()
    assert userinfo(rotated, f"Bearer {token}", NOW + 500)["sub"] == "alice"


@pytest.mark.parametrize("api", [
    pytest.param(a_resource(userinfo=False), id="it registered that by now"),
    pytest.param(a_resource(OTHER_API), id="it is gone"),
    pytest.param(a_mac_resource(API), id="it takes mac tokens by now"),
])  # fmt: skip
def test_a_token_for_an_api_that_is_no_good_here_by_now_is_refused(api):
    """The live registry is asked about the audience as well."""
    token = a_token(asked=API)
    assert userinfo(SERVER, f"Bearer {token}", NOW)["sub"] == "alice"
    assert "aud is" in refusal(with_resources(api), token).detail


def test_a_token_for_an_api_that_its_client_lost_is_refused():
    later = an_openid_server(a_relying_party(resources=(OTHER_API,)))
    refused = refusal(later, a_token(asked=API))
    assert "not its client's any more" in refused.detail


@pytest.mark.parametrize("kind", ["ID token", "of another issuer", "of no registered audience"])
def test_another_jwt_of_any_audience_is_refused(kind):
    """J13 to J16: reading the audience first believes nothing of it."""
    claims = claims_of(SERVER, redeemed(SERVER))
    changed = {
        "ID token": ("JWT", {}),
        "of another issuer": ("at+jwt", {"iss": "https://other.example"}),
        "of no registered audience": ("at+jwt", {"aud": "https://unknown.example"}),
    }
    typ, change = changed[kind]
    token = SERVER.signing_key(NOW).sign(typ, claims | change)
    assert refusal(SERVER, token).status == 401
    good = SERVER.signing_key(NOW).sign("at+jwt", claims)
    assert userinfo(SERVER, f"Bearer {good}", NOW)["sub"] == "alice"


@pytest.mark.parametrize("userinfo_claim", ["x", {"email": "root@example.com"}, 1])
def test_claims_of_a_user_that_were_not_sealed_here_are_not_believed(userinfo_claim):
    server = an_openid_server(login_url=LOGIN_URL)
    claims = claims_of(server, redeemed(server, sub="bob", login=BOB, scope="openid email"))
    token = server.signing_key(NOW).sign("at+jwt", claims | {"userinfo": userinfo_claim})
    assert refusal(server, token).status == 401


# --- over HTTP ---


def bearing(answer: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer['access_token']}"}


@pytest.fixture
def bearer(provider: RunningIssuer) -> dict[str, str]:
    """The header of client wiki, by whom alice logged in."""
    code = provider.code(client_id="wiki", scope="openid profile email address phone")
    return bearing(provider.redeem(code, "wiki").json())


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_endpoint_answers_both_methods(provider, bearer, method):
    """Section 5.3.1."""
    answer = provider.http.request(method, "/userinfo", headers=bearer)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.json() == {
        "sub": "alice",
        "name": "Alice Example",
        "preferred_username": "alice",
        "email": "alice@example.com",
        "address": {"country": "DE"},
    }


def test_a_token_in_a_body_or_query_is_not_read(provider, bearer):
    """RFC 6750 sections 2.2 and 2.3 are not offered."""
    token = {"access_token": bearer["Authorization"].partition(" ")[2]}
    for answer in (
        provider.http.post("/userinfo", data=token),
        provider.http.get("/userinfo", params=token),
    ):
        assert answer.status_code == 401
        assert "error=" not in answer.headers["www-authenticate"]
    with_both = provider.http.post("/userinfo", data=token, headers=bearer)
    assert with_both.status_code == 200


def test_a_refusal_is_a_challenge_and_json(provider):
    answer = provider.http.get("/userinfo", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')
    assert answer.json()["error"] == "invalid_token"
    twice = [("Authorization", "Bearer x"), ("Authorization", "Bearer y")]
    assert provider.http.get("/userinfo", headers=twice).status_code == 400
    assert provider.http.delete("/userinfo").status_code == 405


def test_a_token_for_an_api_is_good_there_and_here(provider):
    """Most relying parties name no resource, and ask with the token that they have."""
    first = provider.redeem(provider.code(scope="openid email read")).json()
    second = provider.refresh(first["refresh_token"]).json()
    narrowed = provider.refresh(first["refresh_token"], scope="read").json()
    api = Verifier(provider.url, API)
    for answer in (first, second):
        assert api.verify(answer["access_token"]).scope == set(answer["scope"].split())
        said = provider.http.get("/userinfo", headers=bearing(answer))
        assert said.json() == {"sub": "alice", "email": "alice@example.com"}
    assert api.verify(narrowed["access_token"]).scope == {"read"}
    refused = provider.http.get("/userinfo", headers=bearing(narrowed))
    assert (refused.status_code, refused.json()["error"]) == (403, "insufficient_scope")
    mac = provider.refresh(
        provider.redeem(provider.code(scope="openid read", resource=(MAC_API,))).json()[
            "refresh_token"
        ]
    ).json()
    assert mac["token_type"] == "mac"
    assert provider.http.get("/userinfo", headers=bearing(mac)).status_code == 401
    log = provider.log.read_text()
    assert SECRET not in log
    assert second["access_token"] not in log
