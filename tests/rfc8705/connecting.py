"""Requests by whoever connects with a certificate."""

from msgspec.structs import replace

from issuer.protocol.request import TokenRequest
from tests.rfc8705.certificates import BILLING, Certified


def by(found: Certified | None, request: TokenRequest, *chain: Certified) -> TokenRequest:
    """``request`` over a connection that was proved by a certificate, or by none."""
    certificate = None if found is None else found.der
    return replace(request, certificate=certificate, chain=tuple(each.der for each in chain))


def by_billing(request: TokenRequest) -> TokenRequest:
    """``request`` over a connection with the certificate of billing."""
    return by(BILLING, request)
