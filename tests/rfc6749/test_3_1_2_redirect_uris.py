"""RFC 6749 section 3.1.2 and RFC 9700 section 2.1: redirect URIs, registered and presented."""

import pytest

from issuer import redirect_uri
from issuer.errors import InvalidRequest
from tests.builders import a_client, a_code, a_server


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
        "com.example.app:/cb",
        "com.example.app://cb",
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
        pytest.param("http://localhost/cb", "must be https", id="localhost by name"),
        pytest.param("http://localhost:8080/cb", "must be https", id="localhost with a port"),
        pytest.param("http://127.0.0.2/cb", "must be https", id="another loopback address"),
        pytest.param("http://0x7f.1/cb", "must be https", id="0x7f.1"),
        pytest.param("http://2130706433/cb", "must be https", id="a decimal address"),
        pytest.param("http://127.0.0.1.evil.example/cb", "must be https", id="a longer name"),
        pytest.param("http://127.0.0.1@evil.example/", "user information", id="a false host"),
        pytest.param("https:rp.example/cb", "must have a host", id="no slashes"),
        pytest.param("https:///cb", "must have a host", id="no host"),
        pytest.param("//rp.example/cb", "must be https", id="no scheme"),
        pytest.param("/cb", "must be https", id="a path"),
        pytest.param("javascript:alert(1)", "must be https", id="javascript"),
        pytest.param("data:text/html,x", "must be https", id="data"),
        pytest.param("file:///etc/passwd", "must be https", id="file"),
        pytest.param("myapp:/cb", "must be https", id="a scheme without a domain"),
        pytest.param("urn:ietf:wg:oauth:2.0:oob", "must be https", id="out of band"),
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
        pytest.param("https://rp.example:99999/cb", "valid host and port", id="a port too high"),
        pytest.param("https://rp.example:x/cb", "valid host and port", id="a port of letters"),
        pytest.param("https://[::1/cb", "valid host and port", id="an open bracket"),
    ],
)
def test_another_uri_may_not_be_registered(uri, sentence):
    """Security P13."""
    with pytest.raises(ValueError, match=sentence):
        redirect_uri.check(uri)


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
        pytest.param("http://127.0.0.1/cb", "http://127.0.0.1:5/other", False, id="another path"),
        pytest.param("http://127.0.0.1/cb", "http://127.0.0.1:5/cb?x", False, id="a query"),
        pytest.param("http://127.0.0.1/cb", "http://127.0.0.1:5/cb\n", False, id="a line feed"),
        pytest.param("http://127.0.0.1/cb", "https://127.0.0.1:5/cb", False, id="https"),
        pytest.param("http://127.0.0.1/cb", "http://127.0.0.1:/cb", False, id="an empty port"),
        pytest.param("http://127.0.0.1/cb", "http://127.0.0.1:123456/cb", False, id="no port"),
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
