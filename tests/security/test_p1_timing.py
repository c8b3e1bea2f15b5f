"""Security P1: how long a refusal takes does not tell which one it is.

Medians of interleaved samples, and of several tries the best: a busy machine makes times longer,
never more alike. What this finds is a whole step left out, such as no hash for an unknown client.
"""

import time
from statistics import median

import pytest

from issuer import introspection
from issuer.errors import AccessTokenException
from issuer.registry import Registry, secret
from issuer.registry.client import ClientSecret
from issuer.registry.settings import Settings
from issuer.server import AuthorizationServer
from issuer.token import handler
from tests.builders import (
    ISSUER,
    PASSWORD,
    PASSWORD_HASH,
    RING,
    SECRET,
    a_client,
    a_public_client,
    a_request,
    a_resource,
    a_server,
    basic,
)

SAMPLES = 400
TRIES = 8


def ratios(server, requests, validate=handler.validate):
    """The median time that each request takes, as a part of what the first takes."""
    taken: list[list[int]] = [[] for _ in requests]
    for _ in range(SAMPLES):
        for request, times in zip(requests, taken, strict=True):
            started = time.perf_counter_ns()
            try:
                validate(server, request)
            except AccessTokenException:
                times.append(time.perf_counter_ns() - started)
    medians = [median(times) for times in taken]
    return [each / medians[0] for each in medians[1:]]


def assert_alike(server, *requests, validate=handler.validate):
    tried = []
    for _ in range(TRIES):
        tried.append(ratios(server, requests, validate))
        if all(0.6 < ratio < 1.6 for ratio in tried[-1]):
            return
    raise AssertionError(f"some refusal takes another time than the first: {tried}")


def with_secret(client_id, secret):
    return a_request(authorization=basic(client_id, secret))


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(with_secret("web", SECRET[:-1] + "x"), id="its last character is wrong"),
        pytest.param(with_secret("web", SECRET[:-1]), id="it is shorter"),
        pytest.param(with_secret("nobody", SECRET), id="the client is unknown"),
        pytest.param(with_secret("spa", SECRET), id="the client has no secret"),
    ],
)
def test_a_wrong_secret_takes_as_long_as_one_wrong_from_its_first_character(other):
    """Security P1."""
    server = a_server(a_client(), a_public_client())
    assert_alike(server, with_secret("web", "x" + SECRET[1:]), other)


@pytest.mark.parametrize("client_id", ["nobody", "chosen"])
def test_an_empty_secret_is_refused_as_fast_whoever_it_is_for(client_id):
    """Security P1: it is compared with nothing, not even where a person chose the secret."""
    chosen = ClientSecret(hash=PASSWORD_HASH)
    server = a_server(a_client(), a_client("chosen", client_secrets=(chosen,)), a_public_client())
    assert_alike(server, with_secret("web", ""), with_secret(client_id, ""))


@pytest.mark.parametrize("user", ["nobody", "alice@elsewhere.example"])
def test_an_unknown_user_takes_as_long_as_a_wrong_password(user):
    """Security P1, P24: the cost is argon2id's, whoever it is for."""
    wrong = a_request("password", username="alice", password=PASSWORD + "x")
    unknown = a_request("password", username=user, password=PASSWORD + "x")
    assert_alike(a_server(), wrong, unknown)


@pytest.mark.parametrize("name", ["nobody", "web"])
@pytest.mark.parametrize("hashed", [secret.sha256_hash(SECRET), PASSWORD_HASH])
def test_an_unknown_resource_server_takes_as_long_as_a_wrong_secret(name, hashed):
    """Security P1: compared with the secret of a resource server, whatever those of clients are."""
    held, chosen = (ClientSecret(hash=hashed),), (ClientSecret(hash=PASSWORD_HASH),)
    registry = Registry.of(
        Settings(url=ISSUER),
        resources=(a_resource(client_id="api", client_secrets=held),),
        clients=(
            a_client(),
            a_client("chosen", client_secrets=chosen),
        ),
    )
    server = AuthorizationServer.of(registry, RING)
    wrong, unknown = (with_secret(each, "x" + SECRET[1:]) for each in ("api", name))
    assert_alike(server, wrong, unknown, validate=introspection.validate)
