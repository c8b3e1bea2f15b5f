"""Security P9 to P12, P33: requests too long, framed twice, for other hosts, paths and methods."""

import socket
import time
from urllib.parse import urlencode

import httpx
import jwt
import pytest

from issuer.resources import endpoint
from issuer.serving.protocol import MAX_HEAD
from tests.builders import SECRET, basic

GRANT = urlencode({"grant_type": "client_credentials"}).encode()
CHUNKED = b"%x\r\n%s\r\n0\r\n\r\n" % (len(GRANT), GRANT)
AUTHORIZATION = b"Authorization: " + basic("billing").encode() + b"\r\n"


# --- P9: oversize ---


@pytest.mark.parametrize(
    ("size", "status"),
    [
        pytest.param(endpoint.MAX_BODY, 200, id="as long as it may be"),
        pytest.param(endpoint.MAX_BODY + 1, 413, id="one byte more"),
        pytest.param(2**20, 413, id="a megabyte"),
    ],
)
def test_a_body_has_a_longest_length(wire, post, size, status):
    """Security P9."""
    body = GRANT + b"&x=" + b"x" * (size - len(GRANT) - 3)
    # What closes before it has read everything may also take its answer back.
    assert post(body).status in ({200} if status == 200 else {status, 0})
    assert post().status == 200


@pytest.mark.parametrize(
    "length", [b"32769", b"1073741824", b"9223372036854775807", b"18446744073709551615"]
)
def test_a_length_that_is_too_large_is_refused_before_the_body_is_there(post, length):
    """Security P9."""
    started = time.monotonic()
    answer = post(GRANT, length=length)
    assert (answer.status, answer.error) == (413, "invalid_request")
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("number", "error"),
    [pytest.param(64, None, id="64"), pytest.param(65, "invalid_request", id="65"),
     pytest.param(8_000, "invalid_request", id="8 000")],
)  # fmt: skip
def test_there_is_a_greatest_number_of_parameters(post, number, error):
    """Security P9."""
    body = b"&".join([GRANT, *(b"%x=" % each for each in range(number - 1))])
    assert post(body).error == error


def test_a_hundred_thousand_parameters_are_refused_unread(post):
    """Security P9."""
    body = b"&".join(b"%x=" % each for each in range(100_000))
    assert post(body).status in (413, 0)


def test_a_scope_of_ten_thousand_characters_is_refused(post):
    """Security P9."""
    assert post(GRANT + b"&scope=" + b"x" * 10_000).error == "invalid_scope"


@pytest.mark.parametrize(
    ("more", "statuses"),
    [
        pytest.param(b"X: " + b"x" * (MAX_HEAD - 1000) + b"\r\n", {200}, id="one, just short"),
        pytest.param(b"X: " + b"x" * MAX_HEAD + b"\r\n", {431, 0}, id="one, just too long"),
        pytest.param(b"X: " + b"x" * 10**7 + b"\r\n", {431, 0}, id="one of 10 MB"),
        pytest.param(b"X: x\r\n" * 4_000, {200}, id="4 000 short ones"),
        pytest.param(b"X: x\r\n" * 10_000, {431, 0}, id="10 000 short ones"),
        pytest.param(b"X" * 10**6 + b": x\r\n", {431, 0}, id="one with a long name"),
    ],
)
def test_headers_have_a_longest_length(post, more, statuses):
    """Security P9: RFC 6585 section 5."""
    assert post(more=more).status in statuses


@pytest.mark.parametrize(
    ("length", "statuses"),
    [
        pytest.param(5_000, {200}, id="5 kB"),
        pytest.param(40_000, {414, 0}, id="40 kB"),
        pytest.param(100_000, {414, 0}, id="100 kB"),
        pytest.param(10**7, {414, 0}, id="10 MB"),
    ],
)
def test_a_request_line_has_a_longest_length(post, length, statuses):
    """Security P9: RFC 9110 section 15.5.15."""
    line = b"POST /token?" + b"x" * length + b" HTTP/1.1"
    assert post(line=line).status in statuses


@pytest.mark.parametrize("part", [b"GET /", b"GET / HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n"])
def test_a_head_that_never_ends_is_cut_off(attacked, part):
    """Security P9: not one byte at a time either."""
    received = b""
    with socket.create_connection(("127.0.0.1", attacked.port), timeout=10) as connection:
        connection.sendall(part)
        try:
            for _ in range(64):
                connection.sendall(b"X: x\r\n" * 200 if part.endswith(b"1.1\r\n") else b"x" * 1200)
                time.sleep(0.001)
            received = connection.recv(65536)
        except ConnectionError:
            return
    assert received.split(b" ", 2)[1] in (b"431", b"414")


