"""``issuer inspect``: what it is, and why it would be refused now."""

import json
from dataclasses import replace

import pytest

from issuer import token
from issuer.cli import clock
from issuer.load import load
from issuer.protocol.request import Authorization
from issuer.protocol.sealed import AuthorizationCode, Login, RefreshToken
from issuer.registry import edit
from issuer.registry.scope import Scope
from issuer.server import AuthorizationServer
from issuer.token import OFFERED
from keys.encoding import from_base64url, parse_object, to_base64url
from keys.mac.key_wrapping import public_jwk
from keys.ring import KeyRing, write
from keys.sealing import Sealer
from tests.builders import MAC_API, MAC_PRIVATE_JWK
from tests.keys.builders import KEY

API = "https://api.example"
LOGIN = f"""login_url = "https://login.example/"
login_jwks = {{ keys = [{{ {", ".join(f'{k} = "{v}"' for k, v in KEY.public_jwk.items())} }}] }}"""


@pytest.fixture
def server(registry) -> AuthorizationServer:
    """What the files describe."""
    return load(registry, registry.with_name("keyring.json"), clock.now())


def an_access_token(server: AuthorizationServer, age: int = 0, **claims) -> str:
    issued_at = clock.now() - age
    given = {
        "iss": server.issuer, "sub": "web", "aud": API, "client_id": "web", "scope": "read",
        "iat": issued_at, "exp": issued_at + 600, "jti": "1",
    }  # fmt: skip
    return server.signing_key(clock.now()).sign("at+jwt", given | claims)


def a_sealed(
    server: AuthorizationServer, kind, *, lifetime: int = 60, age: int = 0, **fields
) -> str:
    issued_at = clock.now() - age
    given = {
        "id": "1", "client_id": "web", "sub": "alice", "scope": Scope({"read"}),
        "resources": (API,), "auth_time": issued_at, "issued_at": issued_at,
        "expires_at": issued_at + lifetime,
    }  # fmt: skip
    if kind is AuthorizationCode:
        given |= {"redirect_uri": "https://app.example/callback", "code_challenge": "x" * 43}
    return server.sealer.seal(kind(**given | fields), now=clock.now())


def test_a_good_access_token_is_good(run, server):
    result = run("inspect", stdin=an_access_token(server) + "\n")
    assert result.exit_code == 0
    assert result.stdout.startswith("An access token")
    assert "It is good." in result.stdout
    assert "(in " in result.stdout


def test_a_token_that_the_endpoint_made_is_good(run, server):
    authorization = Authorization(
        id="1",
        client=server.registry.clients["web"],
        user=server.registry.users["alice"],
        scope=Scope({"read", "write"}),
        resource=server.registry.resources[API],
        issued_at=clock.now(),
        received_at=clock.now(),
    )
    body = token.handler.grant_response(server, authorization).body
    result = run("inspect", stdin=json.dumps(body))
    assert result.exit_code == 0
    assert "Note" not in result.stdout


def test_the_token_may_be_an_argument(run, server):
    assert run("inspect", an_access_token(server)).exit_code == 0
    assert run("inspect", "-", stdin=an_access_token(server)).exit_code == 0


def headed(text: str, **header) -> str:
    """``text`` with another header, under the old signature."""
    old, _, rest = text.partition(".")
    members = parse_object(from_base64url(old)) | header
    return f"{to_base64url(json.dumps(members).encode())}.{rest}"


