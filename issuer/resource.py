"""A resource server of the registry: the audience of a token (RFC 8707)."""

from typing import Annotated

from pydantic import AfterValidator
from pydantic.dataclasses import dataclass

from issuer.record import STRICT, AccessTokenLifetime, Identifier, ScopeToken


def _check_resource(identifier: str) -> str:
    scheme, colon, rest = identifier.partition(":")
    if not (scheme.isascii() and scheme[:1].isalpha() and colon and rest) or "#" in identifier:
        raise ValueError("must be an absolute URI without a fragment (RFC 8707 section 2)")
    return identifier


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Resource:
    """An audience: the ``aud`` of a token, the ``resource`` of a request."""

    resource: Annotated[Identifier, AfterValidator(_check_resource)]
    scopes: tuple[ScopeToken, ...] = ()
    """What its tokens can be good for."""
    access_token_type: str = "Bearer"
    access_token_lifetime: AccessTokenLifetime | None = None
    """Seconds; the shorter of the client's and the resource's holds."""