def test_a_body_of_many_chunks_is_not_taken_for_a_head(attacked):
    """The bound is on what comes before a request, not on how much a connection carries."""
    with httpx.Client(base_url=attacked.url) as http:
        for _ in range(5):
            body = GRANT + b"&x=" + b"x" * 30_000
            headers = {"content-type": "application/x-www-form-urlencoded"}
            response = http.post("/token", content=body, headers=headers, auth=("billing", SECRET))
            assert response.status_code == 200


def test_many_requests_at_once_on_one_connection_are_not_taken_for_one_head(attacked):
    """Pipelined: together longer than one head may be."""
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    last = request.replace(b"Host", b"Connection: close\r\nHost")
    number = MAX_HEAD // len(request) + 10
    with socket.create_connection(("127.0.0.1", attacked.port), timeout=10) as connection:
        connection.sendall(request * number + last)
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    assert received.count(b"HTTP/1.1 200 OK") == number + 1


# --- P10: framing ---


@pytest.mark.parametrize(
    "length",
    [
        pytest.param(b"+29", id="a sign"),
        pytest.param(b"-29", id="a negative one"),
        pytest.param(b"2_9", id="an underscore"),
        pytest.param(b"0x1d", id="hexadecimal"),
        pytest.param(b"29, 29", id="a list"),
        pytest.param(b"29.0", id="a fraction"),
        pytest.param(b"\xc2\xb2", id="a superscript digit"),
        pytest.param(b"\xb2", id="a superscript digit in Latin-1"),
        pytest.param(b"99999999999999999999999", id="beyond 64 bits"),
        pytest.param(b"29\r\nContent-Length: 29", id="two, equal"),
        pytest.param(b"29\r\nContent-Length: 5", id="two, different"),
        pytest.param(b"29\r\nTransfer-Encoding: chunked", id="chunked as well"),
        pytest.param(b"29\r\nTransfer-Encoding: identity", id="another encoding as well"),
    ],
)
def test_a_length_with_two_readings_is_refused(post, length):
    """Security P10; RFC 9112 section 6.3."""
    answer = post(length=length)
    assert answer.status in (400, 411)
    assert answer.answers == 1
    assert "close" in answer.headers["connection"]


@pytest.mark.parametrize(
    ("encoding", "status"),
    [
        pytest.param(b"chunked", 411, id="chunked"),
        pytest.param(b"Chunked", 411, id="in another case"),
        pytest.param(b"identity, chunked", 411, id="identity, chunked"),
        pytest.param(b"gzip, chunked", 411, id="gzip, chunked"),
        pytest.param(b"xchunked", 400, id="xchunked"),
        pytest.param(b"chunked, identity", 400, id="chunked, but not last"),
        pytest.param(b"chunked\r\nTransfer-Encoding: chunked", 400, id="twice"),
        pytest.param(b"\x0bchunked", 400, id="a control character"),
    ],
)
def test_a_body_in_chunks_is_refused_and_the_connection_closed(post, encoding, status):
    """Security P10: never read as empty."""
    answer = post(CHUNKED, length=b"", more=b"Transfer-Encoding: " + encoding + b"\r\n")
    assert answer.status == status
    assert answer.answers == 1
    assert "close" in answer.headers["connection"]


def test_trailers_do_not_become_headers(attacked):
    """Security P10: nor do they fill the memory, as the connection ends with the answer."""
    body = CHUNKED.removesuffix(b"\r\n") + AUTHORIZATION + b"\r\n"
    head = (
        b"POST /token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", attacked.port), timeout=10) as connection:
        connection.sendall(head + body)
        received = b""
        while chunk := connection.recv(65536):  # it ends, though the request did not ask for that
            received += chunk
    assert received.startswith(b"HTTP/1.1 411 ")


def test_without_a_length_there_is_no_body(post):
    """RFC 9110 section 15.5.12."""
    answer = post(b"", length=b"")
    assert (answer.status, answer.error) == (411, "invalid_request")


