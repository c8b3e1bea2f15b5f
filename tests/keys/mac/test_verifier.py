"""Signed requests at a resource server: P28 of the security rules, refusal by refusal."""

import asyncio
import hmac
import threading
import time
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from oauthlib.oauth2 import WebApplicationClient

from keys import AccessRefused, InsufficientScope, InvalidToken, KeysUnavailable, Verifier
from keys.encoding import from_base64url
from keys.errors import InvalidMac
from keys.mac import MacVerifier, ReplaysUnavailable, SQLiteReplays
from keys.mac import verifier as verifier_module
from keys.mac.key_wrapping import EncryptionKey, generate_key, public_jwk
from keys.mac.signed_request import Request, body_hash, compute
from tests.keys.builders import (
    AUDIENCE,
    ED_KEY,
    ISSUER,
    KEY,
    MISSING,
    NOW,
    OTHER_KEY,
    RSA_KEY,
    a_jwks,
    a_token,
    an_issuer_server,
)
from tests.keys.mac.builders import (
    DECRYPTION_KEYS,
    MAC_KEY,
    PRIVATE,
    REQUEST,
    TOKEN,
    a_confirmation,
    a_mac_token,
    a_mac_verifier,
    a_private_file,
    sent,
    signed,
)

MESSAGE = "The MAC credentials are not valid here, or have expired."


def accepts(
    authorization: str, verifier: MacVerifier | None = None, *, now=NOW, body=None, **changes
):
    verifier = verifier or a_mac_verifier()
    return verifier.verify(**sent(**changes), authorization=authorization, body=body, now=now)


def refusal(authorization, verifier=None, *, now: int = NOW, body=None, **changes) -> str:
    """Why a request is refused; that an ordinary one is accepted after it."""
    verifier = verifier or a_mac_verifier()
    with pytest.raises(InvalidMac) as refused:
        accepts(authorization, verifier, now=now, body=body, **changes)
    assert refused.value.status == 401
    assert refused.value.challenge == f'MAC error="{MESSAGE}"'
    assert refused.value.headers == {"WWW-Authenticate": refused.value.challenge}
    assert str(refused.value) == MESSAGE
    assert accepts(signed()).subject == "alice"
    return refused.value.detail


# --- what is accepted ---


@pytest.mark.parametrize("key", [KEY, RSA_KEY, ED_KEY], ids=lambda key: key.alg)
@pytest.mark.parametrize("crv", ["X25519", "P-256"])
def test_a_signed_request_is_accepted(key, crv):
    private = generate_key(crv)
    cnf = a_confirmation(key=EncryptionKey.from_jwk(public_jwk(private)))
    verifier = a_mac_verifier(keys=a_jwks(key), decryption_keys={"keys": [private]})
    token = accepts(signed(a_mac_token(key, cnf=cnf)), verifier)
    assert token.subject == "alice"
    assert token.scope == {"read", "write"}
    assert token.scheme == "MAC"
    assert MAC_KEY not in repr(vars(verifier))


def test_a_request_of_draft_00_is_accepted():
    assert accepts(signed(ts=None, nonce="0:n1")).subject == "alice"


@pytest.mark.parametrize(
    "target", ["/a%2Fb%20c?x=%C3%A9&x=%", "/x?", "//a//?b=1&a=2&a=1", "/a;b=c", "/?", "*"]
)
def test_the_target_is_compared_as_it_was_sent(target):
    request = Request.of("GET", target, "api.example", 443)
    assert accepts(signed(request=request), target=target)
    other = target + "?" if "?" not in target else target.replace("?", "?%20", 1)
    refusal(signed(request=request, nonce="n2"), target=other)


def test_absolute_form_and_a_fragment_are_the_same_request():
    """RFC 9112 section 3.2.2."""
    url = "https://api.example/invoices?page=2#top"
    assert accepts(signed(), target=url)


def test_a_host_may_be_an_ipv6_address_with_any_port():
    request = Request.of("GET", "/", "[2001:DB8::1]", 8443)
    verifier = a_mac_verifier()
    assert accepts(signed(request=request), verifier, target="/", host="[2001:db8::1]", port=8443)
    refusal(signed(request=request, nonce="n2"), target="/", host="[2001:db8::1]", port=443)


