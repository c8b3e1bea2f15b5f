"""``issuer revoke``: what is taken back, by what, and what the command says of the rest."""

import asyncio
import json
from functools import partial
from pathlib import Path
from urllib.parse import urlencode

import pytest

from issuer.browser.sealed import Interaction, Session
from issuer.cli import clock
from issuer.load import load
from issuer.protocol.form import Form
from issuer.protocol.replay import Use
from issuer.protocol.request import TokenRequest
from issuer.protocol.sealed import AuthorizationCode, Login, RefreshToken
from issuer.registry import secret
from issuer.registry.scope import Scope
from issuer.stores import open_store
from issuer.token import handler
from keys.ring import KeyRing, write
from tests.builders import SECRET, VERIFIER, a_code, a_once, basic

STORE = "sqlite:replay.db"


@pytest.fixture(params=["none", STORE])
def replay_store(request, registry) -> str:
    """Of the registry, which is otherwise that of the tests."""
    with_a_store(registry, request.param)
    return request.param


@pytest.fixture
def remembering(registry) -> Path:
    """The registry, with a store that a worker has begun."""
    with_a_store(registry, STORE)
    return registry


def with_a_store(registry: Path, replay_store: str) -> None:
    text = registry.read_text()
    text = text.replace("[issuer]", f'[issuer]\nreplay_store = "{replay_store}"')
    text = text.replace("sha256:" + "A" * 43, secret.sha256_hash(SECRET))
    text = text.replace('_types = ["auth', '_types = ["client_credentials", "auth')
    registry.write_text(text)
    write(registry.with_name("keyring.json"), KeyRing.new("ES256", clock.now() - 1000))
    begin(registry, replay_store)


def begin(registry: Path, replay_store: str = STORE) -> None:
    """As a worker does when it starts, a while ago."""
    in_the_store(registry, lambda store: store.fault(clock.now() - 1000), replay_store)


def in_the_store(registry: Path, question, replay_store: str = STORE):
    issuer = server_of(registry).issuer
    store = open_store(replay_store, folder=registry.parent, issuer=issuer)
    try:
        return asyncio.run(question(store))
    finally:
        store.close()


def server_of(registry: Path):
    return load(registry, registry.with_name("keyring.json"), clock.now())


def request_of(now: int, **parameters: str) -> TokenRequest:
    return TokenRequest(
        form=Form.parse(urlencode(parameters).encode()),
        headers={"authorization": basic("web")},
        received_at=now,
    )


def post(registry: Path, replay_store: str = STORE, **parameters: str):
    """The answer of a worker over these files."""
    server, request = server_of(registry), request_of(clock.now(), **parameters)
    return in_the_store(registry, partial(_answer, server, request), replay_store)


def _answer(server, request, store):
    return handler(server, request, store=store)


def redeem(registry: Path, replay_store: str = STORE) -> dict[str, str]:
    now = clock.now() - 5  # another second than that of the line
    code = a_code(server_of(registry), now=now, redirect_uri="https://app.example/callback")
    given = {"grant_type": "authorization_code", "code": code, "code_verifier": VERIFIER}
    return post(registry, replay_store, **given).body


def refresh(registry: Path, tokens: dict[str, str], replay_store: str = STORE) -> str | None:
    given = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    return post(registry, replay_store, **given).error


def test_a_refresh_token_is_revoked_with_all_of_its_grant(run, remembering):
    tokens, others = redeem(remembering), redeem(remembering)
    assert refresh(remembering, tokens) is None
    result = run("revoke", "-", stdin=tokens["refresh_token"] + "\n")
    assert result.exit_code == 0
    assert result.stdout.startswith('Revoked: the grant "')
    assert 'that "alice" gave to the client "web", with all that came of it.' in result.stdout
    assert "By the replay store (sqlite): every worker that shares it" in result.stdout
    assert "verify offline accept access tokens that are out for up to 11 minutes" in result.stdout
    assert "those that follow the feed of revocations refuse within a minute" in result.stdout
    assert refresh(remembering, tokens) == "invalid_grant"
    assert refresh(remembering, others) is None
    seen = run("inspect", stdin=tokens["access_token"])
    assert (seen.exit_code, "Refused: its grant was revoked." in seen.stdout) == (1, True)


