"""A client of the registry, in the words of RFC 7591 section 2."""

import re
from dataclasses import field
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    InstanceOf,
    JsonValue,
    StrictBool,
    WithJsonSchema,
)
from pydantic.dataclasses import dataclass

from issuer.registry import client_keys, distinguished_name, origin, redirect_uri, san, secret
from issuer.registry.branding import Link, Logo
from issuer.registry.client_claims import check_claims
from issuer.registry.client_keys import MAX_KEYS, ClientKeys
from issuer.registry.exchange import Exchange
from issuer.registry.federated import Federated
from issuer.registry.record import (
    STRICT,
    AccessTokenLifetime,
    AuthorizationCodeLifetime,
    Identifier,
    Instant,
    Name,
    Names,
    Profile,
    RefreshTokenGrace,
    RefreshTokenIdleLifetime,
    RefreshTokenLifetime,
    ScopeText,
    Text,
)
from issuer.registry.scope import OPENID, Scope
from keys.algorithms import ALGORITHMS

ID_TOKEN_ALG = "RS256"
"""What signs ID tokens for whoever registered nothing else (OpenID Connect Registration 2)."""

DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"
"""The grant of devices without a browser (RFC 8628 section 3.4)."""


def _check_alg(alg: str) -> str:
    if alg not in ALGORITHMS:
        raise ValueError(f"must be one of {', '.join(ALGORITHMS)}")
    return alg


def _check_sector(sector: str) -> str:
    if not _HOST.fullmatch(sector):
        raise ValueError("must be a host in lower case, such as example.com")
    return sector


def _read_jwks(jwks: Any) -> ClientKeys:
    return jwks if isinstance(jwks, ClientKeys) else client_keys.examined(jwks)


def _check_jwks_uri(uri: str) -> str:
    if not redirect_uri.check_server(uri).startswith("https:"):
        raise ValueError("must be https: whoever answers there could speak for the client")
    return uri


_HOST = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")

