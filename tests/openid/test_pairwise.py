"""Pairwise subject identifiers: OpenID Connect Core section 8.1."""

from dataclasses import replace
from types import MappingProxyType
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from issuer import introspection
from issuer.browser import backchannel, login_application, logout
from issuer.browser.backchannel import Notice
from issuer.browser.steps import AskConsent, LogIn, next_step
from issuer.browser.userinfo import tell
from issuer.feed import Lines, claims
from issuer.load import Refused, combine
from issuer.metadata import metadata
from issuer.protocol import revocation
from issuer.protocol.form import Form
from issuer.protocol.sealed import Login
from issuer.registry.client import ClientSecret
from issuer.registry.consistency import check
from issuer.registry.secret import sha256_hash
from issuer.token import OFFERED
from issuer.token_types.id_token import read_id_token_hint
from keys import InvalidToken, Verifier
from keys import KeySet as Keys
from keys.ring import KeyRing
from keys.subjects import MAX_SUB, SubjectKey
from tests.asking import ask, claims_of, refresh
from tests.browser.builders import a_session, an_interaction
from tests.builders import (
    API,
    ISSUER,
    MAC_API,
    NOW,
    PASSWORD,
    SECRET,
    VERIFIER,
    a_client,
    a_code,
    a_request,
    a_resource,
    a_user,
    showing,
)
from tests.feed.builders import a_line
from tests.openid import builders
from tests.openid.builders import a_known_user, a_relying_party, an_openid_server, redeemed

KEY = SubjectKey(bytes(range(64)))
RING = replace(builders.RING, subject_key=KEY)
PAIRWISE: dict[str, Any] = {"subject_type": "pairwise"}
WEB = a_relying_party(**PAIRWISE)
SISTER = a_relying_party("sister", redirect_uris=("https://app.example/other",), **PAIRWISE)
STRANGER = a_relying_party("stranger", sector_identifier="other.example", **PAIRWISE)
PUBLIC = a_relying_party("public")
LOGIN_URL = "https://login.example/"


def a_server(*clients, ring=RING, **registry):
    return an_openid_server(*(clients or (WEB, SISTER, STRANGER, PUBLIC)), ring=ring, **registry)


SERVER = a_server()
ALICE = SERVER.told_sub(WEB, "alice")


def id_token_sub(response) -> str:
    read = jwt.decode(str(response.body["id_token"]), options={"verify_signature": False})
    return str(read["sub"])


def sub_for(client, server=SERVER) -> str:
    code = a_code(
        server,
        client_id=client.client_id,
        redirect_uri=client.redirect_uris[0],
        scope="openid read",
    )
    request = a_request(
        "authorization_code", client_id=client.client_id, code=code, code_verifier=VERIFIER
    )
    return id_token_sub(ask(server, request))


def test_each_sector_knows_a_user_by_another_sub():
    """And all clients of one by the same."""
    assert sub_for(WEB) == sub_for(SISTER) == ALICE
    assert sub_for(PUBLIC) == "alice"
    assert len({sub_for(WEB), sub_for(STRANGER), sub_for(PUBLIC)}) == 3


def test_a_sub_never_changes():
    """A vector of ours: what is made of this key, user and sector is the same for ever."""
    assert KEY.conceal("alice", "app.example") == ALICE
    assert ALICE == "AhYk8AEjgMCH21HcsBR9Dj8uM88jIUMUUDakcylsTrw"


def test_it_does_not_change_with_the_keys_that_rotate():
    rotated = RING.rotate(NOW, longest_token_lifetime=600, longest_sealed_lifetime=86_400)
    more = KeyRing.parse(rotated.format()).subject_key
    assert more == KEY
    assert sub_for(WEB, a_server(ring=rotated)) == ALICE


