"""A page on which nothing goes on names the application, and links to it where it has a page."""

import re
import time
from collections.abc import Iterator

import pytest

from issuer.browser import interaction
from tests.browser.browsing import SENT, Browser
from tests.relying_parties.builders import a_provider, a_relying_party
from tests.running import RunningIssuer

CALLBACK = "http://127.0.0.1/callback"
HOME = "https://shop.example/"
SHOP = {**SENT, "client_id": "shop", "redirect_uri": CALLBACK, "scope": "openid"}


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    running = a_provider(
        tmp_path_factory.mktemp("back"),
        shop=a_relying_party(client_uri=HOME, client_name="The shop"),
    )
    running.start()
    yield running
    running.stop()


@pytest.fixture
def browser(issuer) -> Iterator[Browser]:
    with Browser(issuer) as opened:
        yield opened


def ways(page) -> tuple[int, list[str], list[str]]:
    """The status, the names and the links of a page."""
    return page.status, re.findall("<bdi>(.*?)</bdi>", page.html), re.findall(
        'href="(.*?)"', page.html
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "names", "links"),
    [
        pytest.param({"redirect_uri": "https://evil.example/"}, ["The shop"], [HOME],
                     id="another redirect URI"),
        pytest.param({"redirect_uri": None, "request_uri": "urn:x"}, ["The shop"], [HOME],
                     id="a request_uri that is none"),
        pytest.param({"client_id": "rp", "redirect_uri": "https://evil.example/"}, ["rp"], [],
                     id="a client without a page"),
        pytest.param({"client_id": "nobody"}, [], [], id="no client"),
        pytest.param({"client_id": "shop\0"}, [], [], id="nearly a client"),
        pytest.param({"client_id": None}, [], [], id="nobody"),
    ],
)  # fmt: skip
def test_a_request_that_goes_nowhere_says_where_to_go_back_to(browser, changes, names, links):
    """What the registry says, and nothing that was sent: no open redirect (B1, P17)."""
    page = browser.authorize(**{**SHOP, "state": "s"} | changes)
    assert ways(page) == (400, names, links)


def an_old_page(issuer: RunningIssuer, client_id: str, age: int) -> str:
    """The sealed interaction of a page that was opened so long ago."""
    then = int(time.time()) - age
    server = issuer.files()
    form = interaction.Form({name: (value,) for name, value in SHOP.items()}
                            | {"client_id": (client_id,)})  # fmt: skip
    begun, _ = interaction.receive(server, form, then)
    return server.sealer.seal(begun, now=int(time.time()))


@pytest.mark.parametrize(
    ("client_id", "age", "back"),
    [
        pytest.param("shop", interaction.LIFETIME + 60, (["The shop"], [HOME]), id="yesterday's"),
        pytest.param("rp", interaction.LIFETIME + 60, (["rp"], []), id="of one without a page"),
        pytest.param(
            "shop", interaction.LIFETIME + interaction.LEGIBLE, ([], []), id="last week's"
        ),
    ],
)
@pytest.mark.parametrize("path", ["/consent", "/login"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_page_that_expired_says_where_to_start_again(
    issuer, browser, path, method, client_id, age, back
):
    sent = {"interaction": an_old_page(issuer, client_id, age)}
    where = {"params": sent} if method == "GET" else {"data": sent}
    page = browser._follow(browser.http.request(method, browser.url + path, **where))
    assert ways(page) == (400, *back)


def test_a_page_that_is_none_of_ours_says_so_without_a_name(browser):
    page = browser.get(f"{browser.url}/consent", params={"interaction": "1.a.b"})
    assert ways(page) == (400, [], [])
