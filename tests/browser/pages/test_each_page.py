"""What each page shows, sends, and may lead to."""

import pytest

from issuer.browser.pages.languages import CATALOGUES
from issuer.browser.pages.views import ExpiredView, LoggedOutView, ResourceView
from tests.browser.pages.builders import (
    CLIENT,
    LOGO,
    RESOURCES,
    SEALED,
    a_consent_view,
    a_form_post_view,
    a_login_view,
    a_logout_view,
    a_page,
    an_error_view,
)
from tests.builders import CALLBACK, a_client


def test_the_login_page_asks_for_username_and_password():
    page = a_page(a_login_view())
    assert page.all("form") == [{"method": "post", "action": "login"}]
    assert page.fields() == {**SEALED, "username": "", "password": ""}
    assert page.by_id("username")["autocomplete"] == "username"
    assert page.by_id("password")["autocomplete"] == "current-password"
    assert page.by_id("password")["type"] == "password"
    assert "autofocus" in page.by_id("username")
    assert "Billing" in page.html


def test_a_known_username_leaves_the_password_to_be_typed():
    page = a_page(a_login_view(username="alice"))
    assert page.fields()["username"] == "alice"
    assert "autofocus" not in page.by_id("username")
    assert "autofocus" in page.by_id("password")


def test_a_failed_login_is_said_and_tied_to_its_fields():
    page = a_page(a_login_view(username="alice", failed=True))
    assert page.by_id("error")["role"] == "alert"
    for name in ("username", "password"):  # never which of the two
        assert page.by_id(name)["aria-invalid"] == "true"
        assert page.by_id(name)["aria-describedby"] == "error"


@pytest.mark.parametrize(
    ("language", "wait", "said"),
    [
        ("en", 1, "Please wait 1 second, and then try again."),
        ("en", 2, "Please wait 2 seconds, and then try again."),
        ("en", 90, "Please wait 90 seconds, and then try again."),
        ("en", 91, "Please wait 2 minutes, and then try again."),
        ("en", 120, "Please wait 2 minutes, and then try again."),
        ("en", 121, "Please wait 3 minutes, and then try again."),
        ("de", 1, "Bitte warten Sie 1 Sekunde und versuchen Sie es dann noch einmal."),
        ("de", 8, "Bitte warten Sie 8 Sekunden und versuchen Sie es dann noch einmal."),
        ("de", 300, "Bitte warten Sie 5 Minuten und versuchen Sie es dann noch einmal."),
        ("fr", 8, "Veuillez patienter 8 secondes, puis réessayer."),
        ("fr", 300, "Veuillez patienter 5 minutes, puis réessayer."),
        ("es", 8, "Espere 8 segundos y vuelva a intentarlo."),
        ("es", 300, "Espere 5 minutos y vuelva a intentarlo."),
    ],
)
def test_a_login_that_has_to_wait_says_for_how_long(language, wait, said):
    page = a_page(a_login_view(username="alice", wait=wait), wanted=language)
    assert page.by_id("error")["role"] == "alert"
    assert said in page.html
    assert "aria-invalid=" not in page.html  # nobody has looked at what was typed
    assert page.fields()["username"] == "alice"


@pytest.mark.parametrize("view", [a_login_view(expired=True), a_consent_view(expired=True)])
def test_a_page_that_expired_says_that_nothing_happened(view):
    """P29."""
    page = a_page(view)
    assert page.by_id("error")["role"] == "alert"
    assert "Nothing has happened" in page.html
    assert "aria-invalid=" not in page.html


def test_the_first_page_has_no_error():
    page = a_page(a_login_view())
    assert 'id="error"' not in page.html
    assert "aria-invalid=" not in page.html


def test_the_consent_page_says_who_asks_whom_for_what():
    page = a_page(a_consent_view())
    assert "Billing" in page.text("bdi")
    assert "alice" in page.text("bdi")
    assert page.text("li") == ["Know that it is you", "Read your invoices", "write"]
    assert page.all("img") == [{"class": "logo", "src": LOGO, "alt": ""}]
    links = [each["href"] for each in page.all("a")]
    assert links[1:3] == [CLIENT.policy_uri, CLIENT.tos_uri]


@pytest.mark.parametrize("language", list(CATALOGUES))
def test_the_consent_page_says_where_in_every_language(language):
    """RFC 9728: resource_name, for people. What is asked of no resource stands for itself."""
    page = a_page(a_consent_view(resources=RESOURCES), wanted=language)
    names = page.text("bdi")
    assert [each for each in names if each in {"Invoices", "pay.example/v1"}] == [
        "Invoices", "pay.example/v1",
    ]  # fmt: skip
    labels = [each["aria-labelledby"] for each in page.all("ul")]
    assert labels == ["resource-1", "resource-2", "scopes"]
    assert all(page.by_id(each) is not None for each in labels)
    assert len(page.all("li")) == 6


def test_a_resource_without_a_scope_is_named_all_the_same():
    page = a_page(a_consent_view(resources=(ResourceView(name="api.example"),), scopes=()))
    assert "api.example" in page.text("bdi")
    assert page.all("ul") == []


