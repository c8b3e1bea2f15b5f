"""The errors of OAuth: what the client is told, and what only the log hears.

``description`` is a constant sentence of ours within the character set of RFC 6749 section 5.2;
``detail`` says what really happened and never leaves the process except for its log. Neither ever
holds anything the client sent.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from issuer.protocol.throttling import Guess


class OAuth2Exception(Exception):
    """The root of everything this package raises about OAuth."""


class AccessTokenException(OAuth2Exception):
    """A request that gets no token (RFC 6749 section 5.2)."""

    error: ClassVar[str] = "invalid_request"
    status: ClassVar[int] = 400

    def __init__(self, description: str, *, detail: str = "") -> None:
        super().__init__(description)
        self.description = description
        self.detail = detail or description
        self.client_id = ""
        """The registered client that the request is of, or says it is of; for the log."""
        self.guess: Guess | None = None
        """The secret or password that was wrong, where one was; wrong guesses are counted."""


@contextmanager
def naming(client_id: str) -> Iterator[None]:
    """Has whatever is refused within say whose request it was."""
    try:
        yield
    except AccessTokenException as error:
        error.client_id = error.client_id or client_id
        raise


class InvalidRequest(AccessTokenException):
    """A parameter is missing, malformed, or there more than once."""

    error = "invalid_request"


class LengthRequired(InvalidRequest):
    """The body does not say how long it is (RFC 9110 section 15.5.12)."""

    status = 411


class RequestTooLarge(InvalidRequest):
    """The body is longer than any token request (RFC 9110 section 15.5.14)."""

    status = 413


class UnsupportedMediaType(InvalidRequest):
    """The body is not a form, or not one in UTF-8 (RFC 9110 section 15.5.16)."""

    status = 415


class InvalidClient(AccessTokenException):
    """Client authentication failed; which half of it did is not said."""

    error = "invalid_client"
    status = 401


class InvalidGrant(AccessTokenException):
    """The code, refresh token or password is wrong, expired, spent, or another client's."""

    error = "invalid_grant"


class InvalidDPoPProof(AccessTokenException):
    """The DPoP proof is not valid for this request, or is missing (RFC 9449 section 5)."""

    error = "invalid_dpop_proof"


class UseDPoPNonce(InvalidDPoPProof):
    """The DPoP proof lacks the nonce that ``DPoP-Nonce`` says (RFC 9449 section 8)."""

    error = "use_dpop_nonce"


class UnauthorizedClient(AccessTokenException):
    """The client is who it says, and may not use this grant."""

    error = "unauthorized_client"


class UnsupportedGrantType(AccessTokenException):
    """No grant has this name here."""

    error = "unsupported_grant_type"


class InvalidScope(AccessTokenException):
    """The scope is malformed, unknown, or more than was granted."""

    error = "invalid_scope"


class InvalidTarget(AccessTokenException):
    """The resource is unknown, or not one this client may have tokens for (RFC 8707 section 2)."""

    error = "invalid_target"


class InvalidRequestURI(AccessTokenException):
    """The request_uri is unknown, expired, used before, or another client's (RFC 9126)."""

    error = "invalid_request_uri"


class RequestURINotSupported(InvalidRequestURI):
    """The request_uri would have to be fetched, which none is (OpenID Connect Core 3.1.2.6)."""

    error = "request_uri_not_supported"


class InvalidRequestObject(AccessTokenException):
    """The request object is not one that its client signed for this issuer (RFC 9101 section 7)."""

    error = "invalid_request_object"


class RegistrationNotSupported(AccessTokenException):
    """The request describes its client (OpenID Connect Core section 3.1.2.6)."""

    error = "registration_not_supported"


class RequestNotSupported(AccessTokenException):
    """A request object of a client that has no keys (OpenID Connect Core section 3.1.2.6)."""

    error = "request_not_supported"


class UnsupportedResponseType(AccessTokenException):
    """Codes are all that the authorization endpoint answers with (RFC 6749 section 4.1.2.1)."""

    error = "unsupported_response_type"


class UnsupportedTokenType(AccessTokenException):
    """Tokens of this type cannot be revoked here (RFC 7009 section 2.2.1)."""

    error = "unsupported_token_type"


class AccessDenied(AccessTokenException):
    """The user said no (RFC 6749 section 4.1.2.1)."""

    error = "access_denied"


class LoginRequired(AccessTokenException):
    """Nobody is logged in, and ``prompt=none`` forbids asking (OpenID Connect Core 3.1.2.6)."""

    error = "login_required"


class UnmetAuthenticationRequirements(AccessTokenException):
    """The user logged in, but not as the client needs it (OpenID Connect Core Error Code
    unmet_authentication_requirements 1.0)."""

    error = "unmet_authentication_requirements"


class ConsentRequired(AccessTokenException):
    """The user has not agreed yet, and ``prompt=none`` forbids asking."""

    error = "consent_required"


class TemporarilyUnavailable(AccessTokenException):
    """The fault is ours, and the client should keep what it has and come again."""

    error = "temporarily_unavailable"
    status = 503

    def __init__(self, description: str, *, detail: str = "", retry_after: int = 1) -> None:
        super().__init__(description, detail=detail)
        self.retry_after = retry_after
        """Seconds after which trying again makes sense."""


class TooManyAttempts(TemporarilyUnavailable):
    """Too many secrets or passwords were wrong (RFC 6585 section 4): what follows is not looked at.

    RFC 6749 has no code for it. Of those that clients know, this is the one at which they keep
    what they have and come again, as ``Retry-After`` says; at ``invalid_grant`` they would throw
    it away.
    """

    status = 429


class AuthorizationPending(AccessTokenException):
    """The user has not decided yet; the device asks again (RFC 8628 section 3.5)."""

    error = "authorization_pending"


class SlowDown(AuthorizationPending):
    """The same, and the device asks too often: from now on it waits five seconds longer."""

    error = "slow_down"


class ExpiredToken(AccessTokenException):
    """The device_code has expired, and the device may begin anew (RFC 8628 section 3.5)."""

    error = "expired_token"


class TooManyDevices(TooManyAttempts):
    """Too many logins of devices are open that this one or its client began."""

    error = "slow_down"


class UnvalidatedRequest(OAuth2Exception):
    """A response was asked for without a validated request: a mistake of the calling code."""