def test_a_redis_is_asked_as_well(run, registry, redis_server):
    """Where it is nobody is told: its URL may say a password."""
    with_a_store(registry, redis_server.url)
    tokens = redeem(registry, redis_server.url)
    for arguments in (["--user", "alice"], ["--grant", tokens["access_token"]]):
        result = run("revoke", *arguments)
        assert (result.exit_code, "By the replay store (redis)" in result.stdout) == (0, True)
        assert str(redis_server.port) not in result.output
    seen = run("inspect", tokens["refresh_token"])
    assert "Refused: its grant was revoked." in seen.stdout
    assert refresh(registry, tokens, redis_server.url) == "invalid_grant"
    redis_server.stop()
    result = run("revoke", "--user", "alice")
    assert (result.exit_code, "(redis) cannot be asked" in result.stderr) == (1, True)


def test_an_access_token_is_revoked_alone_or_with_its_grant(run, remembering):
    tokens = redeem(remembering)
    alone = run("revoke", tokens["access_token"])
    assert alone.exit_code == 0
    assert "--grant in its place revokes both" in alone.stdout
    assert "accept the token for up to " in alone.stdout
    assert refresh(remembering, tokens) is None
    assert "Refused: it was revoked." in run("inspect", tokens["access_token"]).stdout
    assert run("revoke", "--grant", "-", stdin=json.dumps(tokens)).exit_code == 0
    assert refresh(remembering, tokens) == "invalid_grant"


def test_a_code_is_revoked_before_it_is_redeemed(run, remembering):
    code = a_code(server_of(remembering), now=clock.now())
    assert run("inspect", code).exit_code == 0
    assert run("revoke", code).exit_code == 0
    assert "its grant was revoked" in run("inspect", code).stdout


def test_a_session_is_ended(run, remembering):
    server, now = server_of(remembering), clock.now()
    session = Session(id="s1", started_at=now, renewed_at=now, expires_at=now + 60, sub="alice")
    cookie = server.seal(session, now=now)
    assert run("inspect", cookie).exit_code == 0
    assert 'the session "s1" of the user "alice"' in run("revoke", cookie).stdout
    assert "the session that it came from was ended" in run("inspect", cookie).stdout


def test_a_session_is_ended_by_what_clients_know_it_by(run, remembering):
    """Whichever of its cookies is shown: its user may have logged in once more."""
    server, now = server_of(remembering), clock.now()
    first, again = (
        server.seal(
            Session(id=name, started_at=now, renewed_at=now, expires_at=now + 60, sub="alice",
                    login=Login(sid="s1")),
            now=now,
        )
        for name in ("s1", "s2")
    )  # fmt: skip
    ended = run("revoke", again).stdout
    assert 'the session "s1" of the user "alice"' in ended
    assert "they are told at /logout alone" in ended
    assert "the session that it came from was ended" in run("inspect", first).stdout


@pytest.mark.parametrize(("scope", "status"), [("read", 1), ("read offline_access", 0)])
def test_a_refresh_token_may_outlive_the_session_it_came_from(run, remembering, scope, status):
    server, now = server_of(remembering), clock.now()
    held = RefreshToken(
        id="1", client_id="web", sub="alice", scope=Scope(scope.split()), auth_time=now,
        resources=("https://api.example",), issued_at=now, expires_at=now + 60,
        login=Login(sid="s1"),
    )  # fmt: skip
    assert run("revoke", "--session", "s1").exit_code == 0
    assert run("inspect", server.seal(held, now=now)).exit_code == status


