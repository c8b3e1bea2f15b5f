"""The published examples of the drafts, and which of them are wrong."""

import pytest

from keys.mac import signed_request
from keys.mac.signed_request import Request, body_hash, compute

EXAMPLE = "489dks293j39"
FIREFOX_SYNC = "b8u1cc5iiio5o319og7hh8faf2gi5ym4aq0zwf112cv1287an65fudu5zj7zo7dz"


def a_request(method="GET", target="/resource/1?b=1&a=2", host="example.com", port=80) -> Request:
    return Request.of(method, target, host, port)


@pytest.mark.parametrize(
    ("key", "algorithm", "ts", "nonce", "request_", "mac"),
    [
        pytest.param(
            EXAMPLE, "hmac-sha-1", 1336363200, "dj83hs9s", a_request(),
            "6T3zZzy2Emppni6bzL7kdRxUWL4=", id="ietf-01 section 1.1, corrected",
        ),
        pytest.param(
            EXAMPLE, "hmac-sha-256", 1336363200, "dj83hs9s", a_request(),
            "1c0l2YIW7g7syyDmVHy2lxCeZK5VouDCuU0T0YOmTOU=", id="the same by SHA-256",
        ),
        pytest.param(
            FIREFOX_SYNC, "hmac-sha-1", 1329181221, "wGX71",
            a_request(target="/alias/", host="10.250.2.176"),
            "jzh5chjQc2zFEvLbyHnPdX11Yck=", id="Firefox Sync",
        ),
        pytest.param(
            EXAMPLE, "hmac-sha-256", 1336363200, "dj83hs9s", a_request(host="www.example.com"),
            "lZWElzYo0LJevKwPpSXTWl73KR/mPzI/FVe/XLAv6GE=", id="TentPHP",
        ),
    ],
)  # fmt: skip
def test_the_examples_of_drafts_01_and_02_come_out(key, algorithm, ts, nonce, request_, mac):
    text = signed_request.normalize(request_, ts=ts, nonce=nonce)
    assert compute(key.encode(), algorithm, text) == mac


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param("bhCQXTVyfj5cmA9uKkPFx1zeOXM=", id="ietf-01 section 1.1, a known erratum"),
        pytest.param("kDZvddkndxvhGRXZhvuDjEWhGeE=", id="RFC 6749 section 7.1, of another draft"),
    ],
)
def test_the_wrong_examples_do_not_come_out(wrong):
    """Both are in print; no reading of the text that stands beside them yields them."""
    text = signed_request.normalize(a_request(), ts=1336363200, nonce="dj83hs9s")
    assert text == "1336363200\ndj83hs9s\nGET\n/resource/1?b=1&a=2\nexample.com\n80\n\n"
    assert compute(EXAMPLE.encode(), "hmac-sha-1", text) != wrong


@pytest.mark.parametrize(
    ("key", "nonce", "request_", "body", "mac"),
    [
        pytest.param(
            "8yfrufh348h", "273156:di3hvdf8", a_request("POST", "/request"), b"hello=world%21",
            "W7bdMZbv9UWOTadASIQHagZyirA=", id="POST with a body",
        ),
        pytest.param(
            EXAMPLE, "264095:dj83hs9s", a_request(), None,
            "SLDJd4mg43cjQfElUs3Qub4L6xE=", id="GET",
        ),
    ],
)  # fmt: skip
def test_the_examples_of_draft_00_come_out(key, nonce, request_, body, mac):
    bodyhash = "" if body is None else body_hash(body, "hmac-sha-1")
    text = signed_request.normalize_draft_00(request_, nonce=nonce, bodyhash=bodyhash)
    assert compute(key.encode(), "hmac-sha-1", text) == mac


def test_the_body_of_the_example_has_the_hash_of_the_example():
    assert body_hash(b"hello=world%21", "hmac-sha-1") == "k9kbtCIy0CkI3/FEfpS/oIDjk6k="
    assert body_hash(b"") == "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="


