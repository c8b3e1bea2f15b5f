"""RFC 9700 section 4.14.2, security B12, B26, P20, F9: refresh tokens that are good once."""

import pytest

from issuer.browser.authorize import AuthorizationRequest, seal_code, validate
from issuer.protocol import revocation
from issuer.protocol.sealed import Login
from issuer.stores.none import NoStore
from issuer.token import TokenGenerator
from keys.ring import KeyRing
from tests.asking import a_public_request, ask, claims_of, scope_of, told
from tests.builders import (
    API,
    CALLBACK,
    CHALLENGE,
    MAC_API,
    NOW,
    OTHER_API,
    PASSWORD,
    RING,
    VERIFIER,
    a_client,
    a_code,
    a_request,
    a_user,
)
from tests.families import (
    a_family,
    a_rotating_client,
    a_rotating_server,
    a_spa,
    tell,
)

DAY = 86_400
MONTH = 30 * DAY


@pytest.fixture(params=["spa", "web"])
def family(request, tmp_path):
    """A public client, and a confidential one that registered rotate_refresh_tokens."""
    with a_family(tmp_path, a_spa(), a_rotating_client(), client_id=request.param) as made:
        yield made


@pytest.fixture
def strict(tmp_path):
    """Without any grace."""
    with a_family(tmp_path, refresh_token_grace=0) as made:
        yield made


def test_each_use_yields_another_refresh_token_of_the_same_grant(family):
    """Security B12."""
    held = [family.first(scope="read")]
    for number in range(1, 6):
        answer = family.refresh(held[-1], NOW + number * 100)
        assert scope_of(answer) == {"read"}
        held.append(str(answer.body["refresh_token"]))
    assert len(set(held)) == 6
    opened = [family.opened(each) for each in held]
    assert len({each.id for each in opened}) == 6
    assert [each.rotated_at for each in opened] == [0, *(NOW + n * 100 for n in range(1, 6))]
    kept = ("client_id", "sub", "scope", "resources", "auth_time", "issued_at", "expires_at")
    for name in (*kept, "login", "grant_id"):
        assert len({str(getattr(each, name)) for each in opened}) == 1, name


def test_a_refresh_token_used_again_ends_the_grant_at_once(family):
    """Security P20, B26: of the client and a thief one comes second; neither goes on."""
    first = family.first()
    second = family.next(first, NOW + 1)
    third = family.next(second, NOW + 100)
    reused = family.refresh(first, NOW + 101)
    assert reused.error == "invalid_grant"
    assert "used before" in reused.log["detail"]
    for each in (third, second, first):
        assert family.refresh(each, NOW + 102).error == "invalid_grant"
    assert told(family.refresh(third, NOW + 103)) == told(family.refresh("1.x.AAAA", NOW + 103))


def test_the_end_of_one_grant_is_nobody_elses(family):
    """The same user's other login, at the same client, goes on."""
    first, other = family.first(), family.first()
    family.next(first, NOW + 1)
    assert family.refresh(first, NOW + 60).error == "invalid_grant"
    assert family.refresh(other, NOW + 60).status == 200


def test_a_grant_that_was_ended_stays_so_until_its_last_token_has_expired(family):
    first = family.first()
    second = family.next(first, NOW + 1)
    assert family.refresh(first, NOW + 60).error == "invalid_grant"
    for later in (DAY, MONTH - 1, MONTH):
        assert family.refresh(second, NOW + later).error == "invalid_grant"


# The grace --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seconds", "is_good"),
    [
        pytest.param(0, True, id="at once"),
        pytest.param(9, True, id="in its last second"),
        pytest.param(10, False, id="a second late"),
        pytest.param(-5, True, id="at a replica whose clock is behind"),
    ],
)
def test_who_did_not_get_the_answer_gets_it_once_more(family, seconds, is_good):
    """F9: the same successor, byte for byte, and never a second one."""
    first = family.first()
    second = family.next(first, NOW + 100)
    again = family.refresh(first, NOW + 100 + seconds)
    assert (again.status == 200) == is_good
    if is_good:
        assert again.body["refresh_token"] == second
    assert (family.refresh(second, NOW + 120).status == 200) == is_good