@pytest.mark.parametrize(
    ("option", "name", "said"),
    [
        ("--user", "alice", "all that its user had been given was revoked"),
        ("--user", "alice@example.com", "all that its user had been given was revoked"),
        ("--client", "web", "all that its client had been given was revoked"),
    ],
)
def test_all_of_somebody_is_revoked_and_what_comes_after_is_good(
    run, remembering, option, name, said
):
    tokens = redeem(remembering)
    before = remembering.read_bytes()
    result = run("revoke", option, name)
    assert result.exit_code == 0
    assert "that was issued before 20" in result.stdout
    assert remembering.read_bytes() == before
    assert refresh(remembering, tokens) == "invalid_grant"
    assert f"Refused: {said}." in run("inspect", tokens["refresh_token"]).stdout
    own = post(remembering, grant_type="client_credentials")
    assert own.error is None


@pytest.mark.parametrize("kind", ["user", "client"])
def test_without_a_store_or_where_it_is_asked_for_a_line_is_written(
    run, registry, replay_store, kind
):
    """Comments and order stay, and it says which it was."""
    name = {"user": "alice", "client": "web"}[kind]
    tokens = redeem(registry, replay_store)
    assert refresh(registry, tokens, replay_store) is None
    result = run("revoke", f"--{kind}", name, *["--not-before"] * (replay_store != "none"))
    assert result.exit_code == 0
    assert "By not_before in registry.toml: within five seconds" in result.stdout
    assert refresh(registry, tokens, replay_store) == "invalid_grant"
    text = registry.read_text()
    assert text.count("not_before = ") == 1
    assert "# what people call it" in text
    assert run("check").exit_code == 0


def test_an_earlier_line_moves_and_a_later_one_stays(run, registry):
    for drawn, stays in (("2020-01-01T00:00:00Z", False), ("2099-01-01T00:00:00Z", True)):
        text = registry.read_text().split("not_before")[0].rstrip()
        registry.write_text(f"{text}\nnot_before = {drawn}\n")
        assert run("revoke", "--user", "alice").exit_code == 0
        assert (drawn in registry.read_text()) == stays


def test_a_grant_is_revoked_until_its_own_end_and_not_that_of_an_idle_token(run, remembering):
    text = remembering.read_text()
    idle = "[issuer]\nrefresh_token_idle_lifetime = 60"
    remembering.write_text(text.replace("[issuer]", idle))
    assert run("revoke", redeem(remembering)["refresh_token"]).exit_code == 0
    memory = in_the_store(remembering, lambda store: store.revocations(0, clock.now()))
    assert memory.revocations[0].forget_at > clock.now() + 2_592_000


@pytest.mark.parametrize("option", ["--jti", "--grant-id", "--session"])
def test_what_a_log_names_is_revoked_by_its_id(run, remembering, option):
    assert run("revoke", option, "abc").exit_code == 0
    kind = {"--jti": "token", "--grant-id": "grant", "--session": "session"}[option]
    memory = in_the_store(remembering, lambda store: store.revocations(0, clock.now()))
    (held,) = memory.revocations
    assert held.name == f"{kind}:abc"
    assert held.not_before == held.forget_at > clock.now() + 86_400


def test_what_was_done_can_be_read_by_a_program(run, remembering):
    done = json.loads(run("revoke", "--client", "web", "--json").stdout)
    assert done["revoked"] == "client:web"
    assert done["by"] == "replay_store"
    assert done["not_before"].endswith("Z")
    assert len(done["not_covered"]) == 2
    done = json.loads(run("revoke", "--client", "web", "--json", "--not-before").stdout)
    assert (done["by"], done["file"]) == ("not_before", "registry.toml")


