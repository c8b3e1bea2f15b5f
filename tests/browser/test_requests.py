"""What the authorization endpoint takes, what it tells the client, and what only the browser."""

import pytest

from issuer.browser import interaction
from issuer.browser.answering import Answered
from issuer.browser.authorization_request import Prompt, ResponseMode
from issuer.errors import AccessTokenException, InvalidRequest
from issuer.protocol.form import Form
from issuer.registry.scope import Scope
from tests.browser.builders import a_form, an_interaction, refused
from tests.builders import (
    API,
    CALLBACK,
    CHALLENGE,
    ISSUER,
    NOW,
    OTHER_API,
    a_client,
    a_public_client,
    a_server,
)

NATIVE = a_public_client(
    "native",
    redirect_uris=("http://127.0.0.1/cb", "http://[::1]/cb", "com.example.app:/cb"),
    grant_types=("authorization_code",),
)
EDITOR = a_public_client(
    "editor",
    application_type="native",
    redirect_uris=("http://localhost:1234/callback", "cursor://anysphere.cursor-mcp/cb"),
    grant_types=("authorization_code",),
)
SERVER = a_server(a_client(), a_public_client(), NATIVE, EDITOR)


def test_a_request_becomes_an_interaction_that_holds_all_of_it():
    held = an_interaction(
        SERVER,
        nonce="n",
        prompt="login consent",
        max_age="60",
        login_hint="alice",
        ui_locales="de en",
        response_mode="form_post",
        resource=API,
    ).request
    assert (held.client_id, held.redirect_uri, held.scope) == ("web", CALLBACK, "read")
    assert (held.state, held.nonce, held.code_challenge) == ("a-state", "n", CHALLENGE)
    assert held.prompt == {Prompt.LOGIN, Prompt.CONSENT}
    assert (held.max_age, held.login_hint, held.ui_locales) == (60, "alice", "de en")
    assert held.response_mode is ResponseMode.FORM_POST
    assert held.resource == (API,)


def test_an_interaction_survives_its_seal():
    held = an_interaction(SERVER, prompt="login", max_age="0", resource=API)
    text = interaction.seal(SERVER, held, NOW)
    assert interaction.resume(SERVER, text, NOW + interaction.LIFETIME - 1) == held
    with pytest.raises(interaction.Expired):
        interaction.resume(SERVER, text, NOW + interaction.LIFETIME)


@pytest.mark.parametrize(
    ("age", "client_id"),
    [(0, "web"), (interaction.LEGIBLE - 1, "web"), (interaction.LEGIBLE, "")],
)
def test_a_page_that_is_too_old_knows_the_way_back_for_a_week(age, client_id):
    text = interaction.seal(SERVER, an_interaction(SERVER), NOW)
    with pytest.raises(interaction.Expired) as expired:
        interaction.resume(SERVER, text, NOW + interaction.LIFETIME + age)
    assert expired.value.client_id == client_id


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"response_type": None}, "invalid_request", id="response_type is missing"),
        pytest.param({"response_type": "token"}, "unsupported_response_type", id="B10: implicit"),
        pytest.param(
            {"response_type": "code id_token"}, "unsupported_response_type", id="B10: hybrid"
        ),
        pytest.param({"scope": "admin"}, "invalid_scope", id="scope is not registered"),
        pytest.param({"scope": "read  write"}, "invalid_scope", id="scope is malformed"),
        pytest.param({"resource": "https://evil.example"}, "invalid_target", id="resource"),
        pytest.param({"resource": OTHER_API}, "invalid_target", id="resource of others"),
        pytest.param({"code_challenge": None}, "invalid_request", id="V6: no code_challenge"),
        pytest.param(
            {"code_challenge_method": None}, "invalid_request", id="P14: method absent is plain"
        ),
        pytest.param({"code_challenge_method": "plain"}, "invalid_request", id="P14: plain"),
        pytest.param({"code_challenge_method": "s256"}, "invalid_request", id="P14: s256"),
        pytest.param({"code_challenge": "short"}, "invalid_request", id="no SHA-256"),
        pytest.param({"response_mode": "fragment"}, "invalid_request", id="fragment"),
        pytest.param({"response_mode": "web_message"}, "invalid_request", id="B28: web_message"),
        pytest.param({"prompt": "none login"}, "invalid_request", id="prompt none and another"),
        pytest.param({"prompt": "create"}, "invalid_request", id="an unknown prompt"),
        pytest.param({"max_age": "-1"}, "invalid_request", id="max_age is negative"),
        pytest.param({"max_age": "1e3"}, "invalid_request", id="max_age is no number"),
        pytest.param({"request": "eyJ"}, "request_not_supported", id="a request object"),
        pytest.param({"registration": "{}"}, "registration_not_supported", id="registration"),
    ],
)
def test_the_client_is_told_what_is_wrong_with_the_rest(changes, error):
    """RFC 6749 section 4.1.2.1, RFC 9207: with state and iss, so that nothing is mixed up (B23)."""
    told = refused(SERVER, a_form(**changes))
    assert told["error"] == error
    assert (told["state"], told["iss"]) == ("a-state", ISSUER)
    assert an_interaction(SERVER)


