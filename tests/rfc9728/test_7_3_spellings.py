"""RFC 8707 and RFC 9728 section 7.3: one slash after the host makes no other resource.

A URL class adds it, so that clients of MCP send it where nobody registered it, and the reverse.
"""

import pytest

from keys import InvalidToken
from tests.keys.builders import NOW, a_token
from tests.rfc9728.builders import a_verifier

BARE, SLASH = "https://mcp.example", "https://mcp.example/"


@pytest.mark.parametrize("said", [BARE, SLASH])
@pytest.mark.parametrize("audience", [BARE, SLASH])
def test_a_token_for_either_spelling_is_taken_and_the_document_says_the_registered(audience, said):
    verifier = a_verifier(audience)
    assert verifier.verify(a_token(aud=said), now=NOW).audience == said
    assert verifier.published.document["resource"] == audience
    assert verifier.published.url == f"{BARE}/.well-known/oauth-protected-resource"


@pytest.mark.parametrize(("audience", "other"), [
    (BARE, f"{BARE}/mcp"), (f"{BARE}/mcp", f"{BARE}/mcp/"), (BARE, f"{BARE}//"),
    (BARE, "https://MCP.example"), (BARE, f"{BARE}:443"),
])  # fmt: skip
def test_nothing_else_is_folded(audience, other):
    for one, another in ((audience, other), (other, audience)):
        with pytest.raises(InvalidToken):
            a_verifier(one).verify(a_token(aud=another), now=NOW)
        assert a_verifier(one).verify(a_token(aud=one), now=NOW)