RedirectURI = Annotated[str, AfterValidator(redirect_uri.check)]
SigningAlg = Annotated[
    str, AfterValidator(_check_alg), WithJsonSchema({"type": "string", "enum": [*ALGORITHMS]})
]
ServerURI = Annotated[str, AfterValidator(redirect_uri.check_server)]
JWKSURI = Annotated[str, AfterValidator(_check_jwks_uri)]
JWKS = Annotated[
    InstanceOf[ClientKeys],
    BeforeValidator(_read_jwks),
    WithJsonSchema(
        {
            "type": "object",
            "required": ["keys"],
            "properties": {
                "keys": {"type": "array", "items": {"type": "object"}, "maxItems": MAX_KEYS}
            },
        }
    ),
]
SubjectDN = Annotated[str, AfterValidator(distinguished_name.check)]
SanDNS = Annotated[str, AfterValidator(san.check_dns)]
SanURI = Annotated[str, AfterValidator(san.check_uri)]
SanIP = Annotated[str, AfterValidator(san.check_ip)]
SanEmail = Annotated[str, AfterValidator(san.check_email)]
Origin = Annotated[str, AfterValidator(origin.check)]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class ClientSecret:
    """One of a client's secrets, as a hash, with the time in which it is good."""

    hash: secret.SecretHash = field(repr=False)
    not_before: Instant | None = None
    expires_at: Instant | None = None

    def is_live(self, now: int) -> bool:
        """True from ``not_before`` until just before ``expires_at``."""
        return (self.not_before or 0) <= now and (self.expires_at is None or now < self.expires_at)


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Client:
    """A client: how it proves who it is, and what it may ask for."""

    client_id: Identifier
    application_type: Literal["web", "native"] = "web"
    """native for an application on people's own machines: it may have redirect URIs of
    http://localhost and of any scheme of its own (OpenID Connect Registration 2, RFC 8252)."""
    client_name: Text = ""
    client_uri: Link | None = None
    """Where people find it: the way back from a page that cannot go on."""
    logo_uri: Logo | None = None
    """Shown where it asks for consent."""
    policy_uri: Link | None = None
    """Its privacy policy."""
    tos_uri: Link | None = None
    """Its terms of service."""
    contacts: tuple[Text, ...] = ()
    token_endpoint_auth_method: Name = "client_secret_basic"
    client_secrets: tuple[ClientSecret, ...] = ()
    jwks: JWKS | None = None
    """The public keys that it signs with (RFC 7517)."""
    jwks_file: Text | None = None
    """The file where those are, beside the registry."""
    jwks_uri: JWKSURI | None = None
    """Where it publishes those, by https."""
    token_endpoint_auth_audience: Literal["issuer", "endpoint"] = "issuer"
    """endpoint lets its assertions name the token endpoint's URL, as clients do that are older than
    RFC 10070: by then, it is an audience that others could have got them for."""
    token_endpoint_auth_signing_alg: SigningAlg | None = None
    """What it signs its assertions by; whatever its keys are for, if left out (RFC 7591)."""
    federated: tuple[Federated, ...] = ()
    """Tokens that others issued to it, which are as good as an assertion that it signed."""
    exchanges: tuple[Exchange, ...] = ()
    """Tokens of others that it may exchange, and for which (RFC 8693)."""
    tls_client_auth_subject_dn: SubjectDN | None = None
    """The subject of its certificate, as RFC 4514 spells it (RFC 8705 section 2.1.2)."""
    tls_client_auth_san_dns: SanDNS | None = None
    """Or a DNS name of its certificate, in its subject alternative names; so for the next three."""
    tls_client_auth_san_uri: SanURI | None = None
    tls_client_auth_san_ip: SanIP | None = None
    tls_client_auth_san_email: SanEmail | None = None
    tls_client_certificate_bound_access_tokens: StrictBool = False
    """True binds its tokens to the certificate that it connects with (RFC 8705 section 3.4)."""
    dpop_bound_access_tokens: StrictBool = False
    """True refuses it tokens without a DPoP proof, to whose key they are bound (RFC 9449 5.2)."""
    grant_types: Names = ("authorization_code",)
    redirect_uris: tuple[RedirectURI, ...] = ()
    scope: ScopeText = field(default_factory=Scope)
    """What it may ask for, and what it gets where it asks for nothing."""
    resources: Names = ()
    """The audiences it may have tokens for; the first is the default."""
    require_pkce: StrictBool = True
    """False lets a confidential client that cannot do PKCE go without (RFC 7636)."""
    require_redirect_uri: StrictBool = False
    """True refuses a code without the redirect_uri that its authorization request had, PKCE or not
    (RFC 6749 section 4.1.3)."""
    require_pushed_authorization_requests: StrictBool = False
    """True refuses its authorization requests that were not pushed (RFC 9126 section 6)."""
    require_signed_request_object: StrictBool = False
    """True refuses its authorization requests that it did not sign (RFC 9101 section 10.5)."""
    request_object_signing_alg: SigningAlg | None = None
    """What it signs them by; whatever its keys are for, if left out."""
    authorization_signed_response_alg: SigningAlg | None = None
    """What signs the answers to its authorization requests, each of which has to ask for a signed
    one then. A client without it may ask, and gets RS256 or else what the ring prefers (JARM 3)."""
    profile: Profile | None = None
    """fapi2 holds it to the FAPI 2.0 Security Profile; the issuer's, if left out."""
    skip_consent: StrictBool = False
    """True for the team's own applications: the user is not asked."""
    prompt_consent: Literal["once", "always"] = "once"
    """always asks the user each time, whatever they agreed to before (RFC 6749 section 10.2)."""
    post_logout_redirect_uris: tuple[RedirectURI, ...] = ()
    """Where a user may be sent after logging out (OpenID Connect RP-Initiated Logout 1.0)."""
    backchannel_logout_uri: ServerURI | None = None
    """Where its server is told that a user logged out (OpenID Connect Back-Channel Logout 1.0)."""
    backchannel_logout_session_required: StrictBool = False
    """True where it needs the ``sid`` for that, which it is told in any case."""
    id_token_signed_response_alg: SigningAlg = ID_TOKEN_ALG
    """What its ID tokens are signed by; the key ring must have a key for it."""
    subject_type: Literal["public", "pairwise"] = "public"
    """pairwise has its tokens call each user by a ``sub`` that no client of another sector can
    match with its own (OpenID Connect Core section 8.1)."""
    sector_identifier: Annotated[Identifier, AfterValidator(_check_sector)] | None = None
    """The sector of a pairwise client: a host, such as example.com. That of its redirect URIs, if
    left out. It must never change: it is part of every such ``sub``."""
    userinfo_signed_response_alg: SigningAlg | None = None
    """What signs the answers of /userinfo to it, each a JWT then; JSON, if left out."""
    allowed_cors_origins: tuple[Origin, ...] = ()
    """From where its scripts in a browser may ask, such as https://app.example."""
    access_token_lifetime: AccessTokenLifetime | None = None
    """Seconds; the shorter of the client's and the resource's holds."""
    authorization_code_lifetime: AuthorizationCodeLifetime | None = None
    """Seconds."""
    refresh_token_lifetime: RefreshTokenLifetime | None = None
    """Seconds from the user's authorization."""
    refresh_token_idle_lifetime: RefreshTokenIdleLifetime | None = None
    """Seconds for which a refresh token may lie unused; the issuer's if left out. Each use gives
    one that ends later. A client that keeps its refresh token gets the same grant sealed again, and
    the older one stays good until its own end."""
    refresh_token_grace: RefreshTokenGrace | None = None
    """Seconds after its use in which a refresh token that rotates yields the same successor again;
    the issuer's if left out."""
    rotate_refresh_tokens: StrictBool = False
    """True gives it another refresh token at each use, as every public client gets. Who can keep a
    secret loses by it: one lost answer may end the grant (FAPI 2.0 section 5.3.2.1)."""
    not_before: Instant | None = None
    """Codes and refresh tokens issued earlier are refused."""
    claims: Annotated[dict[str, JsonValue], AfterValidator(check_claims)] = field(
        default_factory=dict[str, Any]
    )
    """Said in every access token of this client."""

    @property
    def name(self) -> str:
        """What people are told it is called."""
        return self.client_name or self.client_id

    @property
    def auth_method(self) -> str:
        """How it proves who it is, wherever it calls."""
        return self.token_endpoint_auth_method

    @property
    def is_public(self) -> bool:
        """True where it can keep no secret, and so proves nothing about itself."""
        return self.token_endpoint_auth_method == "none"

    @property
    def has_keys(self) -> bool:
        """True where it says which keys it signs with, or where they are."""
        return self.jwks is not None or self.jwks_file is not None or self.jwks_uri is not None

    @property
    def has_secret(self) -> bool:
        """True where it proves who it is by a secret that is shared with it."""
        return self.token_endpoint_auth_method.startswith("client_secret_")

    @property
    def signs_assertions(self) -> bool:
        """True where it proves who it is by what it signs."""
        return self.token_endpoint_auth_method == "private_key_jwt"

    @property
    def is_bound(self) -> bool:
        """True where its tokens are always bound to a key of its own."""
        return self.dpop_bound_access_tokens or self.tls_client_certificate_bound_access_tokens

    @property
    def can_be_imitated(self) -> bool:
        """True where whatever it proves itself by is on people's own machines (RFC 8252 8.5)."""
        return self.is_public or self.application_type == "native"

    @property
    def is_pairwise(self) -> bool:
        """True where its users have a ``sub`` for its sector alone."""
        return self.subject_type == "pairwise"

    @property
    def sector(self) -> str:
        """The clients with which it may know who is who; empty where nothing says that."""
        if self.sector_identifier is not None:
            return self.sector_identifier
        return redirect_uri.host(self.redirect_uris[0]) if self.redirect_uris else ""

    @property
    def is_relying_party(self) -> bool:
        """True where it may ask who the user is (OpenID Connect)."""
        return OPENID in self.scope

    def registered_redirect_uri(self, presented: str) -> bool:
        """True where ``presented`` is one of its redirect URIs (RFC 9700 section 2.1)."""
        return presented in self.redirect_uris or any(
            redirect_uri.matches(uri, presented) for uri in self.redirect_uris
        )

    def registered_post_logout_redirect_uri(self, presented: str) -> bool:
        """True where the user may be sent to ``presented`` after logging out."""
        return any(redirect_uri.matches(uri, presented) for uri in self.post_logout_redirect_uris)
