"""Where keys come from and how long they are kept: J28, F19, F20, F29, over a real HTTP server."""

import asyncio
import json
import logging
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest

from keys import InvalidToken, KeySet, KeysUnavailable, Verifier
from keys.fetching import FetchFailed, _jwks_uri, metadata_url
from keys.key_set import MAX_FRESHNESS, MAX_STALENESS, REFETCH_INTERVAL
from keys.ring import JWKS_MAX_AGE, KeyRing
from keys.signing import SigningKey
from tests.keys.builders import (
    AUDIENCE,
    ED_KEY,
    KEY,
    NOW,
    OTHER_KEY,
    RSA_KEY,
    a_jwks,
    a_token,
    an_issuer_server,
)

FRESH = 300


@pytest.fixture(autouse=True)
def _with_patience(monkeypatch):
    """An issuer that answers here is waited for, however busy the machine is."""
    monkeypatch.setattr("keys.key_set.PATIENCE", 5)


@pytest.fixture
def issuer():
    with an_issuer_server() as server:
        yield server


@pytest.fixture
def verifier(issuer) -> Verifier:
    return Verifier(issuer.url, AUDIENCE, issuer.jwks_uri)


def a_token_of(issuer, key: SigningKey = KEY, now: int = NOW, **changes) -> str:
    return a_token(key, **{"iss": issuer.url, "iat": now, "exp": now + 600, **changes})


def verify(verifier, issuer, now: int = NOW, key: SigningKey = KEY):
    return verifier.verify(a_token_of(issuer, key, now, jti=f"t{time.monotonic_ns()}"), now=now)


def wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.001)


# --- where keys come from ---


def test_the_issuers_url_is_enough(issuer):
    """RFC 8414."""
    issuer.describe(issuer.url)
    assert verify(Verifier(issuer.url, AUDIENCE), issuer)
    assert issuer.requests == ["/.well-known/oauth-authorization-server", "/jwks"]


def test_the_metadata_of_an_issuer_with_a_path_is_before_the_path(issuer):
    """RFC 8414 section 3.1."""
    tenant = f"{issuer.url}/tenant"
    issuer.describe(tenant)
    token = a_token(iss=tenant)
    assert Verifier(tenant, AUDIENCE).verify(token, now=NOW)
    assert issuer.requests[0] == "/.well-known/oauth-authorization-server/tenant"


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example", "https://a.example/.well-known/oauth-authorization-server"),
        ("https://a.example/", "https://a.example/.well-known/oauth-authorization-server"),
        ("https://a.example/x", "https://a.example/.well-known/oauth-authorization-server/x"),
        ("https://a.example:8443/x/y/", "https://a.example:8443/.well-known/oauth-authorization-server/x/y"),
    ],
)  # fmt: skip
def test_the_metadata_url_is_built_as_rfc_8414_says(url, expected):
    assert metadata_url(url) == expected


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"issuer": "https://evil.example"}, id="another issuer"),
        pytest.param({"issuer": None}, id="no issuer"),
        pytest.param({"jwks_uri": None}, id="no jwks_uri"),
        pytest.param({"jwks_uri": "file:///etc/passwd"}, id="a file"),
        pytest.param({"jwks_uri": "data:application/json,{}"}, id="data"),
        pytest.param({"jwks_uri": "http://issuer.example/jwks"}, id="plain http"),
        pytest.param({"jwks_uri": "/jwks"}, id="no URL"),
    ],
)
def test_metadata_that_is_not_the_issuers_is_refused(issuer, changes):
    """RFC 8414 section 3.3; CVE-2026-48522."""
    issuer.describe(issuer.url, **changes)
    with pytest.raises(KeysUnavailable):
        verify(Verifier(issuer.url, AUDIENCE), issuer)
    issuer.describe(issuer.url)
    assert verify(Verifier(issuer.url, AUDIENCE), issuer)


@pytest.mark.parametrize("metadata", [b"", b"[]", b'{"issuer":1,"issuer":2}', b"\xff"])
def test_metadata_that_is_no_json_object_is_refused(issuer, metadata):
    issuer.documents["/.well-known/oauth-authorization-server"] = metadata
    with pytest.raises(KeysUnavailable):
        verify(Verifier(issuer.url, AUDIENCE), issuer)


