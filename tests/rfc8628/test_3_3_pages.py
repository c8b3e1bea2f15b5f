"""What a person does in a browser, over HTTP (RFC 8628 sections 3.3 and 5.4), P29, P34."""

from collections.abc import Iterator

import pytest

from issuer.protocol import throttling
from tests.browser.browsing import Browser, Page
from tests.builders import PASSWORD
from tests.rfc8628.running import NAME, Device, an_issuer_with_devices
from tests.running import RunningIssuer

HERE = "127.0.0.1"


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """An issuer behind a proxy that says where browsers are, with devices."""
    running = an_issuer_with_devices(
        tmp_path_factory.mktemp("devices"), trusted_proxies=["127.0.0.1"]
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture
def browser(issuer: RunningIssuer) -> Iterator[Browser]:
    with Browser(issuer, headers={"X-Forwarded-For": "192.0.2.1"}) as one:
        yield one


def opened(browser: Browser, device: Device, address: str = "verification_uri_complete") -> Page:
    page = browser.get(device.begun[address])
    assert isinstance(page, Page)
    return page


def allowed(browser: Browser, device: Device) -> Page:
    """Types the code, says that the device is theirs, logs in and allows it."""
    page = browser.log_in(browser.submit(opened(browser, device), "continue"))
    done = browser.submit(page, "allow")
    assert isinstance(done, Page)
    return done


def test_a_person_types_the_code_and_lets_the_device_in(issuer, browser):
    device = Device(issuer, scope="read")
    assert device.answer.headers["Cache-Control"] == "no-store"
    page = opened(browser, device, "verification_uri")
    assert page.action == f"{issuer.url}/device"
    typed = browser.get(page.action, params={"user_code": device.code.lower().replace("-", " ")})
    assert {"code", "address", "continue", "deny"} <= typed.ids
    assert device.code in typed.html
    assert NAME in typed.html
    login = browser.submit(typed, "continue")
    assert "login" in login.ids
    assert NAME in login.html
    assert device.hears() == "authorization_pending"
    consent = browser.log_in(login)
    assert "allow" in consent.ids
    done = browser.submit(consent, "allow")
    assert (done.status, "granted" in done.ids) == (200, True)
    tokens = device.ask().json()
    assert tokens["scope"] == "read"
    assert device.hears() == "invalid_grant"


def test_the_complete_link_asks_all_the_same(issuer, browser):
    """Section 5.4: somebody else may have sent it. It shows which code, whose, and from where."""
    device = Device(issuer)
    page = opened(browser, device)
    assert device.code in page.html
    assert NAME in page.html
    assert HERE in page.html
    assert "another network" in page.html
    assert "sent you the code or a link" in page.html
    assert device.hears() == "authorization_pending"
    with Browser(issuer) as beside:
        assert "network that you are on" in opened(beside, device).html


def test_who_says_that_it_is_not_theirs_needs_no_login(issuer, browser):
    device, other = Device(issuer), Device(issuer)
    done = browser.submit(opened(browser, device), "deny")
    assert "denied" in done.ids
    assert device.hears() == "access_denied"
    assert other.hears() == "authorization_pending"


def test_who_does_not_allow_it_denies_it(issuer, browser):
    device = Device(issuer)
    consent = browser.log_in(browser.submit(opened(browser, device), "continue"))
    assert "go back to your device" in consent.html
    assert "denied" in browser.submit(consent, "deny").ids
    assert device.hears() == "access_denied"


def test_who_is_logged_in_and_agreed_before_is_asked_again_by_public_clients(issuer, browser):
    """RFC 8252 section 8.6 holds for devices as well: anybody's can say that it is this client."""
    assert "granted" in allowed(browser, Device(issuer)).ids
    second = Device(issuer)
    consent = browser.submit(opened(browser, second), "continue")
    assert "allow" in consent.ids
    assert "granted" in browser.submit(consent, "allow").ids
    first, then = Device(issuer, "console"), Device(issuer, "console")
    assert (
        "granted" in browser.submit(browser.submit(opened(browser, first), "continue"), "allow").ids
    )
    assert "granted" in browser.submit(opened(browser, then), "continue").ids
    for each in (second, first, then):
        assert each.hears() == "tokens"


def test_the_teams_own_clients_are_confirmed_and_not_asked_more(issuer, browser):
    device = Device(issuer, "ours")
    page = opened(browser, device)
    assert device.hears() == "authorization_pending"
    done = browser.log_in(browser.submit(page, "continue"))
    assert "granted" in done.ids
    assert device.hears() == "tokens"


def test_a_link_to_the_pages_behind_the_question_asks_it(issuer, browser):
    """Section 5.4: whoever began on their own machine sends on what comes then."""
    device = Device(issuer)
    with Browser(issuer) as attacker:
        login = attacker.submit(opened(attacker, device), "continue")
        assert "login" in login.ids
        for path in ("login", "consent"):
            page = browser.get(
                f"{issuer.url}/{path}", params={"interaction": login.fields["interaction"]}
            )
            assert {"code", "continue", "deny"} <= page.ids
        victim = browser.submit(login, username="alice", password=PASSWORD)
        assert {"code", "continue", "deny"} <= victim.ids
    consent = browser.log_in(browser.submit(page, "continue"))
    assert "granted" in browser.submit(consent, "allow").ids


@pytest.mark.parametrize("forged", ["", "1.x.y", "theirs"])
@pytest.mark.parametrize("decision", ["continue", "deny"])
def test_a_form_that_nobody_was_shown_does_nothing(issuer, browser, forged, decision):
    """P29: neither without a token, nor with one of another's session or of another device."""
    device, other = Device(issuer), Device(issuer)
    page = opened(browser, device)
    with Browser(issuer) as attacker:
        theirs = opened(attacker, device).fields["form_token"]
    answer = browser.submit(page, decision, form_token=theirs if forged == "theirs" else forged)
    assert answer.status == 403
    assert "Nothing has happened" in answer.html
    of_another = browser.submit(
        page, decision, form_token=opened(browser, other).fields["form_token"]
    )
    assert of_another.status == 403
    assert device.hears() == "authorization_pending"
    assert "login" in browser.submit(of_another, "continue").ids


def test_a_decision_counts_once_in_however_many_tabs(issuer, browser):
    device = Device(issuer)
    consent = browser.log_in(browser.submit(opened(browser, device), "continue"))
    assert "granted" in browser.submit(consent, "allow").ids
    for late in ("allow", "deny"):
        page = browser.submit(consent, late)
        assert page.status in (400, 404)
    assert device.hears() == "tokens"


def test_head_decides_nothing(issuer, browser):
    """RFC 9110 section 9.3.2: of the team's own client, whose user is asked nothing more."""
    first = Device(issuer, "ours")
    browser.log_in(browser.submit(opened(browser, first), "continue"))
    second = Device(issuer, "ours")
    page = opened(browser, second)
    name, value = page.buttons["continue"]
    response = browser.http.post(page.action, data={**page.fields, name: value})
    url = f"{issuer.origin}{response.headers['location']}"
    assert browser.http.head(url).status_code == 200
    assert second.hears() == "authorization_pending"
    assert "granted" in browser.get(url).ids


@pytest.mark.parametrize(
    "typed", ["BCDF-GHJK", "x", "", "%00", "<script>alert(1)</script>", "é" * 900]
)
def test_what_no_device_shows_is_said_and_nothing_of_it_runs(issuer, typed):
    with Browser(issuer, headers={"X-Forwarded-For": f"2001:db8:{len(typed)}::1"}) as browser:
        page = browser.get(f"{issuer.url}/device", params={"user_code": typed})
        assert page.status == (404 if typed else 200)
        assert ("error" in page.ids) is bool(typed)
        assert "<script" not in page.html
        assert len(page.html) < 20_000
        device = Device(issuer)
        assert "continue" in opened(browser, device).ids


def test_codes_are_guessed_slowly_and_by_one_address_at_its_own_cost(issuer):
    """Section 5.1, R4: five tries, and then it takes longer each time, of right ones too."""
    device = Device(issuer)
    address = {"X-Forwarded-For": "203.0.113.9"}
    with Browser(issuer, headers=address) as guessing, Browser(issuer) as other:
        url = f"{issuer.url}/device"
        for number in range(throttling.FREE):
            assert (
                guessing.get(url, params={"user_code": f"BBBBBBB{'CDFGH'[number]}"}).status == 404
            )
        refused = guessing.get(url, params={"user_code": device.code})
        assert refused.status == 429
        assert int(refused.headers["Retry-After"]) >= 1
        assert "Please wait" in refused.html
        assert NAME not in refused.html
        assert opened(other, device).status == 200


def test_the_page_speaks_four_languages(issuer):
    said = {"en": "Is this your device?", "de": "Ist das Ihr Gerät?",
            "fr": "Est-ce votre appareil", "es": "¿Es este su dispositivo?"}  # fmt: skip
    for language, sentence in said.items():
        with Browser(issuer, headers={"Accept-Language": language}) as browser:
            assert sentence in opened(browser, Device(issuer)).html


def test_the_metadata_say_where_a_device_begins(issuer, an_issuer):
    """Section 4; and nowhere without a store."""
    document = issuer.http.get("/.well-known/oauth-authorization-server").json()
    assert document["device_authorization_endpoint"] == f"{issuer.url}/device_authorization"
    assert "urn:ietf:params:oauth:grant-type:device_code" in document["grant_types_supported"]
    without = an_issuer().start()
    document = without.http.get("/.well-known/openid-configuration").json()
    assert "device_authorization_endpoint" not in document
    assert "urn:ietf:params:oauth:grant-type:device_code" not in document["grant_types_supported"]
    assert without.http.post("/device_authorization").status_code == 404
    assert without.http.get("/device").status_code == 404


def test_no_code_and_no_secret_is_logged(issuer, browser):
    device = Device(issuer, "console", scope="read")
    allowed(browser, device)
    device.ask()
    log = issuer.log.read_text()
    for secret in (device.code, device.code.replace("-", ""), device.begun["device_code"]):
        assert secret not in log
    assert '"client_id":"console"' in log.replace(" ", "")


def test_an_issuer_with_a_path_has_its_pages_there(tmp_path):
    running = an_issuer_with_devices(tmp_path, path="/team")
    running.start()
    try:
        device = Device(running)
        assert device.begun["verification_uri"] == f"{running.url}/device"
        with Browser(running) as browser:
            assert "granted" in allowed(browser, device).ids
        assert device.hears() == "tokens"
    finally:
        running.stop()