@pytest.mark.parametrize(
    "change",
    [
        pytest.param((b"Connection:", b"X: a\r\n b\r\nConnection:"), id="a folded header"),
        pytest.param((b"Connection:", b"X : a\r\nConnection:"), id="a blank before the colon"),
        pytest.param((b"Connection:", b" X: a\r\nConnection:"), id="a blank before the name"),
        pytest.param((b"Connection:", b"X\r\nConnection:"), id="no colon"),
        pytest.param((b"Connection:", b": a\r\nConnection:"), id="no name"),
        pytest.param((b"Connection:", b"X: a\0b\r\nConnection:"), id="a NUL"),
        pytest.param((b"Connection:", b"X: a\rb\r\nConnection:"), id="a bare CR"),
        pytest.param((b"\r\n", b"\n"), id="bare LF"),
        pytest.param((b"POST ", b"post "), id="a method in lower case"),
        pytest.param((b"POST ", b"P\0ST "), id="a NUL in the method"),
        pytest.param((b"POST ", b"JUNK "), id="a method nobody knows"),
        pytest.param((b"HTTP/1.1", b"HTTP/1.2"), id="HTTP/1.2"),
        pytest.param((b"HTTP/1.1", b"HTTP/2.0"), id="HTTP/2.0"),
        pytest.param((b"HTTP/1.1", b"HTTP/0.9"), id="HTTP/0.9"),
        pytest.param((b" HTTP/1.1", b""), id="no version"),
        pytest.param((b"HTTP/1.1", b"http/1.1"), id="a version in lower case"),
        pytest.param((b"Host: x\r\n", b""), id="no Host"),
        pytest.param((b"Host: x\r\n", b"Host: x\r\nHost: x\r\n"), id="two Hosts"),
        pytest.param((b"/token", b"token"), id="a path without its slash"),
        pytest.param((b"/token", b"/token#x"), id="a fragment"),
        pytest.param((b"/token", b"/tok en"), id="a blank in the path"),
        pytest.param((b"/token", b"/t\xc3\xb6ken"), id="a path beyond ASCII"),
        pytest.param((b"/token", b"http://"), id="a URI without a host"),
    ],
)
def test_a_request_that_others_may_read_otherwise_is_refused(wire, change):
    """Security P10; RFC 9112 sections 2.2, 3.2 and 5."""
    good = (
        b"POST /token HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + AUTHORIZATION +
        b"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 29\r\n\r\n" + GRANT
    )  # fmt: skip
    assert wire.send(good).status == 200
    answer = wire.send(good.replace(*change))
    assert (answer.status, answer.answers) == (400, 1)
    assert answer.error == "invalid_request"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    "junk", [b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"]
)
def test_another_protocol_is_refused(wire, junk):
    """Security P10: TLS and HTTP/2 at a plain port."""
    assert wire.send(junk).status == 400


def test_http_1_0_needs_no_host_and_closes(wire):
    answer = wire.send(b"GET /healthz HTTP/1.0\r\n\r\n")
    assert (answer.status, answer.json) == (200, {"alive": True})


def test_a_client_that_leaves_in_the_middle_of_its_body_is_forgotten(wire, post):
    head = b"POST /token HTTP/1.1\r\nHost: x\r\nContent-Length: 29\r\n" + AUTHORIZATION
    head += b"Content-Type: application/x-www-form-urlencoded\r\n\r\n"
    assert wire.send(head + GRANT[:5], finish=True).status in (0, 400)
    assert post().status == 200


