"""Where an issuer with a path has its things, and one without: tried as clients and people do."""

import re
from collections.abc import Callable, Iterator

import httpx
import pytest

from issuer.browser.pages.languages import CATALOGUES
from issuer.metadata import metadata_paths, metadata_url
from tests.running import RunningIssuer

INSERTED = "/.well-known/{}{}"
APPENDED = "{1}/.well-known/{0}"
DOCUMENTS = ("oauth-authorization-server", "openid-configuration")
PLACES = [
    pytest.param(place, document, id=place.format(document, "PATH"))
    for place in (INSERTED, APPENDED)
    for document in DOCUMENTS
]
"""RFC 8414 section 3.1 inserts, OpenID Connect Discovery section 4 appends."""

Start = Callable[[str], RunningIssuer]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Start]:
    """The issuer with this path; it begins when it is first asked for."""
    running: dict[str, RunningIssuer] = {}

    def start(path: str) -> RunningIssuer:
        if path not in running:
            issuer = running[path] = RunningIssuer(tmp_path_factory.mktemp("issuer"))
            table = issuer.read_registry()
            table["issuer"]["url"] += path
            issuer.write_registry(table | {"branding": {"name": "Example Ltd"}})
            issuer.start()
        return running[path]

    yield start
    for each in running.values():
        each.stop()


PATHS = pytest.mark.parametrize("path", ["", "/tenant", "/a/b"])


# --- discovery ---


@PATHS
@pytest.mark.parametrize(("place", "document"), PLACES)
def test_the_metadata_are_wherever_a_client_looks_for_them(started, path, place, document):
    """The same document at all four places, and the issuer in it is the one that was asked for."""
    issuer = started(path)
    answer = issuer.http.get(place.format(document, path))
    assert answer.status_code == 200
    assert answer.json()["issuer"] == issuer.url + path
    first = httpx.get(metadata_url(issuer.url + path))
    assert (answer.content, answer.headers["etag"]) == (first.content, first.headers["etag"])
    head = issuer.http.head(place.format(document, path))
    assert (head.status_code, head.content) == (200, b"")


@pytest.mark.parametrize(("place", "document"), PLACES)
@pytest.mark.parametrize(
    ("path", "asked"),
    [
        pytest.param("", "/tenant", id="a tenant where there is none"),
        pytest.param("", "/", id="a slash behind an issuer without a path"),
        pytest.param("/tenant", "/other", id="another tenant"),
        pytest.param("/tenant", "/tenant/", id="a slash behind"),
        pytest.param("/tenant", "//tenant", id="two slashes"),
        pytest.param("/tenant", "/Tenant", id="a capital letter"),
        pytest.param("/tenant", "/%74enant", id="an escape"),
        pytest.param("/tenant", "/tenant/tenant", id="a tenant of the tenant"),
        pytest.param("/tenant", "", id="no tenant"),
        pytest.param("/a/b", "/a", id="a part of the path"),
        pytest.param("/a/b", "/b", id="the other part of the path"),
        pytest.param("/a/b", "/a%2fb", id="an escaped slash"),
    ],
)
def test_nobody_elses_metadata_are_there(started, path, asked, place, document):
    """A client that finds another issuer's document there must refuse it (RFC 8414 3.3)."""
    issuer = started(path)
    line = place.format(document, asked)
    with httpx.Client(base_url=issuer.url) as http:
        request = http.build_request("GET", issuer.url)
        request.url = request.url.copy_with(raw_path=line.encode())
        answer = http.send(request)
    assert (answer.status_code, answer.json()["error"]) == (404, "not_found")


def test_the_places_are_spelled_out():
    assert metadata_paths("https://id.example") == (
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
    )
    assert metadata_paths("https://id.example/tenant") == (
        "/.well-known/oauth-authorization-server/tenant",
        "/tenant/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration/tenant",
        "/tenant/.well-known/openid-configuration",
    )


# --- health ---


