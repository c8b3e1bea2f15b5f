"""Everything that is sealed here, in one list: each purpose has a type and a key of its own.

A purpose is part of the key's derivation. Renaming one makes all that was sealed under it
unreadable.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from issuer.browser.sealed import FormToken, Interaction, LoginChallenge, PushedRequest, Session
from issuer.protocol.device import DeviceCode, DeviceDecision, DeviceRequest
from issuer.protocol.sealed import AuthorizationCode, RefreshToken, UserinfoClaims

PURPOSES: Mapping[str, type[Any]] = MappingProxyType(
    {
        each.PURPOSE: each
        for each in (
            AuthorizationCode,
            RefreshToken,
            UserinfoClaims,
            PushedRequest,
            Interaction,
            Session,
            FormToken,
            LoginChallenge,
            DeviceCode,
            DeviceRequest,
            DeviceDecision,
        )
    }
)
