"""Proof Key for Code Exchange, S256 and nothing else (RFC 7636)."""

import hmac
import re
from hashlib import sha256

from issuer.errors import InvalidGrant, InvalidRequest
from keys.encoding import to_base64url

METHODS = ("S256",)
"""``plain`` is left out: it proves nothing to whoever saw the authorization request."""

_CODE_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
_CODE_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}")


def check_challenge(code_challenge: str, code_challenge_method: str | None) -> str:
    """The challenge, if it can be one (RFC 7636 section 4.3).

    Raises:
        InvalidRequest: the method is not S256 (left out, it would mean plain), or the challenge
            is not the base64url form of a SHA-256 hash.
    """
    if code_challenge_method not in METHODS:
        raise InvalidRequest("The code_challenge_method must be S256.")
    if not _CODE_CHALLENGE.fullmatch(code_challenge):
        raise InvalidRequest("The code_challenge is not the base64url form of a SHA-256 hash.")
    return code_challenge


def s256(code_verifier: str) -> str:
    """The challenge that ``code_verifier`` answers (RFC 7636 section 4.2)."""
    return to_base64url(sha256(code_verifier.encode()).digest())


def verify(code_challenge: str | None, code_verifier: str | None) -> None:
    """Returns where the verifier answers the challenge, or neither is there.

    Raises:
        InvalidGrant: the verifier is wrong or malformed, or only one of the two is there. A
            verifier without a challenge is refused too: somebody may have taken the challenge out
            of the authorization request (RFC 9700 section 4.8.2).
    """
    if code_challenge is None and code_verifier is None:
        return
    if code_challenge is None or code_verifier is None:
        raise refused("code_verifier without code_challenge, or the reverse")
    if not _CODE_VERIFIER.fullmatch(code_verifier):
        raise refused("malformed code_verifier")
    if not hmac.compare_digest(s256(code_verifier), code_challenge):
        raise refused("wrong code_verifier")


def refused(detail: str) -> InvalidGrant:
    """The one answer to every way in which PKCE can fail."""
    return InvalidGrant("The code_verifier does not answer the code_challenge.", detail=detail)
