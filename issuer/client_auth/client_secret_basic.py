"""``client_secret_basic``: the secret in the Authorization header (RFC 6749 section 2.3.1)."""

import binascii

from issuer.client_auth.credentials import Credentials
from issuer.errors import InvalidClient, InvalidRequest
from issuer.protocol.form import decode
from issuer.protocol.request import TokenRequest


def read(request: TokenRequest) -> Credentials | None:
    """The credentials of the Authorization header, if there is one.

    Raises:
        InvalidClient: it is of another scheme or malformed.
        InvalidRequest: the body names another client.
    """
    header = request.headers.get("authorization")
    if header is None:
        return None
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        raise _malformed()
    credentials = _decode(encoded)
    named = request.form.get("client_id")
    if named is not None and named != credentials.client_id:
        raise InvalidRequest("The header and the body name different clients.")
    return credentials


def _decode(encoded: str) -> Credentials:
    try:
        pair = binascii.a2b_base64(encoded, strict_mode=True).decode()
        client_id, colon, secret = pair.partition(":")
        # Both halves were form-encoded before they were joined.
        credentials = Credentials(decode(client_id), decode(secret))
    except (ValueError, binascii.Error):
        raise _malformed() from None
    if not colon or not credentials.client_id:
        raise _malformed()
    return credentials


def _malformed() -> InvalidClient:
    return InvalidClient("Client authentication failed.", detail="malformed Authorization header")
