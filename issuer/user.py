"""A user of the registry: somebody the issuer itself can authenticate."""

from pydantic import Field, StrictBool
from pydantic.dataclasses import dataclass

from issuer.record import STRICT, Identifier, Instant, Text
from issuer.secret import PasswordHash


@dataclass(frozen=True, slots=True, kw_only=True, config=STRICT)
class User:
    """A person, for the password grant and the login page."""

    username: Identifier
    sub: Identifier = ""
    """What tokens call this user; the username where it is left out. Never a client_id."""
    password_hash: PasswordHash | None = Field(default=None, repr=False)
    """Without one the user cannot log in with a password."""
    email: Text | None = None
    """Another name to log in with."""
    active: StrictBool = True
    """False refuses the user everywhere, codes and refresh tokens included."""
    not_before: Instant | None = None
    """Codes and refresh tokens issued earlier are refused."""

    def __post_init__(self) -> None:
        """Fills in ``sub``."""
        if not self.sub:
            object.__setattr__(self, "sub", self.username)
