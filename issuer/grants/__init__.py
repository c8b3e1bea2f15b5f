"""The grants: a row each. A grant turns an authenticated request into an authorization.

Pure functions: no clock, no disk. What may happen once they return, for the gate to spend.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from issuer.grants import (
    authorization_code,
    client_credentials,
    device_code,
    jwt_bearer,
    password,
    refresh_token,
    token_exchange,
)
from issuer.protocol import device
from issuer.protocol.request import AuthenticatedRequest, Authorization
from issuer.registry.exchange import TOKEN_EXCHANGE
from issuer.registry.federation import JWT_BEARER
from issuer.server import AuthorizationServer

Grant = Callable[[AuthorizationServer, AuthenticatedRequest], Authorization]

GRANTS: Mapping[str, Grant] = MappingProxyType(
    {
        "authorization_code": authorization_code.authorize,
        "refresh_token": refresh_token.authorize,
        "password": password.authorize,
        "client_credentials": client_credentials.authorize,
        device.GRANT_TYPE: device_code.authorize,
        JWT_BEARER: jwt_bearer.authorize,
        TOKEN_EXCHANGE: token_exchange.authorize,
    }
)
