"""RFC 6749 section 3.1.2 and RFC 9700 section 2.1: redirect URIs, registered and presented."""

import json

import pytest

from issuer.errors import InvalidRequest
from issuer.registry import InvalidRegistry, Registry, advice, parse, redirect_uri
from issuer.token import OFFERED
from tests.builders import API, ISSUER, a_client, a_code, a_server


@pytest.mark.parametrize(
    "uri",
    [
        "https://rp.example/cb",
        "https://rp.example",
        "https://rp.example/",
        "https://rp.example:8443/cb?fixed=1",
        "https://[2001:db8::1]/cb",
        "http://127.0.0.1/cb",
        "http://127.0.0.1:49152/cb",
        "http://[::1]/cb",
        "http://[::1]:49152/",
        "http://127.0.0.1:1/cb",
        "http://127.0.0.1:65535/cb",
        "http://localhost/cb",
        "http://localhost:8080/cb",
        "com.example.app:/cb",
        "com.example.app://cb",
        "com.example.MyApp:/cb",
        "vscode://vendor.extension/did-authenticate",
        "cursor://anysphere.cursor-mcp/oauth/callback",
    ],
)
def test_a_uri_of_these_forms_may_be_registered(uri):
    """RFC 6749 section 3.1.2, RFC 8252 section 7."""
    assert redirect_uri.check(uri) == uri


@pytest.mark.parametrize(
    ("uri", "sentence"),
    [
        pytest.param("https://rp.example/cb#", "fragment", id="an empty fragment"),
        pytest.param("https://rp.example/cb#x", "fragment", id="a fragment"),
        pytest.param("https://*.rp.example/cb", "wildcard", id="a wildcard in the host"),
        pytest.param("https://rp.example/*", "wildcard", id="a wildcard in the path"),
        pytest.param("https://user@rp.example/cb", "user information", id="user information"),
        pytest.param("https://a:b@rp.example/cb", "user information", id="a password"),
        pytest.param("https://rp.example@evil.example/", "user information", id="a look-alike"),
        pytest.param("http://rp.example/cb", "must be https", id="http"),
        pytest.param("http://localhost.evil/cb", "must be https", id="longer than localhost"),
        pytest.param("http://LOCALHOST/cb", "must be https", id="localhost in capitals"),
        pytest.param("http://localhost./cb", "must be https", id="localhost with a dot"),
        pytest.param("http://127.0.0.2/cb", "must be https", id="another loopback address"),
        pytest.param("http://0x7f.1/cb", "must be https", id="0x7f.1"),
        pytest.param("http://2130706433/cb", "must be https", id="a decimal address"),
        pytest.param("http://127.0.0.1.evil.example/cb", "must be https", id="a longer name"),
        pytest.param("http://127.0.0.1@evil.example/", "user information", id="a false host"),
        pytest.param("https:rp.example/cb", "must have a host", id="no slashes"),
        pytest.param("https:///cb", "must have a host", id="no host"),
        pytest.param("//rp.example/cb", "must be https", id="no scheme"),
        pytest.param("/cb", "must be https", id="a path"),
        pytest.param("HTTPS://rp.example/cb", "small letters", id="https in capitals"),
        pytest.param("Http://127.0.0.1/cb", "small letters", id="http with a capital"),
        pytest.param("javascript:alert(1)", "act on this one", id="javascript"),
        pytest.param("JavaScript:/%0aalert(1)", "act on this one", id="javascript with capitals"),
        pytest.param("data:text/html,x", "act on this one", id="data"),
        pytest.param("file:///etc/passwd", "act on this one", id="file"),
        pytest.param("urn:ietf:wg:oauth:2.0:oob", "act on this one", id="out of band"),
        pytest.param("web+oauth:/cb", "act on this one", id="what a page may take over"),
        pytest.param("ms-settings:/cb", "act on this one", id="a part of Windows"),
        pytest.param("myapp:cb", "slash behind its scheme", id="a scheme and no slash"),
        pytest.param("1app:/cb", "must be https", id="a scheme that begins with a digit"),
        pytest.param("my_app:/cb", "must be https", id="a scheme with an underscore"),
        pytest.param("java%73cript:/x", "must be https", id="a scheme percent-encoded"),
        pytest.param("localhost:8080/cb", "begin with its scheme", id="localhost, no scheme"),
        pytest.param("rp.example:8080", "begin with its scheme", id="a host and a port"),
        pytest.param("", "absolute URI", id="empty"),
        pytest.param("https://rp.example/c b", "absolute URI", id="a blank"),
        pytest.param("https://rp.example/cb ", "absolute URI", id="a blank behind"),
        pytest.param(" https://rp.example/cb", "absolute URI", id="a blank before"),
        pytest.param("https://rp.example/\tcb", "absolute URI", id="a tab"),
        pytest.param("https://rp.example/cb\n", "absolute URI", id="a line feed behind"),
        pytest.param("https://rp.example/cb\r\nX: y", "absolute URI", id="a header"),
        pytest.param("https://rp.example\\@evil.example/", "absolute URI", id="a backslash"),
        pytest.param("https:\\\\rp.example/cb", "absolute URI", id="backslashes"),
        pytest.param("https://rp.example/<x>", "absolute URI", id="angle brackets"),
        pytest.param("https://r\u0440.example/cb", "absolute URI", id="a Cyrillic letter"),
        *[
            pytest.param(f"{where}:{port}/cb", "port from 1 to 65535", id=f"{where}, port {port}")
            for where in ("https://rp.example", "http://127.0.0.1", "http://[::1]", "app.x://host")
            for port in ("", "0", "00080", "08080", "65536", "99999", "123456", "x", "-1", "8%30")
        ],
        pytest.param("https://[::1/cb", "valid host and port", id="an open bracket"),
    ],
)
def test_another_uri_may_not_be_registered(uri, sentence):
    """Security P13."""
    with pytest.raises(ValueError, match=sentence):
        redirect_uri.check(uri)


