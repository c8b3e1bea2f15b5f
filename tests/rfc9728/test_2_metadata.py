"""RFC 9728 sections 2 and 3: what the document says, and where it is."""

import pytest

from keys import MTLS, DPoP, ResourceMetadata
from keys.resource_metadata import metadata_url
from tests.keys.builders import ISSUER
from tests.rfc9728.builders import METADATA_PATH, METADATA_URL, RESOURCE, a_verifier, some_metadata

ALGS = ["ES256", "RS256", "PS256", "EdDSA", "Ed25519"]
PLAIN = {
    "resource": RESOURCE,
    "authorization_servers": [ISSUER],
    "bearer_methods_supported": ["header"],
    "scopes_supported": ["read", "write"],
}


@pytest.mark.parametrize(("options", "more"), [
    pytest.param({}, {}, id="bearer tokens"),
    pytest.param(
        {"dpop": DPoP()},
        {"dpop_signing_alg_values_supported": ALGS, "dpop_bound_access_tokens_required": False},
        id="proofs",
    ),
    pytest.param(
        {"dpop": DPoP(required=True, algorithms=["ES256"])},
        {"dpop_signing_alg_values_supported": ["ES256"], "dpop_bound_access_tokens_required": True},
        id="proofs alone",
    ),
    pytest.param(
        {"mtls": MTLS()}, {"tls_client_certificate_bound_access_tokens": True}, id="certificates"
    ),
    pytest.param(
        {"mtls": MTLS(), "dpop": DPoP(required=True)},
        {
            "tls_client_certificate_bound_access_tokens": True,
            "dpop_signing_alg_values_supported": ALGS,
            "dpop_bound_access_tokens_required": False,
        },
        id="one of both",
    ),
])  # fmt: skip
def test_the_document_says_how_the_verifier_is_set_up(options, more):
    assert a_verifier(**options).published.document == PLAIN | more


def test_it_has_what_it_was_told_and_no_empty_member():
    """Section 3.2: what has no value is left out."""
    said = {"resource_name": "Invoices", "resource_documentation": "https://mcp.example/docs"}
    published = a_verifier(metadata=some_metadata(**said)).published
    assert published.document == PLAIN | said
    bare = a_verifier(metadata=ResourceMetadata()).published
    assert "scopes_supported" not in bare.document
    assert (bare.scope, bare.url, bare.path) == ("", METADATA_URL, METADATA_PATH)


def test_a_verifier_that_is_told_nothing_publishes_nothing():
    assert a_verifier(metadata=None).published is None


@pytest.mark.parametrize(("resource", "path"), [
    ("https://api.example", ""),
    ("https://api.example/", ""),
    ("https://api.example:8443", ""),
    ("https://api.example/mcp", "/mcp"),
    ("https://api.example/mcp/", "/mcp/"),
    ("https://api.example/a/b%20c", "/a/b%20c"),
    ("http://127.0.0.1:8000/mcp", "/mcp"),
    ("http://localhost:8000", ""),
])  # fmt: skip
def test_it_is_before_the_path_of_the_resource(resource, path):
    """Section 3.1."""
    origin = "/".join(resource.split("/")[:3])
    assert metadata_url(resource) == f"{origin}/.well-known/oauth-protected-resource{path}"


@pytest.mark.parametrize("audience", [
    pytest.param("urn:example:api", id="no URL"),
    pytest.param("api", id="a word"),
    pytest.param("http://api.example", id="not https"),
    pytest.param("https://user@api.example", id="a user"),
    pytest.param("https://api.example/#x", id="a fragment"),
    pytest.param("https://api.example/?tenant=1", id="a query"),
])  # fmt: skip
def test_an_audience_from_which_nobody_finds_it_is_refused(audience):
    """Section 1.2."""
    with pytest.raises(ValueError, match="for metadata the audience"):
        a_verifier(audience)
    assert a_verifier(audience, metadata=None).published is None
    assert a_verifier().published is not None


@pytest.mark.parametrize("wrong", [
    {"scopes_supported": "read"},
    {"scopes_supported": ["read write"]},
    {"scopes_supported": [""]},
    {"scope": ['re"ad']},
    {"resource_documentation": "docs"},
    {"resource_documentation": "javascript:alert(1)"},
])  # fmt: skip
def test_metadata_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=r"scopes are|a URL"):
        ResourceMetadata(**wrong)
    assert ResourceMetadata(scopes_supported=["read"], scope=["read"])