# --- P28, and the rules of the drafts ---


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("method", "POST"),
        ("target", "/invoices?page=3"),
        ("target", "/invoices"),
        ("target", "/Invoices?page=2"),
        ("target", "/%69nvoices?page=2"),
        ("host", "other.example"),
        ("host", "api.example."),
        ("port", 80),
    ],
)
def test_another_request_is_not_the_signed_one(change, value):
    assert refusal(signed(), **{change: value}) == "the MAC is another"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(f'ts="{NOW}"', f'ts="{NOW + 1}"', id="ts"),
        pytest.param('nonce="n1"', 'nonce="n2"', id="nonce"),
        pytest.param('ext="x"', 'ext="y"', id="ext"),
        pytest.param(', ext="x"', "", id="no ext"),
        pytest.param('mac="', 'mac="A', id="mac"),
    ],
)
def test_another_header_is_not_the_signed_one(old, new):
    header = signed(ext="x")
    assert accepts(header)
    assert refusal(header.replace(old, new)) == "the MAC is another"


def test_the_key_of_another_token_is_refused():
    """``kid`` in the wrapped key is the ``jti`` of its token."""
    assert refusal(signed(mac_key=MAC_KEY[::-1])) == "the MAC is another"
    moved = a_mac_token(jti="t2", cnf=a_confirmation("t1"))
    assert refusal(signed(moved)) == "cnf.jwe: the key of another token"
    assert accepts(signed(a_mac_token(jti="t2")))


def test_the_key_is_the_text_and_not_the_bytes_it_spells():
    text = f"{NOW}\nn1\nGET\n/invoices?page=2\napi.example\n443\n\n"
    wrong = compute(from_base64url(MAC_KEY), "hmac-sha-256", text)
    right = compute(MAC_KEY.encode(), "hmac-sha-256", text)
    assert refusal(signed().replace(right, wrong)) == "the MAC is another"


def test_another_algorithm_is_refused():
    """P28: neither request nor token has a say in it."""
    assert refusal(signed(algorithm="hmac-sha-1")) == "the MAC is another"


@pytest.mark.parametrize("part", ["nonce", "ext"])
def test_a_line_break_in_the_header_is_refused(part):
    """P28: ``a\\nb`` as nonce and method would else sign what ``a`` and ``b\\n…`` did."""
    header = signed(ext="x").replace(f'{part}="', f'{part}="a\nGET')
    assert refusal(header) == "header: not attributes, each with its value"


@pytest.mark.parametrize("change", ["method", "target", "host"])
@pytest.mark.parametrize("text", ["\n", "a\nb", " ", "", "/a\r\nb", "é", "\0", "[", "\ud800"])
def test_parts_that_are_of_no_request_are_refused(change, text):
    """P28."""
    assert refusal(signed(), **{change: text}).startswith("request: the ")


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none_is_refused(port):
    assert refusal(signed(), port=port).startswith("request: ")


def test_a_request_of_one_draft_is_none_of_the_other():
    """P28: taking ``ts`` away, or adding it, does not make the same text of another request."""
    header = signed(nonce="0:n")
    assert refusal(header.replace(f'ts="{NOW}", ', "")) == "the MAC is another"
    header = signed(ts=None, nonce="0:n")
    assert refusal(header.replace("nonce", f'ts="{NOW}", nonce')) == "the MAC is another"


def test_the_comparison_takes_the_same_time_wherever_they_differ(monkeypatch):
    """P28."""
    compared = []

    def compare_digest(one, other):
        compared.append((one, other))
        return compare(one, other)

    compare = hmac.compare_digest
    monkeypatch.setattr(verifier_module.hmac, "compare_digest", compare_digest)
    assert accepts(signed())
    assert len(compared) == 1
    assert compared[0][0] == compared[0][1]


# --- time ---


@pytest.mark.parametrize("late", [-60, 0, 60])
@pytest.mark.parametrize("is_draft_00", [False, True])
def test_a_request_is_good_for_the_window(late, is_draft_00):
    token = a_mac_token(iat=NOW - 100)
    header = signed(token, ts=None, nonce="100:n") if is_draft_00 else signed(token)
    assert accepts(header, now=NOW + late)