@pytest.mark.parametrize("scheme", sorted(redirect_uri.NOT_OF_AN_APPLICATION))
def test_no_scheme_that_others_act_on_may_be_registered_however_it_is_spelled(scheme):
    """B18, P13; RFC 8252 section 8.4."""
    for spelled in (scheme, scheme.upper(), scheme.title()):
        with pytest.raises(ValueError, match="must"):
            redirect_uri.check(f"{spelled}:/cb")


WEB, NATIVE = "web", "native"
KINDS = [
    pytest.param("https://rp.example/cb", (WEB, NATIVE), None, id="https"),
    pytest.param("http://127.0.0.1:5/cb", (WEB, NATIVE), None, id="a loopback address"),
    pytest.param("http://[::1]/cb", (WEB, NATIVE), None, id="the other loopback address"),
    pytest.param("com.example.app:/cb", (WEB, NATIVE), None, id="a reverse-domain scheme"),
    pytest.param("http://localhost/cb", (NATIVE,), "section 8.3", id="localhost"),
    pytest.param("http://localhost:1234/callback", (NATIVE,), "section 8.3", id="with a port"),
    pytest.param("http://localhost?x=1", (NATIVE,), "section 8.3", id="localhost without a path"),
    pytest.param("vscode://vendor.extension/x", (NATIVE,), "sections 7.1", id="an editor's scheme"),
    pytest.param("cursor://anysphere.cursor-mcp/cb", (NATIVE,), "sections 7.1", id="another's"),
    pytest.param("MyApp:/cb", (NATIVE,), "sections 7.1", id="a scheme with capitals"),
]


def registered(application_type: str, **fields: object) -> Registry:
    """The registry of one public client, as it is read."""
    client = {
        "application_type": application_type,
        "token_endpoint_auth_method": "none",
        "redirect_uris": ["https://rp.example/"],
        "scope": "read",
        "resources": [API],
        **fields,
    }
    resources = {API: {"scopes": ["read"]}}
    whole = {"issuer": {"url": ISSUER}, "resources": resources, "clients": {"app": client}}
    return parse({"registry.json": json.dumps(whole).encode()}, OFFERED)


@pytest.mark.parametrize(("uri", "types", "risk"), KINDS)
@pytest.mark.parametrize("field", ["redirect_uris", "post_logout_redirect_uris"])
@pytest.mark.parametrize("application_type", [WEB, NATIVE])
def test_a_kind_of_uri_is_for_these_types_of_application(application_type, field, uri, types, risk):
    """OpenID Connect Registration 1.0 section 2, RFC 8252 section 7; B18."""
    uris = ["https://rp.example/cb", uri]
    if application_type in types:
        assert registered(application_type, **{field: uris})
    else:
        with pytest.raises(InvalidRegistry) as caught:
            registered(application_type, **{field: uris})
        (problem,) = caught.value.problems
        assert problem.path == ("clients", "app", field, 1)
        assert 'application_type = "native"' in problem.message
        assert uri not in problem.message


