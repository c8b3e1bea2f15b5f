"""The table of clients says which versions are run."""

import json
import re

import pytest

from tests.relying_parties.builders import HERE
from tests.relying_parties.oauth2_proxy import MODULE

TABLE = (HERE / "README.md").read_text()


def pinned():
    """Each version that a file of another packager pins."""
    yield from json.loads((HERE / "package.json").read_text())["dependencies"].items()
    yield from re.findall(
        r"^\t\S+?/(go-oidc|oauth2)(?:/v3)? v(\S+)$", (HERE / "go/go.mod").read_text(), re.M
    )
    yield "oauth2-oidc-sdk", re.findall(r"<version>(.*?)<", (HERE / "java/pom.xml").read_text())[1]
    yield "oauth2-proxy", MODULE.partition("@v")[2]


@pytest.mark.parametrize(("name", "version"), list(pinned()))
def test_the_table_says_the_version_that_is_run(name, version):
    assert re.search(rf"^\| .*\b{name}\b.* {re.escape(version)} \|", TABLE, re.M)
