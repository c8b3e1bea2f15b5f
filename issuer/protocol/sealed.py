"""What the issuer hands out sealed and reads again: one frozen type per purpose.

No record of a client or user is in them. Who they are, and what they may do, is asked of the live
registry when the value comes back. Only of a user whom no registry knows, the claims travel along.
"""

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from issuer.protocol.binding import Binding
from issuer.registry.scope import Scope
from keys import randomness
from keys.encoding import to_base64url


def fresh_id() -> str:
    """A name that nothing else has: 128 random bits. It is never what keeps a secret."""
    return to_base64url(randomness.block())


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """How a user logged in, for the id_token to say (OpenID Connect Core section 2)."""

    amr: tuple[str, ...] = ()
    """The methods by which the user proved who they are (RFC 8176)."""
    acr: str | None = None
    """The class of assurance that they reach together."""
    sid: str = ""
    """The id of the session."""
    claims: Mapping[str, Any] | None = msgspec.field(default=None, name="claims_of_nobody_known")
    """What a login application said of a user who was in no registry when this was sealed; None for
    one who was, and who therefore has to be in it still.

    Earlier versions sealed claims of registered users too, as ``claims``. These are not read, as
    nothing tells the two apart: whoever was in no registry logs in once more.
    """

    def __repr__(self) -> str:
        return f"Login(sid={self.sid!r}, amr={self.amr}, acr={self.acr!r})"


class RequestedClaims(msgspec.Struct, frozen=True, kw_only=True):
    """The claims that were asked for by their names (OpenID Connect Core section 5.5)."""

    id_token: tuple[str, ...] = ()
    userinfo: tuple[str, ...] = ()


NO_CLAIMS = RequestedClaims()


class AuthorizationCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a user granted a client, waiting to be redeemed (RFC 6749 section 4.1.2)."""

    PURPOSE: ClassVar[str] = "authorization_code"

    id: str
    client_id: str
    sub: str
    redirect_uri: str
    scope: Scope
    resources: tuple[str, ...]
    auth_time: int
    issued_at: int
    expires_at: int
    redirect_uri_sent: bool = True
    """False where the client left it to its registration (RFC 6749 section 4.1.3)."""
    code_challenge: str | None = None
    nonce: str | None = None
    """What the client asked to read again in its id_token."""
    login: Login | None = None
    """None where no browser was there."""
    dpop_jkt: str | None = None
    """The thumbprint of the one key that it can be redeemed with (RFC 9449 section 10)."""
    claims: RequestedClaims | None = None
    """What the user agreed to tell beside what the scope tells."""
    seed: bytes = b""
    """A secret of this code alone, of which the keys of its mac tokens are made. Codes of earlier
    versions have none."""

    def __repr__(self) -> str:
        return f"AuthorizationCode(id={self.id!r}, client_id={self.client_id!r}, sub={self.sub!r})"


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a user granted a client, for as long as ``expires_at`` says (RFC 6749 section 1.5)."""

    PURPOSE: ClassVar[str] = "refresh_token"

    id: str
    client_id: str
    sub: str
    scope: Scope
    resources: tuple[str, ...]
    auth_time: int
    issued_at: int
    expires_at: int
    login: Login | None = None
    grant_id: str = ""
    """What revokes it and all that comes of it. Those of earlier versions have none."""
    rotated_at: int = 0
    """When it took the place of the one before; 0 for the first."""
    grant_expires_at: int = 0
    """When the grant ends, however often it is refreshed; 0 where ``expires_at`` says that."""
    is_rotating: bool = False
    """True where it is good once, and using it yields the one that takes its place."""
    is_public: bool = False
    """True where it was made for a client that proves nothing about itself."""
    binding: Binding | None = None
    """The key without which it is good for nothing; None where it is bound to its client alone."""
    claims: RequestedClaims | None = None
    """As in the code."""

    @property
    def last_expires_at(self) -> int:
        """When the last that comes of it expires."""
        return self.grant_expires_at or self.expires_at

    @property
    def grant(self) -> str:
        """The grant that it belongs to."""
        return self.grant_id or self.id


class UserinfoClaims(msgspec.Struct, frozen=True, kw_only=True):
    """What /userinfo says of a user who is in no registry. It travels in their access token."""

    PURPOSE: ClassVar[str] = "userinfo"

    claims: Mapping[str, Any]
    jti: str = ""
    """The token it is in: so the sealed claims of no two tokens look the same."""
    expires_at: int

    def __repr__(self) -> str:
        return f"UserinfoClaims(expires_at={self.expires_at})"
