"""Groups, and claims of users beyond the standard's, by command."""

import tomllib

from tests.builders import PASSWORD

HEADER = "[claims.groups]"


def table(registry):
    return tomllib.loads(registry.read_text())


def test_a_group_is_added_with_its_members_and_roles(run, registry):
    result = run("group", "add", "admins", "--user", "alice", "--subject", "c1", "--role", "admin")
    assert result.exit_code == 0
    assert table(registry)["groups"]["admins"] == {
        "users": ["alice"],
        "subjects": ["c1"],
        "roles": ["admin"],
    }
    assert HEADER in result.stderr  # nothing tells it yet
    registry.write_text(registry.read_text() + f"\n{HEADER}\n")
    assert HEADER not in run("group", "add", "staff").stderr
    listed = run("group", "list").stdout
    assert "alice, c1" in listed
    assert "admin" in listed


def test_users_join_and_leave(run, registry):
    run("group", "add", "admins")
    for _ in range(2):  # twice is once
        assert run("group", "join", "admins", "alice").exit_code == 0
    assert table(registry)["groups"]["admins"]["users"] == ["alice"]
    assert run("group", "leave", "admins", "alice").exit_code == 0
    assert table(registry)["groups"]["admins"]["users"] == []
    assert run("group", "leave", "admins", "alice").exit_code == 1


def test_whoever_is_no_user_joins_nothing(run, registry):
    run("group", "add", "admins")
    before = registry.read_text()
    result = run("group", "join", "admins", "alcie")
    assert (result.exit_code, registry.read_text()) == (1, before)
    assert 'did you mean "alice"?' in result.stderr
    assert run("group", "join", "admin", "alice").exit_code == 1
    assert run("group", "join", "admins", "alice").exit_code == 0


def test_an_empty_list_says_how_to_begin(run, registry):
    assert "issuer group add" in run("group", "list").stderr


def test_a_user_is_added_with_claims_and_groups(run, registry):
    run("group", "add", "admins", "--user", "alice")
    result = run(
        "user", "add", "bob", "--password-stdin", "--group", "admins", "--claim", "name=Bob",
        "--claim", "department=ops", "--claim", "level=3", "--claim", 'roles=["a", "b"]',
        stdin=f"{PASSWORD}\n",
    )  # fmt: skip
    assert result.exit_code == 0
    bob = table(registry)["users"]["bob"]
    assert bob["name"] == "Bob"
    assert bob["claims"] == {"department": "ops", "level": 3, "roles": ["a", "b"]}
    assert table(registry)["groups"]["admins"]["users"] == ["alice", "bob"]


def test_a_group_that_is_not_there_adds_nobody(run, registry):
    before = registry.read_text()
    result = run("user", "add", "bob", "--password-stdin", "--group", "x", stdin=f"{PASSWORD}\n")
    assert (result.exit_code, registry.read_text()) == (1, before)
    assert "`issuer group add x` makes it" in result.stderr


def test_a_claim_that_the_issuer_says_itself_is_refused(run, registry):
    before = registry.read_text()
    result = run(
        "user", "add", "bob", "--password-stdin", "--claim", "iss=x", stdin=f"{PASSWORD}\n"
    )
    assert (result.exit_code, registry.read_text()) == (1, before)
    assert "must not set what the issuer says itself: iss" in result.stderr


def test_what_is_known_of_a_user_is_changed(run, registry):
    run("group", "add", "staff")
    first = run("user", "edit", "alice", "--claim", "department=ops", "--claim", "nickname=Al",
                "--group", "staff")  # fmt: skip
    assert first.exit_code == 0
    alice = table(registry)["users"]["alice"]
    assert (alice["claims"], alice["nickname"]) == ({"department": "ops"}, "Al")
    assert table(registry)["groups"]["staff"]["users"] == ["alice"]
    second = run("user", "edit", "alice", "--claim", "department=", "--claim", "nickname=",
                 "--claim", "level=2", "--inactive")  # fmt: skip
    assert second.exit_code == 0
    alice = table(registry)["users"]["alice"]
    assert (alice["claims"], alice["active"], "nickname" in alice) == ({"level": 2}, False, False)
    assert alice["email"] == "alice@example.com"
    assert run("user", "edit", "alice", "--claim", "level=").exit_code == 0
    assert "claims" not in table(registry)["users"]["alice"]
    assert run("user", "edit", "alice").exit_code == 2
    assert run("user", "edit", "alcie", "--active").exit_code == 1
