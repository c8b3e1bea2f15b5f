"""What ``keys/README.md`` says of an MCP server."""

import re
from dataclasses import fields

import pytest

from keys import MTLS, DPoP, ResourceMetadata
from keys.resource_metadata import MAX_AGE, WELL_KNOWN, metadata_url
from tests.keys.test_guide import GUIDE
from tests.rfc9728.builders import METADATA_URL, RESOURCE, a_verifier

SECTION = GUIDE.partition("## An MCP server\n")[2].partition("\n## ")[0]


@pytest.mark.parametrize("option", [each.name for each in fields(ResourceMetadata)])
def test_it_has_a_row_for_each_option(option):
    assert f"| `{option}=` |" in SECTION


def test_it_says_where_the_document_is_and_for_how_long_it_is_kept():
    assert f"`{WELL_KNOWN}`" in SECTION
    assert f"of `{RESOURCE}` it is `{METADATA_URL}`" in SECTION
    assert metadata_url(RESOURCE) == METADATA_URL
    assert f"kept for {MAX_AGE} seconds" in SECTION


def test_it_names_each_member():
    everything = a_verifier(dpop=DPoP(), mtls=MTLS()).published.document
    assert [name for name in everything if not re.search(rf"`{name}=?`", SECTION)] == []
