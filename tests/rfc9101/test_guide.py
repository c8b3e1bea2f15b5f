"""``issuer/browser/README.md`` on signed requests and answers: each number and name in it."""

import re
from pathlib import Path

import pytest

from issuer.browser import interaction, jarm, request_object
from issuer.browser.authorization_request import ResponseMode
from issuer.errors import InvalidRequestObject
from tests.builders import a_server
from tests.rfc9101.builders import a_request_object, a_signing_client, received, said

GUIDE = (Path(interaction.__file__).parent / "README.md").read_text()
SECTION = GUIDE.partition("### Signed requests and signed answers\n")[2].partition("\n## ")[0]
WORDS = " ".join(SECTION.split())


def rows(heading: str) -> dict[str, str]:
    """What the table of this heading says, by the names in its first column."""
    table = SECTION.partition(f"| {heading} | |\n|---|---|\n")[2].partition("\n\n")[0]
    found = (re.fullmatch(r"\| (.+?) \| (.+) \|", line) for line in table.splitlines())
    return {
        name: each[2] for each in found if each for name in re.findall(r"`([\w.]+)`", each[1])
    }  # fmt: skip


def test_every_claim_is_there_and_needed_where_it_says_so():
    claims = rows("claim")
    assert claims.keys() == {
        "iss", "client_id", "aud", "nbf", "exp", "iat", "jti", "sub", "request", "request_uri"
    }  # fmt: skip
    server = a_server(a_signing_client())
    for name, sentence in claims.items():
        if "optional" in sentence or "never" in sentence:
            assert received(server, a_request_object(**{name: None}))
    with pytest.raises(InvalidRequestObject):
        received(server, a_request_object(sub=said()["client_id"]))


def test_its_numbers_are_those():
    assert request_object.LIFETIME == 3600
    assert "an hour apart at most" in rows("claim")["nbf"]
    assert f"{request_object.LEEWAY} seconds" in rows("claim")["exp"]
    assert jarm.LIFETIME == 300
    assert "an `exp` five minutes ahead" in WORDS


def test_its_modes_are_those_that_are_signed():
    assert rows("`response_mode`").keys() == {each for each in ResponseMode if each.is_signed}
    assert f"`{request_object.TYP}`" in WORDS
