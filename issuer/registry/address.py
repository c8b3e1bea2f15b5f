"""The addresses of clients, and of the proxies that are believed about them."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Annotated

from pydantic import AfterValidator, Field

from issuer.registry.record import distinct

UNIX = "unix:"
"""Whoever connects over a unix socket, as nginx spells it too."""

_NAT64 = IPv6Network("64:ff9b::/96")  # an IPv4 address, as IPv6 sees it (RFC 6052 section 2.1)
_LONGEST = 64  # characters; an address with its zone and port has fewer


def parse(text: str) -> IPv4Address | IPv6Address | None:
    """The address that ``text`` is; an IPv4 address however IPv6 writes it; None if it is none."""
    try:
        parsed = ip_address(text.partition("%")[0]) if len(text) <= _LONGEST else None
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        if parsed in _NAT64:
            return IPv4Address(int(parsed) & 0xFFFF_FFFF)
        return parsed.ipv4_mapped or parsed
    return parsed


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


@lru_cache(maxsize=4096)
def is_trusted(address: str, trusted_proxies: tuple[str, ...]) -> bool:
    """True where ``address``, which is empty over a unix socket, is one of ``trusted_proxies``."""
    parsed = parse(address)
    if parsed is None:
        return not address and UNIX in trusted_proxies
    return any(parsed in network for network in _networks(trusted_proxies))


@lru_cache(maxsize=4)
def _networks(trusted_proxies: tuple[str, ...]) -> Sequence[IPv4Network | IPv6Network]:
    return [ip_network(each) for each in trusted_proxies if each != UNIX]


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


def _check_proxy(text: str) -> str:
    if text == UNIX:
        return text
    try:
        network = ip_network(text)
    except ValueError:
        raise ValueError(
            'must be an IP address or a network, such as 10.0.0.7 or "fd00::/8" without bits '
            f'behind the prefix, or "{UNIX}" for a unix socket'
        ) from None
    if network.prefixlen == 0:
        raise ValueError("must not be everybody: then everybody says who they are")
    if isinstance(network, IPv6Network) and network.network_address.ipv4_mapped:
        raise ValueError("must be written as IPv4")
    return text


TrustedProxies = Annotated[
    tuple[Annotated[str, Field(max_length=_LONGEST), AfterValidator(_check_proxy)], ...],
    AfterValidator(distinct),
]
