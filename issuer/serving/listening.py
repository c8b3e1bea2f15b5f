"""On which addresses the issuer listens."""

import socket

LOOPBACK = "127.0.0.1:8000"
"""Where it listens unless it is told a port: nobody else's to reach."""

EVERY_IPV4, EVERY_IPV6 = "0.0.0.0:{}", "[::]:{}"


def addresses(port: str | None) -> list[str]:
    """What to bind: all addresses where there is a ``port``, over IPv6 and IPv4 alike.

    One socket takes both wherever the system says so, as nearly all do; where it keeps them apart
    there are two, which then do not collide. Without IPv6 there is IPv4 alone.
    """
    if not port:
        return [LOOPBACK]
    shared = _takes_both()
    if shared is None:
        return [EVERY_IPV4.format(port)]
    if shared:
        return [EVERY_IPV6.format(port)]
    return [EVERY_IPV4.format(port), EVERY_IPV6.format(port)]


def _takes_both() -> bool | None:
    """Whether a socket for every IPv6 address takes IPv4 too; None where there can be no such."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::", 0))
            return not probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    except OSError:
        return None