@pytest.mark.parametrize(
    "url",
    [
        "http://issuer.example",
        "http://127.0.0.1.evil.example",
        "http://10.0.0.1",
        "ftp://issuer.example",
        "file:///etc/passwd",
        "data:application/json,{}",
        "https://user@issuer.example",
        "https://issuer.example/#x",
        "https://issuer.example/a b",
        "https://issuer.example/\n",
        "https://",
        "issuer.example",
    ],
)
def test_a_url_that_proves_nothing_about_its_owner_is_refused(url):
    with pytest.raises(ValueError, match="a URL"):
        Verifier(url, AUDIENCE)
    with pytest.raises(ValueError, match="a URL"):
        KeySet.from_url(url)


@pytest.mark.parametrize("url", ["https://a.example", "http://localhost:8000", "http://[::1]:1/x"])
def test_https_and_loopback_are_accepted(url):
    assert Verifier(url, AUDIENCE)


def test_an_https_issuer_cannot_name_keys_without_https(issuer):
    with pytest.raises(FetchFailed, match="not https"):
        _jwks_uri({"jwks_uri": issuer.jwks_uri}, "https://issuer.example")


def test_keys_can_come_from_a_file(issuer, tmp_path):
    path = tmp_path / "jwks.json"
    verifier = Verifier(issuer.url, AUDIENCE, path)
    with pytest.raises(KeysUnavailable):
        verify(verifier, issuer)
    path.write_text(json.dumps(a_jwks(KEY)))
    assert verify(verifier, issuer, now=NOW + 10)
    path.write_text(json.dumps(a_jwks(OTHER_KEY)))
    assert verify(verifier, issuer, now=NOW + 80, key=OTHER_KEY)
    path.write_bytes(b" " * 300_000)
    assert verify(verifier, issuer, now=NOW + 200, key=OTHER_KEY)


@pytest.mark.parametrize("jwks", [{}, {"keys": {}}, {"keys": None}, a_jwks(KEY, KEY)])
def test_a_dict_that_is_no_jwks_is_refused_at_once(jwks):
    with pytest.raises(ValueError, match="key"):
        KeySet.from_dict(jwks)


# --- J28: which keys are used ---


def published(**changes) -> dict:
    return {**KEY.public_jwk, **changes}


@pytest.mark.parametrize(
    "jwk",
    [
        pytest.param(published(use="enc"), id="for encryption"),
        pytest.param(published(use=None), id="a use that is no string"),
        pytest.param(published(key_ops=["sign"]), id="for signing"),
        pytest.param(published(key_ops="verify"), id="operations that are no list"),
        pytest.param(published(alg="ES384"), id="an alg that is not on offer"),
        pytest.param(published(alg="HS256"), id="a symmetric alg"),
        pytest.param(published(alg="RS256"), id="the alg of another kty"),
        pytest.param(published(alg=["ES256"]), id="an alg that is no string"),
        pytest.param(published(kid=7), id="a kid that is no string"),
        pytest.param(published(crv="P-384"), id="another curve"),
        pytest.param(published(kty="oct", k="AAAA"), id="a secret"),
        pytest.param(published(x="AAAA"), id="no point"),
        pytest.param(published(x=KEY.public_jwk["y"], y=KEY.public_jwk["x"]), id="off the curve"),
        pytest.param(published(x=KEY.public_jwk["x"] + "="), id="another spelling"),
        pytest.param(published(x=5), id="a number as a number"),
        pytest.param({**published(), **KEY.private_jwk}, id="a private key"),
        pytest.param({"kid": KEY.kid}, id="nothing but a kid"),
        pytest.param(5, id="no object"),
        pytest.param(
            {**RSA_KEY.public_jwk, "kid": KEY.kid, "e": "Aw", "n": "1Q"}, id="a tiny RSA key"
        ),
    ],
)
def test_a_key_that_is_not_for_verifying_here_is_left_out(issuer, verifier, jwk):
    """J28; RFC 7517 section 5; the other keys of the set still serve."""
    issuer.documents["/jwks"] = json.dumps({"keys": [jwk, dict(OTHER_KEY.public_jwk)]}).encode()
    with pytest.raises(InvalidToken):
        verify(verifier, issuer)
    assert verify(verifier, issuer, key=OTHER_KEY)


