"""Pushed authorization requests (RFC 9126), security P35."""

import asyncio

import pytest

from issuer.browser import interaction, pushed
from issuer.browser.steps import Granted, LogIn, next_step
from issuer.errors import AccessTokenException, InvalidClient, InvalidRequest, InvalidRequestURI
from issuer.protocol.form import Form
from issuer.protocol.replay import Use, spend
from issuer.protocol.request import TokenRequest
from issuer.registry.scope import Scope
from issuer.stores.sqlite import SQLiteStore
from tests.browser.builders import a_form, a_session, agreed, refused
from tests.builders import NOW, OTHER_API, a_client, a_public_client, a_server, basic

SERVER = a_server()
EVIL = "http://127.0.0.1:9/request.jwt"


def push(*, server=SERVER, authorization="", now=NOW, **changes):
    headers = {"authorization": authorization or basic("web")}
    if changes.get("client_id") == "spa":
        headers = {}
    request = TokenRequest(form=a_form(**changes), headers=headers, received_at=now)
    return pushed.push(server, request).response


def arrive(request_uri, *, server=SERVER, now=NOW, client_id="web", **changes):
    form = Form({"client_id": (client_id,), "request_uri": (request_uri,), **changes})
    return interaction.receive(server, form, now)


def test_what_was_pushed_is_what_arrives():
    """Section 4: the parameters beside the request_uri do not count."""
    answer = push(state="pushed", scope="read write")
    assert (answer.status, answer.body["expires_in"]) == (201, 90)
    held, once = arrive(answer.body["request_uri"], scope=("read",), state=("other",))
    assert (held.request.state, held.request.scope) == ("pushed", "read write")
    assert len(once) == 1


def test_a_public_client_pushes_without_a_secret():
    assert push(client_id="spa").status == 201


def test_a_push_with_openid_names_its_redirect_uri():
    """OpenID Connect Core section 3.1.2.1, and the request that arrives is the pushed one."""
    server = a_server(a_client(scope=Scope({"openid", "read"})))
    with pytest.raises(InvalidRequest, match="With openid in its scope"):
        push(server=server, scope="openid read", redirect_uri=None)
    assert push(server=server, scope="openid read").status == 201
    answer = push(server=server, scope="read", redirect_uri=None)
    assert arrive(answer.body["request_uri"], server=server, scope=("openid",))


def test_a_push_needs_the_client_itself():
    with pytest.raises(InvalidClient):
        push(authorization=basic("web", "wrong"))
    two = a_server(a_client(), a_client("other"))
    assert push(server=two, client_id="other", authorization=basic("other")).status == 201
    with pytest.raises(InvalidRequest):
        push(server=two, client_id="other", authorization=basic("web"))


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"scope": "admin"}, "invalid_scope"),
        ({"resource": OTHER_API}, "invalid_target"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
    ],
)
def test_a_push_is_judged_as_the_request_would_be(changes, error):
    with pytest.raises(AccessTokenException) as caught:
        push(**changes)
    assert caught.value.error == error


@pytest.mark.parametrize(
    "request_uri", [EVIL, "file:///etc/passwd", pushed.URN, pushed.URN + "x", "x"]
)
def test_a_request_uri_of_another_kind_is_refused_and_never_fetched(request_uri):
    with pytest.raises(InvalidRequestURI):
        arrive(request_uri)


def test_a_request_uri_is_good_for_its_client_and_its_time():
    request_uri = push().body["request_uri"]
    assert arrive(request_uri, now=NOW + 89)
    with pytest.raises(InvalidRequestURI):
        arrive(request_uri, now=NOW + 90)
    with pytest.raises(InvalidRequestURI):
        arrive(request_uri, client_id="spa")


async def _spend(store, request_uri, now):
    _, once = arrive(request_uri, now=now)
    await spend(store, Use(once), now)


def test_a_request_uri_begins_one_interaction_where_a_store_remembers(tmp_path):
    store = SQLiteStore(tmp_path / "replay.db")
    asyncio.run(_spend(store, push(now=NOW + 5).body["request_uri"], NOW + 5))
    request_uri = push(now=NOW + 5).body["request_uri"]
    asyncio.run(_spend(store, request_uri, NOW + 6))
    with pytest.raises(InvalidRequestURI):
        asyncio.run(_spend(store, request_uri, NOW + 6))
    store.close()


@pytest.mark.parametrize("prompt", ["login", "select_account"])
def test_each_use_of_a_request_uri_begins_an_interaction_of_its_own(prompt):
    """Where no store refuses the second use, the login of the first is not taken for it."""
    request_uri = push(prompt=prompt).body["request_uri"]
    first, (once,) = arrive(request_uri)
    second, (again,) = arrive(request_uri)
    assert first.id != second.id
    assert once.id == again.id
    session = agreed(SERVER, a_session(SERVER, interaction_id=first.id), "read")
    assert isinstance(next_step(SERVER, first, session, NOW), Granted)
    assert isinstance(next_step(SERVER, second, session, NOW), LogIn)


@pytest.mark.parametrize(
    "server",
    [
        pytest.param(
            a_server(a_client(require_pushed_authorization_requests=True)), id="by the client"
        ),
        pytest.param(a_server(require_pushed_authorization_requests=True), id="by the issuer"),
    ],
)
def test_a_client_that_must_push_cannot_do_without(server):
    """Sections 5 and 6."""
    assert refused(server, a_form())["error"] == "invalid_request"
    assert arrive(push(server=server).body["request_uri"], server=server)


def test_other_clients_need_not_push():
    server = a_server(a_client(require_pushed_authorization_requests=True), a_public_client())
    assert interaction.receive(server, a_form(client_id="spa"), NOW)


def test_what_is_too_long_is_refused_in_words():
    with pytest.raises(InvalidRequest):
        push(state="s" * 20_000)
