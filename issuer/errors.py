"""The errors of the token endpoint: what the client is told, and what only the log hears.

``description`` is a constant sentence of ours within the character set of RFC 6749 section 5.2;
``detail`` says what really happened and never leaves the process except for its log. Neither ever
holds anything the client sent.
"""

from typing import ClassVar


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
        """Whose request it was, once that is proved; for the log."""


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


class TemporarilyUnavailable(AccessTokenException):
    """The fault is ours, and the client should keep what it has and come again."""

    error = "temporarily_unavailable"
    status = 503

    def __init__(self, description: str, *, detail: str = "", retry_after: int = 1) -> None:
        super().__init__(description, detail=detail)
        self.retry_after = retry_after
        """Seconds after which trying again makes sense."""


class UnvalidatedRequest(OAuth2Exception):
    """A response was asked for without a validated request: a mistake of the calling code."""