def test_without_grace_one_lost_answer_ends_the_grant(strict):
    """F9, the strict setting."""
    first = strict.first()
    second = strict.next(first, NOW + 100)
    assert strict.refresh(first, NOW + 100).error == "invalid_grant"
    assert strict.refresh(second, NOW + 100).error == "invalid_grant"


def test_the_clients_own_grace_comes_before_the_issuers(tmp_path):
    with a_family(tmp_path, a_spa(refresh_token_grace=0), refresh_token_grace=60) as family:
        first = family.first()
        family.next(first, NOW)
        assert family.refresh(first, NOW).error == "invalid_grant"


def test_a_slow_tab_gets_the_same_successor_though_that_was_used_already(family):
    """Tabs that refresh at once are never logged out: each can go on with what it got."""
    first = family.first()
    second = family.next(first, NOW + 100)
    third = family.next(second, NOW + 102)
    assert family.next(first, NOW + 104) == second
    assert family.next(second, NOW + 105) == third
    assert family.refresh(third, NOW + 200).status == 200


def test_the_access_tokens_of_one_refresh_are_each_their_own(family):
    """RFC 7519 section 4.1.7; what was narrowed the first time may be asked for the second time."""
    first = family.first()
    one = family.refresh(first, NOW + 100, scope="read")
    other = family.refresh(first, NOW + 101)
    assert scope_of(one) == {"read"}
    assert scope_of(other) == {"read", "write"}
    claims = [claims_of(family.server, each) for each in (one, other)]
    assert claims[0]["jti"] != claims[1]["jti"]
    assert claims[0]["grant_id"] == claims[1]["grant_id"]
    assert one.body["refresh_token"] == other.body["refresh_token"]


def test_the_same_successor_comes_of_both_sides_of_a_key_rotation(tmp_path):
    """F21: it is sealed with the key of the moment in which the old one was spent."""
    lifetimes = {"longest_token_lifetime": 600, "longest_sealed_lifetime": MONTH}
    ring = RING.rotate(NOW - 395, **lifetimes, lead=400)
    with a_family(tmp_path, ring=ring) as family:
        first = family.first()
        second = family.next(first, NOW + 4)
        assert family.next(first, NOW + 6) == second
        third = family.next(second, NOW + 20)
    assert {each.split(".")[1] for each in (first, second)} != {third.split(".")[1]}


def test_another_replica_makes_the_same_successor(tmp_path):
    """Nothing of it is in a process: the ring as the other one reads it from the file."""
    with a_family(tmp_path, a_spa()) as family:
        first = family.first(scope="read write", resource=(API,))
        second = family.next(first, NOW + 1)
        family.server = a_rotating_server(a_spa(), ring=KeyRing.parse(RING.format(), "ring"))
        assert family.next(first, NOW + 2) == second


# What the family keeps ---------------------------------------------------------------------------


def test_narrowing_holds_for_the_access_token_alone(family):
    """RFC 6749 section 6: the new refresh token's scope is that of the old one."""
    second = family.next(family.first(), NOW + 1, scope="read")
    assert scope_of(family.refresh(second, NOW + 100)) == {"read", "write"}


def test_refreshing_never_moves_the_end_of_the_grant(family):
    """Security B26: absolute lifetime of the family."""
    held = family.first()
    for later in (DAY, MONTH - 2, MONTH - 1):
        held = family.next(held, NOW + later)
    assert family.refresh(held, NOW + MONTH).error == "invalid_grant"


def test_a_line_drawn_since_the_user_was_there_ends_it_however_new_the_token(tmp_path):
    """not_before counts from the user's authorization, for rotated tokens too."""
    with a_family(tmp_path) as family:
        held = family.next(family.first(), NOW + 100)
        users = (a_user(not_before=NOW + 50),)
        family.server = a_rotating_server(users=users)
        assert family.refresh(held, NOW + 101).error == "invalid_grant"
        family.server = a_rotating_server()
        assert family.refresh(held, NOW + 102).status == 200, "refused before it was spent"


