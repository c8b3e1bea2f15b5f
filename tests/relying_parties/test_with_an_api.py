"""One client that signs people in and calls an API with the same token, in libraries of others.

None of them sends ``resource`` (RFC 8707): they ask userinfo with the only access token they have.
"""

import pytest

from keys import Verifier
from tests.browser.browsing import Browser
from tests.builders import API, OTHER_API
from tests.relying_parties.builders import (
    WITH_API,
    a_provider,
    a_relying_party,
    as_registered,
    log_in_and_agree,
)
from tests.relying_parties.libraries import CANNOT_BE_PUBLIC

EITHER_URL = pytest.mark.parametrize(
    "provider", ["", "/tenant"], ids=["no path", "a path"], indirect=True
)
"""The issuer's URL has a path, or none."""


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """Starts the issuer at a path, once."""
    started = {}

    def at(path):
        if path not in started:
            started[path] = an_issuer_of_clients_with_an_api(tmp_path_factory.mktemp("at"), path)
            started[path].start()
        return started[path]

    yield at
    for each in started.values():
        each.stop()


def an_issuer_of_clients_with_an_api(directory, path):
    """One client as everybody has it, and its variations."""
    running = a_provider(
        directory,
        path,
        app=a_relying_party(**WITH_API),
        es256=a_relying_party(**WITH_API, id_token_signed_response_alg="ES256"),
        poster=a_relying_party(**WITH_API, token_endpoint_auth_method="client_secret_post"),
        closed=a_relying_party(**WITH_API | {"resources": [OTHER_API]}),
        page=a_relying_party(
            **WITH_API | {"scope": "openid profile email read"},
            token_endpoint_auth_method="none",
            client_secrets=[],
            grant_types=["authorization_code"],
        ),
    )
    table = running.read_registry()
    table["resources"][OTHER_API]["userinfo"] = False
    running.write_registry(table)
    return running


@pytest.fixture
def provider(start, request):
    """Where nothing else is said its URL has no path."""
    return start(getattr(request, "param", ""))


@pytest.fixture
def visit(library, provider):
    """One person's visit to a client, from the first page to what the client learnt."""

    def visited(client_id, **fields):
        registered = as_registered(provider, client_id, **fields)
        with Browser(provider) as browser, library.started(registered) as program:
            return program.say(log_in_and_agree(browser, program.hear()))

    return visited


def check(provider, known, client_id):
    """Who it is by the ID token, by userinfo and by the API is one person."""
    assert "error" not in known
    assert known["claims"]["iss"] == provider.url
    assert known["claims"]["sub"] == known["userinfo"]["sub"] == "alice"
    assert known["userinfo"]["email"] == "alice@example.com"
    token = Verifier(provider.url, API).verify(known["access_token"])
    token.require("openid", "read")
    assert (token.subject, token.client_id, token.claims["aud"]) == ("alice", client_id, API)


@EITHER_URL
@pytest.mark.parametrize("client_id", ["app", "es256"])
def test_one_token_says_who_it_is_and_opens_the_api_and_so_does_the_next(
    visit, provider, client_id
):
    """OpenID Connect Core sections 3.1, 5.3 and 12, RFC 9068 section 4, RFC 8414 section 3."""
    known = visit(client_id)
    check(provider, known, client_id)
    check(provider, known["refreshed"], client_id)
    assert known["access_token"] != known["refreshed"]["access_token"]


@EITHER_URL
def test_an_application_in_a_page_too(visit, library, provider):
    """RFC 9700 section 2.1.1: a public client, which gets no refresh token."""
    if library.name in CANNOT_BE_PUBLIC:
        pytest.skip(f"{library.name} cannot be a public client")
    known = visit("page")
    check(provider, known, "page")
    assert "refreshed" not in known


def test_an_api_may_not_be_able_to_ask_who_its_callers_are(visit):
    """RFC 6750 section 3.1: with ``userinfo = false`` its token is refused there."""
    assert "invalid_token" in visit("closed")["error"]


SENT = {
    "openid-client": {"poster"},
    "idpyoidc": {"app"},
    "go-oidc": {"app", "poster"},
}
"""At which of the two registered methods each succeeds by itself: what it sends, told nothing."""


def test_what_a_library_sends_that_is_not_told_how(visit, library, provider):
    """RFC 6749 section 2.3.1: the default of each is another, and the registered method holds."""
    if library.name not in SENT:
        pytest.skip(f"{library.name} has to be told")
    taken = {
        each for each in ("app", "poster") if "claims" in visit(each, token_endpoint_auth_method="")
    }
    assert taken == SENT[library.name]
