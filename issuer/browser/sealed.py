"""What a browser carries between the pages, sealed: one frozen type per purpose.

``protocol.sealed`` says what holds for all of them.
"""

from collections.abc import Mapping
from typing import ClassVar

import msgspec

from issuer.browser.authorization_request import AuthorizationRequest
from issuer.protocol.sealed import Login
from issuer.registry.scope import Scope


class PushedRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization request that its client sent ahead of the browser (RFC 9126)."""

    PURPOSE: ClassVar[str] = "pushed_request"

    id: str
    request: AuthorizationRequest
    issued_at: int
    expires_at: int


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """An authorization request on its way through the pages. It stands in their URLs."""

    PURPOSE: ClassVar[str] = "interaction"

    id: str
    request: AuthorizationRequest
    issued_at: int
    expires_at: int
    asked_at: int = 0
    """When a login application was last asked who is there."""


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What the browser's cookie says: who is logged in, and what they agreed to."""

    PURPOSE: ClassVar[str] = "session"

    id: str
    """Another after each login, so that nobody can prepare a session for somebody else."""
    started_at: int
    renewed_at: int
    expires_at: int
    sub: str = ""
    """Empty while nobody is logged in."""
    auth_time: int = 0
    logged_in_for: str = ""
    """The id of the interaction in which the user logged in, until its code is made."""
    logins: int = 0
    """How often they logged in for it, one time after the other."""
    login: Login | None = None
    consents: Mapping[str, Mapping[str, tuple[str, ...]]] = msgspec.field(
        default_factory=dict, name="agreed"
    )
    """What was agreed to, by client_id and resource; the oldest first. Earlier versions kept no
    resources, and what they kept, as ``consents``, is asked for again."""
    agreed_for: str = ""
    """The id of the interaction whose question was answered with yes, until its code is made."""

    clients: tuple[str, ...] = ()
    """Who is told of its end: each that got an ID token in it and registered where, the latest
    last."""

    @property
    def sid(self) -> str:
        """What clients know the session by (OpenID Connect Front-Channel Logout section 3).

        It stays where the same user logs in once more, so that logging out ends it all.
        """
        return self.login.sid if self.login and self.login.sid else self.id


class FormToken(msgspec.Struct, frozen=True, kw_only=True):
    """That a form was shown in this session, and what for: nobody else can submit it (P29, P34)."""

    PURPOSE: ClassVar[str] = "form"

    session_id: str
    subject: str
    """The id of the interaction, or what else the form is about."""
    expires_at: int
    shown: Scope = msgspec.field(default_factory=Scope)
    """What the user saw and can agree to."""
    resources: tuple[str, ...] = ()
    """Where: the resources that the user saw."""


class LoginChallenge(msgspec.Struct, frozen=True, kw_only=True):
    """A request to the team's own login application to say who is there."""

    PURPOSE: ClassVar[str] = "login_challenge"

    session_id: str
    interaction: Interaction
    issued_at: int
    expires_at: int
