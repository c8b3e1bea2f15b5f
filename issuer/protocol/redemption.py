"""How the tokens of a code are called and keyed: by the code and the audience, and nothing else.
And a refresh token that takes the place of another: by that one.

Redeeming a code again, where no store can refuse it, then yields the token that was there before,
byte for byte, and no two tokens have one ``jti`` (RFC 7519 section 4.1.7).
"""

import hmac
from hashlib import sha256

from issuer.protocol.binding import Binding
from issuer.protocol.device import DeviceCode
from issuer.protocol.sealed import AuthorizationCode, RefreshToken
from keys.encoding import to_base64url

_ID_BYTES = 16  # as a fresh_id has
_DOMAIN = "issuer/redemption/v1/"


def token_id(code: AuthorizationCode, audience: str, binding: Binding | None = None) -> str:
    """The ``jti`` of the token for ``audience``, which is another for each key that it is bound to.

    It tells nothing of the code's own id.
    """
    about = _about("jti", code, audience)
    if binding is not None:
        about += f"\0{binding.method}\0{binding.thumbprint}".encode()
    return to_base64url(sha256(about).digest()[:_ID_BYTES])


def grant_id(code: AuthorizationCode | DeviceCode) -> str:
    """The name of the grant that all that comes of ``code`` belongs to."""
    return to_base64url(sha256(f"{_DOMAIN}grant_id\0{code.id}".encode()).digest()[:_ID_BYTES])


def successor_id(held: RefreshToken) -> str:
    """The id of the one refresh token that ever takes the place of ``held``.

    It hangs on nothing else, so that even where a store lost what it knew, two that were made of
    one are one: whichever is used first, the other was used then.
    """
    named = f"{_DOMAIN}refresh_token\0{held.id}".encode()
    return to_base64url(sha256(named).digest()[:_ID_BYTES])


def mac_key(code: AuthorizationCode, audience: str) -> str:
    """The key of the mac token for ``audience``, which nobody makes who has not opened the code."""
    return to_base64url(hmac.digest(code.seed, _about("mac_key", code, audience), "sha256"))


def wrapping_secret(code: AuthorizationCode, audience: str) -> bytes:
    """Of what the mac token for ``audience`` encrypts its key with."""
    return hmac.digest(code.seed, _about("wrapping_secret", code, audience), "sha256")


def _about(purpose: str, code: AuthorizationCode, audience: str) -> bytes:
    # An id is base64url, so nothing after it can be taken for a part of it.
    return f"{_DOMAIN}{purpose}\0{code.id}\0{audience}".encode()