def test_what_is_asked_for_by_name_is_named_on_the_consent_page():
    """OpenID Connect Core section 5.5; a sentence of the registry goes before one of ours."""
    claims = (("birthdate", ""), ("groups", "Your teams"), ("department", ""))
    html = a_page(a_consent_view(claims=claims)).html
    for said in ("it is told about you:", "Your date of birth", "Your teams", "department"):
        assert said in html
    assert "it is told about you:" not in a_page(a_consent_view()).html


def test_the_consent_page_sends_a_decision():
    page = a_page(a_consent_view())
    assert page.all("form") == [{"method": "post", "action": "consent"}]
    assert page.fields() == SEALED
    for decision in ("allow", "deny"):
        button = page.by_id(decision)
        assert (button["name"], button["value"]) == ("decision", decision)


def test_somebody_else_can_log_in_without_losing_the_request():
    page = a_page(a_consent_view(interaction="a+b/c=&d"))
    assert page.all("a")[0] == {"href": "login?interaction=a%2Bb/c%3D%26d"}


def test_a_client_without_a_name_goes_by_its_id():
    page = a_page(a_consent_view(client=a_client("web-42")))
    assert page.text("title")[0].startswith("web-42 asks for access")
    assert not page.all("img")


@pytest.mark.parametrize(
    ("redirect_uri", "place", "source"),
    [
        ("https://app.example/cb?a=b", "app.example", "https://app.example"),
        ("https://app.example:8443/cb", "app.example:8443", "https://app.example:8443"),
        ("http://127.0.0.1:49152/cb", "127.0.0.1:49152", "http://127.0.0.1:49152"),
        ("http://[::1]:49152/cb", "[::1]:49152", "http:"),
        ("com.example.app:/cb", "com.example.app:", "com.example.app:"),
    ],
)
def test_a_form_may_lead_back_to_the_client_and_nowhere_else(redirect_uri, place, source):
    """Browsers hold a form's redirects to the policy of the page, too."""
    for view in (
        a_login_view(redirect_uri=redirect_uri),
        a_consent_view(redirect_uri=redirect_uri),
        a_form_post_view(redirect_uri=redirect_uri),
        a_logout_view(redirect_uri=redirect_uri),
    ):
        assert a_page(view).policy()["form-action"] == ["'self'", source]
    assert place in a_page(a_consent_view(redirect_uri=redirect_uri)).text("bdi")


@pytest.mark.parametrize("view", [a_logout_view(), an_error_view(), ExpiredView()])
def test_a_page_that_leads_nowhere_may_not(view):
    assert a_page(view).policy()["form-action"] == ["'self'"]


def test_a_form_post_goes_without_a_script_too():
    page = a_page(a_form_post_view())
    assert page.all("form") == [{"method": "post", "action": CALLBACK}]
    assert page.fields() == {"code": "a-code", "state": "a-state"}
    assert page.text("button") == ["Continue"]
    assert page.text("script") == ["document.forms[0].submit()"]


def test_an_error_tells_the_developer_in_english_and_the_person_in_their_language():
    page = a_page(an_error_view(client=CLIENT), wanted="de")
    assert page.by_id("error") == {"id": "error", "aria-labelledby": "developer"}
    assert {"lang": "en"} in page.all("p")
    assert page.text("code") == ["invalid_request"]
    assert "client_id is missing." in page.html
    assert "Zurück zur Anwendung" in page.text("a")
    assert page.all("a")[0]["href"] == CLIENT.client_uri


def test_an_error_of_an_unknown_client_leads_nowhere():
    """No open redirect: nothing of the request is on the page."""
    page = a_page(an_error_view(), wanted="en")
    assert [each["href"] for each in page.all("a")] == [
        "https://example.com/privacy",
        "https://example.com/terms",
    ]


def test_a_fault_of_ours_is_not_put_on_the_application():
    ours = a_page(an_error_view(status=503, error="temporarily_unavailable"))
    theirs = a_page(an_error_view())
    assert "wait a moment" in ours.html
    assert "registration has to change" not in ours.html
    assert "registration has to change" in theirs.html


def test_an_expired_request_leads_back_where_the_way_is_known():
    assert a_page(ExpiredView(client_uri="https://app.example/")).all("a")[0] == {
        "class": "button",
        "href": "https://app.example/",
    }
    assert "button" not in [each.get("class") for each in a_page(ExpiredView()).all("a")]


def test_logging_out_is_asked_first_and_keeps_what_was_sent():
    page = a_page(a_logout_view(parameters={"client_id": "web", "state": "x"}))
    assert page.all("form") == [{"method": "post", "action": "logout"}]
    assert page.fields() == {"form_token": SEALED["form_token"], "client_id": "web", "state": "x"}
    assert page.by_id("logout") == {"id": "logout"}
    assert "alice" in page.text("bdi")


def test_who_is_logged_out_may_go_back():
    assert a_page(LoggedOutView(client=CLIENT)).text("a")[0] == "Back to Billing"
    assert "Back to" not in a_page(LoggedOutView()).html