@pytest.mark.parametrize("late", [-600, -61, 61, 600])
@pytest.mark.parametrize("is_draft_00", [False, True])
def test_a_request_is_refused_outside_of_the_window(late, is_draft_00):
    """P28."""
    token = a_mac_token(iat=NOW - 700, exp=NOW + 700)
    header = signed(token, ts=None, nonce="700:n") if is_draft_00 else signed(token)
    assert refusal(header, now=NOW + late) == f"signed {late} s ago"


def test_the_window_can_be_another():
    assert accepts(signed(), a_mac_verifier(window=5), now=NOW + 5)
    refusal(signed(), a_mac_verifier(window=5), now=NOW + 6)
    for wrong in (0, -1, 301):
        with pytest.raises(ValueError, match="window"):
            a_mac_verifier(window=wrong)


@pytest.mark.parametrize("age", ["42", "42.000014", "42.0", "4.2e-05", "8e-06", "0", "0.5"])
def test_ages_may_be_what_python_makes_of_a_float(age):
    """Draft 00 has whole seconds; oauthlib sends these."""
    token = a_mac_token(iat=NOW - 42)
    assert accepts(signed(token, ts=None, nonce=f"{age}:n1"))


@pytest.mark.parametrize(
    "nonce",
    [
        "n1",
        ":n1",
        "42:",
        "-1:n1",
        "42 :n1",
        "inf:n1",
        "nan:n1",
        "1e5:n1",
        "1_0:n1",
        "9" * 11 + ":n",
    ],
)
def test_a_nonce_without_an_age_needs_a_timestamp(nonce):
    token = a_mac_token(iat=NOW - 42)
    assert refusal(signed(token, ts=None, nonce=nonce)) == "neither ts nor an age in the nonce"
    assert accepts(signed(token, nonce=nonce))


# --- the token ---


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"aud": "https://other.example"}, "aud is 'https://other.example'"),
        ({"aud": [AUDIENCE, "https://other.example"]}, "aud is"),
        ({"iss": "https://other.example"}, "iss is 'https://other.example'"),
        ({"exp": NOW - 60}, "expired 60 s ago"),
        ({"iat": NOW + 61}, "iat is 61 s ahead"),
        ({"sub": MISSING}, "sub is missing"),
        ({"key": OTHER_KEY}, "no key of the issuer has its kid"),
        ({"cnf": MISSING}, "not bound to a wrapped key"),
        ({"cnf": {"jkt": "x"}}, "not bound to a wrapped key"),
        ({"cnf": {"jwe": "x", "jkt": "x"}}, "not bound to a wrapped key"),
        ({"cnf": []}, "not bound to a wrapped key"),
        ({"cnf": {"jwe": 1}}, "cnf.jwe is no string"),
        ({"cnf": {"jwe": "x"}}, "cnf.jwe: not a compact JWE"),
        ({"scope": 1}, "scope is 1"),
        ({"typ": "at+jwt"}, "its typ is not mac-at+jwt"),
        ({"typ": "JWT"}, "its typ is not mac-at+jwt"),
    ],
)
def test_a_token_that_is_not_valid_here_signs_nothing(changes, detail):
    assert refusal(signed(a_mac_token(**changes))).startswith(detail)


def test_a_token_that_is_none_signs_nothing():
    assert refusal(signed("h480djs93hd8")) == "not three parts in base64url"
    assert refusal(signed(TOKEN[:-9] + "AAAAAAAAA")) == "the signature does not verify"


def test_a_bearer_token_signs_nothing():
    assert refusal(signed(a_token())) == "its typ is not mac-at+jwt"


@pytest.mark.parametrize("typ", ["mac-at+jwt", "at+jwt"])
def test_the_token_of_mac_credentials_is_no_bearer_token(typ):
    """P28: whoever reads a request must not be able to make another with its token alone."""
    verifier = Verifier(ISSUER, AUDIENCE, a_jwks(KEY))
    with pytest.raises(InvalidToken) as refused:
        verifier.verify_header(f"Bearer {a_mac_token(typ=typ)}", now=NOW)
    assert refused.value.challenge.startswith('Bearer error="invalid_token"')
    assert verifier.verify_header(f"Bearer {a_token()}", now=NOW)


def test_a_private_key_that_is_not_here_yet_is_not_the_fault_of_the_token():
    """The client must keep its token: we are behind in a rotation."""
    later = EncryptionKey.from_jwk(public_jwk(generate_key()))
    with pytest.raises(KeysUnavailable) as refused:
        accepts(signed(a_mac_token(cnf=a_confirmation(key=later))))
    assert refused.value.status == 503
    assert refused.value.headers == {"Retry-After": "5"}
    assert accepts(signed())