def test_it_is_the_same_wherever_its_client_looks():
    """ID token, access token and userinfo; section 5.3.2 has the client compare them."""
    response = redeemed(SERVER, asked=ISSUER)
    assert id_token_sub(response) == ALICE
    told = tell(SERVER, showing(f"Bearer {response.access_token}")).claims
    assert (told["sub"], told["name"]) == (ALICE, "Alice Example")
    api = redeemed(SERVER)
    assert claims_of(SERVER, api)["sub"] == ALICE
    assert "alice" not in {claims_of(SERVER, api).get(name) for name in ("sub", "username")}


@pytest.mark.parametrize("how", ["refresh_token", "password", "mac", "client_credentials"])
def test_each_grant_and_type_of_token_calls_the_user_so(how):
    server = SERVER
    if how == "refresh_token":
        text = str(redeemed(server, scope="openid offline_access read").body["refresh_token"])
        response = refresh(server, text)
        assert id_token_sub(response) == ALICE
    elif how == "mac":
        server = a_server(a_relying_party(resources=(API, MAC_API), **PAIRWISE))
        response = redeemed(server, resource=(MAC_API,), scope="read")
    else:
        who = {"username": "alice", "password": PASSWORD} if how == "password" else {}
        response = ask(server, a_request(how, scope="read", **who))
    sub = claims_of(server, response)["sub"]
    assert sub == ("web" if how == "client_credentials" else ALICE)


def test_the_same_code_yields_the_same_bytes():
    code = a_code(SERVER, scope="openid read email")
    request = a_request("authorization_code", code=code, code_verifier=VERIFIER)
    assert ask(SERVER, request).body == ask(SERVER, request).body


def test_introspection_says_what_the_token_says():
    """RFC 7662 section 2.2: its resource server knows the user by no other name."""
    secrets = (ClientSecret(hash=sha256_hash(SECRET)),)
    server = builders.with_resources(a_resource(client_secrets=secrets), client=WEB)
    server = replace(server, ring=RING)
    token = str(redeemed(server).access_token)
    inquiry = introspection.validate(server, a_request(None, client_id=API, token=token))
    assert introspection.members(inquiry)["sub"] == ALICE
    assert revocation.user("alice") in inquiry.standing[0].names


@pytest.mark.parametrize(
    "registry",
    [
        {"users": ()},
        {"users": (a_known_user(active=False),)},
        {"users": (a_known_user(not_before=NOW + 1),)},
        {"blocked_subjects": ("alice",)},
    ],
    ids=["gone", "inactive", "a line", "blocked"],
)
def test_what_the_registry_takes_back_is_refused_under_its_own_name_of_the_user(registry):
    token = redeemed(SERVER, asked=ISSUER).access_token
    with pytest.raises(InvalidToken):
        tell(a_server(**registry), showing(f"Bearer {token}"))
    assert tell(SERVER, showing(f"Bearer {token}"))


def test_a_revocation_of_the_user_is_asked_for():
    token = redeemed(SERVER, asked=ISSUER).access_token
    names = tell(SERVER, showing(f"Bearer {token}")).standing.names
    assert revocation.user("alice") in names
    assert revocation.user(ALICE) not in names


def test_the_feed_takes_back_what_each_sector_calls_the_user():
    """Resource servers verify offline, and know no other name."""
    revoked = {"user:alice": a_line("user:alice"), "client:web": a_line("client:web")}
    said = claims(
        ISSUER, Lines.of(SERVER.registry), MappingProxyType(revoked), NOW, SERVER.pairwise_subs
    )["revocations"]
    subs = {"alice", ALICE, SERVER.told_sub(STRANGER, "alice")}
    assert {name for name in said if name.startswith("user:")} == {f"user:{each}" for each in subs}
    assert len({said[f"user:{each}"] for each in subs}) == 1
    assert "client:web" in said


def test_an_id_token_hint_says_whom_the_issuer_means():
    """Section 3.1.2.1."""
    text = str(redeemed(SERVER).body["id_token"])
    assert read_id_token_hint(SERVER, text, NOW).sub == "alice"
    held = an_interaction(SERVER, scope="openid", id_token_hint=text)
    assert isinstance(next_step(SERVER, held, a_session(SERVER), NOW), AskConsent)
    bob = a_server(users=(a_known_user(), a_user("bob")))
    assert isinstance(next_step(bob, held, a_session(bob, sub="bob"), NOW), LogIn)


