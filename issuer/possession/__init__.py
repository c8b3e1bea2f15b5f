"""Possession: the key that a sender proves to hold, which its tokens are bound to then.

A row is a way to prove it. Most clients have none, and whoever bears their tokens can use them.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msgspec.structs import replace

from issuer.possession import dpop, mtls
from issuer.possession.possessed import Possessed
from issuer.protocol.request import AuthenticatedRequest, Response, TokenRequest
from issuer.server import AuthorizationServer

Prove = Callable[[AuthorizationServer, AuthenticatedRequest], Possessed | None]
"""None where the request proves nothing of this kind, and its client need not.

Raises ``AccessTokenException`` where the proof is not good, or missing.
"""

POSSESSION: Mapping[str, Prove] = MappingProxyType({"mtls": mtls.prove, "dpop": dpop.prove})
"""Certificates first: they count for those alone who registered that, while anybody may send a
proof."""


def bind(server: AuthorizationServer, authenticated: AuthenticatedRequest) -> AuthenticatedRequest:
    """``authenticated`` with the key that its sender proved to hold, if it did or had to.

    Of two keys the first row's counts.

    Raises:
        AccessTokenException: a proof is not good, or the client registered one and it is missing.
    """
    request = authenticated.request
    if not request.dpop and request.certificate is None and not authenticated.client.is_bound:
        return authenticated  # as for most
    found = (prove(server, authenticated) for prove in POSSESSION.values())
    possessed = next((each for each in found if each is not None), None)
    if possessed is None:
        return authenticated
    once = (*authenticated.once, *possessed.once)
    return replace(authenticated, binding=possessed.binding, once=once)


def answered(server: AuthorizationServer, request: TokenRequest, response: Response) -> Response:
    """``response`` with the nonce for the next proof, where ``request`` had one.

    Whatever the answer is: a client may have to come again (RFC 9449 section 8.2).
    """
    if not request.dpop:
        return response
    headers = dpop.nonce_headers(server, request.received_at)
    return replace(response, headers={**response.headers, **headers})
