"""What holds for every page in every language: security.md B20, B27, P17."""

from base64 import b64encode
from hashlib import sha256

import pytest

from issuer.browser.pages.languages import CATALOGUES
from issuer.registry.branding import Branding
from tests.browser.pages.builders import (
    LOGO,
    VIEWS,
    a_consent_view,
    a_form_post_view,
    a_login_view,
    a_logout_view,
    a_page,
    an_error_view,
)
from tests.builders import a_client

EVERY_VIEW = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
EVERY_LANGUAGE = pytest.mark.parametrize("language", CATALOGUES)

HOSTILE_NAME = "<script>alert(1)</script>\"'&{0}{{7*7}}</title></style>"
HOSTILE = HOSTILE_NAME + "\r\nSet-Cookie: a=b"


def hashed(content: str) -> str:
    return f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"


@EVERY_VIEW
@EVERY_LANGUAGE
def test_a_page_says_its_language_and_its_subject(view, language):
    page = a_page(view, wanted=language)
    assert page.all("html") == [{"lang": language}]
    assert page.headers["Content-Language"] == language
    assert len(page.all("h1")) == len(page.all("title")) == len(page.all("main")) == 1
    assert page.text("title")[0].endswith("Example Ltd")


@EVERY_VIEW
def test_a_page_loads_nothing_from_anywhere(view):
    """B20: what is not in the page is a link for a person, or where a form goes."""
    page = a_page(view, Branding(logo=LOGO))
    assert {each["src"] for each in page.all("img")} <= {LOGO}
    assert not {"link", "iframe", "object", "embed", "base", "video"} & {
        tag for tag, _, _ in page.elements
    }
    assert all("src" not in each for each in page.all("script"))
    assert "url(" not in page.text("style")[0]
    assert "@import" not in page.text("style")[0]


@EVERY_VIEW
def test_a_page_needs_no_more_than_its_policy_allows(view):
    """P17: the hash of the one style sheet, and of the one script where there is one."""
    page = a_page(view)
    policy = page.policy()
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == ["'none'"]
    assert policy["style-src"] == [hashed(*page.text("style"))]
    assert policy["script-src"] == ([hashed(each) for each in page.text("script")] or ["'none'"])
    assert policy["img-src"] == ["data:"]
    attributes = {name for _, each, _ in page.elements for name in each}
    assert not [name for name in attributes if name.startswith("on") or name == "style"]


@EVERY_VIEW
def test_a_page_is_neither_framed_nor_kept_nor_told_about(view):
    """B27, B20."""
    headers = a_page(view).headers
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert "Cross-Origin-Opener-Policy" not in headers  # logging in in a pop-up window goes on


@EVERY_VIEW
@EVERY_LANGUAGE
def test_every_field_has_a_label_and_every_button_a_name(view, language):
    page = a_page(view, wanted=language)
    labelled = {each["for"] for each in page.all("label")}
    shown = {each["id"] for each in page.all("input") if each.get("type") != "hidden"}
    assert shown == labelled
    assert all(text.strip() for text in page.text("button"))


HOSTILE_CLIENT = a_client(client_id="web", client_name=HOSTILE_NAME)


@pytest.mark.parametrize(
    "view",
    [
        pytest.param(
            a_login_view(client=HOSTILE_CLIENT, username=HOSTILE, interaction=HOSTILE), id="login"
        ),
        pytest.param(
            a_consent_view(
                client=HOSTILE_CLIENT, username=HOSTILE, scopes=((HOSTILE, ""), ("x", HOSTILE))
            ),
            id="consent",
        ),
        pytest.param(a_form_post_view(parameters={"state": HOSTILE, HOSTILE: "x"}), id="form_post"),
        pytest.param(
            an_error_view(client=HOSTILE_CLIENT, description=HOSTILE, error=HOSTILE), id="error"
        ),
        pytest.param(a_logout_view(username=HOSTILE, parameters={HOSTILE: HOSTILE}), id="logout"),
    ],
)
@EVERY_LANGUAGE
def test_a_hostile_text_stays_a_text(view, language):
    """P17, V15: in names, hints, scopes and states alike."""
    page = a_page(view, Branding(name=HOSTILE_NAME), language)
    assert "<script>alert" not in page.html
    assert "49" not in page.text("title")[0]
    assert page.text("script") in ([], ["document.forms[0].submit()"])
    assert "\n" not in "".join(page.headers.values())


def test_what_is_hostile_arrives_as_it_was_sent():
    """Escaping changes the page, never the value."""
    page = a_page(a_form_post_view(parameters={"state": HOSTILE.replace("\r\n", " ")}))
    assert page.fields() == {"state": HOSTILE.replace("\r\n", " ")}


@EVERY_VIEW
def test_what_a_page_carries_is_in_no_log_of_the_view(view):
    """B24: a view may be logged."""
    assert "sealed" not in repr(view)
    assert "a-code" not in repr(view)


def test_a_page_without_branding_has_neither_header_nor_footer():
    page = a_page(a_login_view(), Branding())
    assert not page.all("header")
    assert not page.all("footer")
    assert page.text("title") == ["Log in"]


def test_a_logo_stands_for_the_name():
    page = a_page(a_login_view(), Branding(name="Example Ltd", logo=LOGO))
    assert page.all("img") == [{"src": LOGO, "alt": "Example Ltd", "height": "40"}]