@pytest.mark.parametrize(("uri", "types", "risk"), KINDS)
def test_what_others_may_answer_to_is_warned_of(uri, types, risk):
    """RFC 8252 sections 7.1, 8.3 and 8.4."""
    found = registered(NATIVE, redirect_uris=["https://rp.example/cb", uri])
    said = [(path, sentence) for path, sentence in advice.warnings(found)]
    assert [path for path, _ in said] == [("clients", "app", "redirect_uris", 1)] * bool(risk)
    assert all(risk in sentence for _, sentence in said)


@pytest.mark.parametrize(
    ("fields", "refused_at"),
    [
        pytest.param({"application_type": "Native"}, "application_type", id="another spelling"),
        pytest.param({"application_type": "spa"}, "application_type", id="a type that is none"),
        pytest.param({"require_pkce": False}, "require_pkce", id="a native one without PKCE"),
    ],
)
def test_a_native_application_is_called_so_and_has_pkce(fields, refused_at):
    """RFC 8252 section 8.1; security B5."""
    secrets = [{"hash": "sha256:" + "A" * 43}]
    given = {"token_endpoint_auth_method": "client_secret_post", "client_secrets": secrets}
    assert registered(**{"application_type": NATIVE, **given})
    with pytest.raises(InvalidRegistry) as caught:
        registered(**{"application_type": NATIVE, **given, **fields})
    (problem,) = caught.value.problems
    assert problem.path == ("clients", "app", refused_at)


REGISTERED = "https://rp.example/cb"


@pytest.mark.parametrize(
    "presented",
    [
        pytest.param("https://rp.example/cb/", id="a slash more"),
        pytest.param("https://rp.example/cb?", id="an empty query"),
        pytest.param("https://rp.example/cb?x=1", id="a query"),
        pytest.param("https://rp.example/cb#", id="an empty fragment"),
        pytest.param("https://rp.example/CB", id="another case of the path"),
        pytest.param("https://RP.example/cb", id="another case of the host"),
        pytest.param("HTTPS://rp.example/cb", id="another case of the scheme"),
        pytest.param("https://rp.example:443/cb", id="the default port"),
        pytest.param("https://rp.example/%63b", id="percent-encoded"),
        pytest.param("https://rp.example/x/../cb", id="dot segments"),
        pytest.param("https://rp.example/cb/../../evil", id="dot segments out of it"),
        pytest.param("https://rp.example//cb", id="two slashes"),
        pytest.param("https://rp.example/cb\\evil", id="a backslash"),
        pytest.param("https://rp.example.evil.example/cb", id="a longer host"),
        pytest.param("https://rp.example@evil.example/cb", id="a false host"),
        pytest.param("https://evil.example/https://rp.example/cb", id="it as a path"),
        pytest.param("https://sub.rp.example/cb", id="a subdomain"),
        pytest.param("http://rp.example/cb", id="http"),
        pytest.param("https://rp.example/cb\n", id="a line feed behind"),
        pytest.param("https://rp.example/cb%0d%0aX:y", id="a header"),
        pytest.param("", id="empty"),
    ],
)
def test_what_is_not_the_registered_uri_character_for_character_is_refused(presented):
    """RFC 9700 section 2.1; security B1, P13."""
    assert redirect_uri.matches(REGISTERED, REGISTERED)
    assert not redirect_uri.matches(REGISTERED, presented)


