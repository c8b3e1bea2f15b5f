"""What a client may exchange for what: tokens of others for its own calls (RFC 8693)."""

from typing import Literal

from pydantic import StrictBool
from pydantic.dataclasses import dataclass

from issuer.registry.record import STRICT, Identifier, Names, ScopeText

TOKEN_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"

SubjectTokenType = Literal["access_token", "id_token", "jwt"]


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class Exchange:
    """Which tokens a client may exchange for one for a resource."""

    resource: Identifier
    """For which the new token is: one of the client's resources."""
    subject_token_types: tuple[SubjectTokenType, ...] = ("access_token",)
    """access_token and id_token, of this issuer; jwt, of a federation of the client's."""
    audiences: Names = ()
    """The resources that access tokens may be for that are exchanged: whom the client is."""
    scope: ScopeText | None = None
    """The most that it gets; what the client registered, if left out."""
    impersonation: StrictBool = False
    """True leaves out who acts for the user. Else the new token says it, as act."""
    actors: Names = ()
    """Other clients that may act, by their own access tokens, as actor_token."""