@pytest.mark.parametrize("use", [{}, {"use": "sig"}, {"key_ops": ["verify"]}])
def test_a_key_may_leave_out_its_use(issuer, verifier, use):
    jwk = {name: value for name, value in KEY.public_jwk.items() if name != "use"} | use
    issuer.documents["/jwks"] = json.dumps({"keys": [jwk]}).encode()
    assert verify(verifier, issuer)


BROKEN = [
    pytest.param(b"", id="empty"),
    pytest.param(b"<html>", id="HTML"),
    pytest.param(b'{"keys": [', id="half"),
    pytest.param(b'{"keys": 1}', id="no array"),
    pytest.param(b"[]", id="an array"),
    pytest.param(b'{"keys":[],"keys":[]}', id="a member twice"),
    pytest.param(json.dumps(a_jwks(KEY, KEY)).encode(), id="a kid twice"),
    pytest.param(b'{"keys":[]}' + b" " * 300_000, id="too large"),
]


@pytest.mark.parametrize("document", BROKEN)
def test_a_broken_jwks_leaves_the_old_keys_in_place(issuer, verifier, document, caplog):
    """J28; GHSA-fhv5-28vv-h8m8."""
    assert verify(verifier, issuer)
    issuer.documents["/jwks"] = document
    assert verify(verifier, issuer, now=NOW + FRESH)
    assert "stay as they are" in caplog.text
    issuer.publish(OTHER_KEY)
    assert verify(verifier, issuer, now=NOW + 2 * FRESH, key=OTHER_KEY)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 404, 500, 503, 204])
def test_any_answer_but_200_leaves_the_old_keys_in_place(issuer, verifier, status):
    """J28; CVE-2026-102267: a redirect is not followed."""
    assert verify(verifier, issuer)
    issuer.publish(OTHER_KEY)
    issuer.publish(OTHER_KEY, path="/elsewhere")
    issuer.status = status
    issuer.headers["Location"] = f"{issuer.url}/elsewhere"
    assert verify(verifier, issuer, now=NOW + FRESH)
    assert "/elsewhere" not in issuer.requests


def test_an_endless_jwks_is_cut_off(issuer, verifier):
    """J28: 100 MB."""
    issuer.documents["/jwks"] = b" " * 100_000_000
    began = time.monotonic()
    with pytest.raises(KeysUnavailable):
        verify(verifier, issuer)
    assert time.monotonic() - began < 2


def test_an_answer_that_comes_too_slowly_is_given_up(issuer, verifier, monkeypatch):
    monkeypatch.setattr("keys.fetching.TIMEOUT", 0.1)
    issuer.may_answer.clear()
    with pytest.raises(KeysUnavailable):
        verify(verifier, issuer)


def test_an_answer_that_drips_is_given_up(issuer, verifier, monkeypatch):
    """The timeout of a socket alone would start anew with every byte."""
    monkeypatch.setattr("keys.fetching.TIMEOUT", 0.2)
    issuer.seconds_per_byte = 0.05
    began = time.monotonic()
    with pytest.raises(KeysUnavailable):
        verify(verifier, issuer)
    assert time.monotonic() - began < 1


# --- how long keys are kept ---


@pytest.mark.parametrize(
    ("headers", "fresh"),
    [
        ({}, 300),
        ({"Cache-Control": "public, max-age=120"}, 120),
        ({"Cache-Control": "MAX-AGE=120"}, 120),
        ({"Cache-Control": "max-age=120", "Age": "50"}, 70),
        ({"Cache-Control": "max-age=120", "Age": "x"}, 120),
        ({"Cache-Control": "s-maxage=9, max-age=120"}, 120),
        ({"Cache-Control": "no-store"}, REFETCH_INTERVAL),
        ({"Cache-Control": "max-age=0"}, REFETCH_INTERVAL),
        ({"Cache-Control": "max-age=100", "Age": "500"}, REFETCH_INTERVAL),
        ({"Cache-Control": "max-age=99999999"}, MAX_FRESHNESS),
        ({"Cache-Control": "max-age=-5"}, 300),
    ],
)
def test_keys_are_fresh_as_long_as_the_issuer_says_within_bounds(issuer, verifier, headers, fresh):
    issuer.headers = headers
    verify(verifier, issuer)
    verify(verifier, issuer, now=NOW + int(fresh * 0.8) - 1)
    assert len(issuer.requests) == 1
    verify(verifier, issuer, now=NOW + fresh)
    assert len(issuer.requests) == 2