def test_the_second_request_of_a_connection_starts_where_the_first_one_ends(attacked):
    """Security P10: what is left of one request is not the start of another."""
    one = b"POST /token HTTP/1.1\r\nHost: x\r\n" + AUTHORIZATION
    one += b"Content-Type: application/x-www-form-urlencoded\r\n"
    with socket.create_connection(("127.0.0.1", attacked.port), timeout=10) as connection:
        connection.sendall(
            one + b"Content-Length: 29\r\n\r\n" + GRANT
            + one + b"Connection: close\r\nContent-Length: 12\r\n\r\ngrant_type=x"
        )  # fmt: skip
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
    statuses = [each.split(b" ")[0] for each in received.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [b"200", b"400"]


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket", b"TLS/1.0"])
def test_an_upgrade_is_not_made(post, protocol):
    """RFC 9110 section 7.8: the answer is HTTP/1.1, and JSON."""
    answer = post(more=b"Upgrade: " + protocol + b"\r\nConnection: Upgrade\r\n")
    assert answer.status in (200, 400)
    assert answer.json


# --- P11: other hosts ---


@pytest.mark.parametrize(
    ("line", "host", "more"),
    [
        pytest.param(b"POST /token HTTP/1.1", b"evil.example", b"", id="Host"),
        pytest.param(b"POST http://evil.example/token HTTP/1.1", b"x", b"", id="absolute form"),
        pytest.param(
            b"POST /token HTTP/1.1",
            b"x",
            b"X-Forwarded-Host: evil.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 1\r\n"
            b"X-Forwarded-Prefix: /evil\r\nForwarded: host=evil.example\r\nX-Original-URL: /x\r\n"
            b"X-Rewrite-URL: /x\r\nX-HTTP-Method-Override: GET\r\nX-Real-IP: 1.2.3.4\r\n",
            id="headers of proxies",
        ),
    ],
)
def test_no_header_says_who_the_issuer_is(attacked, wire, post, line, host, more):
    """Security P11: it is what the registry says."""
    host = b"Host: " + host + b"\r\n"
    issued = post(line=line, host=host, more=more).json["access_token"]
    claims = jwt.decode(issued, options={"verify_signature": False})
    assert claims["iss"] == attacked.url
    path = b"/.well-known/oauth-authorization-server"
    answer = wire.send(
        b"GET " + path + b" HTTP/1.1\r\n" + host + more + b"Connection: close\r\n\r\n"
    )
    assert answer.json["issuer"] == attacked.url
    assert b"evil" not in answer.body


# --- P12: other paths, P33: other methods ---


@pytest.mark.parametrize(
    "path",
    ["//token", "/token/", "/token;x", "/%74oken", "/x/../token", "/./token", "/token/.", "/TOKEN",
     "/token%00", "/token%2f", "/token%20", "/token.json", "/%2ftoken", "/..;/token", "//", "*",
     "/token//", "/%ff", "/.well-known/oauth-authorization-server/", "http://evil.example/x"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["POST", "GET"])
def test_another_path_is_another_thing(post, method, path):
    """Security P12: one spelling each."""
    answer = post(line=f"{method} {path} HTTP/1.1".encode())
    assert (answer.status, answer.error) == (404, "not_found")
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/", "GET, HEAD"),
        ("/token", "POST"),
        ("/healthz", "GET, HEAD"),
        ("/readyz", "GET, HEAD"),
        ("/.well-known/jwks.json", "GET, HEAD"),
        ("/.well-known/oauth-authorization-server", "GET, HEAD"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS",
                                    "TRACE", "PROPFIND"])  # fmt: skip
def test_another_method_is_not_allowed(post, method, path, allowed):
    """Security P33; RFC 9110 section 15.5.6. TRACE echoes nothing."""
    answer = post(line=f"{method} {path} HTTP/1.1".encode(), more=b"X-Echo: echoed\r\n")
    if method in allowed.split(", "):
        assert answer.status == 200
        return
    assert (answer.status, answer.headers["allow"]) == (405, allowed)
    assert answer.headers["content-type"] == "application/json"
    if answer.body:
        use = allowed.replace(",", " or")
        sentence = f"This method is not allowed here; use {use}."
        assert answer.json["error_description"] == sentence
    assert (answer.body == b"") == (method == "HEAD")
    assert b"echoed" not in answer.body


@pytest.mark.parametrize("method", ["M-SEARCH", "PURGE", "MKCALENDAR", "LINK"])
def test_a_method_that_the_framework_does_not_know_is_refused_like_any_other(post, method):
    answer = post(line=f"{method} /token HTTP/1.1".encode())
    assert (answer.status, answer.error) == (405, "invalid_request")
    assert answer.headers["allow"] == "POST"


# --- all of them ---


@pytest.mark.parametrize(
    ("given", "status"),
    [
        pytest.param({}, 200, id="200"),
        pytest.param({"body": b""}, 400, id="400"),
        pytest.param({"authorization": None}, 401, id="401"),
        pytest.param({"line": b"GET /token HTTP/1.1"}, 405, id="405"),
        pytest.param({"length": b"", "body": b""}, 411, id="411"),
        pytest.param({"length": b"99999"}, 413, id="413"),
        pytest.param({"content_type": b"text/plain"}, 415, id="415"),
    ],
)
def test_every_answer_of_the_token_endpoint_is_json_and_not_for_caches(post, given, status):
    """RFC 6749 section 5.1; design section 5."""
    answer = post(**given)
    assert answer.status == status
    assert answer.json
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert "server" not in answer.headers
