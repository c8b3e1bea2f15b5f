"""What is sealed of a login on a device without a browser (RFC 8628).

Two things are made at once: what the device holds, and what the store keeps for the page to find by
the code that a person types. What the person decides takes the place of the second.
"""

from typing import ClassVar

import msgspec

from issuer.protocol.sealed import Login
from issuer.registry.client import DEVICE_CODE
from issuer.registry.scope import Scope

GRANT_TYPE = DEVICE_CODE

LIFETIME = 600
"""Seconds in which a person finds their telephone, types a code, and logs in."""

INTERVAL = 5
"""Seconds that a device waits between two questions, as where it is told none (section 3.2)."""


class DeviceCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a device asks with, until its user has decided."""

    PURPOSE: ClassVar[str] = "device_code"

    id: str
    client_id: str
    note: str
    """Under which name the store keeps the request, and then the decision."""
    issued_at: int
    expires_at: int

    def __repr__(self) -> str:
        return f"DeviceCode(id={self.id!r}, client_id={self.client_id!r})"


class DeviceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What a device asks its user for. It waits in the store for whoever types the code."""

    PURPOSE: ClassVar[str] = "device_request"

    id: str
    """That of the ``DeviceCode``."""
    client_id: str
    scope: str | None
    resource: tuple[str, ...]
    acr_values: str | None
    login_hint: str | None
    address: str
    """Where it came from, for its user to recognize; empty where that cannot be known."""
    issued_at: int
    expires_at: int


class DeviceDecision(msgspec.Struct, frozen=True, kw_only=True):
    """What the user decided. It takes the place of the request in the store, once."""

    PURPOSE: ClassVar[str] = "device_decision"

    id: str
    """That of the ``DeviceCode``."""
    sub: str = ""
    """Who granted it; empty where it was denied."""
    scope: Scope = msgspec.field(default_factory=Scope)
    resources: tuple[str, ...] = ()
    auth_time: int = 0
    login: Login | None = None
    issued_at: int
    """When it was decided."""
    expires_at: int

    def __repr__(self) -> str:
        return f"DeviceDecision(id={self.id!r}, sub={self.sub!r})"