def test_a_scope_that_was_withdrawn_meanwhile_comes_back_with_its_registration(tmp_path):
    """Security P22: the successor holds the grant, not what was left of it."""
    narrow = a_spa(scope=type(a_client().scope)({"read"}))
    with a_family(tmp_path) as family:
        held, whole = family.first(), family.server
        family.server = a_rotating_server(narrow)
        answer = family.refresh(held, NOW + 1)
        assert scope_of(answer) == {"read"}
        family.server = whole
        again = family.refresh(str(answer.body["refresh_token"]), NOW + 2)
        assert scope_of(again) == {"read", "write"}


def test_a_second_resource_is_asked_for_by_any_of_the_family(tmp_path):
    """RFC 8707 section 2.2; security B26: never one that was not granted."""
    client = a_spa(resources=(API, OTHER_API, MAC_API), scope=type(a_client().scope)({"read"}))
    with a_family(tmp_path, client) as family:
        held = family.next(family.first(resource=(API, OTHER_API)), NOW + 1)
        refused = family.refresh(held, NOW + 2, resource=MAC_API)
        assert refused.error == "invalid_target"
        answer = family.refresh(held, NOW + 3, resource=OTHER_API)
        assert claims_of(family.server, answer)["aud"] == OTHER_API


def test_a_mac_token_refreshes_the_same_way(tmp_path):
    """draft-ietf-oauth-v2-http-mac-02: another key each time, one successor."""
    with a_family(tmp_path, a_spa(resources=(MAC_API,))) as family:
        first = family.first()
        answers = [family.refresh(first, NOW + 1) for _ in range(3)]
        assert {each.body["token_type"] for each in answers} == {"mac"}
        assert len({each.body["mac_key"] for each in answers}) == 3
        assert len({each.body["refresh_token"] for each in answers}) == 1


def test_a_password_begins_a_family_as_a_code_does(family):
    given = {"username": "alice", "password": PASSWORD}
    first = str(family.ask("password", **given).body["refresh_token"])
    second = family.next(first, NOW + 1)
    assert family.refresh(first, NOW + 60).error == "invalid_grant"
    assert family.refresh(second, NOW + 61).error == "invalid_grant"


# Who cannot end a family --------------------------------------------------------------------------


def test_another_client_neither_uses_a_refresh_token_nor_ends_its_grant(tmp_path):
    """Security P21."""
    with a_family(tmp_path, a_spa(), a_spa("thief"), a_client()) as family:
        first = family.first()
        second = family.next(first, NOW + 1)
        for client_id in ("thief", "web"):
            for held in (first, second):
                family.client_id = client_id
                assert family.refresh(held, NOW + 60).error == "invalid_grant"
        family.client_id = "spa"
        assert family.refresh(second, NOW + 61).status == 200


@pytest.mark.parametrize(
    ("parameters", "error"),
    [
        pytest.param({"scope": "admin"}, "invalid_scope", id="a wider scope"),
        pytest.param({"resource": OTHER_API}, "invalid_target", id="another resource"),
    ],
)
def test_a_request_that_is_refused_anyway_spends_nothing(family, parameters, error):
    held = family.first()
    assert family.refresh(held, NOW + 1, **parameters).error == error
    second = family.next(held, NOW + 100)
    assert family.refresh(held, NOW + 200, **parameters).error == error
    assert family.refresh(second, NOW + 200).status == 200


