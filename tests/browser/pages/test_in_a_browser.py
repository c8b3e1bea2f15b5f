"""The pages in a real browser: accessible to everybody, and within their own policy.

Skipped without Chromium, or where npm cannot bring axe-core.
"""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize

from issuer.browser.pages.languages import CATALOGUES
from issuer.browser.pages.rendering import SUBMIT, render
from issuer.browser.pages.views import View
from issuer.registry.branding import Branding
from tests.browser.pages.builders import (
    BRANDING,
    LOGO,
    RESOURCES,
    VIEWS,
    a_consent_view,
    a_form_post_view,
    a_login_view,
)
from tests.builders import CALLBACK
from tests.chromium import chromium

ORIGIN = "https://issuer.example"
PHONE = ViewportSize(width=320, height=640)
LONG = "Pneumonoultramicroscopicsilicovolcanoconiosis" * 4
EVERY_VIEW = pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture(scope="module")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The source of axe-core (https://github.com/dequelabs/axe-core)."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("there is no npm")
    directory = tmp_path_factory.mktemp("axe")
    command = [npm, "install", "--no-audit", "--no-fund", "--prefix", directory, "axe-core@4"]
    if subprocess.run(command, capture_output=True, check=False, timeout=120).returncode:
        pytest.skip("npm cannot install axe-core")
    return Path(directory, "node_modules/axe-core/axe.min.js").read_text()


def shown(
    page: Page,
    view: View,
    branding: Branding = BRANDING,
    *,
    submits: bool = True,
    language: str = "en",
) -> list[str]:
    """Has ``page`` show ``view`` and nothing else; what the browser complains of from then on."""
    rendered = render(view, branding, language)
    html = rendered.html if submits else rendered.html.replace(SUBMIT.encode(), b"")
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))

    def answer(route: Route) -> None:
        asked = route.request
        if asked.url == f"{ORIGIN}/page":
            route.fulfill(body=html, headers=dict(rendered.headers))
        elif asked.url.startswith(f"{ORIGIN}/"):
            route.fulfill(status=303, headers={"Location": CALLBACK})
        else:
            route.fulfill(body="arrived")

    page.route("**/*", answer)
    page.goto(f"{ORIGIN}/page")
    return complaints


@EVERY_VIEW
@pytest.mark.parametrize(
    ("scheme", "rules"), [("light", "{}"), ("dark", "{runOnly: ['color-contrast']}")]
)
def test_a_page_is_accessible(browser, axe, view, scheme, rules):
    """axe-core finds nothing to complain of, its best practices included."""
    with browser.new_page(color_scheme=scheme, viewport=PHONE) as page:
        complaints = shown(page, view, submits=False)
        page.evaluate(axe)
        found = page.evaluate(f"axe.run({rules})")
        assert found["passes"]
        assert [(each["id"], each["help"]) for each in found["violations"]] == []
        assert complaints == []


@pytest.mark.parametrize("language", list(CATALOGUES))
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_question_about_two_resources_is_accessible_in_every_language(
    browser, axe, language, scheme
):
    with browser.new_page(color_scheme=scheme, viewport=PHONE) as page:
        complaints = shown(page, VIEWS["consent at two resources"], language=language)
        page.evaluate(axe)
        found = page.evaluate("axe.run()")
        assert found["passes"]
        assert [(each["id"], each["help"]) for each in found["violations"]] == []
        assert complaints == []
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
        # A screen reader says of each list what its sentence says.
        named = [page.get_by_role("list", name=each.name).count() for each in RESOURCES]
        assert named == [1, 1]


@pytest.mark.parametrize("color", ["#0a0a0a", "#ffd400", "#777777", "#ffffff"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_can_be_read_in_any_color(browser, axe, color, scheme):
    with browser.new_page(color_scheme=scheme) as page:
        shown(page, a_consent_view(), Branding(color=color, logo=LOGO, name="Example Ltd"))
        page.evaluate(axe)
        found = page.evaluate("axe.run({runOnly: ['color-contrast']})")
        assert found["passes"]
        assert found["violations"] == []


@pytest.mark.parametrize(
    "view",
    [
        *VIEWS.values(),
        a_consent_view(username=LONG, scopes=(("read", LONG),), redirect_uri=f"https://{LONG}.ex"),
        a_login_view(username=LONG),
    ],
)
def test_a_page_fits_a_small_phone(browser, view):
    """WCAG 2.2, success criterion 1.4.10: nothing is cut off at 320 pixels."""
    with browser.new_page(viewport=PHONE, java_script_enabled=False) as page:
        shown(page, view)
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["width"]


def test_the_keyboard_goes_down_the_page(browser):
    with browser.new_page() as page:
        shown(page, a_login_view())
        order = []
        for _ in range(3):
            order.append(page.evaluate("document.activeElement.id"))
            page.keyboard.press("Tab")
    assert order == ["username", "password", "login"]


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_decision_is_sent_and_its_redirect_is_let_through(browser, decision):
    """Chromium holds redirects after a form to form-action; nothing here needs a script."""
    with browser.new_page(java_script_enabled=False) as page:
        complaints = shown(page, a_consent_view())
        with page.expect_request(f"{ORIGIN}/consent") as sent:
            page.click(f"#{decision}")
        page.wait_for_url(CALLBACK)
        assert f"decision={decision}" in str(sent.value.post_data)
        assert complaints == []


def test_a_redirect_that_the_page_did_not_announce_is_stopped(browser):
    """The nearest neighbour: the same page, made for another redirect URI."""
    with browser.new_page(java_script_enabled=False) as page:
        shown(page, a_consent_view(redirect_uri="https://other.example/callback"))
        with page.expect_console_message() as complaint:
            page.click("#allow")
        assert "form-action" in complaint.value.text
        assert page.url == f"{ORIGIN}/page"


@pytest.mark.parametrize("scripts", [True, False])
def test_a_form_post_arrives_with_scripts_by_itself_and_without_by_a_click(browser, scripts):
    with browser.new_page(java_script_enabled=scripts) as page:
        with page.expect_request(CALLBACK) as sent:
            complaints = shown(page, a_form_post_view())
            if not scripts:
                page.click("button")
        page.wait_for_url(CALLBACK)
        assert sent.value.method == "POST"
        assert sent.value.post_data == "code=a-code&state=a-state"
        assert "referer" not in sent.value.headers
        assert complaints == []
