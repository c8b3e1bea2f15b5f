"""What a client asks a user for, as it was sent (RFC 6749 section 4.1.1).

Reading it needs no registry: whether this client may ask for this is for ``authorize`` to say.
"""

import re
from enum import StrEnum

import msgspec

from issuer.browser import claims_request
from issuer.browser.claims_request import ClaimsRequest
from issuer.errors import InvalidRequest, RegistrationNotSupported, UnsupportedResponseType
from issuer.protocol.form import Form

_MAX_AGE = re.compile(r"[0-9]{1,9}")
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}")  # SHA-256, in base64url


class ResponseMode(StrEnum):
    """How the answer travels through the browser, and whether as one JWT (JARM section 2.3)."""

    QUERY = "query"
    FORM_POST = "form_post"
    JWT = "jwt"
    """What JARM has for a code if nothing more is said: ``QUERY_JWT``."""
    QUERY_JWT = "query.jwt"
    FORM_POST_JWT = "form_post.jwt"

    @property
    def is_posted(self) -> bool:
        """True where a form carries it, and no URL."""
        return self.startswith("form_post")

    @property
    def is_signed(self) -> bool:
        """True where it is a JWT that the issuer signs."""
        return self.endswith("jwt")


_MODES = f"{', '.join((*ResponseMode,)[:-1])} or {(*ResponseMode,)[-1]}"


class Prompt(StrEnum):
    """What the user must, or must not, be asked (OpenID Connect Core section 3.1.2.1)."""

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"


_LOG_IN_ANEW = frozenset({Prompt.LOGIN, Prompt.SELECT_ACCOUNT})


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device that waits for the answer, in place of a redirect_uri (RFC 8628)."""

    id: str
    """That of its ``DeviceCode``."""
    user_code: str
    confirmed_in: str
    """The id of the session in which somebody said that it is theirs. Nobody else is asked for it:
    a link to the pages behind that one would spare a victim the question (RFC 8628 section 5.4)."""
    expires_at: int


class AuthorizationRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a client asks a user for (RFC 6749 section 4.1.1, RFC 7636, RFC 8707, OIDC Core)."""

    client_id: str
    redirect_uri: str | None = None
    """May be left out by a client with exactly one."""
    scope: str | None = None
    resource: tuple[str, ...] = ()
    code_challenge: str | None = None
    code_challenge_method: str | None = None
    state: str | None = None
    response_mode: ResponseMode = ResponseMode.QUERY
    nonce: str | None = None
    prompt: frozenset[Prompt] = frozenset()
    max_age: int | None = None
    """Seconds since the user logged in that the client accepts."""
    login_hint: str | None = None
    ui_locales: str | None = None
    acr_values: str | None = None
    id_token_hint: str | None = None
    claims: ClaimsRequest | None = None
    """What it wants to be told by name; it goes with ``openid`` alone."""
    dpop_jkt: str | None = None
    """The thumbprint of the key that the code has to be redeemed with (RFC 9449 section 10)."""
    device: Device | None = None
    """Where the answer goes to a device, and not through the browser."""

    @property
    def wants_new_login(self) -> bool:
        """True where no login of before will do. A max_age of 0 says the same as prompt=login."""
        return bool(self.prompt & _LOG_IN_ANEW) or self.max_age == 0


def response_mode(form: Form) -> ResponseMode:
    """How the answer to ``form`` is to travel.

    Raises:
        InvalidRequest: in a way that is not offered. A fragment never reaches the server it is for.
    """
    try:
        return ResponseMode(form.get("response_mode") or ResponseMode.QUERY)
    except ValueError:
        raise InvalidRequest(f"The response_mode must be {_MODES}.") from None


def read(form: Form) -> AuthorizationRequest:
    """The request that ``form`` spells.

    Raises:
        InvalidRequest: a parameter is missing, malformed, or too long.
        UnsupportedResponseType, RegistrationNotSupported: it asks for what is not offered.
    """
    if form.get("registration") is not None:
        raise RegistrationNotSupported("Clients are registered in the registry alone.")
    if form.require("response_type") != "code":
        raise UnsupportedResponseType("The response_type must be code.")
    return AuthorizationRequest(
        client_id=form.require("client_id"),
        redirect_uri=form.get("redirect_uri"),
        scope=form.get("scope"),
        resource=form.all("resource"),
        code_challenge=form.get("code_challenge"),
        code_challenge_method=form.get("code_challenge_method"),
        state=form.get("state"),
        response_mode=response_mode(form),
        nonce=form.get("nonce"),
        prompt=_prompt(form.get("prompt")),
        max_age=_max_age(form.get("max_age")),
        login_hint=form.get("login_hint"),
        ui_locales=form.get("ui_locales"),
        acr_values=form.get("acr_values"),
        id_token_hint=form.get("id_token_hint"),
        claims=claims_request.read(form.get("claims")),
        dpop_jkt=_dpop_jkt(form.get("dpop_jkt")),
    )


def _prompt(text: str | None) -> frozenset[Prompt]:
    try:
        prompt = frozenset(map(Prompt, (text or "").split()))
    except ValueError:
        raise InvalidRequest(
            "The prompt must be none, or of login, consent and select_account."
        ) from None
    if Prompt.NONE in prompt and len(prompt) > 1:
        raise InvalidRequest("The prompt none stands alone.")
    return prompt


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not _MAX_AGE.fullmatch(text):
        raise InvalidRequest("The max_age must be a number of seconds.")
    return int(text)


def _dpop_jkt(text: str | None) -> str | None:
    if text is not None and not _THUMBPRINT.fullmatch(text):
        raise InvalidRequest(
            "The dpop_jkt must be the SHA-256 thumbprint of a key, 43 characters of base64url."
        )
    return text
