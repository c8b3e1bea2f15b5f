"""A view as the bytes and headers that a browser gets."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from issuer.browser.pages import colors, languages, policy
from issuer.browser.pages.views import (
    ConfirmDeviceView,
    ConsentView,
    DeviceAnsweredView,
    DeviceView,
    ErrorView,
    ExpiredView,
    FormPostView,
    FrontView,
    LoggedOutView,
    LoginView,
    LogoutView,
    View,
)
from issuer.registry.branding import Branding

CARD = "#ffffff"
CARD_IN_THE_DARK = "#1b1e25"
"""What most text stands on, as the style sheet says too."""

SUBMIT = "document.forms[0].submit()"
"""The one script: it saves a person the click on the way back to the application."""

TEMPLATES: Mapping[type[View], str] = MappingProxyType(
    {
        LoginView: "login.html",
        ConsentView: "consent.html",
        FormPostView: "form_post.html",
        ErrorView: "error.html",
        ExpiredView: "expired.html",
        LogoutView: "logout.html",
        LoggedOutView: "logged_out.html",
        DeviceView: "device.html",
        ConfirmDeviceView: "confirm_device.html",
        DeviceAnsweredView: "device_answered.html",
        FrontView: "front.html",
    }
)
"""The pages: a row each."""

_ENVIRONMENT = Environment(
    loader=PackageLoader(__package__),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_STYLE = files(__package__).joinpath("style.css").read_text("utf-8")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page and its headers. The status is for whoever asked for it."""

    html: bytes
    headers: Mapping[str, str]


def render(view: View, branding: Branding, wanted: str) -> Rendered:
    """``view`` as a page; ``languages.choose`` says in which language for ``wanted``."""
    language = languages.choose(wanted)
    style = _style(branding.color)
    script = SUBMIT if isinstance(view, FormPostView) else ""
    destination = getattr(view, "redirect_uri", None)
    page = _ENVIRONMENT.get_template(TEMPLATES[type(view)]).render(
        view=view,
        branding=branding,
        language=language,
        say=languages.speaker(language),
        known=languages.CATALOGUES[language],
        destination=destination and _place(destination),
        style=Markup(style),  # noqa: S704  ours, but for a color of six digits
        script=Markup(script),  # noqa: S704  a constant
    )
    headers = policy.headers(language=language, style=style, script=script, form_action=destination)
    return Rendered(page.encode(), headers)


@lru_cache(maxsize=8)
def _style(color: str) -> str:
    """The style sheet for a brand of this color."""
    variables = {
        "--brand": color,
        "--on-brand": colors.text_on(color),
        "--link-by-day": colors.readable(color, CARD),
        "--link-by-night": colors.readable(color, CARD_IN_THE_DARK),
    }
    values = ";".join(f"{name}:{value}" for name, value in variables.items())
    return f":root{{{values}}}\n{_STYLE}"


def _place(uri: str) -> str:
    """Where ``uri`` leads, as a person would say it: the host, or the scheme of a native app."""
    parts = urlsplit(uri)
    return parts.netloc if parts.scheme in ("http", "https") else f"{parts.scheme}:"