@pytest.mark.parametrize("prompt", [None, "none"])
@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"client_id": None}, id="no client_id"),
        pytest.param({"client_id": "nobody"}, id="unknown client"),
        pytest.param({"client_id": "web\x00"}, id="unknown client with NUL"),
        *(
            pytest.param({"redirect_uri": uri}, id=f"redirect_uri {uri}")
            for uri in (
                "https://evil.example/callback",
                CALLBACK + "/",
                CALLBACK + "?a=b",
                CALLBACK + "#",
                CALLBACK + "/../evil",
                CALLBACK.upper(),
                CALLBACK.replace("https", "HTTPS"),
                CALLBACK.replace("https", "http"),
                CALLBACK.replace("app.example", "APP.example"),
                CALLBACK.replace("app.example", "app.example:443"),
                CALLBACK.replace("app.example", "app.example.evil.example"),
                CALLBACK.replace("app.example", "app.example@evil.example"),
                CALLBACK.replace("https://", "https://app.example@evil/"),
                CALLBACK.replace("/callback", "/%63allback"),
                CALLBACK.replace("/callback", "\\callback"),
                CALLBACK.replace("//", "\\\\"),
                CALLBACK.replace("https:", ""),
                CALLBACK.replace("//", ""),
                CALLBACK + "\t",
                CALLBACK + "\n",
                " " + CALLBACK,
                CALLBACK + "%0d%0aSet-Cookie:a=b",
                "javascript:alert(1)",
                "data:text/html,x",
                "*",
            )
        ),
    ],
)
def test_nothing_is_redirected_before_client_and_redirect_uri_are_known(changes, prompt):
    """B1, B2, B3, P13."""
    with pytest.raises(AccessTokenException):
        interaction.receive(SERVER, a_form(**changes, prompt=prompt, scope="bad"), NOW)


@pytest.mark.parametrize(
    "presented",
    [
        "http://127.0.0.1:49152/cb",
        "http://127.0.0.1/cb",
        "http://[::1]:1/cb",
        "com.example.app:/cb",
    ],
)
def test_the_port_of_a_loopback_redirect_uri_is_free(presented):
    """RFC 8252 section 7.3."""
    held = an_interaction(SERVER, client_id="native", redirect_uri=presented)
    assert held.request.redirect_uri == presented


@pytest.mark.parametrize(
    "presented",
    [
        "http://127.0.0.1.evil/cb",
        "http://localhost:1/cb",
        "http://127.0.0.1:1/other",
        "http://127.0.0.1:1/cb?a=b",
        "http://127.0.0.1:x/cb",
        "http://0x7f.1/cb",
        "http://127.0.0.1:1@evil/cb",
        "com.example.app:/other",
        "com.example.app2:/cb",
    ],
)
def test_and_nothing_else_of_it_is(presented):
    """B1: fosite's CVE-2020-15233 and CVE-2020-15234."""
    with pytest.raises(InvalidRequest):
        interaction.receive(SERVER, a_form(client_id="native", redirect_uri=presented), NOW)