# What was revoked, and what was forgotten ---------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "line", "is_good"),
    [
        pytest.param(revocation.user("alice"), NOW + 1, False, id="the user, since"),
        pytest.param(revocation.user("alice"), NOW, True, id="the user, before"),
        pytest.param(revocation.user("bob"), NOW + 1, True, id="another user"),
        pytest.param(revocation.client("spa"), NOW + 1, False, id="the client"),
        pytest.param(revocation.client("web"), NOW + 1, True, id="another client"),
    ],
)
def test_what_it_stands_on_ends_it(tmp_path, name, line, is_good):
    """By the user's authorization, however often it was refreshed since."""
    with a_family(tmp_path) as family:
        held = family.next(family.first(), NOW + 100)
        tell(family.store, name, not_before=line)
        assert (family.refresh(held, NOW + 200).status == 200) == is_good


@pytest.mark.parametrize(
    ("scope", "is_good"),
    [
        pytest.param("read", False, id="for while the user is there"),
        pytest.param("read offline_access", True, id="for when they are not"),
    ],
)
def test_the_end_of_the_session_ends_what_was_granted_for_its_time(tmp_path, scope, is_good):
    """OpenID Connect Back-Channel Logout 1.0 section 2.7."""
    with a_family(tmp_path) as family:
        asked = AuthorizationRequest(
            client_id="spa",
            redirect_uri=CALLBACK,
            scope=scope,
            code_challenge=CHALLENGE,
            code_challenge_method="S256",
        )
        code = seal_code(
            family.server,
            validate(family.server, asked),
            sub="alice",
            auth_time=NOW,
            now=NOW,
            login=Login(sid="evening"),
        )
        held = family.next(str(family.redeem(code).body["refresh_token"]), NOW + 1)
        tell(family.store, revocation.session("morning"), not_before=NOW + DAY)
        held = family.next(held, NOW + 50)
        tell(family.store, revocation.session("evening"), not_before=NOW + DAY)
        assert (family.refresh(held, NOW + 100).status == 200) == is_good


def test_what_was_issued_before_the_memory_begins_has_to_log_in_again(tmp_path):
    """F15: 503 while the old memory may come back; then nobody can say who used it."""
    with a_family(tmp_path) as family:
        held = family.first()
    for each in tmp_path.glob("replay.db*"):
        each.unlink()
    later = NOW + 20_000
    with a_family(tmp_path, since=later) as family:
        early = family.refresh(held, later)
        assert (early.status, early.error) == (503, "temporarily_unavailable")
        assert 1 <= int(early.headers["Retry-After"]) <= 60
        late = family.refresh(held, later + 60)
        assert late.error == "invalid_grant"
        assert "log in again" in late.log["detail"]
        assert told(late) == told(family.refresh("1.nonsense.AAAA", later))


# Without a store ----------------------------------------------------------------------------------


def test_without_a_store_a_public_client_gets_none_and_uses_none(tmp_path):
    """RFC 9700 section 4.14.2: nothing could detect its replay."""
    without = a_rotating_server(a_spa(), replay_store="none")
    code = a_code(without, client_id="spa")
    request = a_public_request(code=code, code_verifier=VERIFIER, now=NOW)
    assert "refresh_token" not in ask(without, request, store=NoStore()).body
    with a_family(tmp_path) as family:
        held = family.first()
    request = a_public_request("refresh_token", refresh_token=held, now=NOW)
    refused = ask(without, request, store=NoStore())
    assert refused.error == "invalid_grant"
    assert "no store" in refused.log["detail"]


def test_a_confidential_client_that_does_not_rotate_keeps_its_token_with_a_store(tmp_path):
    """FAPI 2.0 section 5.3.2.1."""
    with a_family(tmp_path, client_id="web") as family:
        held = family.first()
        assert {family.next(held, NOW + later) for later in (1, 2, 3, DAY)} == {held}


# A policy of the endpoint itself ------------------------------------------------------------------


def test_an_endpoint_that_gives_no_refresh_tokens_gives_no_next_one(tmp_path):
    with a_family(tmp_path) as family:
        request = a_public_request("refresh_token", refresh_token=family.first(), now=NOW)
        answer = ask(
            family.server,
            request,
            generator=TokenGenerator(refreshable=False),
            store=family.store,
        )
        assert answer.status == 200
        assert "refresh_token" not in answer.body