def test_keys_are_refreshed_aside_before_they_go_stale(issuer, verifier):
    verify(verifier, issuer)
    issuer.may_answer.clear()
    began = time.monotonic()
    for second in range(240, 300):
        assert verify(verifier, issuer, now=NOW + second)
    assert time.monotonic() - began < 1
    issuer.may_answer.set()
    wait_for(lambda: verifier._tokens._keys._held.at == NOW + 240)
    assert len(issuer.requests) == 2


def test_one_caller_fetches_while_the_old_keys_serve_the_others(issuer, verifier):
    """A refresh of stale keys holds up one request at most."""
    verify(verifier, issuer)
    issuer.may_answer.clear()
    with ThreadPoolExecutor() as pool:
        first = pool.submit(verify, verifier, issuer, NOW + FRESH)
        wait_for(lambda: len(issuer.requests) == 2)
        for _ in range(20):
            assert verify(verifier, issuer, now=NOW + FRESH)
        assert not first.done()
        issuer.may_answer.set()
        assert first.result(5)
    assert len(issuer.requests) == 2


def test_many_callers_with_a_cold_cache_share_one_fetch(issuer, verifier):
    issuer.may_answer.clear()
    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(verify, verifier, issuer) for _ in range(16)]
        wait_for(lambda: issuer.requests)
        time.sleep(0.05)
        issuer.may_answer.set()
        assert all(each.result(5) for each in waiting)
    assert len(issuer.requests) == 1


def test_an_issuer_that_is_down_at_first_is_asked_again_soon_but_not_by_everybody(issuer, verifier):
    issuer.status = 503
    for second in (0, 0, 1, 4):
        with pytest.raises(KeysUnavailable) as refused:
            verify(verifier, issuer, now=NOW + second)
    assert refused.value.status == 503
    assert refused.value.headers == {"Retry-After": "5"}
    assert len(issuer.requests) == 1
    issuer.status = 200
    assert verify(verifier, issuer, now=NOW + 5)


def test_stale_keys_serve_a_day_while_the_issuer_is_down(issuer, verifier, caplog):
    """F29: the stated policy, and its end."""
    verify(verifier, issuer)
    issuer.status = 503
    for hour in range(1, 24):
        assert verify(verifier, issuer, now=NOW + hour * 3600)
    assert verify(verifier, issuer, now=NOW + MAX_STALENESS - 1)
    with pytest.raises(KeysUnavailable):
        verify(verifier, issuer, now=NOW + MAX_STALENESS + 60)
    issuer.status = 200
    assert verify(verifier, issuer, now=NOW + MAX_STALENESS + 100)


def test_in_an_outage_only_the_first_request_waits(issuer, verifier):
    verify(verifier, issuer)
    issuer.status = 503
    assert verify(verifier, issuer, now=NOW + FRESH)
    issuer.may_answer.clear()
    began = time.monotonic()
    for second in range(31, 300):
        assert verify(verifier, issuer, now=NOW + FRESH + second)
    assert time.monotonic() - began < 9  # two who wait take ten
    wait_for(lambda: len(issuer.requests) == 3)


def test_a_key_that_is_withdrawn_is_refused_when_the_cache_has_run_out(issuer, verifier):
    """F20: also where nobody asked for a long time, and for a token that is remembered."""
    token = a_token_of(issuer, exp=NOW + 9999)
    assert verifier.verify(token, now=NOW)
    issuer.publish(OTHER_KEY)
    assert verifier.verify(token, now=NOW + 1)
    with pytest.raises(InvalidToken):
        verifier.verify(token, now=NOW + FRESH)
    assert verify(verifier, issuer, now=NOW + FRESH, key=OTHER_KEY)