@PATHS
@pytest.mark.parametrize("name", ["healthz", "readyz"])
def test_health_is_told_at_the_root_and_below_the_path(started, path, name):
    """A proxy may forward what is below the path and nothing else."""
    issuer = started(path)
    answers = [issuer.http.get(f"{base}/{name}") for base in ("", path)]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].content == answers[1].content
    for other in (f"/other/{name}", f"{path}/{name}/"):
        assert issuer.http.get(other).status_code == 404


# --- the issuer's own URL ---


@PATHS
@pytest.mark.parametrize("language", CATALOGUES)
def test_whoever_types_the_issuers_url_is_told_what_it_is(started, path, language):
    """In their language, with the branding's name, under the policy of every page."""
    issuer = started(path)
    for asked in {"/", path or "/"}:
        answer = issuer.http.get(asked, headers={"Accept-Language": language})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/html; charset=utf-8"
        assert answer.headers["content-language"] == language
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
        assert CATALOGUES[language]["front.start"] in answer.text
        assert "Example Ltd" in answer.text
        links = re.findall(r'href="([^"]*)"', answer.text)
        assert links == [
            metadata_url(issuer.url + path),
            f"{issuer.url}{path}/.well-known/jwks.json",
        ]
        assert [httpx.get(each).status_code for each in links] == [200, 200]


def test_the_front_page_says_nothing_of_what_was_sent_and_keeps_nothing(started):
    issuer = started("")
    plain = issuer.http.get("/")
    asked = {"error": "<script>", "username": "alice", "interaction": "x"}
    answer = issuer.http.get("/", params=asked, headers={"Cookie": "session=x"})
    assert answer.content == plain.content
    assert "set-cookie" not in answer.headers
    assert not re.search("gunicorn|uvicorn|python|falcon|[0-9]+[.][0-9]+[.][0-9]+[^.]",
                         plain.text.replace("127.0.0.1", ""), re.IGNORECASE)  # fmt: skip


def test_head_of_the_front_page_is_the_page_without_its_body(started):
    issuer = started("/tenant")
    for path in ("/", "/tenant"):
        got, head = issuer.http.get(path), issuer.http.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(got.content))
        assert head.headers["content-security-policy"] == got.headers["content-security-policy"]


@pytest.mark.parametrize("asked", ["/tenant/", "//", "/Tenant", "/other", "/index.html"])
def test_there_is_one_front_page_and_one_spelling_of_it(started, asked):
    """Security P12."""
    issuer = started("/tenant")
    request = issuer.http.build_request("GET", issuer.url)
    request.url = request.url.copy_with(raw_path=asked.encode())
    assert issuer.http.send(request).status_code == 404


# --- methods ---

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND", "PURGE"]
ALLOWED = {
    "/": "GET, HEAD",
    "/token": "POST",
    "/par": "POST",
    "/userinfo": "GET, HEAD, POST",
    "/authorize": "GET, HEAD, POST",
    "/consent": "GET, HEAD, POST",
    "/login": "GET, HEAD, POST",
    "/login/callback": "GET, HEAD",
    "/logout": "GET, HEAD, POST",
    "/healthz": "GET, HEAD",
    "/readyz": "GET, HEAD",
    "/.well-known/jwks.json": "GET, HEAD",
    "/.well-known/openid-configuration": "GET, HEAD",
    "/.well-known/oauth-authorization-server": "GET, HEAD",
}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(("path", "allowed"), ALLOWED.items())
@pytest.mark.parametrize("origin", [None, "https://evil.example"])
def test_whoever_uses_a_wrong_method_hears_which_are_right(started, path, allowed, method, origin):
    """RFC 9110 section 15.5.6: Allow is in every 405, whatever the method and whoever asks."""
    headers = {"Origin": origin} if origin else {}
    answer = started("").http.request(method, path, headers=headers)
    if method in allowed.split(", "):
        assert answer.status_code != 405
        assert "allow" not in answer.headers
        return
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    if method != "HEAD":
        sentence = f"This method is not allowed here; use {allowed.replace(',', ' or')}."
        assert answer.json() == {"error": "invalid_request", "error_description": sentence}
