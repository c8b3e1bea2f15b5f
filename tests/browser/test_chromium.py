"""The whole way in a real browser: what is typed, clicked, remembered and forgotten.

Skipped without Chromium. Client and issuer are real servers.
"""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from playwright.sync_api import expect

from issuer.browser.pages.languages import CATALOGUES
from tests.browser.browsing import SENT
from tests.builders import API, OTHER_API, PASSWORD
from tests.chromium import chromium
from tests.running import RunningIssuer


@pytest.fixture(scope="module", name="chromium")
def running_chromium():
    with chromium() as running:
        yield running


class Client(BaseHTTPRequestHandler):
    """The client's callback: it welcomes everybody, and keeps what was posted to it."""

    posted: ClassVar[list[str]] = []

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<link rel=icon href=data:,><title>Client</title>welcome back")

    def do_POST(self):
        self.posted.append(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def callback():
    """The URL of the client, which runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Client) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/callback"
        server.shutdown()


@pytest.fixture(scope="module")
def issuer(tmp_path_factory, callback):
    issuer = RunningIssuer(tmp_path_factory.mktemp("chromium"))
    table = issuer.read_registry()
    table["clients"]["web"]["redirect_uris"] = [callback]
    table["resources"][API]["resource_name"] = "Invoices"
    issuer.write_registry(table)
    issuer.start()
    yield issuer
    issuer.stop()


@pytest.fixture(params=[True, False], ids=["with scripts", "without scripts"])
def page(chromium, request):
    """A person's browser, with nothing in it yet."""
    context = chromium.new_context(java_script_enabled=request.param, locale="en")
    opened = context.new_page()
    opened.scripts = request.param
    complaints = []
    opened.on("console", lambda message: complaints.append(message.text))
    yield opened
    # That a refusal has a status of its own is no complaint about the page.
    assert [each for each in complaints if "the server responded with a status" not in each] == []
    context.close()


@pytest.fixture
def ask(page, issuer, callback):
    """Follows the client's link."""

    def ask(page=page, **changes):
        query = urlencode({**SENT, "redirect_uri": callback, **changes}, doseq=True)
        page.goto(f"{issuer.url}/authorize?{query}")

    return ask


def log_in(page, username="alice", password=PASSWORD):
    page.fill("#username", username)
    page.fill("#password", password)
    page.click("#login")


def told(page):
    """What the client learns."""
    page.wait_for_url("**/callback?**")
    return dict(parse_qsl(urlsplit(page.url).query))


def test_log_in_and_agree(page, ask):
    ask()
    log_in(page)
    page.click("#allow")
    assert told(page)["state"] == "a-state"
    assert told(page)["code"]


def test_a_wrong_password_says_so_where_a_screen_reader_hears_it(page, ask):
    ask()
    log_in(page, password="wrong")
    expect(page.locator("#error")).to_be_visible()
    assert page.locator("#error").get_attribute("role") == "alert"
    log_in(page)
    expect(page.locator("#allow")).to_be_visible()


@pytest.mark.parametrize("language", list(CATALOGUES))
def test_two_resources_are_asked_for_by_name_and_agreed_to_together(page, ask, language):
    ask(resource=[API, OTHER_API], ui_locales=language, prompt="consent")
    log_in(page)
    assert page.locator("html").get_attribute("lang") == language
    shown = page.locator("bdi").all_inner_texts()
    assert {"Invoices", "other.example"} <= set(shown)
    lists = page.get_by_role("list").all()
    assert len(lists) == 2
    page.click("#allow")
    assert told(page)["code"]
    for each in (API, OTHER_API):
        ask(resource=each, prompt="none", state=each)
        assert (told(page)["state"], "code" in told(page)) == (each, True)


def test_say_no(page, ask):
    ask()
    log_in(page)
    page.click("#deny")
    assert told(page)["error"] == "access_denied"


def test_what_was_agreed_to_is_remembered_until_logging_out(page, ask, issuer):
    ask()
    log_in(page)
    page.click("#allow")
    assert told(page)["code"]
    ask(state="again", prompt="none")
    assert (told(page)["state"], "code" in told(page)) == ("again", True)
    page.goto(f"{issuer.url}/logout")
    page.click("#logout")
    ask(state="after", prompt="none")
    assert told(page)["error"] == "login_required"


def test_the_back_button_and_a_second_click(page, ask):
    ask()
    log_in(page)
    page.click("#allow")
    assert told(page)["code"]
    page.go_back()
    page.wait_for_load_state()
    ask(prompt="consent")
    page.dblclick("#allow")
    assert told(page)["code"]


@pytest.mark.parametrize(
    ("response_mode", "brings"), [("form_post", "code="), ("form_post.jwt", "response=ey")]
)
def test_the_answer_as_a_form(page, ask, response_mode, brings):
    """Where no script runs, a person clicks. JARM section 2.3.3 has the same with a JWT."""
    ask(response_mode=response_mode)
    log_in(page)
    page.click("#allow")
    if not page.scripts:
        page.click("form button")
    page.wait_for_url("**/callback")
    assert brings in Client.posted[-1]


def test_two_tabs(page, ask):
    other = page.context.new_page()
    ask()
    ask(other, state="other")
    log_in(page)
    log_in(other)
    page.click("#allow")
    assert told(page)["state"] == "a-state"
    other.reload()
    assert told(other)["state"] == "other"
