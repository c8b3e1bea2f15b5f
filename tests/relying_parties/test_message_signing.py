"""npm's oauth4webapi and openid-client: requests that they sign, and answers that they verify.

RFC 9101 and JARM, together and with pushing, as FAPI 2.0 Message Signing has them.
"""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from keys import Verifier
from keys.algorithms import ALGORITHMS
from keys.ring import KeyRing, write
from tests.browser.browsing import Browser, Page
from tests.builders import API, SECRET
from tests.relying_parties.builders import a_relying_party, address, log_in_and_agree
from tests.relying_parties.libraries import Library, node
from tests.rfc7523.keys import KID, PRIVATE, a_jwks, a_public_jwk
from tests.running import RunningIssuer

ALGS = ("ES256", "PS256", "EdDSA", "RS256")


@pytest.fixture(scope="module")
def signing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningIssuer]:
    """It has a store and a path, and takes signed requests alone; each client signs by another."""
    running = RunningIssuer(
        tmp_path_factory.mktemp("signing"),
        path="/tenant",
        replay_store="sqlite:replay.db",
    )
    table = running.read_registry()
    for alg in ALGS:
        table["clients"][alg] = a_relying_party(
            scope="read write",
            resources=[API],
            jwks=a_jwks(a_public_jwk(alg)),
            require_signed_request_object=True,
            authorization_signed_response_alg=alg,
        )
    running.write_registry(table)
    write(running.keyring, KeyRing.new("ES256", int(time.time()) - 10, "RS256", "PS256", "EdDSA"))
    yield running.start()
    running.stop()


@pytest.fixture
def browser(signing: RunningIssuer) -> Iterator[Browser]:
    with Browser(signing) as opened:
        yield opened


@pytest.fixture(params=["oauth4webapi", "openid-client"])
def run(ready: Any, signing: RunningIssuer, request: pytest.FixtureRequest) -> Any:
    """Starts the relying party as a client."""
    library = Library(request.param, ("node", "message_signing.mjs", request.param), ready(node))

    def started(alg: str = "ES256", *, pushes: bool = True) -> Any:
        private = ALGORITHMS[alg].to_jwk(PRIVATE[alg])
        return library.started(
            {
                "issuer": signing.url,
                "client_id": alg,
                "client_secret": SECRET,
                "redirect_uri": "http://127.0.0.1:3000/callback",
                "scope": "read",
                "resource": API,
                "jwk": {**private, "alg": alg, "kid": KID},
                "response_alg": alg,
                "pushes": pushes,
            }
        )

    return started


@pytest.mark.parametrize("pushes", [True, False], ids=["pushed", "in the URL"])
@pytest.mark.parametrize("alg", ALGS)
def test_a_person_logs_in(run, browser, signing, alg, pushes):
    with run(alg, pushes=pushes) as program:
        arrived = log_in_and_agree(browser, program.hear())
        assert arrived.startswith("http://127.0.0.1:3000/callback?response=")
        known = program.say(arrived)
    assert known.pop("state") is True
    token = Verifier(issuer=signing.url, audience=API).verify(known["access_token"])
    assert (token.subject, token.client_id, token.scope) == ("alice", alg, {"read"})


def test_a_denial_reaches_it_signed(run, browser):
    with run() as program:
        told = browser.submit(browser.log_in(browser.get(program.hear())), "deny")
        assert told.keys() == {"to", "response"}
        assert program.say(address(told)) == {"error": "access_denied"}


def test_an_answer_that_was_changed_or_is_for_another_is_refused(run, browser):
    """P15, P16: mixed up, injected, stripped of its signature."""
    with run() as mine, run() as theirs, run("PS256") as others:
        page = browser.get(mine.hear())
        assert isinstance(page, Page)
        own = address(browser.submit(browser.log_in(page), "allow"))
        browser.get(theirs.hear())
        assert "error" in theirs.say(own)  # its state is another
        browser.get(others.hear())
        assert "error" in others.say(own)  # its aud is another
        spoilt = own[:-4] + ("AAAA" if own[-4:] != "AAAA" else "BBBB")
        assert "error" in mine.say(spoilt)
    with run() as mine, run() as again:
        plain = "http://127.0.0.1:3000/callback?code=x&state=y&iss=z"
        mine.hear()
        assert "error" in mine.say(plain)
        assert "access_token" in again.say(address(browser.get(again.hear())))


def test_what_it_did_not_sign_is_refused(signing, browser):
    """Whoever changes the link has a request that the client did not make."""
    told = browser.get(
        f"{signing.url}/authorize",
        params={"client_id": "ES256", "response_type": "code", "response_mode": "jwt",
                "redirect_uri": "http://127.0.0.1:3000/callback"},
    )  # fmt: skip
    assert told.keys() == {"to", "response"}
