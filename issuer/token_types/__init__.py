"""The token types: a row each. A row turns an authorization into members of the response."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from issuer.protocol.request import Authorization
from issuer.server import AuthorizationServer
from issuer.token_types import bearer, mac

TokenType = Callable[[AuthorizationServer, Authorization, int], dict[str, object]]
"""From the authorization and the token's ``exp``: ``access_token``, ``token_type``, and what else
the type needs."""

TOKEN_TYPES: Mapping[str, TokenType] = MappingProxyType({"Bearer": bearer.mint, "mac": mac.mint})