def elsewhere(server: AuthorizationServer) -> AuthorizationServer:
    """The same registry with another key ring."""
    return AuthorizationServer.of(server.registry, KeyRing.new("ES256", clock.now() - 60))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        pytest.param(lambda s: an_access_token(s, age=780), "it expired 3 minutes ago", id="old"),
        pytest.param(
            lambda s: an_access_token(s, exp="x"), "not say when it expires", id="endless"
        ),
        pytest.param(lambda s: an_access_token(s, iss="https://evil"), "this issuer is", id="iss"),
        pytest.param(lambda s: an_access_token(s, age=-300), "issued in the future", id="future"),
        pytest.param(lambda s: an_access_token(elsewhere(s)), "does not have", id="unknown key"),
        pytest.param(lambda s: an_access_token(s)[:-2] + "AA", "signature is wrong", id="forged"),
        pytest.param(lambda s: an_access_token(s) + "!", "signature is wrong", id="no base64url"),
        pytest.param(lambda s: headed(an_access_token(s), alg="none"), "its key is for", id="alg"),
        pytest.param(lambda s: headed(an_access_token(s), typ=["JWT"]), "its typ is", id="typ"),
        pytest.param(lambda s: "a.b.c", "no JWT", id="dots"),
        pytest.param(lambda s: "hello", "neither a JWT nor a sealed value", id="anything"),
        pytest.param(lambda s: b"\xff\xfe", "neither a JWT nor a sealed value", id="bytes"),
    ],
)
def test_a_bad_access_token_is_refused_in_words(run, server, make, reason):
    result = run("inspect", stdin=make(server))
    assert result.exit_code == 1
    assert reason in result.stdout
    assert "It is good" not in result.stdout


@pytest.mark.parametrize(
    ("claims", "note"),
    [
        pytest.param({"client_id": "gone", "sub": "gone"}, 'client "gone" is not', id="client"),
        pytest.param({"sub": "mallory"}, 'user "mallory" is not registered', id="user"),
        pytest.param({"aud": ["a", "b"]}, "is no resource of this registry", id="audience"),
    ],
)
def test_what_verification_offline_cannot_know_is_a_note(run, server, claims, note):
    result = run("inspect", stdin=an_access_token(server, **claims))
    assert result.exit_code == 0
    assert note in result.stdout


def an_id_token(server: AuthorizationServer, **claims) -> str:
    now = clock.now()
    given = {"iss": server.issuer, "sub": "alice", "aud": "web", "iat": now, "exp": now + 600}
    return server.signing_key(now).sign("JWT", given | claims)


def test_a_good_id_token_is_good(run, server):
    result = run("inspect", stdin=an_id_token(server))
    assert result.exit_code == 0
    assert result.stdout.startswith("An ID token")
    assert "Note" not in result.stdout


def test_an_id_token_that_has_expired_is_refused(run, server):
    result = run("inspect", stdin=an_id_token(server, exp=clock.now() - 60))
    assert result.exit_code == 1
    assert "it expired" in result.stdout


def test_the_client_of_an_id_token_may_be_gone(run, server):
    result = run("inspect", stdin=an_id_token(server, aud="gone"))
    assert 'client "gone" is not registered any more' in result.stdout


def test_an_inactive_user_is_noted(run, server, registry):
    registry.write_text(registry.read_text() + "active = false\n")
    result = run("inspect", stdin=an_access_token(server, sub="alice"))
    assert "not active any more" in result.stdout


def test_nothing_in_a_token_reaches_the_terminal_as_a_command(run, server):
    evil = "\x1b]0;owned\x07"
    result = run("inspect", stdin=an_access_token(server, **{evil: evil, "iss": evil}))
    assert "\x1b" not in result.output
    assert "\x07" not in result.output


def test_a_long_value_is_cut_within_a_sentence(run, server):
    assert "…" in run("inspect", stdin=an_access_token(server, iss="x" * 500)).stdout


def test_a_key_that_has_expired_is_named(run, server, registry):
    made = an_access_token(server)
    sealed = a_sealed(server, RefreshToken, lifetime=9999)
    expire_the_keys(registry, server.ring)
    result = run("inspect", stdin=made)
    assert result.exit_code == 1
    assert "its key expired" in result.stdout
    assert "its key expired" in run("inspect", stdin=sealed).stdout


def expire_the_keys(registry, ring: KeyRing) -> None:
    """As if they had been rotated long ago; the dates of the file are changed, and nothing else."""
    path = registry.with_name("keyring.json")
    held = json.loads(ring.format())
    fresh = json.loads(KeyRing.new("ES256", clock.now()).format())
    dates = ("published_at", "activates_at")
    for kind in ("signing_keys", "sealing_keys"):
        held[kind][0] |= {
            "published_at": "2020-01-01T00:00:00Z",
            "activates_at": "2020-01-01T00:00:00Z",
            "retires_at": "2021-01-01T00:00:00Z",
            "expires_at": "2022-01-01T00:00:00Z",
        }
        held[kind].append(fresh[kind][0])
        for key in held[kind][1:]:
            key.update(dict.fromkeys(dates, "2021-01-01T00:00:00Z"))
    write(path, KeyRing.parse(json.dumps(held)))


