"""Who connects: addresses, and the proxies that are believed about who connects to them."""

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

UNIX = "unix:"
"""Whoever connects over a unix socket, as nginx spells it too."""

LONGEST = 64
"""Characters; an address with its zone and port has fewer."""

_NAT64 = IPv6Network("64:ff9b::/96")  # an IPv4 address, as IPv6 sees it (RFC 6052 section 2.1)


def parse(text: str) -> IPv4Address | IPv6Address | None:
    """The address that ``text`` is; an IPv4 address however IPv6 writes it; None if it is none."""
    try:
        parsed = ip_address(text.partition("%")[0]) if len(text) <= LONGEST else None
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address):
        if parsed in _NAT64:
            return IPv4Address(int(parsed) & 0xFFFF_FFFF)
        return parsed.ipv4_mapped or parsed
    return parsed


@lru_cache(maxsize=4096)  # the same peers come again
def is_trusted(address: str, trusted_proxies: tuple[str, ...]) -> bool:
    """True where ``address``, which is empty over a unix socket, is one of ``trusted_proxies``."""
    parsed = parse(address)
    if parsed is None:
        return not address and UNIX in trusted_proxies
    return any(parsed in network for network in _networks(trusted_proxies))


def check_proxy(text: str) -> str:
    """``text``, if it is a proxy or a network of such. Raises ``ValueError``."""
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


@lru_cache(maxsize=4)
def _networks(trusted_proxies: tuple[str, ...]) -> Sequence[IPv4Network | IPv6Network]:
    return [ip_network(each) for each in trusted_proxies if each != UNIX]
