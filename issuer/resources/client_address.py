"""Where a request comes from."""

from falcon.asgi import Request

from issuer.registry import address
from issuer.server import AuthorizationServer


def client_address(req: Request, server: AuthorizationServer) -> str:
    """The address of the client, as far as it can be believed; empty over a unix socket.

    What a header says counts from ``trusted_proxies`` alone. ``X-Forwarded-For`` is the one that is
    read: every proxy writes it, and of two headers one could say what the other denies.
    """
    peer: str = (req.scope.get("client") or ("",))[0]
    trusted = server.registry.issuer.trusted_proxies
    if not trusted:
        return peer.removeprefix("::ffff:")  # an IPv4 client of a socket that takes both
    forwarded_for = tuple(
        value.decode("latin-1")
        for name, value in req.scope["headers"]
        if name == b"x-forwarded-for"
    )
    return address.of_client(peer, forwarded_for, trusted)
