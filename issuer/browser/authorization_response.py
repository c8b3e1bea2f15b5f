"""What the browser carries back to the client (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import urlencode

from issuer.browser.authorization_request import ResponseMode
from issuer.errors import AccessTokenException


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """A client's redirect URI that the registry knows, and how it wants to be answered."""

    redirect_uri: str
    issuer: str
    state: str | None = None
    response_mode: ResponseMode = ResponseMode.QUERY


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorizationResponse:
    """An answer on its way to the client."""

    redirect_uri: str
    response_mode: ResponseMode
    parameters: Mapping[str, str] = field(repr=False)

    @property
    def location(self) -> str:
        """The redirect URI with the answer in its query."""
        # RFC 9700 section 4.1.3 would let it end in "#", so that no fragment is inherited. Authlib
        # takes any URL with one for an answer of the implicit grant, and finds no token.
        # The registry took neither fragments nor blanks, and urlencode lets no line end through.
        joint = "&" if "?" in self.redirect_uri else "?"
        return f"{self.redirect_uri}{joint}{urlencode(self.parameters)}"


def success(recipient: Recipient, code: str) -> AuthorizationResponse:
    """The answer that brings a code."""
    return _answer(recipient, {"code": code})


def refusal(recipient: Recipient, error: AccessTokenException) -> AuthorizationResponse:
    """The answer that says why there is none, in constant sentences."""
    return _answer(recipient, {"error": error.error, "error_description": error.description})


def _answer(recipient: Recipient, said: dict[str, str]) -> AuthorizationResponse:
    state = {} if recipient.state is None else {"state": recipient.state}
    return AuthorizationResponse(
        redirect_uri=recipient.redirect_uri,
        response_mode=recipient.response_mode,
        # The issuer says who answers, so that no client takes one server's code to another.
        parameters=MappingProxyType({**said, **state, "iss": recipient.issuer}),
    )
