"""What each page shows, as values.

``redirect_uri`` is where the browser may be sent once a form was posted: the page's policy must
allow that beforehand. It has been validated, or it is None.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self

from issuer.registry.client import Client

Outcome = Literal["granted", "denied", "gone"]

LONG_WAIT = 90
"""Seconds from which on people count minutes."""


def in_words(wait: int) -> tuple[str, int]:
    """So many seconds as a person would say it: the unit, and how many, rounded up."""
    if wait > LONG_WAIT:
        return "minutes", -(-wait // 60)
    return "second" if wait == 1 else "seconds", wait


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginView:
    """Who are you? Posts ``username``, ``password``, ``interaction`` and ``form_token``."""

    client: Client
    interaction: str = field(repr=False)
    form_token: str = field(repr=False)
    redirect_uri: str | None
    username: str = ""
    """What stands in the field beforehand: a ``login_hint``, or what was typed last."""
    failed: bool = False
    """True where username and password did not fit. It is never said which of them."""
    expired: bool = False
    """True where this page replaces one whose ``form_token`` is good no more."""
    wait: int = 0
    """Seconds until an attempt is looked at again, where too many have failed."""

    @property
    def wait_in_words(self) -> tuple[str, int]:
        """``wait`` as a person would say it."""
        return in_words(self.wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class ResourceView:
    """An API, and what may be done there; each scope with its sentence, as in the view."""

    name: str
    scopes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsentView:
    """May this application do that? Posts ``decision``, which is ``allow`` or ``deny``."""

    client: Client
    username: str
    scopes: tuple[tuple[str, str], ...]
    """Each scope with its sentence; without one, the catalogue's, or else the scope itself. Those
    that are about the user, and no resource's."""
    claims: tuple[tuple[str, str], ...] = ()
    """What it would be told of the user by name, each with its sentence in the same way."""
    resources: tuple[ResourceView, ...] = ()
    """The APIs that it would have access to."""
    interaction: str = field(repr=False)
    form_token: str = field(repr=False)
    redirect_uri: str | None
    """None where a device waits for the answer."""
    expired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class FormPostView:
    """On its way to the application (OAuth 2.0 Form Post Response Mode)."""

    redirect_uri: str
    parameters: Mapping[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorView:
    """This cannot go on. A person learns the way back, a developer what is wrong.

    ``error`` and ``description`` are constants of ours; nothing of the request is on this page.
    """

    status: int
    error: str
    description: str
    client: Client | None = None
    """The one that asked, where that is sure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpiredView:
    """The request is too old to go on with; the application can make a new one."""

    client_uri: str | None = None
    client_name: str = ""
    """The name of the one that asked, where that can still be read."""

    @classmethod
    def of(cls, client: Client) -> Self:
        """The page with a way back to ``client``."""
        return cls(client_uri=client.client_uri, client_name=client.name)


@dataclass(frozen=True, slots=True, kw_only=True)
class LogoutView:
    """Do you want to log out? Posts ``form_token`` and ``parameters``."""

    form_token: str = field(repr=False)
    username: str
    parameters: Mapping[str, str] = field(repr=False)
    redirect_uri: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedOutView:
    """You are logged out."""

    client: Client | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceView:
    """Which code does your device show? Asks for the same page with ``user_code``."""

    user_code: str = ""
    """What was typed last."""
    unknown: bool = False
    """True where no device waits that shows it."""
    wait: int = 0
    """Seconds until a code is looked at again, where too many were wrong."""

    @property
    def wait_in_words(self) -> tuple[str, int]:
        """``wait`` as a person would say it."""
        return in_words(self.wait)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmDeviceView:
    """Is that your device? Posts ``decision``, ``user_code`` and ``form_token``."""

    client: Client
    user_code: str
    """As the device shows it."""
    address: str
    """Where its request came from; empty where that is not known."""
    is_near: bool
    """True where that is the network of the browser."""
    form_token: str = field(repr=False)
    expired: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceAnsweredView:
    """The device knows by now, and its user can go back to it."""

    client: Client
    outcome: Outcome
    """gone: it waits no longer, or had another answer before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FrontView:
    """What this is, for whoever typed the issuer's URL into a browser.

    Only what everybody may read anyway: where the metadata and the keys are.
    """

    metadata_uri: str
    jwks_uri: str


View = (
    LoginView
    | ConsentView
    | FormPostView
    | ErrorView
    | ExpiredView
    | LogoutView
    | LoggedOutView
    | DeviceView
    | ConfirmDeviceView
    | DeviceAnsweredView
    | FrontView
)
