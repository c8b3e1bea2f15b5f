"""A resource server of the registry: the audience of a token (RFC 8707)."""

from collections.abc import Mapping
from dataclasses import field
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool
from pydantic.dataclasses import dataclass

from issuer.registry.client import ClientSecret, SigningAlg
from issuer.registry.record import (
    STRICT,
    AccessTokenLifetime,
    Identifier,
    Instant,
    Name,
    ScopeToken,
    Text,
)
from keys.mac.agreement_keys import check_public
from keys.mac.key_wrapping import EncryptionKey

MAX_KEYS = 2
"""Keys of one resource server: the one that is used, and the one before or after it."""


def _check_resource(identifier: str) -> str:
    scheme, colon, rest = identifier.partition(":")
    if not (scheme.isascii() and scheme[:1].isalpha() and colon and rest) or "#" in identifier:
        raise ValueError("must be an absolute URI without a fragment (RFC 8707 section 2)")
    return identifier


def _check_public(jwk: Any) -> Any:
    if isinstance(jwk, Mapping):
        check_public(jwk)
    return jwk


Coordinate = Annotated[str, Field(json_schema_extra={"pattern": "^[A-Za-z0-9_-]{43}$"})]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class EncryptionJWK:
    """A public key of a resource server (RFC 7517), with the time from which it is used."""

    kty: Literal["OKP", "EC"]
    crv: Literal["X25519", "P-256"]
    x: Coordinate
    y: Coordinate | None = None
    """On P-256 only."""
    kid: str
    """What the resource server calls the private half."""
    use: Literal["enc"] = "enc"
    alg: Literal["ECDH-ES"] = "ECDH-ES"
    not_before: Instant | None = None
    """From then on, MAC keys are encrypted to this key, by every replica in the same second."""
    key: EncryptionKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Reads the key now, not at every token."""
        if self.crv == "X25519" and self.y is not None:
            raise ValueError("must have no y: a key on X25519 is x alone")
        members = {"kty": self.kty, "crv": self.crv, "x": self.x, "y": self.y, "kid": self.kid}
        object.__setattr__(self, "key", EncryptionKey.from_jwk(members))


def _check_keys(keys: tuple[EncryptionJWK, ...]) -> tuple[EncryptionJWK, ...]:
    if not 1 <= len(keys) <= MAX_KEYS:
        raise ValueError("must be one key or two: the one that is used, and the one that follows")
    if len({each.kid for each in keys}) != len(keys):
        raise ValueError("must have a kid of its own for each key")
    if len({each.not_before or 0 for each in keys}) != len(keys):
        raise ValueError("must differ in not_before: the one that began last is used")
    return keys


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class JWKSet:
    """The public keys of a resource server: a JWK Set (RFC 7517 section 5)."""

    keys: Annotated[
        tuple[Annotated[EncryptionJWK, BeforeValidator(_check_public)], ...],
        AfterValidator(_check_keys),
        Field(json_schema_extra={"minItems": 1, "maxItems": MAX_KEYS}),
    ]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Resource:
    """An audience: the ``aud`` of a token, the ``resource`` of a request."""

    resource: Annotated[Identifier, AfterValidator(_check_resource)]
    resource_name: Text | None = None
    """What the consent page calls it (RFC 9728 section 2); its host and path if left out."""
    scopes: tuple[ScopeToken, ...] = ()
    """What its tokens can be good for."""
    access_token_type: str = "Bearer"
    """Bearer, or mac for tokens that are worth nothing without their key."""
    jwks: JWKSet | None = None
    """Of a mac resource: what MAC keys are encrypted to. `issuer resource add --mac` makes it."""
    userinfo: StrictBool = True
    """False where it must not be able to ask who its callers are: its tokens leave that out."""
    access_token_lifetime: AccessTokenLifetime | None = None
    """Seconds; the shorter of the client's and the resource's holds."""
    client_secrets: tuple[ClientSecret, ...] = ()
    """With one, it may ask /introspect about the tokens for it (RFC 7662). `issuer resource secret`
    makes it."""
    client_id: Identifier | None = None
    """What it calls itself when it asks; its identifier if left out."""
    introspection_endpoint_auth_method: Name = "client_secret_basic"
    """How it proves who it is then."""
    introspection_signed_response_alg: SigningAlg | None = None
    """What the answer is signed by where it asks for a JWT (RFC 9701); RS256 if left out and the
    key ring has a key for it, else what signs access tokens."""

    @property
    def name(self) -> str:
        """What people are told that it is: its name, else where it lies, else its identifier."""
        parts = urlsplit(self.resource)
        place = parts.netloc + parts.path.rstrip("/") if parts.netloc else self.resource
        return self.resource_name or place

    @property
    def is_mac(self) -> bool:
        """True where its tokens come with a key, which has to be encrypted to it."""
        return self.access_token_type == "mac"

    @property
    def tells_who(self) -> bool:
        """True where its tokens are good at /userinfo: bearer tokens, unless it registered not."""
        return self.userinfo and not self.is_mac

    @property
    def introspects(self) -> bool:
        """True where it may ask about the tokens for it."""
        return bool(self.client_secrets)

    @property
    def name_at_introspection(self) -> str:
        """What it calls itself when it asks."""
        return self.client_id or self.resource

    @property
    def auth_method(self) -> str:
        """How it proves who it is then."""
        return self.introspection_endpoint_auth_method

    def encryption_key(self, now: int) -> EncryptionKey | None:
        """The newest of its keys whose ``not_before`` has come; None where none has."""
        keys = self.jwks.keys if self.jwks else ()
        begun = [each for each in keys if (each.not_before or 0) <= now]
        return max(begun, key=_begins_at).key if begun else None


def _begins_at(jwk: EncryptionJWK) -> int:
    return jwk.not_before or 0
