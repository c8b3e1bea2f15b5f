"""A view of every kind, and what a page of it holds."""

from html.parser import HTMLParser
from typing import Any

from issuer.browser.pages.rendering import Rendered, render
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
    ResourceView,
    View,
)
from issuer.registry.branding import Branding
from tests.builders import CALLBACK, a_client

LOGO = "data:image/png;base64,iVBORw0KGgo="
BRANDING = Branding(
    name="Example Ltd",
    policy_uri="https://example.com/privacy",
    tos_uri="https://example.com/terms",
)
CLIENT = a_client(
    client_name="Billing",
    client_uri="https://app.example/",
    logo_uri=LOGO,
    policy_uri="https://app.example/privacy",
    tos_uri="https://app.example/terms",
)
RESOURCES = (
    ResourceView(name="Invoices", scopes=(("read", "Read your invoices"), ("write", ""))),
    ResourceView(name="pay.example/v1", scopes=(("read", "Read your invoices"),)),
)
SEALED = {"interaction": "sealed-interaction", "form_token": "sealed-form-token"}


def a_login_view(**fields: Any) -> LoginView:
    """The login page of Billing, as it comes first."""
    return LoginView(**({"client": CLIENT, "redirect_uri": CALLBACK} | SEALED | fields))


def a_consent_view(**fields: Any) -> ConsentView:
    """Billing asks alice for three things."""
    given = {
        "client": CLIENT,
        "username": "alice",
        "scopes": (("openid", ""), ("read", "Read your invoices"), ("write", "")),
        "redirect_uri": CALLBACK,
    }
    return ConsentView(**(given | SEALED | fields))


def a_form_post_view(**fields: Any) -> FormPostView:
    """A code on its way to Billing."""
    given = {"redirect_uri": CALLBACK, "parameters": {"code": "a-code", "state": "a-state"}}
    return FormPostView(**(given | fields))


def an_error_view(**fields: Any) -> ErrorView:
    """A request that names nobody."""
    given = {"status": 400, "error": "invalid_request", "description": "client_id is missing."}
    return ErrorView(**(given | fields))


def a_logout_view(**fields: Any) -> LogoutView:
    """Alice, who is asked whether she wants to go."""
    given = {
        "form_token": "sealed-form-token",
        "username": "alice",
        "parameters": {"state": "a-state"},
    }
    return LogoutView(**(given | fields))


def a_confirm_device_view(**fields: Any) -> ConfirmDeviceView:
    """Billing on a device next to its user."""
    given = {
        "client": CLIENT,
        "user_code": "BCDF-GHJK",
        "address": "192.0.2.7",
        "is_near": True,
        "form_token": "sealed-form-token",
    }
    return ConfirmDeviceView(**(given | fields))


def a_front_view() -> FrontView:
    """What an issuer shows at its own URL."""
    return FrontView(
        metadata_uri="https://issuer.example/.well-known/oauth-authorization-server",
        jwks_uri="https://issuer.example/.well-known/jwks.json",
    )


VIEWS: dict[str, View] = {
    "login": a_login_view(),
    "login that failed": a_login_view(username="alice", failed=True),
    "login that has to wait": a_login_view(username="alice", wait=8),
    "login that expired": a_login_view(expired=True),
    "consent": a_consent_view(),
    "consent that expired": a_consent_view(expired=True),
    "consent to nothing in particular": a_consent_view(client=a_client(), scopes=()),
    "consent at two resources": a_consent_view(resources=RESOURCES),
    "consent at a resource, and to nothing else": a_consent_view(
        resources=(ResourceView(name="api.example"),), scopes=()
    ),
    "form_post": a_form_post_view(),
    "error": an_error_view(),
    "error of a client": an_error_view(client=CLIENT),
    "error of ours": an_error_view(status=503, error="temporarily_unavailable"),
    "expired": ExpiredView.of(CLIENT),
    "expired, of a client without a page": ExpiredView.of(a_client()),
    "expired, of nobody": ExpiredView(),
    "logout": a_logout_view(),
    "logged out": LoggedOutView(),
    "logged out of a client": LoggedOutView(client=CLIENT),
    "device": DeviceView(),
    "device, of an unknown code": DeviceView(user_code="bcdf ghjk", unknown=True),
    "device that has to wait": DeviceView(user_code="bcdf ghjk", wait=300),
    "confirm_device": a_confirm_device_view(),
    "confirm_device, far away": a_confirm_device_view(is_near=False, expired=True),
    "confirm_device, from nowhere": a_confirm_device_view(client=a_client(), address=""),
    "device_answered": DeviceAnsweredView(client=CLIENT, outcome="granted"),
    "device_answered with no": DeviceAnsweredView(client=CLIENT, outcome="denied"),
    "device_answered too late": DeviceAnsweredView(client=CLIENT, outcome="gone"),
    "consent for a device": a_consent_view(redirect_uri=None),
    "front": a_front_view(),
}


class Page(HTMLParser):
    """The elements of a page, in order, each with its attributes and the text right in it."""

    def __init__(self, rendered: Rendered) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str], list[str]]] = []
        self._text: list[str] = []
        self.headers = rendered.headers
        self.html = rendered.html.decode()
        self.feed(self.html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._text = []
        self.elements.append((tag, {name: value or "" for name, value in attrs}, self._text))

    def handle_endtag(self, _: str) -> None:
        self._text = []  # what comes next stands beside the element

    def handle_data(self, data: str) -> None:
        self._text.append(data)

    def all(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every such element."""
        return [attributes for name, attributes, _ in self.elements if name == tag]

    def text(self, tag: str) -> list[str]:
        """What stands right in every such element."""
        return ["".join(text) for name, _, text in self.elements if name == tag]

    def by_id(self, wanted: str) -> dict[str, str]:
        """The attributes of the one element with this id."""
        (found,) = [each for _, each, _ in self.elements if each.get("id") == wanted]
        return found

    def fields(self) -> dict[str, str]:
        """What the page's form sends, buttons apart."""
        return {each["name"]: each.get("value", "") for each in self.all("input")}

    def policy(self) -> dict[str, list[str]]:
        """The Content-Security-Policy by directive."""
        directives = self.headers["Content-Security-Policy"].split("; ")
        return {name: sources for name, *sources in map(str.split, directives)}


def a_page(view: View, branding: Branding = BRANDING, wanted: str = "en") -> Page:
    """``view`` as a browser reads it."""
    return Page(render(view, branding, wanted))