def test_an_empty_jwks_withdraws_all_keys(issuer, verifier):
    verify(verifier, issuer)
    issuer.publish()
    with pytest.raises(InvalidToken):
        verify(verifier, issuer, now=NOW + FRESH)


def test_a_clock_that_is_set_back_does_not_make_keys_immortal(issuer, verifier):
    """F18."""
    verify(verifier, issuer, now=NOW + 7200)
    verify(verifier, issuer, now=NOW + 7199)
    assert len(issuer.requests) == 1
    verify(verifier, issuer, now=NOW)
    assert len(issuer.requests) == 2


# --- unknown kids ---


def test_a_flood_of_unknown_kids_fetches_once_in_thirty_seconds(issuer, verifier):
    """J28, F19."""
    verify(verifier, issuer)
    issuer.headers = {"Cache-Control": "max-age=3600"}
    verify(verifier, issuer, now=NOW + FRESH)
    asked = len(issuer.requests)
    strangers = [SigningKey.generate("EdDSA", activates_at=0) for _ in range(20)]
    tokens = [a_token_of(issuer, key, exp=NOW + 9999) for key in strangers]
    for step in range(10_000):
        with pytest.raises(InvalidToken):
            verifier.verify(tokens[step % 20], now=NOW + FRESH + 30 + step * 60 // 10_000)
    assert len(issuer.requests) == asked + 2


def test_a_flood_from_many_threads_fetches_once(issuer, verifier):
    verify(verifier, issuer)
    token = a_token_of(issuer, OTHER_KEY)

    def knock(_):
        with pytest.raises(InvalidToken):
            verifier.verify(token, now=NOW + 30)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(knock, range(500)))
    assert len(issuer.requests) == 2


# --- F19: rotation ---

LIFETIMES = {"longest_token_lifetime": 600, "longest_sealed_lifetime": 3600}


@pytest.mark.parametrize("temperature", ["cold", "warm", "stale"])
@pytest.mark.parametrize("alg", ["ES256", "EdDSA"])
def test_a_rotation_fails_no_verification(issuer, temperature, alg):
    """F19: whatever the verifier's cache holds when the issuer switches keys."""
    ring = KeyRing.new("ES256", NOW)
    rotated = ring.rotate(NOW + 1000, **LIFETIMES, alg=alg)
    verifier = Verifier(issuer.url, AUDIENCE, issuer.jwks_uri)
    asked_at = {"cold": [], "warm": range(NOW, NOW + 1900, 7), "stale": [NOW]}[temperature]

    def publish(now: int) -> None:
        at_hand = rotated if now >= NOW + 1000 else ring
        issuer.documents["/jwks"] = json.dumps(at_hand.jwks(now)).encode()
        issuer.headers["Cache-Control"] = f"max-age={at_hand.max_age(now)}"

    def ask(now: int) -> None:
        publish(now)
        key = (rotated if now >= NOW + 1000 else ring).signing_key(now)
        assert verify(verifier, issuer, now=now, key=key).subject == "alice"

    for now in asked_at:
        ask(now)
    for now in range(NOW + 1900, NOW + 5000, 7):
        ask(now)
    last = a_token_of(issuer, ring.signing_keys[0], NOW + 1899)
    publish(NOW + 1899 + 599)
    newcomer = Verifier(issuer.url, AUDIENCE, issuer.jwks_uri)
    assert newcomer.verify(last, now=NOW + 1899 + 599)


def test_a_rotation_under_load_fails_no_verification(issuer):
    """F19, with eight threads and the real clock of the server behind a scaled one."""
    ring = KeyRing.new("ES256", NOW)
    rotated = ring.rotate(NOW + 100, **LIFETIMES)
    verifier = Verifier(issuer.url, AUDIENCE, issuer.jwks_uri)
    issuer.documents["/jwks"] = json.dumps(ring.jwks(NOW)).encode()
    began, failures, verified = time.monotonic(), [], []

    def now() -> int:
        return NOW + int((time.monotonic() - began) * 2000)  # an hour in 1.8 seconds

    def load(_) -> None:
        while (at := now()) < NOW + 3600:
            token = a_token_of(issuer, rotated.signing_key(at), at, jti=str(time.monotonic_ns()))
            try:
                verified.append(verifier.verify(token, now=at))
            except (InvalidToken, KeysUnavailable) as error:
                failures.append((at - NOW, error.detail))

    with ThreadPoolExecutor(8) as pool:
        loads = [pool.submit(load, each) for each in range(8)]
        wait_for(lambda: now() >= NOW + 100)
        issuer.documents["/jwks"] = json.dumps(rotated.jwks(NOW + 100)).encode()
        for each in loads:
            each.result()
    assert failures == []
    assert len(verified) > 1000
    assert len(issuer.requests) < 40