def test_scope_is_refused_in_the_scheme_of_the_request():
    token = accepts(signed())
    token.require("read")
    with pytest.raises(InsufficientScope) as refused:
        token.require("admin")
    assert refused.value.status == 403
    assert refused.value.challenge == (
        'MAC error="The access token was not granted what this needs.", scope="admin"'
    )


@pytest.mark.parametrize("authorization", [None, "", "Basic YTpi", f"Bearer {TOKEN}", TOKEN])
def test_a_request_without_mac_credentials_is_told_the_scheme_and_no_error(authorization):
    """draft-ietf-oauth-v2-http-mac-01 section 4; P28: a MAC token as Bearer."""
    with pytest.raises(InvalidMac) as refused:
        accepts(authorization)
    assert refused.value.status == 401
    assert refused.value.challenge == f'MAC realm="{AUDIENCE}"'


def test_no_refusal_echoes_what_was_sent():
    secrets = [TOKEN, MAC_KEY, PRIVATE["d"]]
    for header in (signed() + "x", signed(mac_key=MAC_KEY[::-1]), signed(ts=NOW - 61)):
        with pytest.raises(InvalidMac) as refused:
            accepts(header)
        told = f"{refused.value!r} {refused.value.detail} {refused.value.challenge}"
        assert not any(each in told for each in secrets)
        assert refused.value.__cause__ is None


# --- what is remembered of tokens ---


def test_a_remembered_token_expires_all_the_same():
    verifier = a_mac_verifier()
    token = a_mac_token(exp=NOW + 10)
    assert accepts(signed(token), verifier)
    assert accepts(signed(token, ts=NOW + 69), verifier, now=NOW + 69)
    late = signed(token, ts=NOW + 70)
    assert refusal(late, verifier, now=NOW + 70) == "expired 60 s ago"


def test_a_remembered_token_needs_its_signing_key_all_the_same(monkeypatch):
    monkeypatch.setattr("keys.key_set.PATIENCE", 5)  # its keys are waited for on a busy machine
    with an_issuer_server() as server:
        verifier = a_mac_verifier(keys=server.jwks_uri)
        assert accepts(signed(), verifier)
        server.publish(OTHER_KEY)
        later = NOW + 300
        told = refusal(signed(ts=later), verifier, now=later)
    assert told == "no key of the issuer has its kid"


def test_a_remembered_token_costs_no_second_signature_check():
    verifier = a_mac_verifier()
    one, other = (accepts(signed(nonce=nonce), verifier) for nonce in ("n1", "n2"))
    assert one is other


# --- the body ---


BODY = b"hello=world%21"


@pytest.mark.parametrize("ts", [NOW, None], ids=["drafts 01 and 02", "draft 00"])
def test_a_body_hash_in_ext_is_checked_where_it_is(ts):
    header = signed(ts=ts, nonce="0:n", ext=f"sha-256={body_hash(BODY)}")
    assert accepts(header, body=BODY)
    for wrong in (BODY + b"x", b""):
        assert refusal(header, body=wrong) == "the body has another hash"
    assert refusal(header) == "the body was not read"


def test_the_body_hash_of_draft_00_is_checked_where_it_is():
    """P28."""
    header = signed(ts=None, nonce="0:n", bodyhash=body_hash(BODY))
    assert accepts(header, body=BODY)
    for wrong in (BODY + b"x", b""):
        assert refusal(header, body=wrong) == "the body has another hash"
    assert refusal(header) == "the body was not read"
    assert refusal(header.replace("bodyhash", "BodyHash"), body=b"") == "the body has another hash"


def test_two_body_hashes_are_both_checked():
    def header(one: bytes, other: bytes) -> str:
        bodyhash, ext = body_hash(one), f"sha-256={body_hash(other)}"
        return signed(ts=None, nonce="0:n", bodyhash=bodyhash, ext=ext)

    assert accepts(header(BODY, BODY), body=BODY)
    assert refusal(header(BODY, b""), body=BODY)
    assert refusal(header(b"", BODY), body=BODY)