def test_what_takes_its_place_has_no_more_than_the_endpoint_gives(tmp_path):
    with a_family(tmp_path) as family:
        request = a_public_request("refresh_token", refresh_token=family.first(), now=NOW)
        capped = TokenGenerator(scope="read")
        answer = ask(family.server, request, generator=capped, store=family.store)
        assert scope_of(answer) == {"read"}
        assert family.opened(str(answer.body["refresh_token"])).scope == {"read"}


# A registry that is edited while tokens are out ---------------------------------------------------

PUBLIC, CONFIDENTIAL, ROTATING = a_spa("web"), a_client(), a_rotating_client()


@pytest.mark.parametrize(
    ("before", "after", "is_good", "rotates"),
    [
        pytest.param(CONFIDENTIAL, ROTATING, True, True, id="it rotates from now on"),
        pytest.param(ROTATING, CONFIDENTIAL, True, False, id="it keeps what comes next"),
        pytest.param(PUBLIC, CONFIDENTIAL, True, False, id="it proves more than it did"),
        pytest.param(PUBLIC, ROTATING, True, True, id="it proves more, and rotates"),
        pytest.param(CONFIDENTIAL, PUBLIC, False, None, id="it proves less: P21"),
        pytest.param(ROTATING, PUBLIC, False, None, id="it rotates, and proves less: P21"),
    ],
)
def test_a_client_becomes_another_kind_while_its_token_is_out(
    tmp_path, before, after, is_good, rotates
):
    with a_family(tmp_path, before, client_id="web") as family:
        kinds = {True: a_public_request, False: a_request}

        def use(held: str, now: int):
            request = kinds[family.server.registry.clients["web"].is_public](
                "refresh_token", client_id="web", refresh_token=held, now=now
            )
            return ask(family.server, request, store=family.store)

        given = {"code": a_code(family.server), "code_verifier": VERIFIER}
        make = kinds[before.is_public]
        redeemed = ask(
            family.server,
            make("authorization_code", client_id="web", now=NOW, **given),
            store=family.store,
        )
        held = str(redeemed.body["refresh_token"])
        family.server = a_rotating_server(after)
        answer = use(held, NOW + 100)
        assert (answer.status == 200) == is_good
        if is_good:
            second = str(answer.body["refresh_token"])
            assert second != held
            third = str(use(second, NOW + 200).body["refresh_token"])
            assert (third != second) == rotates
            assert use(held, NOW + 300).error == "invalid_grant", "it was good once"


def test_a_token_that_was_superseded_does_not_come_back_when_rotation_is_switched_off(tmp_path):
    with a_family(tmp_path, ROTATING, client_id="web") as family:
        first = family.first()
        second = family.next(first, NOW + 1)
        family.server = a_rotating_server(CONFIDENTIAL)
        assert family.refresh(first, NOW + 100).error == "invalid_grant"
        assert family.refresh(second, NOW + 100).error == "invalid_grant"


def test_a_refresh_token_of_an_earlier_version_goes_on(tmp_path):
    """It has neither grant nor end of its own, and rotates where its client registered that."""
    with a_family(tmp_path, ROTATING, client_id="web") as family:
        old = _of_an_earlier_version(family)
        second = family.next(old, NOW + 100)
        opened = family.opened(second)
        assert (opened.grant, opened.last_expires_at) == ("old-id", NOW + DAY)
        assert family.next(old, NOW + 105) == second
        assert family.refresh(old, NOW + 111).error == "invalid_grant"
        assert family.refresh(second, NOW + 112).error == "invalid_grant"


def _of_an_earlier_version(family) -> str:
    held = family.opened(family.first())
    old = type(held)(
        id="old-id",
        client_id=held.client_id,
        sub=held.sub,
        scope=held.scope,
        resources=held.resources,
        auth_time=NOW,
        issued_at=NOW,
        expires_at=NOW + DAY,
    )
    return family.server.seal(old, now=NOW)
