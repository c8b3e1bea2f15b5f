"""Libraries for relying parties, as their registries have them, against the running issuer."""

import pytest

from tests.browser.browsing import Page
from tests.relying_parties.builders import address, as_registered, log_in_and_agree
from tests.relying_parties.libraries import CANNOT_BE_PUBLIC

LOGS_OUT = {"oauth4webapi", "openid-client"}
SHOWS_REFRESH_TOKENS = {"oauth4webapi", "openid-client"}
PUSHES = {"oauth4webapi", "openid-client"}
SIGNS = {"oauth4webapi", "openid-client"}
CHECKS_ISS = {"oauth4webapi", "openid-client", "Nimbus"}
"""Who knows RFC 9207."""


@pytest.fixture
def run(library, provider):
    """Starts the relying party as a client."""
    return lambda client_id="rp": library.started(as_registered(provider, client_id))


@pytest.mark.parametrize("client_id", ["rp", "poster", "pusher", "public", "signer"])
def test_a_person_logs_in_and_out_again(run, library, browser, provider, client_id):
    """Discovery, Core, RFC 7636, 9126, 9207 and RP-Initiated Logout, for each kind of client."""
    if client_id == "pusher" and library.name not in PUSHES:
        pytest.skip(f"{library.name} is not asked to push")
    if client_id == "signer" and library.name not in SIGNS:
        pytest.skip(f"{library.name} is not asked to sign")
    if client_id == "public" and library.name in CANNOT_BE_PUBLIC:
        pytest.skip(f"{library.name} cannot be a public client")
    with run(client_id) as program:
        known = program.say(log_in_and_agree(browser, program.hear()))
    assert "error" not in known
    assert known["claims"]["iss"] == provider.url
    assert known["claims"]["aud"] in (client_id, [client_id])
    assert known["userinfo"]["email"] == "alice@example.com"
    assert known["refreshed"]["claims"]["sub"] == "alice"
    if library.name in SHOWS_REFRESH_TOKENS:
        assert known["rotated"] == (client_id == "public"), "RFC 9700 section 4.14.2"
    if library.name in LOGS_OUT:
        left = browser.get(known["logout"])
        assert left == {"to": "http://127.0.0.1:3000/goodbye", "state": "bye"}
        with run(client_id) as program:
            assert "username" in browser.get(program.hear()).ids


def test_a_denial_reaches_it(run, browser):
    """RFC 6749 section 4.1.2.1."""
    with run() as program:
        told = browser.submit(browser.log_in(browser.get(program.hear())), "deny")
        assert program.say(address(told)) == {"error": "access_denied"}


@pytest.mark.parametrize("changed", ["iss", "state"])
def test_an_answer_of_another_is_noticed(run, library, browser, changed):
    """P15, RFC 9207: what is sent is what lets a client tell."""
    if changed == "iss" and library.name not in CHECKS_ISS:
        pytest.skip(f"{library.name} does not know RFC 9207")
    with run() as program:
        arrived = log_in_and_agree(browser, program.hear())
        mixed = arrived.replace(f"{changed}=", f"{changed}=x")
        assert "error" in program.say(mixed)


def test_a_code_of_another_flow_is_refused(run, browser):
    """P16: PKCE, where state and iss are right."""
    with run() as mine, run() as theirs:
        page = browser.get(mine.hear())
        assert isinstance(page, Page)
        own = address(browser.submit(browser.log_in(page), "allow"))
        told = browser.get(theirs.hear())
        if isinstance(told, Page):  # it sends prompt=consent
            told = browser.submit(told, "allow")
        injected = {**told, "code": own.partition("code=")[2].partition("&")[0]}
        assert theirs.say(address(injected)) == {"error": "invalid_grant"}
        assert "claims" in mine.say(own)