def test_an_algorithm_that_no_draft_names_is_refused():
    """Their names are case-sensitive: ietf-01 section 2."""
    for unknown in ("HMAC-SHA-256", "hmac-md5", "sha256", ""):
        with pytest.raises(ValueError, match="algorithm"):
            compute(b"key", unknown, "text")
        with pytest.raises(ValueError, match="algorithm"):
            body_hash(b"body", unknown)


# --- the parts of a request ---


@pytest.mark.parametrize(
    ("target", "origin_form"),
    [
        ("/", "/"),
        ("/a?", "/a?"),
        ("/a%2Fb%20c?x=%C3%A9&x=+;y#frag", "/a%2Fb%20c?x=%C3%A9&x=+;y"),
        ("//two//slashes", "//two//slashes"),
        ("/a/../b/./c", "/a/../b/./c"),
        ("/see?http://example.com/", "/see?http://example.com/"),
        ("http://example.com/abs?z=1", "/abs?z=1"),
        ("HTTPS://example.com:8443/abs#frag", "/abs"),
        ("https://example.com", "/"),
        ("https://example.com?z=1", "/?z=1"),
        ("*", "*"),
    ],
)
def test_a_target_is_taken_as_it_was_sent(target, origin_form):
    """P28; RFC 9112 section 3.2: nothing is decoded, sorted or tidied."""
    assert a_request(target=target).target == origin_form


@pytest.mark.parametrize("target", ["", "a", "example.com:443", "ftp://example.com/", "?a=1", "#"])
def test_a_target_that_is_no_request_target_is_refused(target):
    with pytest.raises(ValueError, match="target"):
        a_request(target=target)


@pytest.mark.parametrize("break_", ["\n", "\r", "\r\n", "\0", " ", "\t", "\x0b", "\x85", "\u2028"])
def test_a_line_break_in_any_part_is_refused(break_):
    """P28: it would make two lines of one, so that two requests had the same text."""
    with pytest.raises(ValueError, match="target"):
        a_request(target=f"/a{break_}example.com")
    with pytest.raises(ValueError, match="host"):
        a_request(host=f"example.com{break_}80")
    with pytest.raises(ValueError, match="method"):
        a_request(method=f"GET{break_}/a")
    assert a_request(target="/a%0Aexample.com").target == "/a%0Aexample.com"


@pytest.mark.parametrize("part", ["nonce", "ext"])
def test_a_line_break_in_the_rest_is_refused_when_it_is_written_down(part):
    """P28."""
    with pytest.raises(ValueError, match="line break"):
        signed_request.normalize(a_request(), **{"ts": 1, "nonce": "n", part: "a\nb"})
    with pytest.raises(ValueError, match="line break"):
        signed_request.normalize_draft_00(a_request(), **{"nonce": "1:n", part: "a\nb"})
    assert signed_request.normalize(a_request(), **{"ts": 1, "nonce": "n", part: "a b"})


def test_method_and_host_have_one_spelling():
    request = a_request("post", "/A", "Example.COM", 8080)
    assert request == Request("POST", "/A", "example.com", 8080)
    assert a_request(host="[2001:DB8::1]").host == "[2001:db8::1]"


@pytest.mark.parametrize(
    "host", ["", "example.com:80", "a@example.com", "a/b", "::1", "[::1", "exämple.com", "a,b\n"]
)
def test_a_host_that_is_none_is_refused(host):
    with pytest.raises(ValueError, match="host"):
        a_request(host=host)


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(ValueError, match="port"):
        a_request(port=port)


def test_no_text_of_one_draft_is_a_text_of_the_other():
    """P28: their lines are as many, but a method is no path."""
    later = signed_request.normalize(a_request(), ts=1, nonce="n").split("\n")
    draft_00 = signed_request.normalize_draft_00(a_request(), nonce="1:n").split("\n")
    assert len(later) == len(draft_00)
    assert (later[2], draft_00[2]) == ("GET", "/resource/1?b=1&a=2")