@pytest.mark.parametrize(
    ("presented", "known"),
    [
        ("http://localhost:1234/callback", True),
        ("http://localhost:49152/callback", True),
        ("http://localhost/callback", True),
        ("cursor://anysphere.cursor-mcp/cb", True),
        ("http://localhost:0/callback", False),
        ("http://localhost:00080/callback", False),
        ("http://localhost:99999/callback", False),
        ("http://127.0.0.1:1234/callback", False),
        ("http://localhost.evil:1234/callback", False),
        ("http://localhost:1234/callback/", False),
        ("cursor://anysphere.cursor-mcp/cb/", False),
        ("cursor://evil/cb", False),
        ("Cursor://anysphere.cursor-mcp/cb", False),
    ],
)
def test_an_editor_is_reached_at_localhost_and_at_its_scheme_and_nowhere_near(presented, known):
    """RFC 8252 sections 7.1, 7.3 and 8.3; B1."""
    form = a_form(client_id="editor", redirect_uri=presented)
    if known:
        held, _ = interaction.receive(SERVER, form, NOW)
        assert held.request.redirect_uri == presented
    else:
        with pytest.raises(InvalidRequest):
            interaction.receive(SERVER, form, NOW)


def test_one_redirect_uri_need_not_be_named_and_several_must():
    assert an_interaction(SERVER, redirect_uri=None).request.redirect_uri is None
    with pytest.raises(InvalidRequest):
        interaction.receive(SERVER, a_form(client_id="native", redirect_uri=None), NOW)


@pytest.mark.parametrize("scope", ["openid", "openid profile", "read openid"])
@pytest.mark.parametrize("client_id", ["web", "rp"])
def test_with_openid_the_redirect_uri_must_be_named_though_there_is_only_one(client_id, scope):
    """OpenID Connect Core section 3.1.2.1: REQUIRED. A page, for nothing says where else to."""
    asks_who = a_client("rp", scope=Scope({"openid", "profile", "read"}))
    server = a_server(a_client(), asks_who)
    with pytest.raises(InvalidRequest, match="With openid in its scope"):
        interaction.receive(
            server, a_form(client_id=client_id, redirect_uri=None, scope=scope), NOW
        )
    for other in ("read", "read openidx", None):
        form = a_form(client_id="rp", redirect_uri=None, scope=other)
        assert interaction.receive(server, form, NOW)
    form = a_form(client_id="rp", scope="openid read")
    assert interaction.receive(server, form, NOW)


def test_a_parameter_that_is_there_twice_is_nobodys_request():
    """P5: which redirect_uri would be told?"""
    with pytest.raises(InvalidRequest):
        Form.parse(b"client_id=web&client_id=web")


def test_a_client_that_may_not_use_codes_is_told_so():
    server = a_server(a_client(grant_types=("client_credentials",)))
    assert refused(server, a_form())["error"] == "unauthorized_client"


def test_an_old_client_may_go_without_pkce_where_it_is_registered_so():
    server = a_server(a_client(require_pkce=False))
    without = {"code_challenge": None, "code_challenge_method": None}
    assert an_interaction(server, **without).request.code_challenge is None
    halved = a_form(code_challenge=None)
    assert refused(server, halved)["error"] == "invalid_request"


def test_the_answer_by_form_post_is_asked_for_before_anything_can_go_wrong():
    with pytest.raises(Answered) as caught:
        interaction.receive(SERVER, a_form(scope="bad", response_mode="form_post"), NOW)
    assert caught.value.response.response_mode is ResponseMode.FORM_POST


def test_what_is_too_long_for_a_url_is_refused_in_words():
    held = an_interaction(SERVER, state="s" * 20_000)
    with pytest.raises(Answered) as caught:
        interaction.seal(SERVER, held, NOW)
    assert caught.value.response.parameters["error"] == "invalid_request"
    assert interaction.seal(SERVER, an_interaction(SERVER, state="s" * 5_000), NOW)