def test_a_client_logs_out_whom_it_means_without_a_question():
    text = str(redeemed(SERVER).body["id_token"])
    asked = logout.read(SERVER, Form.parse(f"id_token_hint={text}".encode()), NOW)
    assert logout.needs_no_question(asked, a_session(SERVER))
    assert not logout.needs_no_question(asked, a_session(SERVER, sub="bob"))


def test_a_logout_token_says_what_its_client_was_told():
    client = a_relying_party(backchannel_logout_uri="https://rp.example/out", **PAIRWISE)
    server = a_server(client)
    text = backchannel.message(server, Notice("web", "alice", "s-1"), NOW).logout_token
    assert jwt.decode(text, options={"verify_signature": False})["sub"] == ALICE
    assert backchannel.message(server, Notice("web", "a" * (MAX_SUB + 1), "s"), NOW) is None


@pytest.mark.parametrize("sub", ["alice", "nobody"])
def test_a_client_asks_for_a_user_by_what_it_knows(sub):
    """Section 5.5.1."""

    def step(wished):
        asked = f'{{"id_token": {{"sub": {{"value": "{wished}"}}}}}}'
        held = an_interaction(SERVER, scope="openid", claims=asked)
        return next_step(SERVER, held, a_session(SERVER), NOW)

    assert isinstance(step(sub), LogIn)
    assert isinstance(step(ALICE), AskConsent)


def test_a_resource_server_verifies_it_like_any_other():
    verifier = Verifier(ISSUER, API, Keys.from_dict(RING.jwks(NOW)), clock=lambda: NOW)
    verified = verifier.verify(str(redeemed(SERVER).access_token))
    assert (verified.subject, verified.is_client) == (ALICE, False)


def test_whom_a_login_application_vouches_for_is_known_so_too():
    server = a_server(WEB, login_url=LOGIN_URL)
    login = Login(claims={"name": "Bob"})
    response = redeemed(server, sub="bob", login=login, asked=ISSUER)
    told = tell(server, showing(f"Bearer {response.access_token}")).claims
    assert told["name"] == "Bob"
    assert told["sub"] == id_token_sub(response) == server.told_sub(WEB, "bob")


def test_nobody_logs_in_as_what_a_client_calls_somebody_else():
    """A login application whose users choose their sub: RFC 9700 section 4.15."""
    server = a_server(WEB, users=(), login_url=LOGIN_URL)
    for sub in (ALICE, "x" * (MAX_SUB + 1)):
        with pytest.raises(login_application.InvalidLoginResponse):
            login_application._check_sub(server, sub)
    login_application._check_sub(server, "x" * MAX_SUB)


# A client that changes


@pytest.mark.parametrize(("before", "after"), [(WEB, a_relying_party()), (a_relying_party(), WEB)])
def test_tokens_of_before_a_change_are_still_about_the_same_user(before, after):
    old, new = a_server(before), a_server(after)
    response = redeemed(old, asked=ISSUER)
    told = tell(new, showing(f"Bearer {response.access_token}")).claims
    assert (told["sub"], told["name"]) == (new.told_sub(after, "alice"), "Alice Example")
    assert read_id_token_hint(new, str(response.body["id_token"]), NOW).sub == "alice"


def test_another_sectors_sub_is_nobody():
    token = redeemed(SERVER, asked=ISSUER).access_token
    moved = a_server(a_relying_party(sector_identifier="other.example", **PAIRWISE))
    with pytest.raises(InvalidToken):
        tell(moved, showing(f"Bearer {token}"))


# What the files must say


