"""RFC 3986 section 6.2.3: an empty path and ``/`` name one resource. Nothing else is folded."""

import pytest

from keys import InvalidToken, Verifier
from keys.audience import canonical
from keys.errors import InvalidMac
from tests.keys.builders import AUDIENCE, ISSUER, KEY, NOW, a_jwks, a_token
from tests.keys.mac.builders import a_mac_token, a_mac_verifier, sent, signed

ONE_RESOURCE = [
    "https://api.example",
    "https://api.example:8443",
    "http://127.0.0.1:8000",
    "https://[2001:db8::1]:8443",
    "https://API.Example",
    "mcp://api.example",
]

OTHER_RESOURCES = [
    pytest.param("https://api.example//", id="two slashes"),
    pytest.param("https://api.example/.", id="a dot"),
    pytest.param("https://api.example/%2F", id="an encoded slash"),
    pytest.param("https://api.example/mcp", id="another path"),
    pytest.param("https://API.example", id="another case of the host"),
    pytest.param("HTTPS://api.example/", id="another case of the scheme"),
    pytest.param("https://api.example.", id="the root of names"),
    pytest.param("https://api.example:443", id="the default port"),
    pytest.param("https://api.example:443/", id="the default port and a slash"),
    pytest.param("https://api.example:/", id="an empty port"),
    pytest.param("http://api.example/", id="another scheme"),
    pytest.param("https://api.example?", id="an empty query"),
    pytest.param("https://api.example/?", id="a slash and an empty query"),
    pytest.param("https://api.example/?q=/", id="a query that ends in a slash"),
    pytest.param("https://api.example/#", id="a fragment"),
    pytest.param("https://user@api.example/", id="a user"),
    pytest.param("https://user@api.example", id="a user and no slash"),
    pytest.param("https://api.example\\/", id="a backslash"),
    pytest.param("https://api.example/ ", id="a blank behind it"),
    pytest.param(" https://api.example/", id="a blank before it"),
    pytest.param("https://api.example/\n", id="a line end"),
    pytest.param("api.example/", id="no scheme"),
    pytest.param("//api.example/", id="an authority without a scheme"),
    pytest.param("", id="nothing"),
]

UNFOLDED = [
    pytest.param("https://api.example/mcp", "https://api.example/mcp/", id="a path"),
    pytest.param("https://api.example", "https://api.example//", id="two slashes"),
    pytest.param("https://a.example?q", "https://a.example/?q", id="a query"),
    pytest.param("https://u@a.example", "https://u@a.example/", id="a user"),
    pytest.param("urn:example:api", "urn:example:api/", id="a URN"),
    pytest.param("mailto:a@a.example", "mailto:a@a.example/", id="a scheme without an authority"),
    pytest.param("file://", "file:///", id="an empty authority"),
    pytest.param("billing", "billing/", id="a word"),
]


@pytest.mark.parametrize("identifier", ONE_RESOURCE)
def test_an_empty_path_and_a_slash_are_one_resource(identifier):
    assert canonical(f"{identifier}/") == canonical(identifier) == identifier


@pytest.mark.parametrize("identifier", OTHER_RESOURCES)
def test_another_spelling_is_another_resource(identifier):
    assert canonical(identifier) != canonical(AUDIENCE)


@pytest.mark.parametrize(("identifier", "longer"), UNFOLDED)
def test_a_slash_after_anything_but_an_authority_makes_another_resource(identifier, longer):
    assert canonical(identifier) == identifier
    assert canonical(longer) == longer


@pytest.mark.parametrize("identifier", [*ONE_RESOURCE, "https://a.example//", "", "urn:a:b"])
def test_the_one_spelling_stays_as_it_is(identifier):
    assert canonical(canonical(identifier)) == canonical(identifier)


# --- in a token ---

SLASH = f"{AUDIENCE}/"
PAIRS = [(AUDIENCE, SLASH), (SLASH, AUDIENCE), (SLASH, SLASH)]


def bearer(audience: str, aud: object):
    verifier = Verifier(ISSUER, audience, a_jwks(KEY))
    return verifier.verify(a_token(aud=aud), now=NOW)


def mac(audience: str, aud: object):
    header = signed(a_mac_token(aud=aud))
    return a_mac_verifier(audience).verify(**sent(), authorization=header, now=NOW)


@pytest.mark.parametrize("verify", [bearer, mac])
@pytest.mark.parametrize(("audience", "aud"), PAIRS)
def test_a_token_is_good_at_either_spelling_of_its_audience(verify, audience, aud):
    assert verify(audience, aud).audience == aud
    assert verify(audience, [aud]).audience == aud


@pytest.mark.parametrize("verify", [bearer, mac])
@pytest.mark.parametrize("aud", OTHER_RESOURCES)
@pytest.mark.parametrize("audience", [AUDIENCE, SLASH])
def test_a_token_of_another_spelling_is_refused(verify, audience, aud):
    with pytest.raises((InvalidToken, InvalidMac)) as refused:
        verify(audience, aud)
    assert refused.value.detail.startswith("aud is ")


@pytest.mark.parametrize("verify", [bearer, mac])
@pytest.mark.parametrize("aud", [[AUDIENCE, SLASH], [[SLASH]], [], {SLASH: SLASH}, 1, None])
def test_a_slash_makes_no_audience_of_what_is_none(verify, aud):
    with pytest.raises((InvalidToken, InvalidMac)):
        verify(AUDIENCE, aud)