@pytest.mark.parametrize(
    ("kind", "name"),
    [(AuthorizationCode, "An authorization code"), (RefreshToken, "A refresh token")],
)
def test_a_good_sealed_value_is_good_as_far_as_it_can_be_known(run, server, kind, name):
    result = run("inspect", stdin=a_sealed(server, kind))
    assert result.exit_code == 0
    assert result.stdout.startswith(name)
    assert "client_id" in result.stdout
    assert "without a store nobody remembers" in result.stdout


def changed(old: str, new: str):
    return lambda text: text.replace(old, new)


@pytest.mark.parametrize(
    ("kind", "fields", "change", "reason"),
    [
        pytest.param(AuthorizationCode, {"age": 180}, None, "expired 2 minutes ago", id="expired"),
        pytest.param(RefreshToken, {"client_id": "x"}, None, 'client "x" is not', id="client"),
        pytest.param(RefreshToken, {"sub": "x"}, None, 'user "x" is not', id="user"),
        pytest.param(
            RefreshToken,
            {},
            changed("[users.alice]", "[users.alice]\nactive = false"),
            "not active any more",
            id="inactive user",
        ),
        pytest.param(
            RefreshToken,
            {},
            changed("[users.alice]", "[users.alice]\nnot_before = 2099-01-01T00:00:00Z"),
            "before its user's not_before",
            id="not_before of the user",
        ),
        pytest.param(
            RefreshToken,
            {},
            changed("[issuer]", "[issuer]\nnot_before = 2099-01-01T00:00:00Z"),
            "before the issuer's not_before",
            id="not_before of the issuer",
        ),
        pytest.param(
            RefreshToken,
            {},
            changed(', "refresh_token"]', "]"),
            "may not use refresh_token any more",
            id="grant type withdrawn",
        ),
        pytest.param(
            RefreshToken, {"resources": ("https://x",)}, None, "no tokens for", id="resource"
        ),
        pytest.param(
            RefreshToken,
            {},
            changed("client_secrets = [", 'token_endpoint_auth_method = "none" # ['),
            "public by now",
            id="public",
        ),
        pytest.param(
            AuthorizationCode,
            {},
            changed("/callback", "/other"),
            "redirect_uri is not registered",
            id="redirect_uri withdrawn",
        ),
        pytest.param(
            AuthorizationCode, {"code_challenge": None}, None, "requires PKCE", id="no challenge"
        ),
    ],
)
def test_a_sealed_value_is_refused_in_words(run, server, registry, kind, fields, change, reason):
    text = a_sealed(server, kind, **fields)
    if change:
        registry.write_text(change(registry.read_text()))
    result = run("inspect", stdin=text)
    assert result.exit_code == 1
    assert reason in result.stdout


def test_a_value_sealed_elsewhere_is_unreadable(run, server):
    text = a_sealed(server, RefreshToken)
    altered = text[:-2] + ("AA" if text[-2:] != "AA" else "BB")
    assert "it was altered, or not sealed for" in run("inspect", stdin=altered).stdout
    unknown = a_sealed(elsewhere(server), RefreshToken)
    assert "names the key" in run("inspect", stdin=unknown).stdout
    other = replace(server, sealer=Sealer(server.ring, "https://other.example"))
    assert run("inspect", stdin=a_sealed(other, RefreshToken)).exit_code == 1


def test_a_login_is_shown(run, server):
    result = run("inspect", stdin=a_sealed(server, RefreshToken, login=Login(amr=("pwd",))))
    assert result.exit_code == 0
    assert '"amr": ["pwd"]' in result.stdout


def test_a_user_whom_a_login_application_vouched_for_is_good_while_it_can(run, server, registry):
    """Even though nobody registered them."""
    text = a_sealed(server, RefreshToken, sub="bob", login=Login(claims={"name": "Bob"}))
    assert "login_url is set no more" in run("inspect", stdin=text).stdout
    with_login = registry.read_text().replace("[issuer]", f"[issuer]\n{LOGIN}")
    registry.write_text(with_login)
    assert run("inspect", stdin=text).exit_code == 0