@pytest.mark.parametrize(
    ("registered", "presented", "same"),
    [
        pytest.param("http://127.0.0.1/cb", "http://127.0.0.1:49152/cb", True, id="a port more"),
        pytest.param("http://127.0.0.1:1/cb", "http://127.0.0.1:49152/cb", True, id="another port"),
        pytest.param("http://127.0.0.1:1/cb", "http://127.0.0.1/cb", True, id="no port"),
        pytest.param("http://[::1]/cb", "http://[::1]:5/cb", True, id="a port of ::1"),
        pytest.param("http://127.0.0.1/cb", "http://[::1]/cb", False, id="the other address"),
        pytest.param("http://127.0.0.1/cb", "http://localhost/cb", False, id="localhost"),
        pytest.param("http://localhost/cb", "http://localhost:5/cb", True, id="its port"),
        pytest.param("http://localhost:1/cb", "http://localhost:5/cb", True, id="its other port"),
        pytest.param("http://localhost/cb", "http://127.0.0.1/cb", False, id="its address"),
        pytest.param("http://localhost/cb", "http://[::1]/cb", False, id="its other address"),
        pytest.param("http://localhost/cb", "http://LOCALHOST/cb", False, id="its capitals"),
        pytest.param("http://localhost/cb", "http://localhost.:5/cb", False, id="its dot"),
        pytest.param("http://localhost/cb", "http://localhost.evil/cb", False, id="longer name"),
        pytest.param("http://localhost/cb", "http://localhost:5@evil/cb", False, id="no host"),
        pytest.param("http://localhost/cb", "http://localhost:5/x", False, id="its other path"),
        pytest.param("http://localhost/cb", "https://localhost:5/cb", False, id="its https"),
        pytest.param("vscode://a.b/cb", "vscode://a.b:5/cb", False, id="the port of a scheme"),
        pytest.param("vscode://a.b/cb", "VSCode://a.b/cb", False, id="a scheme in capitals"),
        pytest.param("com.Example.app:/cb", "com.example.app:/cb", False, id="in small letters"),
        pytest.param("com.Example.app:/cb", "com.Example.app:/cb", True, id="as registered"),
        pytest.param("http://127.0.0.1/cb", "http://127.0.0.1:5/other", False, id="another path"),
        pytest.param("http://127.0.0.1/cb", "http://127.0.0.1:5/cb?x", False, id="a query"),
        pytest.param("http://127.0.0.1/cb", "http://127.0.0.1:5/cb\n", False, id="a line feed"),
        pytest.param("http://127.0.0.1/cb", "https://127.0.0.1:5/cb", False, id="https"),
        pytest.param("http://127.0.0.1/cb", "http://127.0.0.1:/cb", False, id="an empty port"),
        *[
            pytest.param(f"http://{host}/cb", f"http://{host}:{port}/cb", good, id=f"{host}:{port}")
            for host in ("127.0.0.1", "[::1]", "localhost")
            for port, good in [
                ("1", True),
                ("80", True),
                ("65535", True),
                ("0", False),
                ("00080", False),
                ("08080", False),
                ("65536", False),
                ("99999", False),
                ("123456", False),
                ("+80", False),
                ("\u0661", False),
                ("8%30", False),
                ("80 ", False),
            ]
        ],
        pytest.param("http://127.0.0.1/cb", "http://127.0.0.1:1@evil/cb", False, id="false host"),
        pytest.param("http://127.0.0.1/cb", "http://127.0.0.1.evil/cb", False, id="longer host"),
        pytest.param("https://rp.example/cb", "https://rp.example:1/cb", False, id="not loopback"),
        pytest.param("https://127.0.0.1/cb", "https://127.0.0.1:1/cb", False, id="https loopback"),
    ],
)
def test_the_port_of_a_loopback_uri_is_free_and_nothing_else(registered, presented, same):
    """RFC 8252 section 7.3."""
    assert redirect_uri.matches(registered, presented) is same


@pytest.mark.parametrize(
    ("registered", "presented", "refused"),
    [
        pytest.param([REGISTERED], None, False, id="the only one may be left out"),
        pytest.param([REGISTERED], REGISTERED, False, id="the only one"),
        pytest.param([REGISTERED, REGISTERED + "2"], None, True, id="one of two is left out"),
        pytest.param([REGISTERED, REGISTERED + "2"], REGISTERED, False, id="one of two"),
        pytest.param([REGISTERED], REGISTERED + "2", True, id="another"),
        pytest.param([REGISTERED], "", True, id="an empty one"),
    ],
)
def test_a_code_is_issued_for_a_registered_uri_only(registered, presented, refused):
    """RFC 6749 section 3.1.2.3."""
    server = a_server(a_client(redirect_uris=tuple(registered)))
    if refused:
        with pytest.raises(InvalidRequest):
            a_code(server, redirect_uri=presented)
    else:
        assert a_code(server, redirect_uri=presented)
