"""What an issuer revoked, and a resource server that follows it: real HTTP, threads and loops."""

import asyncio
import gc
import logging
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from keys import (
    InvalidToken,
    KeySet,
    Revocations,
    RevocationsUnavailable,
    Verifier,
    asgi,
    fetching,
    wsgi,
)
from keys.errors import RETRY_AFTER, InvalidMac
from keys.feed import MAX_FEED
from keys.mac import MacVerifier
from keys.revocations import LEAST_STALE_AFTER, MAX_INTERVAL, MAX_STALE_AFTER, STALE_AFTER
from tests.keys import bad_issuers as they
from tests.keys.builders import (
    AUDIENCE,
    KEY,
    MISSING,
    NOW,
    OTHER_KEY,
    a_feed,
    a_jwks,
    a_token,
    an_issuer_server,
)
from tests.keys.mac.builders import DECRYPTION_KEYS, a_mac_token, sent, signed

FOR_GOOD = NOW + 900
"""The line of what alone is revoked: whatever was issued under its name."""

KEYS = KeySet.from_dict(a_jwks(KEY))


class Clock:
    """Of this resource server; time passes when a test says so."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def issuer():
    with an_issuer_server() as server:
        server.describe(server.url, revocations_uri=f"{server.url}/revocations")
        server.revoke()
        yield server


@pytest.fixture
def often(monkeypatch):
    """The feed is fetched again at once, and not after half a minute."""
    for name in ("keys.revocations.LEAST_INTERVAL", "keys.revocations.MAX_INTERVAL"):
        monkeypatch.setattr(name, 0.01)
    monkeypatch.setattr("keys.following.RETRY_AFTER", 0.01)


@pytest.fixture
def verifier(issuer, clock) -> Verifier:
    return Verifier(issuer.url, AUDIENCE, KEYS, revocations=True, clock=clock)


def a_token_of(issuer, **changes) -> str:
    return a_token(iss=issuer.url, exp=NOW + 99_999, **changes)


def verify(verifier, issuer, **changes):
    return verifier.verify(a_token_of(issuer, **changes))


def wait_for(condition) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.001)


def has_heard(issuer, times: int = 2) -> None:
    """Returns after it was asked that many times more."""
    before = len(issuer.requests)
    wait_for(lambda: len(issuer.requests) >= before + times)


def refuses(verifier, issuer, **changes) -> bool:
    try:
        verify(verifier, issuer, **changes)
    except InvalidToken as refused:
        return refused.detail.startswith("revoked, by its ")
    return False


# --- what is revoked ---

NAMES = [
    pytest.param("token:t1", {"jti": "t2"}, id="a token"),
    pytest.param("grant:g1", {"grant_id": "g2"}, id="a grant"),
    pytest.param("user:alice", {"sub": "bob"}, id="a user"),
    pytest.param("client:billing", {"client_id": "shop"}, id="a client"),
]


@pytest.mark.parametrize(("name", "other"), NAMES)
def test_a_revoked_token_is_refused_and_its_neighbour_is_not(issuer, verifier, name, other):
    issuer.revoke({name: FOR_GOOD})
    with pytest.raises(InvalidToken) as refused:
        verify(verifier, issuer, grant_id="g1")
    assert refused.value.status == 401
    assert "revoked" not in str(refused.value)
    assert refused.value.detail == f"revoked, by its {name.partition(':')[0]}"
    assert verify(verifier, issuer, **{"grant_id": "g1", **other})


@pytest.mark.parametrize("name", ["issuer", "user:alice", "client:billing"])
def test_a_line_refuses_what_was_issued_before_it(issuer, verifier, name):
    issuer.revoke({name: NOW})
    assert refuses(verifier, issuer, iat=NOW - 1)
    assert not refuses(verifier, issuer, iat=NOW)


@pytest.mark.parametrize(
    "name",
    ["token:T1", "token:t1 ", "token:", "t1", "user:t1", "user:billing", "client:alice",
     "grant:t1", "issuer:", "session:t1", "grant:None", "new:thing"],
)  # fmt: skip
def test_a_name_of_something_else_refuses_nothing(issuer, verifier, name):
    issuer.revoke({name: FOR_GOOD})
    assert verify(verifier, issuer)


def test_a_token_that_was_seen_is_refused_once_it_is_revoked(issuer, verifier, often):
    """It is remembered as verified, and asked about all the same."""
    assert verify(verifier, issuer)
    issuer.revoke({"token:t1": FOR_GOOD})
    wait_for(lambda: refuses(verifier, issuer))
    assert verify(verifier, issuer, jti="t2")


def test_what_the_issuer_takes_back_is_accepted_again(issuer, verifier, often):
    issuer.revoke({"user:alice": FOR_GOOD})
    assert refuses(verifier, issuer)
    issuer.revoke(iat=NOW + 1)
    wait_for(lambda: not refuses(verifier, issuer))


def test_nobody_looks_without_being_told(issuer, clock):
    issuer.revoke({"token:t1": FOR_GOOD})
    assert verify(Verifier(issuer.url, AUDIENCE, KEYS, clock=clock), issuer)
    assert issuer.requests == []


def test_a_revoked_token_signs_no_request(issuer, clock):
    verifier = MacVerifier(
        issuer.url,
        AUDIENCE,
        KEYS,
        decryption_keys=DECRYPTION_KEYS,
        revocations=True,
        clock=clock,
    )

    def request(nonce: str) -> dict:
        token = a_mac_token(KEY, iss=issuer.url, jti=nonce)
        return {**sent(), "authorization": signed(token, ts=NOW, nonce=nonce)}

    issuer.revoke({"token:t1": FOR_GOOD})
    assert verifier.verify(**request("t2"))
    with pytest.raises(InvalidMac) as refused:
        verifier.verify(**request("t1"))
    assert refused.value.detail == "revoked, by its token"
    with pytest.raises(InvalidMac):
        asyncio.run(verifier.verify_async(**request("t1")))


# --- where the feed is ---


def test_the_issuers_url_is_enough(issuer, clock):
    """The metadata name the feed; they are read once."""
    issuer.revoke({"token:t1": FOR_GOOD})
    verifier = Verifier(issuer.url, AUDIENCE, revocations=True, clock=clock)
    assert refuses(verifier, issuer)
    assert verify(verifier, issuer, jti="t2")
    assert sorted(set(issuer.requests)) == [
        "/.well-known/oauth-authorization-server", "/jwks", "/revocations",
    ]  # fmt: skip


def test_the_feed_may_be_named_by_its_url(issuer, clock):
    issuer.revoke({"token:t1": FOR_GOOD}, path="/elsewhere")
    url = f"{issuer.url}/elsewhere"
    verifier = Verifier(issuer.url, AUDIENCE, KEYS, revocations=url, clock=clock)
    assert refuses(verifier, issuer)
    assert issuer.requests == ["/elsewhere"]


def test_the_feed_may_be_a_file(issuer, clock, tmp_path, often):
    path = tmp_path / "revocations.jwt"
    path.write_text(a_feed(iss=issuer.url) + "\n")
    verifier = Verifier(issuer.url, AUDIENCE, KEYS, revocations=path, clock=clock)
    assert verify(verifier, issuer)
    path.write_text(a_feed({"token:t1": FOR_GOOD}, iss=issuer.url))
    wait_for(lambda: refuses(verifier, issuer))
    assert issuer.requests == []


def test_several_verifiers_may_share_one_follower(issuer, clock):
    issuer.revoke({"token:t1": FOR_GOOD})
    shared = Revocations(issuer.url, KEYS, clock=clock)
    before = followers()
    verifiers = [
        Verifier(issuer.url, audience, KEYS, revocations=shared, clock=clock)
        for audience in (AUDIENCE, "https://other.example")
    ]
    assert refuses(verifiers[0], issuer)
    assert refuses(verifiers[1], issuer, aud="https://other.example")
    assert len(followers() - before) == 1
    assert issuer.requests.count("/revocations") == 1


@pytest.mark.parametrize(
    ("revocations", "why"),
    [
        pytest.param("http://issuer.example/revocations", "https", id="plain http"),
        pytest.param("/revocations", "a host", id="no URL"),
        pytest.param(Revocations("https://other.example", KEYS), "another issuer", id="others"),
    ],
)
def test_revocations_that_cannot_be_the_issuers_are_refused_at_once(revocations, why):
    with pytest.raises(ValueError, match=why):
        Verifier("https://issuer.example", AUDIENCE, KEYS, revocations=revocations)


def test_an_issuer_that_is_no_url_has_no_feed_to_be_found():
    with pytest.raises(ValueError, match="a URL"):
        Verifier("issuer", AUDIENCE, KEYS, revocations=True)


@pytest.mark.parametrize("stale_after", [59, 0, -1, 86_401])
def test_a_bound_that_makes_no_sense_is_refused_at_once(stale_after):
    with pytest.raises(ValueError, match="stale_after is between 60 and 86400 seconds, or None"):
        Verifier("https://issuer.example", AUDIENCE, stale_after=stale_after)


def test_an_issuer_that_revokes_nothing_is_named_as_such(issuer, verifier, caplog):
    """It has no store, and so no feed: who turned this on has to hear of it."""
    issuer.describe(issuer.url)
    with pytest.raises(RevocationsUnavailable) as refused:
        verify(verifier, issuer)
    said = f"{issuer.url} announces no revocations_uri: without a replay_store it revokes nothing"
    assert refused.value.detail == f"the revocations of the issuer: {said}"
    assert f"the revocations of the issuer stay as they are: {said}" in caplog.messages


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"issuer": "https://evil.example"}, id="another issuer"),
        pytest.param({"revocations_uri": "file:///etc/passwd"}, id="a file"),
        pytest.param({"revocations_uri": "http://issuer.example/feed"}, id="plain http"),
        pytest.param({"revocations_uri": 5}, id="no string"),
    ],
)
def test_metadata_that_is_not_the_issuers_is_refused(issuer, verifier, changes):
    """RFC 8414 section 3.3."""
    feed = {"revocations_uri": f"{issuer.url}/revocations"}
    issuer.describe(issuer.url, **{**feed, **changes})
    with pytest.raises(RevocationsUnavailable):
        verify(verifier, issuer)


def test_a_feed_that_moved_is_found_again(issuer, verifier, often):
    assert verify(verifier, issuer)
    del issuer.documents["/revocations"], issuer.etags["/revocations"]
    issuer.describe(issuer.url, revocations_uri=f"{issuer.url}/moved")
    issuer.revoke({"token:t1": FOR_GOOD}, path="/moved")
    wait_for(lambda: refuses(verifier, issuer))


# --- what is believed ---

FOREIGN = [
    pytest.param({"key": OTHER_KEY}, id="signed by nobody"),
    pytest.param({"iss": "https://evil.example"}, id="of another issuer"),
    pytest.param({"iss": MISSING}, id="of no issuer"),
    pytest.param({"typ": "at+jwt"}, id="an access token"),
    pytest.param({"typ": "JWT"}, id="an ID token"),
    pytest.param({"iat": NOW - 2000, "exp": NOW - 61}, id="expired"),
    pytest.param({"iat": NOW + 61, "exp": NOW + 900}, id="of the future"),
    pytest.param({"iat": MISSING}, id="of no time"),
    pytest.param({"exp": MISSING}, id="without an end"),
    pytest.param({"iat": float(NOW)}, id="of no whole second"),
    pytest.param({"revocations": None}, id="without a list"),
    pytest.param({"revocations": ["token:t1"]}, id="an array"),
    pytest.param({"revocations": {"token:t9": "1"}}, id="a line that is text"),
    pytest.param({"revocations": {"token:t9": True}}, id="a line that is true"),
    pytest.param({"revocations": {"token:t9": None}}, id="a line that is null"),
    pytest.param({"revocations": {"token:t9": 1.5}}, id="half a second"),
    pytest.param({"revocations": {"token:t9": -1}}, id="a line before time"),
    pytest.param({"revocations": {"token:t9": 10**12}}, id="a line after time"),
    pytest.param({"revocations": {"token:t9": {}}}, id="a line that is an object"),
]


def foreign(issuer, changes: dict) -> str:
    return a_feed(**{"iss": issuer.url, **changes})


@pytest.mark.parametrize("changes", FOREIGN)
def test_nothing_is_accepted_by_a_feed_that_is_not_the_issuers(issuer, verifier, changes):
    issuer.documents["/revocations"] = foreign(issuer, changes).encode()
    with pytest.raises(RevocationsUnavailable) as refused:
        verify(verifier, issuer)
    assert refused.value.status == 503
    assert refused.value.headers == {"Retry-After": "5"}


@pytest.mark.parametrize("changes", FOREIGN)
def test_a_feed_that_is_not_the_issuers_replaces_none(issuer, verifier, often, caplog, changes):
    issuer.revoke({"token:t1": FOR_GOOD})
    assert refuses(verifier, issuer)
    issuer.documents["/revocations"] = foreign(issuer, {"iat": NOW + 1, **changes}).encode()
    del issuer.etags["/revocations"]
    has_heard(issuer)
    assert refuses(verifier, issuer)
    assert verify(verifier, issuer, jti="t2")
    assert "the revocations of the issuer stay as they are" in caplog.text


def tampered(issuer) -> list[str]:
    feed = a_feed({"token:t2": FOR_GOOD}, iss=issuer.url)
    header, payload, signature = feed.split(".")
    unsigned = a_feed({"token:t9": 5}, iss=issuer.url).split(".")[1]
    return [
        f"{header}.{unsigned}.{signature}",
        f"{header}.{payload}.",
        f"{header}.{payload}",
        f"eyJhbGciOiJub25lIiwidHlwIjoicmV2b2NhdGlvbnMrand0In0.{payload}.",
        f"{header}.{payload}.{'A' * len(signature)}",
        feed + "A",
        feed + "é",
        "",
        "{}",
        a_token(),
    ]


@pytest.mark.parametrize("number", range(10))
def test_nothing_is_accepted_by_a_feed_whose_signature_does_not_verify(issuer, verifier, number):
    issuer.documents["/revocations"] = tampered(issuer)[number].encode()
    with pytest.raises(RevocationsUnavailable):
        verify(verifier, issuer)


def test_a_feed_that_goes_back_in_time_is_refused(issuer, verifier, often, caplog):
    """A cache, or a replica that has not heard yet, takes nothing back."""
    issuer.revoke({"token:t1": FOR_GOOD}, iat=NOW)
    assert refuses(verifier, issuer)
    issuer.revoke(iat=NOW - 1)
    has_heard(issuer)
    assert refuses(verifier, issuer)
    assert "it is older than what is held" in caplog.text
    issuer.revoke(iat=NOW + 1)
    wait_for(lambda: not refuses(verifier, issuer))


def test_of_two_feeds_of_one_instant_both_are_believed(issuer, verifier, often):
    """Two replicas that are whole up to the same moment know different things after it."""
    issuer.revoke({"token:t1": FOR_GOOD, "user:bob": NOW + 2})
    assert refuses(verifier, issuer)
    issuer.revoke({"token:t2": FOR_GOOD, "user:bob": NOW + 1})
    wait_for(lambda: refuses(verifier, issuer, jti="t2"))
    assert refuses(verifier, issuer)
    assert refuses(verifier, issuer, jti="t3", sub="bob", iat=NOW + 1)
    issuer.revoke({"token:t2": FOR_GOOD}, iat=NOW + 1)
    wait_for(lambda: not refuses(verifier, issuer))


def test_a_feed_with_more_than_anybody_needs_is_read_as_far_as_it_matters(issuer, verifier):
    issuer.revoke({"token:t1": FOR_GOOD}, nbf=NOW, extra={"deep": [[1]]})
    assert refuses(verifier, issuer)


def test_a_hundred_thousand_revocations_are_read(issuer, verifier):
    many = {f"token:{number:022}": FOR_GOOD for number in range(100_000)}
    issuer.revoke({**many, "token:t1": FOR_GOOD})
    assert refuses(verifier, issuer)
    assert verify(verifier, issuer, jti="t2")


def test_a_feed_without_an_end_is_cut_off(issuer, verifier):
    """J28."""
    issuer.documents["/revocations"] = b"A" * (MAX_FEED + 1)
    began = time.monotonic()
    with pytest.raises(RevocationsUnavailable) as refused:
        verify(verifier, issuer)
    assert f"larger than {MAX_FEED} bytes" in refused.value.detail
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("status", [204, 301, 302, 304, 307, 308, 404, 500, 503])
def test_any_answer_but_200_leaves_what_is_held_in_place(issuer, verifier, often, status):
    """CVE-2026-102267: a redirect is not followed."""
    issuer.revoke({"token:t1": FOR_GOOD})
    assert refuses(verifier, issuer)
    issuer.revoke(iat=NOW + 1)
    issuer.revoke(iat=NOW + 1, path="/elsewhere")
    issuer.headers["Location"] = f"{issuer.url}/elsewhere"
    issuer.status = status
    has_heard(issuer)
    assert refuses(verifier, issuer)
    assert "/elsewhere" not in issuer.requests


@pytest.mark.parametrize("status", [204, 301, 304, 404, 500])
def test_a_first_answer_that_is_not_200_is_an_outage(issuer, verifier, status):
    issuer.status = status
    with pytest.raises(RevocationsUnavailable):
        verify(verifier, issuer)


# --- how it is followed ---


def test_what_is_held_is_not_sent_again(issuer, verifier, often):
    """RFC 9110 section 13.1.2."""
    issuer.revoke({"token:t1": FOR_GOOD})
    assert refuses(verifier, issuer)
    wait_for(lambda: issuer.known.count("/revocations") >= 3)
    assert refuses(verifier, issuer)
    issuer.revoke(iat=NOW + 1)
    wait_for(lambda: not refuses(verifier, issuer))


def test_a_feed_that_is_still_the_same_grows_old_all_the_same(issuer, verifier, clock, often):
    """304 says that there is nothing newer, not that there is news."""
    assert verify(verifier, issuer)
    clock.now = NOW + STALE_AFTER
    wait_for(lambda: "/revocations" in issuer.known)
    with pytest.raises(RevocationsUnavailable):
        verify(verifier, issuer)


@pytest.mark.parametrize(
    ("said", "interval"),
    [
        ("max-age=20", 20),
        ("max-age=0", 5),
        ("no-store", 5),
        ("max-age=86400", 30),
        ("public", 30),
    ],
)
def test_it_is_fetched_as_often_as_the_issuer_says_within_bounds(issuer, clock, said, interval):
    issuer.headers["Cache-Control"] = said
    assert Revocations(issuer.url, KEYS, clock=clock).refresh() == interval


def test_nothing_is_fetched_before_the_first_token(issuer, verifier):
    before = followers()
    with pytest.raises(InvalidToken):
        verifier.verify("x")
    with pytest.raises(InvalidToken):
        verify(verifier, issuer, aud="https://other.example")
    assert issuer.requests == []
    assert followers() == before


def test_the_first_token_waits_for_the_first_feed(issuer, verifier):
    issuer.revoke({"token:t1": FOR_GOOD})
    issuer.may_answer.clear()
    with ThreadPoolExecutor(16) as pool:
        waiting = [pool.submit(refuses, verifier, issuer) for _ in range(16)]
        wait_for(lambda: issuer.requests)
        time.sleep(0.05)
        assert not any(each.done() for each in waiting)
        issuer.may_answer.set()
        assert all(each.result(5) for each in waiting)
    assert issuer.requests.count("/revocations") == 1


def test_no_request_waits_for_the_second_feed(issuer, verifier, often):
    """Neither while the issuer hangs nor after it has failed."""
    assert verify(verifier, issuer)
    issuer.may_answer.clear()
    has_heard(issuer, 1)
    began = time.monotonic()
    for number in range(200):
        assert verify(verifier, issuer, jti=f"t{number}")
    assert time.monotonic() - began < 1


def test_who_meets_no_feed_waits_for_one_fetch_and_no_longer(issuer, verifier, often, monkeypatch):
    for name in ("keys.fetching.TIMEOUT", "keys.following.TIMEOUT", "keys.revocations.TIMEOUT"):
        monkeypatch.setattr(name, 0.4)
    issuer.may_answer.clear()
    with ThreadPoolExecutor(8) as pool:
        for waited in pool.map(lambda _: seconds_of(verifier, issuer), range(8)):
            assert 0.3 < waited < 2
    wait_for(lambda: verifier._tokens._revocations._fault)
    began = time.monotonic()
    for _ in range(10):  # while it is asked again and again, and says nothing
        seconds_of(verifier, issuer)
        time.sleep(0.05)
    assert time.monotonic() - began < 2


def seconds_of(verifier, issuer) -> float:
    began = time.monotonic()
    with pytest.raises(RevocationsUnavailable):
        verify(verifier, issuer)
    return time.monotonic() - began


def test_an_issuer_that_is_down_at_first_is_asked_again_by_one(issuer, verifier, monkeypatch):
    monkeypatch.setattr("keys.following.RETRY_AFTER", 0.2)
    issuer.status = 503
    for _ in range(50):
        with pytest.raises(RevocationsUnavailable):
            verify(verifier, issuer)
    assert len(issuer.requests) <= 2
    issuer.status = 200

    def is_back() -> bool:
        with suppress(RevocationsUnavailable):
            return bool(verify(verifier, issuer))
        return False

    wait_for(is_back)


def followers() -> set[threading.Thread]:
    return {each for each in threading.enumerate() if each.name == "revocations"}


def test_a_verifier_that_is_gone_is_followed_by_nobody(issuer, clock):
    before = followers()
    verifier = Verifier(issuer.url, AUDIENCE, KEYS, revocations=True, clock=clock)
    assert verify(verifier, issuer)
    (one,) = followers() - before
    del verifier
    gc.collect()
    one.join(5)
    assert not one.is_alive()


def test_no_thread_to_be_had_is_an_outage_and_no_more(issuer, verifier, monkeypatch, caplog):
    def start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", start)
        with pytest.raises(RevocationsUnavailable) as refused:
            verify(verifier, issuer)
    assert "can't start new thread" in refused.value.detail
    assert "can't start new thread" in caplog.text
    assert verify(verifier, issuer)


def test_a_mistake_of_a_source_is_an_outage_and_not_the_end(issuer, clock, often, caplog):
    """The thread is the only one: nobody else would begin again."""
    shared = Revocations(issuer.url, KEYS, clock=clock)
    source, shared._source = shared._source, lambda _: 1 / 0
    verifier = Verifier(issuer.url, AUDIENCE, KEYS, revocations=shared, clock=clock)
    with pytest.raises(RevocationsUnavailable):
        verify(verifier, issuer)
    assert "unexpected ZeroDivisionError" in caplog.text
    shared._source = source
    wait_for(lambda: shared._held)
    assert verify(verifier, issuer)


def test_a_process_that_is_forked_follows_the_feed_itself(issuer, verifier, clock, often):
    """As gunicorn does with ``--preload``: no thread comes along."""
    assert verify(verifier, issuer)
    child = os.fork()
    if child == 0:
        clock.now = NOW + 35  # when it is noticed that no news came for longer than it can take
        code = 1
        with suppress(BaseException):
            deadline = time.monotonic() + 30
            while code and time.monotonic() < deadline:
                code = 0 if refuses(verifier, issuer) else 1
                time.sleep(0.01)
        os._exit(code)
    issuer.revoke({"token:t1": FOR_GOOD})
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    wait_for(lambda: refuses(verifier, issuer))


def test_a_machine_that_slept_waits_for_news_and_is_not_refused(
    issuer, verifier, clock, monkeypatch
):
    """A laptop, a frozen container: the thread slept as well."""
    monkeypatch.setattr("keys.following.RETRY_AFTER", 0)
    assert verify(verifier, issuer)
    clock.now = NOW + 5000
    issuer.revoke({"token:t1": FOR_GOOD}, iat=NOW + 4990, exp=NOW + 5900)
    assert refuses(verifier, issuer)
    assert verify(verifier, issuer, jti="t2")


def test_the_log_says_an_outage_once_and_its_end(issuer, verifier, often, caplog):
    caplog.set_level(logging.WARNING)
    assert verify(verifier, issuer)
    issuer.status = 500
    issuer.etags.clear()
    has_heard(issuer, 5)
    issuer.status = 200
    wait_for(lambda: len(caplog.messages) >= 3)
    told = [each.removeprefix("the revocations of the issuer ") for each in caplog.messages]
    assert told == [
        f"stay as they are: {issuer.url}/revocations answered 500",
        f"stay as they are: {issuer.url}/.well-known/oauth-authorization-server answered 500",
        "are heard again",
    ]


@pytest.mark.parametrize(
    "behaves",
    [they.silent, they.drips_the_status, they.drips_a_header, they.drips_the_body,
     they.drips_chunks, they.redirects, they.huge, they.huge_by_the_byte, they.empty,
     they.hangs_up, they.fails, they.healthy],
)  # fmt: skip
def test_whatever_an_issuer_does_no_request_waits_and_nothing_is_taken_back(
    behaves, clock, often, monkeypatch
):
    """F19, J28: by the byte, without an end, elsewhere, something else, or not at all."""
    monkeypatch.setattr("keys.fetching.TIMEOUT", 0.5)

    def well(issuer, connection) -> None:
        they.path_of(connection)
        they.answer(connection, a_feed({"token:t1": FOR_GOOD}, iss=issuer.url).encode())

    with they.a_bad_issuer(well) as issuer:
        verifier = Verifier(
            issuer.url, AUDIENCE, KEYS, revocations=f"{issuer.url}/feed", clock=clock
        )
        assert refuses(verifier, issuer)
        issuer.behaves = behaves
        before = issuer.connections
        wait_for(lambda: issuer.connections >= before + 2)
        began = time.monotonic()
        for number in range(100, 200):
            assert verify(verifier, issuer, jti=f"t{number}")
        assert time.monotonic() - began < 5  # each of them would have waited for half a second
        assert refuses(verifier, issuer)


# --- stale_after ---


def at(issuer, now: int, **options):
    """A verifier of that time, before an issuer that has had no news since ``NOW``."""
    return Verifier(issuer.url, AUDIENCE, KEYS, revocations=True, clock=lambda: now, **options)


@pytest.mark.parametrize(
    ("options", "accepted_until"),
    [({}, STALE_AFTER), ({"stale_after": 60}, 60), ({"stale_after": 800}, 800)],
)
def test_without_news_for_long_no_token_is_accepted(issuer, options, accepted_until):
    assert verify(at(issuer, NOW + accepted_until - 1, **options), issuer)
    verifier = at(issuer, NOW + accepted_until, **options)
    with pytest.raises(RevocationsUnavailable) as refused:
        verify(verifier, issuer)
    assert refused.value.status == 503
    assert str(refused.value) == "Access tokens cannot be verified at the moment."
    assert "the issuer itself has had no news since" in refused.value.detail


def test_what_is_known_to_be_revoked_is_said_to_be_so_however_old_the_news(issuer):
    issuer.revoke({"token:t1": FOR_GOOD})
    verifier = at(issuer, NOW + STALE_AFTER)
    with pytest.raises(RevocationsUnavailable):
        verify(verifier, issuer, jti="t2")
    assert refuses(verifier, issuer)


def test_who_says_so_accepts_tokens_by_the_last_that_was_heard(issuer, clock, often):
    verifier = Verifier(issuer.url, AUDIENCE, KEYS, revocations=True, stale_after=None, clock=clock)
    issuer.revoke({"token:t1": FOR_GOOD})
    assert refuses(verifier, issuer)
    issuer.status = 503
    issuer.etags.clear()
    clock.now = NOW + 86_400
    has_heard(issuer)
    assert refuses(verifier, issuer)
    assert verify(verifier, issuer, jti="t2")


def test_who_says_so_accepts_tokens_by_nothing_at_all_but_asks_first(issuer, clock, often):
    issuer.revoke({"token:t1": FOR_GOOD})
    issuer.status = 503
    verifier = Verifier(issuer.url, AUDIENCE, KEYS, revocations=True, stale_after=None, clock=clock)
    assert verify(verifier, issuer)
    assert issuer.requests
    issuer.status = 200
    wait_for(lambda: refuses(verifier, issuer))


def test_a_clock_that_is_set_back_makes_no_old_news_good(issuer, verifier, clock):
    """F18."""
    assert verify(verifier, issuer)
    clock.now = NOW - 7200
    with pytest.raises(RevocationsUnavailable):
        verify(verifier, issuer, iat=NOW - 7200)


# --- asyncio, and the middleware ---


def test_the_event_loop_runs_on_while_the_feed_is_fetched(issuer, verifier):
    issuer.revoke({"token:t1": FOR_GOOD})
    issuer.may_answer.clear()

    async def scenario() -> int:
        task = asyncio.create_task(verifier.verify_async(a_token_of(issuer)))
        turns = 0
        while not issuer.requests or turns < 20:
            await asyncio.sleep(0.001)
            turns += 1
        assert not task.done()
        issuer.may_answer.set()
        with pytest.raises(InvalidToken):
            await task
        assert await verifier.verify_async(a_token_of(issuer, jti="t2"))
        return turns

    assert asyncio.run(scenario()) >= 20


def test_a_token_that_nobody_signed_waits_for_no_feed_in_a_thread(issuer, verifier):
    issuer.may_answer.clear()
    began = time.monotonic()
    with pytest.raises(InvalidToken):
        verifier.verify(a_token(OTHER_KEY, iss=issuer.url))
    assert time.monotonic() - began < 1
    assert issuer.requests == []


@pytest.mark.parametrize("gateway", ["asgi", "wsgi"])
def test_the_middleware_says_401_to_a_revoked_token_and_503_without_news(issuer, gateway):
    request = {"asgi": through_asgi, "wsgi": through_wsgi}[gateway]
    issuer.revoke({"token:t1": FOR_GOOD})
    well, stale = at(issuer, NOW), at(issuer, NOW + STALE_AFTER)
    assert request(well, a_token_of(issuer, jti="t2")) == (200, None)
    assert request(well, a_token_of(issuer)) == (401, None)
    assert request(stale, a_token_of(issuer, jti="t2")) == (503, "5")


def through_asgi(verifier: Verifier, token: str) -> tuple[int, str | None]:
    sent_back = []

    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(message) -> None:
        sent_back.append(message)

    scope = {
        "type": "http", "method": "GET", "scheme": "https", "path": "/", "raw_path": b"/",
        "query_string": b"", "headers": [(b"authorization", f"Bearer {token}".encode())],
    }  # fmt: skip
    asyncio.run(asgi.AccessMiddleware(app, bearer=verifier)(scope, None, send))
    retry_after = dict(sent_back[0]["headers"]).get(b"retry-after")
    return sent_back[0]["status"], retry_after and retry_after.decode()


def through_wsgi(verifier: Verifier, token: str) -> tuple[int, str | None]:
    began = []

    def app(environ, start_response) -> list[bytes]:
        start_response("200 OK", [])
        return []

    def start_response(status, headers, *_) -> None:
        began.append((int(status[:3]), dict(headers).get("Retry-After")))

    environ = {
        "REQUEST_METHOD": "GET", "wsgi.url_scheme": "https", "PATH_INFO": "/",
        "HTTP_AUTHORIZATION": f"Bearer {token}",
    }  # fmt: skip
    wsgi.AccessMiddleware(app, bearer=verifier)(environ, start_response)
    return began[-1]


@pytest.mark.parametrize(
    "said",
    [
        f"| `stale_after=` | {STALE_AFTER}: seconds",
        f"{LEAST_STALE_AFTER} to {MAX_STALE_AFTER}; or `None`",
        f"every {MAX_INTERVAL} seconds, or as the issuer's `max-age` says",
        f"it tries again every {RETRY_AFTER} seconds",
        f"wait for the first feed for up to {fetching.TIMEOUT:.0f} seconds",
    ],
)
def test_the_guide_says_the_bounds_that_hold(said):
    assert said in (Path(__file__).parents[2] / "keys" / "README.md").read_text()
