"""RFC 9728 section 3: both middlewares answer with the document, and with nothing else."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.keys.builders import a_token
from tests.keys.mac.builders import a_mac_verifier
from tests.rfc9728.builders import METADATA_PATH, RESOURCE, a_verifier
from tests.rfc9728.gateways import APPLICATION, by_asgi, by_wsgi

GATEWAYS = pytest.mark.parametrize("ask", [by_asgi, by_wsgi])
TOKEN = a_token(aud=RESOURCE)
VERIFIER = a_verifier()


@GATEWAYS
def test_anybody_reads_it(ask):
    told = ask(METADATA_PATH, bearer=VERIFIER)
    assert told.status == 200
    assert json.loads(told.body) == VERIFIER.published.document
    assert told["content-type"] == "application/json"
    assert told["content-length"] == str(len(told.body))
    assert told["cache-control"] == "public, max-age=300"
    assert told["access-control-allow-origin"] == "*"
    assert ask("/invoices", bearer=VERIFIER).status == 401


@GATEWAYS
@pytest.mark.parametrize("token", [TOKEN, "nonsense"])
def test_credentials_make_no_difference(ask, token):
    assert ask(METADATA_PATH, token=token, bearer=VERIFIER) == ask(METADATA_PATH, bearer=VERIFIER)


@GATEWAYS
def test_head_is_get_without_a_body(ask):
    told, asked = (ask(METADATA_PATH, method=each, bearer=VERIFIER) for each in ("HEAD", "GET"))
    assert (told.status, told.fields, told.body) == (200, asked.fields, b"")


@GATEWAYS
def test_a_script_may_name_the_version_of_its_protocol(ask):
    """Clients of MCP in a browser send MCP-Protocol-Version: that is asked about (Fetch 4.8)."""
    told = ask(
        METADATA_PATH, method="OPTIONS", bearer=VERIFIER,
        headers=[("Origin", "https://ide.example"), ("Access-Control-Request-Method", "GET"),
                 ("Access-Control-Request-Headers", "mcp-protocol-version")],
    )  # fmt: skip
    assert (told.status, told.body) == (204, b"")
    assert told["access-control-allow-origin"] == "*"
    assert told["access-control-allow-headers"] == "*"
    assert not told.all("access-control-allow-credentials")


@GATEWAYS
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "get", "TRACE"])
def test_no_other_method_is_allowed(ask, method):
    told = ask(METADATA_PATH, method=method, bearer=VERIFIER)
    assert (told.status, told.body, told["allow"]) == (405, b"", "GET, HEAD, OPTIONS")
    assert ask(METADATA_PATH, bearer=VERIFIER).status == 200


@GATEWAYS
def test_where_it_is_not_switched_on_the_path_is_like_any_other(ask):
    silent = a_verifier(metadata=None)
    assert ask(METADATA_PATH, bearer=silent).status == 401
    assert ask(METADATA_PATH, token=TOKEN, bearer=silent).body == APPLICATION


@GATEWAYS
@pytest.mark.parametrize("mount", ["", "/mcp", "/mcp/", "/gateway", "/é"])
def test_it_is_found_wherever_the_application_is_mounted(ask, mount):
    """A proxy that cuts nothing off sends the public path; a server may put the mount before it."""
    mount = mount.rstrip("/")
    assert ask(METADATA_PATH, bearer=VERIFIER).status == 200
    assert ask(mount + METADATA_PATH, mount, bearer=VERIFIER).status == 200
    if mount:
        assert ask(mount + METADATA_PATH, bearer=VERIFIER).status == 401


@GATEWAYS
@pytest.mark.parametrize("origin", [
    "https://mcp.example", "https://mcp.example:443", "HTTPS://MCP.example",
])  # fmt: skip
def test_behind_a_proxy_the_origin_is_that_of_the_audience(ask, origin):
    assert ask(METADATA_PATH, bearer=VERIFIER, origin=origin).status == 200


@GATEWAYS
@pytest.mark.parametrize("origin", [
    "https://other.example", "https://mcp.example:8443", "http://mcp.example",
])  # fmt: skip
def test_another_origin_is_refused_for_no_client_would_take_the_document(ask, origin):
    """Section 3.3."""
    with pytest.raises(ValueError, match="the audience has to begin with the origin"):
        ask(METADATA_PATH, bearer=VERIFIER, origin=origin)
    assert ask("/x", bearer=a_verifier(metadata=None), origin=origin).status == 401


@GATEWAYS
def test_what_is_public_stays_the_applications(ask):
    told = ask(METADATA_PATH, bearer=VERIFIER, public=[METADATA_PATH])
    assert told.body == APPLICATION


@GATEWAYS
@pytest.mark.parametrize("near", [
    METADATA_PATH + "/", METADATA_PATH + "x", "/" + METADATA_PATH, METADATA_PATH[1:],
    METADATA_PATH.removesuffix("/mcp"), METADATA_PATH.upper(), METADATA_PATH + "\0",
    quote(METADATA_PATH, safe=""), f"/x/..{METADATA_PATH}", "", "/",
    "/.well-known/oauth-authorization-server",
])  # fmt: skip
def test_its_nearest_neighbours_take_a_token(ask, near):
    told = ask(near, bearer=VERIFIER)
    assert (told.status, told.body) == (401, b"Credentials are needed.")
    assert ask(METADATA_PATH, bearer=VERIFIER).status == 200


segments = st.lists(
    st.sampled_from([".well-known", "oauth-protected-resource", "mcp", "..", ".", ""])
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    max_size=6,
)


@GATEWAYS
@given(segments, segments, st.sampled_from(["GET", "HEAD", "OPTIONS", "POST"]))
def test_without_credentials_nothing_else_is_ever_answered(ask, mount, path, method):
    """Whatever the path and the mount: the document, or 401; never the application."""
    mounted = "".join(f"/{each}" for each in mount)
    whole = mounted + "".join(f"/{each}" for each in path)
    told = ask(whole, mounted, method=method, bearer=VERIFIER)
    assert told.body != APPLICATION
    is_document = METADATA_PATH in (whole, whole.removeprefix(mounted))
    assert (told.status != 401) == is_document


@GATEWAYS
@given(segments)
def test_any_resource_is_found_by_its_own_path_alone(ask, path):
    """Section 3.1, for every path that a URL can have."""
    escaped = "".join(f"/{quote(each, safe='')}" for each in path)
    verifier = a_verifier(f"https://mcp.example{escaped}")
    told = ask(verifier.published.path, bearer=verifier)
    assert json.loads(told.body)["resource"] == f"https://mcp.example{escaped}"
    assert ask(verifier.published.path + "x", bearer=verifier).status == 401


@GATEWAYS
def test_signed_requests_beside_are_no_difference(ask):
    told = ask(METADATA_PATH, bearer=VERIFIER, mac=a_mac_verifier())
    assert told.status == 200
    assert ask("/x", bearer=VERIFIER, mac=a_mac_verifier()).status == 401