def findings(*clients, **registry):
    found = a_server(*clients, **registry).registry
    return [
        (".".join(map(str, path)), why) for path, why in check(found, OFFERED, {*found.resources})
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"redirect_uris": ("https://a.example/cb", "https://b.example/cb")},
        {"redirect_uris": ("http://127.0.0.1/cb",)},
        {"redirect_uris": ("com.example.app:/cb",)},
        {"redirect_uris": (), "grant_types": ("password",), "scope": a_client().scope},
    ],
    ids=["two hosts", "everybody's machine", "an application", "none"],
)
def test_a_sector_is_one_host_or_registered(fields):
    """Section 8.1: with several hosts, the client says which."""
    assert ("clients.web.subject_type", SECTOR) in findings(a_relying_party(**PAIRWISE | fields))
    named = PAIRWISE | fields | {"sector_identifier": "example.com"}
    assert findings(a_relying_party(**named)) == []


SECTOR = (
    "needs a sector_identifier, such as example.com: its redirect URIs have no host, that of the "
    "user's machine, or several, and a sub must never change"
)


def test_a_sector_of_a_public_type_is_a_mistake():
    assert findings(a_relying_party(sector_identifier="a.example"))
    assert findings(a_relying_party()) == []
    with pytest.raises(ValueError, match="must be a host in lower case"):
        a_relying_party(sector_identifier="https://a.example")


def test_a_user_whose_sub_is_too_long_to_be_told_is_refused():
    users = (a_known_user(sub="x" * (MAX_SUB + 1)),)
    assert findings(WEB, users=users) == [
        ("users.alice.sub", "has more than 159 bytes, too long for clients that are pairwise")
    ]
    assert findings(PUBLIC, users=users) == []


def test_a_ring_without_the_key_does_not_serve_such_a_client():
    """Else every user would be told by their own name."""
    with pytest.raises(Refused) as refused:
        combine(SERVER.registry, builders.RING, NOW)
    assert 'client "web" has subject_type = "pairwise"' in str(refused.value)
    assert "`issuer keys add --subject-key`" in str(refused.value)
    assert combine(SERVER.registry, RING, NOW)


def test_metadata_announce_it_where_there_is_one():
    """OpenID Connect Discovery section 3."""
    assert metadata(SERVER, NOW)["subject_types_supported"] == ["public", "pairwise"]
    assert metadata(a_server(PUBLIC), NOW)["subject_types_supported"] == ["public"]


# The key


@given(st.text(min_size=1).filter(lambda each: len(each.encode(errors="replace")) <= MAX_SUB))
def test_what_is_concealed_is_revealed_in_its_sector_alone(sub):
    try:
        text = KEY.conceal(sub, "a.example")
    except UnicodeEncodeError:
        return  # half a surrogate pair, which no registry and no JSON brings
    assert KEY.reveal(text, "a.example") == sub
    assert KEY.reveal(text, "b.example") is None
    assert SubjectKey.generate().reveal(text, "a.example") is None
    assert len(text) <= 255
    assert text.isascii()


@given(st.text() | st.text(alphabet="ABCabc019-_=+/", min_size=40, max_size=260))
def test_whatever_is_shown_is_somebody_or_nobody(text):
    assert KEY.reveal(text, "a.example") is None


def test_a_sub_says_little_of_its_length():
    lengths = {len(KEY.conceal("a" * n, "a.example")) for n in range(1, 16)}
    assert lengths == {43}
    assert len(KEY.conceal("a" * MAX_SUB, "a.example")) == 235


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (('"k": "AAEC', '"k": "AAE'), "subject_key.k: must be 64 bytes in base64url"),
        (('"subject_key": {\n    "kty": "oct"', '"subject_key": {\n    "kty": "EC"'),
         "subject_key.kty: must be oct"),
    ],
)  # fmt: skip
def test_a_key_that_is_none_is_refused_with_its_place(change, problem):
    text = RING.format()
    assert change[0] in text
    with pytest.raises(ValueError, match=problem):
        KeyRing.parse(text.replace(*change))
    assert KeyRing.parse(text) == RING


def test_there_is_one_key_for_ever():
    ring = builders.RING.with_subject_key()
    with pytest.raises(ValueError, match="must never change"):
        ring.with_subject_key()
    assert "subject_key" not in builders.RING.format()
