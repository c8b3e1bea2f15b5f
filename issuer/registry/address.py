"""The addresses of clients, and of the proxies that are believed about them."""

from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Annotated

from pydantic import AfterValidator, Field

from issuer.registry.record import distinct
from keys.peers import LONGEST, check_proxy, is_trusted, parse


@lru_cache(maxsize=4096)  # the same clients come again
def of_client(peer: str, forwarded_for: tuple[str, ...], trusted_proxies: tuple[str, ...]) -> str:
    """Where a request comes from, that ``peer`` sent with these ``X-Forwarded-For`` headers.

    They are read from the right, for as long as who wrote them is trusted: what stands further left
    may be anybody's invention (RFC 9700 section 4.13). ``peer`` is empty for a unix socket.
    """
    address = _written(parse(peer), peer)
    hops = ",".join(forwarded_for).split(",")
    while hops and is_trusted(address, trusted_proxies):
        hop = _hop(hops.pop())
        if hop is None:  # "unknown", or nothing: the proxy is all that is known
            return address
        address = str(hop)
    return address


def _hop(text: str) -> IPv4Address | IPv6Address | None:
    """An address as proxies write it: some add the port, and then IPv6 stands in brackets."""
    text = text.strip(" \t")
    if text.startswith("["):
        return parse(text[1:].partition("]")[0])
    if text.count(":") == 1:
        return parse(text.partition(":")[0])
    return parse(text)


def _written(parsed: IPv4Address | IPv6Address | None, otherwise: str) -> str:
    return otherwise if parsed is None else str(parsed)


def is_public(text: str) -> bool:
    """True where whoever is at the address ``text`` can be asked by anybody on the internet."""
    parsed = parse(text)
    if parsed is None or parsed.is_multicast or not parsed.is_global:
        return False
    # Tunnels, which end at an IPv4 address that is written within.
    return isinstance(parsed, IPv4Address) or not (parsed.sixtofour or parsed.teredo)


def _check_network(text: str) -> str:
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError(
            'must be an IP address or a network, such as 10.0.0.7 or "fd00::/8" without bits '
            "behind the prefix"
        ) from None
    if network.prefixlen == 0:
        raise ValueError("must not be everything: name the networks where clients are")
    return check_proxy(text)


TrustedProxies = Annotated[
    tuple[Annotated[str, Field(max_length=LONGEST), AfterValidator(check_proxy)], ...],
    AfterValidator(distinct),
]

Networks = Annotated[
    tuple[Annotated[str, Field(max_length=LONGEST), AfterValidator(_check_network)], ...],
    AfterValidator(distinct),
]
