"""Where a request comes from: RFC 9700 section 4.13, security B25."""

import pytest

from issuer.registry.address import of_client
from keys.peers import UNIX, parse

PROXIES = ("10.0.0.7", "10.1.0.0/16", "fd00::/8")


@pytest.mark.parametrize(
    ("peer", "headers", "address"),
    [
        pytest.param("10.0.0.7", ["192.0.2.1"], "192.0.2.1", id="what a proxy says"),
        pytest.param("10.0.0.8", ["192.0.2.1"], "10.0.0.8", id="what its neighbour says"),
        pytest.param("192.0.2.9", ["192.0.2.1"], "192.0.2.9", id="what anybody says"),
        pytest.param("10.0.0.7", [], "10.0.0.7", id="a proxy that says nothing"),
        pytest.param("10.0.0.7", [""], "10.0.0.7", id="a proxy that says an empty list"),
        pytest.param("10.0.0.7", ["unknown"], "10.0.0.7", id="a proxy that does not know"),
        pytest.param("10.0.0.7", ["192.0.2.1, unknown"], "10.0.0.7", id="nor what is left of it"),
        pytest.param("10.0.0.7", ["6.6.6.6, 192.0.2.1"], "192.0.2.1", id="what a client made up"),
        pytest.param(
            "10.0.0.7", ["10.1.0.1, 192.0.2.1"], "192.0.2.1", id="made up to look like a proxy"
        ),
        pytest.param("10.0.0.7", ["6.6.6.6, 192.0.2.1, 10.1.2.3"], "192.0.2.1", id="two proxies"),
        pytest.param(
            "10.0.0.7", ["6.6.6.6", "192.0.2.1", "10.1.2.3"], "192.0.2.1", id="in three headers"
        ),
        pytest.param("10.0.0.7", ["10.1.0.1, 10.1.0.2"], "10.1.0.1", id="all of them are proxies"),
        pytest.param("10.0.0.7", ["192.0.2.1:4711"], "192.0.2.1", id="with a port"),
        pytest.param("10.0.0.7", ["2001:DB8::1"], "2001:db8::1", id="IPv6"),
        pytest.param("10.0.0.7", ["[2001:db8::1]"], "2001:db8::1", id="IPv6 in brackets"),
        pytest.param("10.0.0.7", ["[2001:db8::1]:443"], "2001:db8::1", id="IPv6 with a port"),
        pytest.param("10.0.0.7", ["fe80::1%eth0"], "fe80::1", id="IPv6 with a zone"),
        pytest.param("10.0.0.7", ["::ffff:192.0.2.1"], "192.0.2.1", id="IPv4 as IPv6"),
        pytest.param("10.0.0.7", ["\t192.0.2.1 ,10.1.2.3\t"], "192.0.2.1", id="with blanks"),
        pytest.param("10.0.0.7", ["192.0.2.1,"], "10.0.0.7", id="with nothing at the end"),
        pytest.param("10.0.0.7", ["192.0.2.256"], "10.0.0.7", id="no address"),
        pytest.param("10.0.0.7", ["[2001:db8::1"], "2001:db8::1", id="half a bracket"),
        pytest.param("10.0.0.7", ["x" * 30_000], "10.0.0.7", id="a long one"),
        pytest.param("::ffff:10.0.0.7", ["192.0.2.1"], "192.0.2.1", id="a socket that takes both"),
        pytest.param("::ffff:192.0.2.9", ["192.0.2.1"], "192.0.2.9", id="anybody at such a one"),
        pytest.param("fd12::1", ["192.0.2.1"], "192.0.2.1", id="an IPv6 proxy"),
        pytest.param("", ["192.0.2.1"], "", id="a unix socket that nobody trusts"),
    ],
)
def test_x_forwarded_for_is_believed_from_the_right_while_proxies_wrote_it(peer, headers, address):
    assert of_client(peer, tuple(headers), PROXIES) == address


def test_a_unix_socket_is_believed_where_the_registry_says_so():
    assert of_client("", ("192.0.2.1",), (UNIX,)) == "192.0.2.1"
    assert of_client("192.0.2.9", ("192.0.2.1",), (UNIX,)) == "192.0.2.9"
    assert of_client("", (), (UNIX,)) == ""


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "1.2.3.4/8", "::1::", "01.2.3.4", "1" * 65])
def test_what_is_no_address_is_none(text):
    assert parse(text) is None