def test_a_body_without_a_hash_is_accepted_unless_one_is_demanded():
    strict = a_mac_verifier(require_body_hash=True)
    assert accepts(signed(), body=BODY)
    assert refusal(signed(), strict, body=BODY) == "the MAC does not cover the body"
    assert refusal(signed(), strict, body=None) == "the MAC does not cover the body"
    assert accepts(signed(), strict, body=b"")
    assert accepts(signed(ext=f"sha-256={body_hash(BODY)}", nonce="n2"), strict, body=BODY)


def test_who_reads_the_body_is_told_whether_it_is_needed():
    verifier, strict = a_mac_verifier(), a_mac_verifier(require_body_hash=True)
    assert not verifier.needs_body(signed())
    assert strict.needs_body(signed())
    assert verifier.needs_body(signed(ext=f"sha-256={body_hash(BODY)}"))
    with pytest.raises(InvalidMac):
        verifier.needs_body("MAC x")


# --- replays ---


@pytest.mark.parametrize("ts", [NOW, None], ids=["drafts 01 and 02", "draft 00"])
def test_a_request_is_accepted_once(ts):
    """P28, at one of two replicas; its nonce is that of its token and its second alone."""
    verifier = a_mac_verifier()
    header = signed(ts=ts, nonce="0:n")
    assert accepts(header, verifier)
    assert refusal(header, verifier) == "sent before"
    assert refusal(header, verifier, now=NOW + 60) == "sent before"
    assert accepts(signed(ts=ts, nonce="0:m"), verifier)
    assert accepts(signed(a_mac_token(jti="t2"), ts=ts, nonce="0:n"), verifier)
    assert accepts(signed(ts=NOW + 1, nonce="0:n"), verifier)


def test_a_refused_request_takes_no_room_and_no_nonce():
    """Only who has the key can fill what is remembered."""
    verifier = a_mac_verifier()
    header = signed()
    refusal(header, verifier, target="/other")
    refusal(header, verifier, now=NOW + 61)
    assert accepts(header, verifier)


def test_a_request_is_accepted_once_by_two_replicas_that_share_a_file(tmp_path):
    """P28: replayed at the other one, the answer is the same."""
    shared = [SQLiteReplays(tmp_path / "replays.db", clock=lambda: NOW) for _ in range(2)]
    one, other = (a_mac_verifier(replays=each) for each in shared)
    header = signed()
    assert accepts(header, one)
    assert refusal(header, other) == "sent before"
    assert accepts(signed(nonce="n2"), other)
    assert refusal(signed(nonce="n2"), one) == "sent before"
    for each in shared:
        each.close()


def test_two_replicas_that_share_nothing_accept_it_once_each():
    """The control, and the limit that the guide states."""
    header = signed()
    assert accepts(header, a_mac_verifier())
    assert accepts(header, a_mac_verifier())


def test_a_store_that_cannot_say_is_no_reason_to_accept(tmp_path):
    """F16."""
    path = tmp_path / "replays.db"
    replays = SQLiteReplays(path, clock=lambda: NOW)
    verifier = a_mac_verifier(replays=replays)
    path.unlink()
    path.mkdir()
    with pytest.raises(ReplaysUnavailable) as refused:
        accepts(signed(), verifier)
    assert refused.value.status == 503
    assert refused.value.error == "temporarily_unavailable"
    assert int(refused.value.headers["Retry-After"]) >= 1
    assert "WWW-Authenticate" not in refused.value.headers
    replays.close()


# --- in an event loop ---


def test_the_loop_gets_the_same_answers():
    verifier = a_mac_verifier()

    async def verify(authorization):
        return await verifier.verify_async(**sent(), authorization=authorization, now=NOW)

    assert asyncio.run(verify(signed())).subject == "alice"
    with pytest.raises(InvalidMac) as refused:
        asyncio.run(verify(signed()))
    assert refused.value.detail == "sent before"
    with pytest.raises(InvalidMac):
        asyncio.run(verify(None))


def test_the_loop_does_not_wait_for_keys_or_disks(tmp_path):
    """Both are waited for in a thread; what is refused before never gets there."""
    loop_thread = threading.get_ident()
    seen = []

    class Watched(SQLiteReplays):
        def claim(self, *args, **kwargs):
            seen.append(threading.get_ident())
            return super().claim(*args, **kwargs)

    with an_issuer_server() as server:
        replays = Watched(tmp_path / "replays.db", clock=lambda: NOW)
        verifier = a_mac_verifier(keys=server.jwks_uri, replays=replays, clock=lambda: NOW)
        header = signed()
        assert asyncio.run(verifier.verify_async(**sent(), authorization=header))
        with pytest.raises(InvalidMac):
            asyncio.run(verifier.verify_async(**sent(target="/x"), authorization=signed()))
        assert server.requests == ["/jwks"]
    assert len(seen) == 1
    assert seen[0] != loop_thread
    replays.close()


