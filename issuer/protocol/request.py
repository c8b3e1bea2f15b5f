"""The four degrees of belief: what was sent, who sent it, what it is worth, what is answered.

Each is made from the one before, so no stage can be left out.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from issuer.protocol.binding import Binding
from issuer.protocol.exchanged import Exchanged
from issuer.protocol.form import Form
from issuer.protocol.redemption import token_id
from issuer.protocol.replay import Once, Standing, Use
from issuer.protocol.sealed import (
    NO_CLAIMS,
    AuthorizationCode,
    Login,
    RefreshToken,
    RequestedClaims,
)
from issuer.protocol.vouched import Vouched
from issuer.registry.client import Client
from issuer.registry.client_keys import ClientKeys
from issuer.registry.resource import Resource
from issuer.registry.scope import Scope
from issuer.registry.user import User


class TokenRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What was sent. Nothing in it is believed."""

    form: Form
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    """The headers that matter here, names in lower case, each there at most once."""
    received_at: int
    address: str = ""
    """The client's, as far as it can be believed; empty where it came over a unix socket."""
    method: str = "POST"
    url: str = ""
    """Of the endpoint, as the metadata have it: what a proof says that it was made for."""
    dpop: tuple[str, ...] = ()
    """Its ``DPoP`` headers, of which there may be one (RFC 9449 section 4.3)."""
    client_keys: ClientKeys | None = None
    """The keys of the client that it names, where that one publishes them and they are needed."""
    federation_keys: Mapping[str, ClientKeys] | None = None
    """Those of the federations whose tokens it brings, by their names, in the same way."""
    certificate: bytes | None = None
    """The certificate that the sender's TLS was proved by, in DER (RFC 8705)."""
    chain: tuple[bytes, ...] = ()
    """Those that lead from it to its authority, as far as they were sent."""


class AuthenticatedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A request, and the client that is proved to have sent it.

    A public client proves nothing: of it, this says what it claims to be.
    """

    request: TokenRequest
    client: Client
    credential: str = ""
    """Which of the client's credentials it was, for the log: ``client_secrets[1]``."""
    once: tuple[Once, ...] = ()
    """What of the request itself is good once: an assertion, a proof."""
    vouched: Vouched | None = None
    """What a token of a federation proved, where that was the credential."""
    binding: Binding | None = None
    """The key that tokens are bound to; None where they are good for whoever bears them."""

    @property
    def form(self) -> Form:
        """The parameters."""
        return self.request.form

    @property
    def received_at(self) -> int:
        """When it came."""
        return self.request.received_at


class Authorization(msgspec.Struct, frozen=True, kw_only=True):
    """What the request is worth: everything that minting needs to know."""

    id: str
    """Its own, or that of the code which is redeemed."""
    client: Client
    user: User | None = None
    """None where the client acts for itself."""
    scope: Scope
    """What the resource may be used for."""
    resource: Resource
    issued_at: int
    received_at: int
    auth_time: int | None = None
    """When the user logged in."""
    login: Login | None = None
    """How the user logged in, where a browser was there."""
    openid_scope: Scope | None = None
    """What the client may know of the user; None where it did not ask who that is."""
    claims: RequestedClaims = NO_CLAIMS
    """What it may know beside that, by name."""
    code: AuthorizationCode | None = None
    refresh_token: RefreshToken | str | None = None
    """A new one to seal, or the one that was presented and stays good."""
    superseded: RefreshToken | None = None
    """The one that was presented and is good once: the last of ``once`` spends it, and what takes
    its place hangs on when that was."""
    grant_id: str = ""
    """The grant that its tokens belong to; empty where a client acts for itself."""
    once: tuple[Once, ...] = ()
    standing: tuple[Standing, ...] = ()
    credential: str = ""
    exchanged: Exchanged | None = None
    """What it owes to the token that was exchanged for it."""
    mapped: Mapping[str, Any] | None = None
    """What a federation says of the client, as far as access tokens repeat it."""
    binding: Binding | None = None
    """The key that the access token is bound to."""

    @property
    def use(self) -> Use:
        """What the store has to be asked."""
        return Use(self.once, self.standing)

    @property
    def jti(self) -> str:
        """What the token is called."""
        if self.code is None:
            return self.id
        return token_id(self.code, self.resource.resource, self.binding)

    @property
    def converges(self) -> bool:
        """True where it can be asked for again, and must come out byte for byte the same."""
        return self.code is not None

    @property
    def granted(self) -> Scope:
        """All that the client is told it has."""
        who = self.openid_scope
        return self.scope if who is None else Scope(self.scope | who)

    @property
    def sub(self) -> str:
        """Who the token is about."""
        return self.user.sub if self.user else self.client.client_id


class Response(msgspec.Struct, frozen=True, kw_only=True):
    """What is answered: a status, headers beyond those every answer has, and a JSON object."""

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)
    log: Mapping[str, str] = msgspec.field(default_factory=dict)
    """What the access log says of it: names and reasons, never a secret."""

    def __repr__(self) -> str:
        return f"Response(status={self.status}, log={self.log})"

    @property
    def error(self) -> str | None:
        """The error code of RFC 6749 section 5.2, or None."""
        error = self.body.get("error")
        return error if isinstance(error, str) else None

    @property
    def access_token(self) -> str | None:
        """The token, where there is one."""
        token = self.body.get("access_token")
        return token if isinstance(token, str) else None