def test_without_a_store_one_token_cannot_be_revoked_and_it_says_what_can(run, registry):
    with_a_store(registry, "none")
    for name in ("access_token", "refresh_token"):
        result = run("revoke", "-", stdin=redeem(registry, "none")[name])
        assert result.exit_code == 1
        assert "Set replay_store under [issuer] and restart." in result.stderr
        assert "issuer revoke --user alice" in result.stderr
        assert "issuer revoke --client web" in result.stderr
    own = post(registry, "none", grant_type="client_credentials").body["access_token"]
    assert "--user" not in run("revoke", str(own)).stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        pytest.param(["hello"], "neither a JWT nor a sealed value", id="no token"),
        pytest.param(["a.b.c"], "it has two dots but is no JWT", id="no JWT"),
        pytest.param(["1.b.c"], "which this key ring does not have", id="sealed elsewhere"),
        pytest.param(["--user", "alcie"], 'no user "alcie"; did you mean "alice"?', id="user"),
        pytest.param(["--client", "wbe"], 'no client "wbe"; did you mean "web"?', id="client"),
        pytest.param(["--jti", "1", "--not-before"], "leave --not-before out", id="no line"),
        pytest.param(
            ["--user", "x", "--unregistered", "--not-before"], "blocked_subjects", id="no table"
        ),
        pytest.param(
            ["--client", "x", "--unregistered", "--not-before"], "refused already", id="no client"
        ),
    ],
)
def test_a_refusal_names_what_to_do_and_changes_nothing(run, remembering, arguments, reason):
    before = remembering.read_bytes()
    result = run("revoke", *arguments)
    assert (result.exit_code, result.stdout) == (1, "")
    assert reason in result.stderr
    assert remembering.read_bytes() == before
    assert not in_the_store(remembering, lambda s: s.revocations(0, clock.now())).revocations


@pytest.mark.parametrize(
    "arguments",
    [[], ["t", "--user", "alice"], ["--user", "a", "--client", "b"], ["--user", "a", "--grant"]],
)
def test_one_thing_at_a_time(run, remembering, arguments):
    assert run("revoke", *arguments).exit_code == 2


def test_who_is_in_no_registry_is_revoked_where_that_is_meant(run, remembering):
    for option in ("--user", "--client"):
        assert run("revoke", option, "gone").exit_code == 1
        assert run("revoke", option, "gone", "--unregistered").exit_code == 0


def test_what_cannot_be_revoked_is_named(run, remembering):
    server, now = server_of(remembering), clock.now()
    id_token = server.signing_key(now).sign("JWT", {"iss": server.issuer, "sub": "alice"})
    assert "it opens nothing" in run("revoke", id_token).stderr
    own = post(remembering, grant_type="client_credentials").body["access_token"]
    assert "names no grant" in run("revoke", "--grant", str(own)).stderr
    old = server.signing_key(now).sign("at+jwt", {"jti": "1", "exp": now - 3000})
    assert "it expired 50 minutes ago" in run("revoke", old).stderr
    assert "has no jti" in run("revoke", server.signing_key(now).sign("at+jwt", {})).stderr
    asked = Interaction(id="1", request=None, issued_at=now, expires_at=now + 60)
    assert run("revoke", server.seal(asked, now=now)).exit_code == 1


def test_a_store_that_cannot_be_asked_is_an_error_in_words(run, remembering):
    tokens = redeem(remembering)
    for each in remembering.parent.glob("replay.db*"):
        each.unlink()
    for arguments in (["--user", "alice"], [tokens["access_token"]]):
        result = run("revoke", *arguments)
        assert (result.exit_code, result.stdout) == (1, "")
        assert "Nothing was revoked: the replay store (sqlite) cannot be asked" in result.stderr
        assert ("--not-before" in result.stderr) == ("--user" in arguments)
    assert not (remembering.parent / "replay.db").exists()
    (remembering.parent / "replay.db").write_bytes(b"garbage." * 512)
    assert run("revoke", "--user", "alice").exit_code == 1
    seen = run("inspect", tokens["access_token"])
    assert seen.exit_code == 0
    assert "Note: the replay store (sqlite) cannot say whether" in seen.stdout


def test_inspect_says_what_was_used_and_uses_nothing(run, remembering):
    server, now = server_of(remembering), clock.now()
    code = a_code(server, now=now - 5)
    opened = server.sealer.open(AuthorizationCode, code, now=now)
    for _ in range(2):
        assert run("inspect", code).exit_code == 0
    once = a_once(f"authorization_code:{opened.id}", now=now - 5)
    in_the_store(remembering, partial(_used, once))
    assert "Refused: it was redeemed " in run("inspect", code).stdout


def _used(once, store):
    return store.use(Use((once,)), clock.now())