# --- construction, and other people's clients ---


def test_private_keys_may_come_from_a_file(tmp_path):
    path = tmp_path / "mac-keys.json"
    a_private_file(path)
    assert accepts(signed(), a_mac_verifier(decryption_keys=path))
    path.chmod(0o644)
    with pytest.raises(ValueError, match=r"mac-keys\.json"):
        a_mac_verifier(decryption_keys=path)


def test_a_verifier_that_makes_no_sense_is_not_made():
    for arguments in (("", AUDIENCE), (ISSUER, ""), (ISSUER, 'a"b')):
        with pytest.raises(ValueError, match="audience"):
            MacVerifier(*arguments, a_jwks(KEY), decryption_keys=DECRYPTION_KEYS)
        with pytest.raises(ValueError, match="audience"):
            Verifier(*arguments, a_jwks(KEY))
    with pytest.raises(ValueError, match="at least one"):
        a_mac_verifier(decryption_keys={"keys": []})


def test_what_oauthlib_signs_is_accepted():
    """Its draft 1, which is drafts 01 and 02."""
    now = int(time.time())
    client = an_oauthlib_client(a_mac_token(iat=now, exp=now + 600))
    _, headers, _ = client.add_token("https://api.example/invoices?page=2", draft=1)
    assert accepts(headers["Authorization"], now=now)


def test_what_oauthlib_signs_by_default_is_accepted_with_its_body():
    """Its draft 0, whose age is a float."""
    now = int(time.time())
    client = an_oauthlib_client(a_mac_token(iat=now, exp=now + 600))
    issued = datetime.now() - timedelta(microseconds=8)  # noqa: DTZ005  it takes no other
    _, headers, _ = client.add_token(
        "https://api.example/invoices?page=2", "POST", body="a=b", issue_time=issued
    )
    assert accepts(headers["Authorization"], now=now, method="POST", body=b"a=b")
    assert refusal(headers["Authorization"], now=now, method="POST", body=b"a=c")


def an_oauthlib_client(token: str = TOKEN) -> WebApplicationClient:
    client = WebApplicationClient("billing")
    client.populate_token_attributes(
        {
            "access_token": token,
            "token_type": "mac",
            "mac_key": MAC_KEY,
            "mac_algorithm": "hmac-sha-256",
        }
    )
    return client


def an_attribute() -> st.SearchStrategy[str]:
    value = st.one_of(
        st.text(max_size=20),
        st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
        st.sampled_from([TOKEN, str(NOW), "n1", "0:n1", "1e-05:x", f"sha-256={body_hash(b'')}"]),
    )
    name = st.sampled_from(["id", "ts", "nonce", "mac", "ext", "bodyhash", "ID", "x"])
    return st.builds('{}="{}"'.format, name, value)


@given(
    st.one_of(
        st.text(),
        st.text().map(lambda text: f"MAC {text}"),
        st.lists(an_attribute(), max_size=7).map(lambda each: f"MAC {', '.join(each)}"),
        st.tuples(st.integers(0, len(signed())), st.text(min_size=1, max_size=3)).map(
            lambda at: signed()[: at[0]] + at[1] + signed()[at[0] + 1 :]
        ),
    ),
    st.one_of(st.just(REQUEST.target), st.text(), st.text().map(lambda text: f"/{text}")),
    st.one_of(st.just(REQUEST.host), st.text()),
    st.one_of(st.none(), st.binary(max_size=9)),
)
def test_whatever_is_sent_is_accepted_or_refused(authorization, target, host, body):
    """No other error ever leaves the verifier."""
    verifier = a_mac_verifier()
    refused = None
    try:
        verifier.verify(
            "GET", target, host=host, port=443, authorization=authorization, body=body, now=NOW
        )
    except AccessRefused as error:
        refused = error
    assert refused is None or refused.status == 401
    assert "\n" not in str({} if refused is None else dict(refused.headers))