def test_signing_before_publishing_fails_and_recovers_by_one_fetch(issuer, verifier):
    """F19, the negative control: what the lead of a rotation is for."""
    verify(verifier, issuer)
    with pytest.raises(InvalidToken):
        verify(verifier, issuer, now=NOW + 10, key=OTHER_KEY)
    issuer.publish(KEY, OTHER_KEY)
    with pytest.raises(InvalidToken):
        verify(verifier, issuer, now=NOW + 29, key=OTHER_KEY)
    assert verify(verifier, issuer, now=NOW + 30, key=OTHER_KEY)
    assert len(issuer.requests) == 2


def test_callers_that_meet_a_new_key_together_share_one_fetch_and_none_fails(issuer, verifier):
    verify(verifier, issuer)
    issuer.publish(KEY, OTHER_KEY)
    issuer.may_answer.clear()
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(verify, verifier, issuer, NOW + 60, OTHER_KEY) for _ in range(8)]
        wait_for(lambda: len(issuer.requests) == 2)
        time.sleep(0.05)
        issuer.may_answer.set()
        assert all(each.result(5) for each in waiting)
    assert len(issuer.requests) == 2


def test_the_ring_says_a_max_age_that_verifiers_keep_to(issuer):
    ring = KeyRing.new("ES256", NOW)
    assert ring.max_age(NOW) == JWKS_MAX_AGE == FRESH


# --- asyncio ---


def test_the_event_loop_runs_on_while_keys_are_fetched(issuer, verifier):
    issuer.may_answer.clear()

    async def scenario() -> int:
        task = asyncio.create_task(verifier.verify_async(a_token_of(issuer), now=NOW))
        turns = 0
        while not issuer.requests:
            await asyncio.sleep(0.001)
            turns += 1
        for _ in range(20):
            await asyncio.sleep(0.001)
            turns += 1
        assert not task.done()
        issuer.may_answer.set()
        assert (await task).subject == "alice"
        return turns

    assert asyncio.run(scenario()) > 20


def test_a_token_is_verified_in_the_loop_when_keys_are_at_hand(issuer, verifier):
    verify(verifier, issuer)
    threads = []

    async def scenario() -> None:
        for key in (KEY, OTHER_KEY):
            with suppress(InvalidToken):
                await verifier.verify_async(a_token_of(issuer, key), now=NOW + 1)
            threads.append(threading.active_count())

    before = threading.active_count()
    asyncio.run(scenario())
    assert threads == [before, before]


def test_a_text_that_is_no_token_is_refused_in_the_loop(issuer, verifier):
    with pytest.raises(InvalidToken):
        asyncio.run(verifier.verify_async("x", now=NOW))
    assert not issuer.requests


def test_the_header_can_be_verified_in_the_loop_too(issuer, verifier):
    authorization = f"Bearer {a_token_of(issuer)}"
    assert asyncio.run(verifier.verify_header_async(authorization, now=NOW)).subject == "alice"
    with pytest.raises(InvalidToken):
        asyncio.run(verifier.verify_header_async(None, now=NOW))


# --- the log ---


def test_the_log_says_why_keys_could_not_be_fetched(issuer, verifier, caplog):
    caplog.set_level(logging.WARNING)
    issuer.status = 500
    with pytest.raises(KeysUnavailable):
        verify(verifier, issuer)
    assert caplog.messages == [
        f"the keys of the issuer stay as they are: {issuer.jwks_uri} answered 500"
    ]


def test_a_set_of_several_algorithms_serves_them_all(issuer, verifier):
    issuer.publish(KEY, RSA_KEY, ED_KEY)
    for key in (KEY, RSA_KEY, ED_KEY):
        assert verify(verifier, issuer, key=key)
