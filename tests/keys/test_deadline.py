"""One deadline for a fetch: address, TLS, header and body, of one document or of two."""

import datetime
import ipaddress
import json
import socket
import ssl
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from keys.fetching import FetchFailed, fetch, fetch_jwks_of
from tests.keys import bad_issuers as they
from tests.keys.bad_issuers import JWKS, a_bad_issuer, answer, over_tls, path_of

SECONDS = 0.4
LATEST = 2.0
"""Without one deadline each of these would hold the fetch for twice as long at least."""

DRIPPING = [
    they.silent, they.drips_the_status, they.drips_a_header, they.drips_headers,
    they.goes_on_to_continue, they.drips_the_body, they.drips_a_body_without_an_end,
    they.drips_chunks, they.drips_the_size_of_a_chunk, they.drips_what_follows_the_chunks,
    they.drips_a_redirect,
]  # fmt: skip


@pytest.fixture(autouse=True)
def _in_less_time(monkeypatch):
    monkeypatch.setattr("keys.fetching.TIMEOUT", SECONDS)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1, with its key behind it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    path.touch(mode=0o600)
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    return path


@pytest.fixture
def tls(certificate, monkeypatch):
    """The server's side, and a client that trusts it."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def seconds_until_it_fails(get, *arguments) -> float:
    began = time.monotonic()
    with pytest.raises(FetchFailed):
        get(*arguments)
    return time.monotonic() - began


@pytest.mark.parametrize("behaves", DRIPPING)
def test_however_an_answer_drips_it_is_given_up_in_time(behaves):
    with a_bad_issuer(behaves) as issuer:
        assert seconds_until_it_fails(fetch, issuer.jwks_uri) < LATEST
        issuer.behaves = they.healthy
        assert fetch(issuer.jwks_uri).body == JWKS


@pytest.mark.parametrize("behaves", DRIPPING)
def test_metadata_that_drips_is_given_up_in_time(behaves):
    with a_bad_issuer(behaves) as issuer:
        assert seconds_until_it_fails(fetch_jwks_of, issuer.url) < LATEST
        issuer.behaves = they.healthy
        assert fetch_jwks_of(issuer.url).body == JWKS


def test_metadata_and_keys_share_one_deadline(monkeypatch):
    monkeypatch.setattr("keys.fetching.TIMEOUT", 1.0)

    def behave(issuer, connection):
        path = path_of(connection)
        if path == "/jwks":
            they.silent(issuer, connection)
        time.sleep(0.9)
        metadata = {"issuer": issuer.url, "jwks_uri": issuer.jwks_uri}
        answer(connection, json.dumps(metadata).encode())

    with a_bad_issuer(behave) as issuer:
        assert seconds_until_it_fails(fetch_jwks_of, issuer.url) < 1.5
        assert issuer.connections == 2


@pytest.mark.parametrize("behaves", [they.huge, they.huge_by_the_byte])
def test_what_is_too_large_is_given_up_before_it_is_read(behaves, monkeypatch):
    """J28."""
    monkeypatch.setattr("keys.fetching.TIMEOUT", 10)
    with a_bad_issuer(behaves) as issuer, pytest.raises(FetchFailed, match="larger than 262144"):
        fetch(issuer.jwks_uri)


@pytest.mark.parametrize("behaves", [they.redirects, they.empty, they.hangs_up, they.fails])
def test_an_issuer_that_answers_otherwise_is_believed_nothing(behaves):
    with a_bad_issuer(behaves) as issuer:
        try:
            assert fetch(issuer.jwks_uri).body == b""
        except FetchFailed:
            assert behaves is not they.empty
        assert issuer.connections == 1


# --- TLS ---


@pytest.mark.parametrize("behaves", [they.silent, they.drips_the_handshake, they.drips_records])
def test_a_handshake_that_drips_is_given_up_in_time(behaves):
    with a_bad_issuer(behaves) as issuer:
        https = issuer.jwks_uri.replace("http", "https")
        assert seconds_until_it_fails(fetch, https) < LATEST


@pytest.mark.parametrize("behaves", DRIPPING)
def test_what_drips_inside_tls_is_given_up_in_time(tls, behaves):
    with a_bad_issuer(over_tls(tls, behaves)) as issuer:
        https = issuer.jwks_uri.replace("http", "https")
        assert seconds_until_it_fails(fetch, https) < LATEST


def test_keys_come_over_tls_from_whom_the_certificate_names(tls, monkeypatch):
    monkeypatch.setattr("keys.fetching.TIMEOUT", 10)
    with a_bad_issuer(over_tls(tls, they.healthy)) as issuer:
        https = issuer.jwks_uri.replace("http", "https")
        assert fetch(https).body == JWKS
        with pytest.raises(FetchFailed, match="certificate"):
            fetch(https.replace("127.0.0.1", "localhost"))
        monkeypatch.delenv("SSL_CERT_FILE")
        with pytest.raises(FetchFailed, match="certificate"):
            fetch(https)


def test_a_proxy_that_drips_is_given_up_in_time(monkeypatch):
    with a_bad_issuer(they.drips_headers) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        assert seconds_until_it_fails(fetch, "https://issuer.example/jwks") < LATEST
        assert proxy.connections == 1


def test_a_proxy_leaves_the_handshake_what_is_left_of_the_time(monkeypatch):
    monkeypatch.setattr("keys.fetching.TIMEOUT", 1.0)

    def behave(issuer, connection):
        path_of(connection)
        time.sleep(0.9)
        connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        they.silent(issuer, connection)

    with a_bad_issuer(behave) as proxy:
        monkeypatch.setenv("https_proxy", proxy.url)
        monkeypatch.setenv("no_proxy", "")
        assert seconds_until_it_fails(fetch, "https://issuer.example/jwks") < 1.5


# --- several addresses ---


@pytest.fixture
def a_black_hole():
    """An address that takes no connection and refuses none: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = []
        for _ in range(4):
            waiting.append(socket.socket())
            waiting[-1].setblocking(False)
            waiting[-1].connect_ex(listener.getsockname())
        yield listener.getsockname()
        for each in waiting:
            each.close()


def resolve_to(monkeypatch, *addresses) -> None:
    """Whatever is asked for is at ``addresses``: a name server's part is played here."""
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", each) for each in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)


def test_many_addresses_that_are_silent_share_the_time(monkeypatch, a_black_hole):
    resolve_to(monkeypatch, *[a_black_hole] * 20)
    assert seconds_until_it_fails(fetch, "http://localhost:1/jwks") < LATEST


def test_an_address_that_is_silent_leaves_time_for_the_next(monkeypatch, a_black_hole):
    monkeypatch.setattr("keys.fetching.TIMEOUT", 2)
    with a_bad_issuer(they.healthy) as issuer:
        resolve_to(monkeypatch, a_black_hole, ("127.0.0.1", issuer.port))
        assert fetch("http://localhost:1/jwks").body == JWKS


def test_an_address_that_refuses_is_followed_by_the_next_at_once(monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        closed = listener.getsockname()
    with a_bad_issuer(they.healthy) as issuer:
        resolve_to(monkeypatch, closed, ("127.0.0.1", issuer.port))
        assert fetch("http://localhost:1/jwks").body == JWKS
        resolve_to(monkeypatch, closed, closed)
        assert seconds_until_it_fails(fetch, "http://localhost:1/jwks") < LATEST