def test_a_blocked_user_is_noted_of_whatever_kind_the_token_is(run, server, registry):
    """F32."""
    blocked = registry.read_text().replace("[issuer]", '[issuer]\nblocked_subjects = ["alice"]')
    assert run("inspect", stdin=a_sealed(server, RefreshToken)).exit_code == 0
    registry.write_text(blocked)
    refused = run("inspect", stdin=a_sealed(server, RefreshToken))
    assert refused.exit_code == 1
    for text in (refused.stdout, run("inspect", stdin=an_access_token(server, sub="alice")).stdout):
        assert 'user "alice" is among blocked_subjects' in text


def test_no_key_material_is_shown(run, server, registry):
    held = json.loads(registry.with_name("keyring.json").read_text())
    said = run("inspect", stdin=an_access_token(server)).output
    said += run("inspect", stdin=a_sealed(server, RefreshToken)).output
    code = run("inspect", stdin=a_sealed(server, AuthorizationCode, seed=b"0123456789" * 3)).output
    assert "redirect_uri" in code
    assert "seed" not in code
    assert held["signing_keys"][0]["d"] not in said
    assert held["sealing_keys"][0]["k"] not in said


@pytest.mark.parametrize("text", ["{", '{"access_token": 1}', '{"a":' * 5000])
def test_json_without_a_token_is_a_mistake_of_the_command_line(run, server, text):
    assert run("inspect", stdin=text).exit_code == 2


# Tokens of type mac.


@pytest.fixture
def mac_server(registry) -> AuthorizationServer:
    """What the files describe, with a mac resource beside the other."""
    edit.add(
        registry,
        ("resources", MAC_API),
        {
            "scopes": ["read"],
            "access_token_type": "mac",
            "jwks": {"keys": [public_jwk(MAC_PRIVATE_JWK)]},
        },
        offered=OFFERED,
    )
    return load(registry, registry.with_name("keyring.json"), clock.now())


def a_mac_response(server: AuthorizationServer, audience: str = MAC_API) -> dict[str, object]:
    authorization = Authorization(
        id="1",
        client=server.registry.clients["web"],
        scope=Scope({"read"}),
        resource=server.registry.resources[audience],
        issued_at=clock.now(),
        received_at=clock.now(),
    )
    return dict(token.handler.grant_response(server, authorization).body)


def test_a_mac_token_is_good_and_says_whose_its_key_is(run, mac_server):
    body = a_mac_response(mac_server)
    result = run("inspect", stdin=json.dumps(body))
    assert result.exit_code == 0
    assert result.stdout.startswith("An access token of type mac")
    assert "its MAC key is for its resource server alone" in result.stdout
    assert MAC_PRIVATE_JWK["kid"] in result.stdout
    assert body["mac_key"] not in result.output


def test_a_mac_token_without_a_key_is_refused(run, mac_server):
    key = mac_server.signing_key(clock.now())
    for cnf in ({}, {"cnf": {}}, {"cnf": {"jwe": 1}}, {"cnf": {"jwe": "x.y"}}):
        claims = json.loads(from_base64url(an_access_token(mac_server).split(".")[1]))
        text = key.sign("mac-at+jwt", claims | {"aud": MAC_API} | cnf)
        result = run("inspect", text)
        assert result.exit_code == 1
        assert "it has no key in it: cnf.jwe is missing or unreadable" in result.stdout


@pytest.mark.parametrize(
    ("typ", "aud", "refused"),
    [("at+jwt", API, None), ("at+jwt", MAC_API, "mac"), ("mac-at+jwt", API, "Bearer")],
)
def test_a_token_of_the_type_that_its_audience_does_not_take_is_refused(
    run, mac_server, typ, aud, refused
):
    claims = json.loads(from_base64url(an_access_token(mac_server, aud=aud).split(".")[1]))
    claims |= {"cnf": {"jwe": to_base64url(b'{"kid":"1"}')}} if typ != "at+jwt" else {}
    result = run("inspect", mac_server.signing_key(clock.now()).sign(typ, claims))
    assert result.exit_code == (1 if refused else 0)
    sentence = f"its audience takes another type of token: {refused}"
    assert (sentence in result.stdout) == bool(refused)
