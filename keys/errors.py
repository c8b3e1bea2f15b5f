"""Why a request gets no access: what its sender is told, and what only the log hears."""

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import ClassVar

RETRY_AFTER = 5
"""Seconds after which a request that met no keys may be sent again."""

SCOPE_TOKEN = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")  # RFC 6749 section 3.3


class AccessRefused(Exception):
    """The request gets no access. ``str()`` of it is for its sender; ``detail`` is for the log."""

    status: ClassVar[int]
    """The HTTP status of the answer."""
    error: ClassVar[str]
    """The error code of the answer."""
    message: ClassVar[str]

    def __init__(self, detail: str) -> None:
        super().__init__(self.message)
        self.detail = detail

    @property
    def headers(self) -> Mapping[str, str]:
        """The header fields of the answer."""
        return MappingProxyType({})


class Challenged(AccessRefused):
    """A refusal that says what would be accepted (RFC 6750 section 3, RFC 9449 section 7.1).

    Where MAC credentials were shown, that is ``MAC`` with an error for people to read: there are
    no codes for it (draft-ietf-oauth-v2-http-mac-01 section 4).
    """

    scheme: str = "Bearer"
    """The authentication scheme of the challenge: ``Bearer``, ``DPoP`` or ``MAC``."""
    algs: str = ""
    """The algorithms that a proof may be signed with, with blanks between."""
    others: tuple[str, ...] = ()
    """The challenges of the other schemes that are accepted."""
    nonce: str = ""
    """What the next DPoP proof is to have; empty where no nonces are asked for."""
    resource_metadata: str = ""
    """The URL of what the resource server says of itself (RFC 9728 section 5.1); empty if none."""
    scope: str = ""
    """What a token should be asked for, with blanks between; empty where that is not known."""

    def __init__(self, detail: str, *, realm: str = "") -> None:
        super().__init__(detail)
        self.realm = realm
        """The audience, where there were no credentials: nobody committed a fault then."""

    @property
    def challenge(self) -> str:
        """The challenge of the scheme that was shown."""
        if self.realm:
            said = f'realm="{self.realm}"'
        elif self.scheme == "MAC":
            said = f'error="{self.message}"'
        else:
            said = f'error="{self.error}", error_description="{self.message}"'
        algs = f', algs="{self.algs}"' if self.algs else ""
        return f"{self.scheme} {said}{algs}{self.guidance}"

    @property
    def guidance(self) -> str:
        """What a challenge says besides: where the metadata are, and what to ask for."""
        said = {"resource_metadata": self.resource_metadata, "scope": self.scope}
        return "".join(f', {name}="{value}"' for name, value in said.items() if value)

    @property
    def challenges(self) -> tuple[str, ...]:
        """The values of ``WWW-Authenticate``, one for each scheme (RFC 9110 section 11.6.1)."""
        return (self.challenge, *self.others)

    @property
    def headers(self) -> Mapping[str, str]:
        """``WWW-Authenticate``, and ``DPoP-Nonce`` where nonces are asked for."""
        nonce = {"DPoP-Nonce": self.nonce} if self.nonce else {}
        return MappingProxyType({"WWW-Authenticate": ", ".join(self.challenges), **nonce})


class InvalidToken(Challenged):
    """There is no token, or it is not valid here and now."""

    status = 401
    error = "invalid_token"
    message = "The access token is not valid here, or has expired."


class MissingToken(InvalidToken):
    """The request has no token: it is told the schemes, for whose tokens, and no error."""

    message = "An access token is needed."


class InvalidDPoPProof(Challenged):
    """The token beside it is valid, but not the proof of who holds its key (RFC 9449 section 7)."""

    status = 401
    error = "invalid_dpop_proof"
    message = "A valid DPoP proof of this request and its access token is needed."
    scheme = "DPoP"


class UseDPoPNonce(InvalidDPoPProof):
    """The proof is valid, but for the nonce that is asked for (RFC 9449 section 9)."""

    error = "use_dpop_nonce"
    message = "The DPoP proof needs the nonce in the field DPoP-Nonce."


class InvalidMac(Challenged):
    """The request is not signed with the key of a valid token, or not here and now."""

    status = 401
    error = "invalid_token"
    message = "The MAC credentials are not valid here, or have expired."
    scheme = "MAC"


class WrongMac(InvalidMac):
    """The MAC is not that of this request: its sender is told no more than of any other fault."""


class MissingMac(InvalidMac):
    """The request has no MAC credentials: it is told the scheme, for whose tokens, and no error."""

    message = "MAC credentials are needed."


class InsufficientScope(Challenged):
    """The token is valid but was not granted all of ``scope``."""

    status = 403
    error = "insufficient_scope"
    message = "The access token was not granted what this needs."

    def __init__(
        self,
        required: Iterable[str],
        granted: Iterable[str],
        scheme: str = "Bearer",
        resource_metadata: str = "",
    ) -> None:
        self.scheme = scheme
        self.resource_metadata = resource_metadata
        self.scope = " ".join(sorted(required))
        if not all(SCOPE_TOKEN.fullmatch(each) for each in self.scope.split(" ")):
            raise ValueError("a required scope is no scope")
        super().__init__(f"needs {self.scope}, has {' '.join(sorted(granted)) or 'nothing'}")


class Unavailable(AccessRefused):
    """Nobody can say whether the request is good: it may be sent again, with the same token."""

    status = 503
    error = "temporarily_unavailable"

    def __init__(self, detail: str, *, retry_after: int = RETRY_AFTER) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
        """Seconds."""

    @property
    def headers(self) -> Mapping[str, str]:
        """``Retry-After``."""
        return MappingProxyType({"Retry-After": str(self.retry_after)})


class KeysUnavailable(Unavailable):
    """No token can be judged: the issuer's keys were never fetched, or too long ago."""

    message = "Access tokens cannot be verified at the moment."


class RevocationsUnavailable(Unavailable):
    """A token may have been revoked: what the issuer revoked was never heard, or too long ago."""

    message = "Access tokens cannot be verified at the moment."


class ReplaysUnavailable(Unavailable):
    """It cannot be known, or not be remembered, whether a signed request came before."""

    message = "Signed requests cannot be verified at the moment."
