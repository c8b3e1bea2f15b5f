"""Those who vouch for workloads: clusters, forges and clouds, whose tokens are as good as secrets.

They are trusted for what the rules of clients say (``federated``), and for nothing else.
"""

from dataclasses import field
from typing import Annotated

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    InstanceOf,
    StrictBool,
    StrictInt,
    WithJsonSchema,
)
from pydantic.dataclasses import dataclass

from issuer.registry.claim_rules import ClaimMap, read_map
from issuer.registry.client import JWKS, JWKSURI, SigningAlg
from issuer.registry.record import MAX_ACCESS_TOKEN_LIFETIME, STRICT, Identifier, Text, distinct

JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
"""The grant that their tokens are good for (RFC 7523 section 2.1)."""

DEFAULT_LIFETIME = 3600

WELL_KNOWN = "/.well-known/openid-configuration"

Lifetime = Annotated[StrictInt, Field(ge=1, le=MAX_ACCESS_TOKEN_LIFETIME)]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Federation:
    """An issuer of tokens for workloads, and which of its tokens are taken here."""

    federation: Identifier
    issuer: Identifier
    """The ``iss`` of its tokens, to the letter."""
    jwks: JWKS | None = None
    """Its public keys (RFC 7517)."""
    jwks_file: Text | None = None
    """The file where those are, beside the registry."""
    jwks_uri: JWKSURI | None = None
    """Where it publishes those, by https. Of the three none need be there: then its discovery
    document below the issuer says (OpenID Connect Discovery 1.0 section 4)."""
    audience: Identifier | None = None
    """The one ``aud`` of its tokens; the URL of this issuer, if left out."""
    typs: Annotated[tuple[Text, ...], AfterValidator(distinct)] = ()
    """The ``typ`` that its tokens have in their headers; JWT or none, if left out."""
    algs: Annotated[tuple[SigningAlg, ...], AfterValidator(distinct)] = ()
    """What signs its tokens; whatever its keys are for, if left out."""
    max_lifetime: Lifetime = DEFAULT_LIFETIME
    """Seconds for which its tokens may be good."""
    max_age: Lifetime | None = None
    """Seconds after its ``iat`` in which a token is taken; until it expires, if left out."""
    reusable: StrictBool = False
    """True takes a token again until it expires, as workloads need that keep one in a file. Else
    its tokens have a ``jti``, and each is good once, as far as there is a store."""
    map: Annotated[
        InstanceOf[ClaimMap],
        BeforeValidator(read_map),
        WithJsonSchema({"type": "object"}),
    ] = field(default_factory=ClaimMap)
    """Its claims that access tokens repeat, and what each is called there."""

    @property
    def has_keys(self) -> bool:
        """True where the registry says which keys it has."""
        return self.jwks is not None or self.jwks_file is not None
