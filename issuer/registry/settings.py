"""The ``[issuer]`` table: what the issuer says of itself."""

from typing import Annotated, Literal

from pydantic import AfterValidator, JsonValue, StrictBool
from pydantic.dataclasses import dataclass

from issuer.registry import web_url
from issuer.registry.address import Networks, TrustedProxies
from issuer.registry.client_certificates import Authorities, HeaderName
from issuer.registry.record import (
    CODE_LIFETIME_WITHOUT_STORE,
    DEFAULT_CODE_LIFETIME,
    STRICT,
    AccessTokenLifetime,
    AuthorizationCodeLifetime,
    Identifier,
    Instant,
    Profile,
    RefreshTokenGrace,
    RefreshTokenIdleLifetime,
    RefreshTokenLifetime,
    SessionLifetime,
    Text,
    distinct,
)
from keys.jwks import Keys, read_jwks

NO_STORE = "none"


def _check_url(url: str) -> str:
    parts = web_url.split(url)
    if not parts.hostname or "@" in parts.netloc or "?" in url or "#" in url:
        raise ValueError("must be a URL without user information, query or fragment (RFC 8414)")
    if url.endswith("/") or not url.isascii() or not url.isprintable() or " " in url:
        raise ValueError("must be ASCII and must not end in a slash: clients compare it exactly")
    return url


def _check_class(name: str) -> str:
    if " " in name:
        raise ValueError("must have no blanks: clients list what they want with blanks between")
    return name


AuthenticationClass = Annotated[Identifier, AfterValidator(_check_class)]
"""An ``acr`` (OpenID Connect Core section 2)."""


def _check_login_url(url: str) -> str:
    if "?" in url:
        raise ValueError("must have no query: the challenge is put there")
    return _check_url(url.removesuffix("/")) and url


def _check_login_jwks(jwks: dict[str, JsonValue]) -> dict[str, JsonValue]:
    try:
        keys = read_jwks(jwks)
    except ValueError as error:
        raise ValueError(f"must be a JWKS: {error}") from None
    if len(keys) != len(jwks["keys"]):  # type: ignore[arg-type]  # read_jwks saw an array
        raise ValueError(
            "each key must be public and have kid, alg (ES256, RS256, PS256, EdDSA) and its numbers"
        )
    if not keys:
        raise ValueError("must have a key")
    return jwks


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Settings:
    """What holds for every client and resource that does not say otherwise."""

    url: Annotated[str, AfterValidator(_check_url)]
    """The issuer identifier: the ``iss`` of every token (RFC 8414 section 2)."""
    access_token_lifetime: AccessTokenLifetime = 600
    """Seconds."""
    refresh_token_lifetime: RefreshTokenLifetime = 2_592_000
    """Seconds from the user's authorization; refreshing never extends it."""
    refresh_token_idle_lifetime: RefreshTokenIdleLifetime | None = None
    """Seconds for which a refresh token may lie unused, for clients that do not say it; no bound if
    left out. It holds for tokens that are made from then on."""
    refresh_token_grace: RefreshTokenGrace = 10
    """Seconds after its use in which a refresh token that rotates yields the same successor again:
    for an answer that got lost, and for tabs that refresh at once. Later use ends the grant. 0 is
    strict, and then one lost answer ends it."""
    profile: Profile | None = None
    """fapi2 holds every client to the FAPI 2.0 Security Profile."""
    authorization_code_lifetime: AuthorizationCodeLifetime = 0
    """Seconds; where it is left out 60, or 25 without a replay_store."""
    replay_store: str = NO_STORE
    """Where what may be used once is remembered: ``none``, or ``sqlite:`` and a file's path."""
    not_before: Instant | None = None
    """Codes and refresh tokens issued earlier are refused, whoever's they are."""
    blocked_subjects: Annotated[tuple[Identifier, ...], AfterValidator(distinct)] = ()
    """Users by their ``sub``, in the registry or not, who are refused everywhere while they stand
    here: new logins, sessions, codes and refresh tokens."""
    trusted_proxies: TrustedProxies = ()
    """The proxies whose ``X-Forwarded-For`` is believed: IP addresses, networks, and ``unix:`` for
    whoever connects over a unix socket."""
    client_certificate_header: HeaderName | None = None
    """The header in which those proxies pass on the certificate of a client: Client-Cert (RFC
    9440), X-Forwarded-Client-Cert as Envoy writes it, or any other of PEM or base64, such as
    X-SSL-Client-Cert. From anybody else it is not looked at."""
    tls_client_certificates: StrictBool = False
    """True where gunicorn itself is where TLS ends, and asks for clients' certificates."""
    client_certificate_authorities: Authorities | None = None
    """The certificates of those who vouch for the clients of tls_client_auth, in PEM."""
    client_certificate_authorities_file: Text | None = None
    """The file where those are, beside the registry."""
    mtls_url: Annotated[str, AfterValidator(_check_url)] | None = None
    """Where else this issuer can be reached: there TLS asks for certificates, which it need not do
    where browsers come (RFC 8705 section 5)."""
    jwks_uri_networks: Networks = ()
    """Private networks, such as 10.0.0.0/8, in which clients publish their keys. A jwks_uri that
    leads anywhere private is not followed otherwise."""
    require_pushed_authorization_requests: StrictBool = False
    """True refuses every authorization request that was not pushed (RFC 9126 section 5)."""
    require_signed_request_object: StrictBool = False
    """True refuses every authorization request that its client did not sign (RFC 9101 10.5)."""
    dpop_nonce: Literal["none", "optional", "required"] = "optional"
    """Whether DPoP proofs have to have a nonce of ours, by which they are no older than it (RFC
    9449 section 8): ``optional`` offers one with each answer, and takes proofs without."""
    session_lifetime: SessionLifetime = 43_200
    """Seconds from logging in until the user has to do it again."""
    session_idle_lifetime: SessionLifetime = 3_600
    """Seconds without a visit after which the user has to log in again."""
    acr_values_supported: Annotated[tuple[AuthenticationClass, ...], AfterValidator(distinct)] = ()
    """The classes of assurance that logins here reach, as clients know them: of the login page, the
    first. Without any, the login page says none, and the login application what it likes."""
    login_url: Annotated[str, AfterValidator(_check_login_url)] | None = None
    """The team's own login application, in place of the login page."""
    login_jwks: Annotated[dict[str, JsonValue], AfterValidator(_check_login_jwks)] | None = None
    """The public keys with which the login application signs who is there (RFC 7517)."""

    def __post_init__(self) -> None:
        """Fills in ``authorization_code_lifetime``."""
        if not self.authorization_code_lifetime:
            lifetime = DEFAULT_CODE_LIFETIME if self.has_store else CODE_LIFETIME_WITHOUT_STORE
            object.__setattr__(self, "authorization_code_lifetime", lifetime)

    @property
    def takes_certificates(self) -> bool:
        """True where it can be known by which certificate a client connects."""
        return self.client_certificate_header is not None or self.tls_client_certificates

    @property
    def has_store(self) -> bool:
        """True where something remembers what was used once."""
        return self.replay_store != NO_STORE

    @property
    def login_keys(self) -> Keys:
        """The keys of the login application by their ``kid``."""
        return read_jwks(self.login_jwks or {"keys": []})
