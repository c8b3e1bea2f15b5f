"""What a device is answered that asks (RFC 8628 sections 3.4 and 3.5)."""

import jwt
import pytest

from issuer.protocol.replay import RECALL, Revocation
from issuer.registry.scope import Scope
from issuer.token import handler
from tests.builders import API, NOW, OTHER_API, a_client, a_user
from tests.rfc8628.devices import (
    a_tv,
    altered,
    an_issuer_of_devices,
    logged_in,
)


def claims(token):
    return jwt.decode(token, options={"verify_signature": False, "verify_aud": False})


@pytest.mark.parametrize("client_id", ["tv", "console"])
def test_a_device_gets_what_its_user_granted(home, client_id):
    begun = home.begin(client_id, scope="openid email read")
    assert home.poll(begun, client_id).error == "authorization_pending"
    assert home.decide(begun)
    answer = home.poll(begun, client_id, now=NOW + 16)
    assert answer.status == 200
    assert answer.body["scope"] == "email openid read"
    assert answer.body["token_type"] == "Bearer"
    access = claims(answer.access_token)
    assert (access["sub"], access["aud"], access["client_id"]) == ("alice", API, client_id)
    assert (access["iat"], access["auth_time"]) == (NOW + 16, NOW + 5)
    who = claims(answer.body["id_token"])
    assert (who["sub"], who["aud"], who["email"]) == ("alice", client_id, "alice@example.com")
    assert (who["amr"], who["auth_time"]) == (["pwd"], NOW + 5)
    assert "sid" not in who  # who logs out in the browser goes on watching television
    assert answer.body["refresh_token"]


def test_a_refused_device_hears_that(home):
    begun, another = home.begin(), home.begin()
    assert home.decide(begun, allow=False)
    for at in (NOW + 10, NOW + 11):  # each time
        answer = home.poll(begun, now=at)
        assert (answer.status, answer.error) == (400, "access_denied")
    assert home.decide(another)
    assert home.poll(another).status == 200


def test_a_device_that_asks_too_often_is_slowed_down_and_more_each_time(home):
    """Section 3.5: five seconds more each time, and after them it is answered again."""
    begun = home.begin()
    assert home.poll(begun, now=NOW + 5).error == "authorization_pending"
    assert home.poll(begun, now=NOW + 10).error == "authorization_pending"
    slowed = home.poll(begun, now=NOW + 12)
    assert (slowed.status, slowed.error) == (400, "slow_down")
    assert home.poll(begun, now=NOW + 18).error == "slow_down"  # 10 seconds by now
    assert home.poll(begun, now=NOW + 33).error == "authorization_pending"  # and 15
    assert home.poll(begun, now=NOW + 48).error == "authorization_pending"
    assert home.poll(home.begin(now=NOW + 48), now=NOW + 49).error == "authorization_pending"


def test_who_has_decided_is_heard_however_often_the_device_asks(home):
    """slow_down is a variant of authorization_pending."""
    begun = home.begin()
    for at in (NOW + 5, NOW + 6):
        home.poll(begun, now=at)
    assert home.decide(begun, now=NOW + 6)
    assert home.poll(begun, now=NOW + 7).status == 200


def test_an_expired_code_is_told_from_one_that_never_was(home):
    begun = home.begin()
    assert home.poll(begun, now=NOW + 599).error == "authorization_pending"
    for at in (NOW + 600, NOW + 4000):
        assert home.poll(begun, now=at).error == "expired_token"
    assert home.poll(begun, now=NOW + 600 + 90_000).error == "invalid_grant"
    assert not home.decide(begun, now=NOW + 600)


def test_a_decision_that_nobody_fetched_expires_with_its_code(home):
    begun = home.begin()
    assert home.decide(begun, now=NOW + 590)
    assert home.poll(begun, now=NOW + 600).error == "expired_token"


def test_a_code_is_its_own_clients_alone(home):
    """P23, P24: and the answer is that to a forged one."""
    begun = home.begin("tv", scope="read")
    home.decide(begun)
    stolen = home.poll(begun, "console")
    forged = home.poll(altered(begun["device_code"]))
    assert stolen.body == forged.body
    assert stolen.error == "invalid_grant"
    assert home.poll(begun).status == 200


@pytest.mark.parametrize("text", ["", "x", "1.2.3", "A" * 40_000, "1.\x00.é"])
def test_what_is_no_device_code_is_refused_and_nothing_breaks(home, text):
    answer = home.poll(text)
    assert (answer.status, answer.error) == (
        400, "invalid_request" if not text else "invalid_grant"
    )  # fmt: skip
    assert home.poll(home.begin()).error == "authorization_pending"


def test_what_was_sealed_for_another_purpose_is_no_device_code(home):
    """J31: neither a code, nor what the store keeps."""
    begun = home.begin()
    found = home.find(begun["user_code"])
    assert found is not None
    assert home.poll(found.text).error == "invalid_grant"
    request = home.request(
        "console", NOW, grant_type="authorization_code", code=begun["device_code"]
    )
    answer = home.run(handler(home.server, request, store=home.store))
    assert answer.error == "invalid_grant"
    assert home.poll(begun).error == "authorization_pending"


def test_a_client_that_may_not_use_the_grant_is_told(home):
    begun = home.begin()
    home.server = an_issuer_of_devices(a_tv(grant_types=("refresh_token",)), a_client("web"))
    assert home.poll(begun).error == "unauthorized_client"
    assert home.find(begun["user_code"]) is None
    home.server = an_issuer_of_devices()
    assert home.poll(begun).error == "authorization_pending"


def test_exactly_one_answer_brings_tokens_and_another_try_takes_them_back(home):
    """Section 3.5, RFC 6749 section 4.1.2, F6: as codes do."""
    begun, untouched = home.begin(scope="read"), home.begin(scope="read")
    for each in (begun, untouched):
        home.decide(each)
    first, other = home.poll(begun), home.poll(untouched)
    assert (first.status, other.status) == (200, 200)
    again = home.poll(begun, now=NOW + 11)
    assert (again.status, again.error) == (400, "invalid_grant")

    def refreshed(held):
        sent = {"grant_type": "refresh_token", "refresh_token": held.body["refresh_token"]}
        request = home.request("tv", NOW + 12, **sent)
        return home.run(handler(home.server, request, store=home.store))

    assert refreshed(first).error == "invalid_grant"
    assert refreshed(other).status == 200
    names = {each.name for each in home.run(home.store.revocations(0, NOW + 12)).revocations}
    assert names == {f"grant:{claims(first.access_token)['grant_id']}"}


def test_one_decision_counts_whoever_comes_second(home):
    begun = home.begin()
    assert home.decide(begun, allow=False)
    assert not home.decide(begun)
    assert home.poll(begun).error == "access_denied"


def test_wherever_a_device_asks_its_user_is_heard(homes):
    """Two replicas: the decision of one is the answer of the other, and the pace is of both."""
    one, other = homes(), homes()
    begun = one.begin()
    assert other.poll(begun, now=NOW + 5).error == "authorization_pending"
    assert one.poll(begun, now=NOW + 7).error == "slow_down"
    assert other.decide(begun)
    assert one.poll(begun, now=NOW + 30).status == 200
    assert other.poll(begun, now=NOW + 31).error == "invalid_grant"


def test_a_token_is_for_the_resource_that_is_asked_for(home):
    """RFC 8707 section 2.2: of those that were granted."""
    begun = home.begin(scope="read", resource=(API, OTHER_API))
    narrow = home.begin(scope="read", resource=(OTHER_API,))
    for each in (begun, narrow):
        home.decide(each)
    assert home.poll(narrow, resource=(API,)).error == "invalid_target"
    assert claims(home.poll(narrow).access_token)["aud"] == OTHER_API
    assert claims(home.poll(begun, resource=(OTHER_API,)).access_token)["aud"] == OTHER_API


@pytest.mark.parametrize(("scope", "has"), [("read", False), ("read offline_access", True)])
def test_a_client_that_registered_offline_access_refreshes_where_it_was_granted(homes, scope, has):
    tv = a_tv(scope=Scope({"read", "offline_access"}))
    home = homes(an_issuer_of_devices(tv))
    begun = home.begin(scope=scope)
    home.decide(begun)
    assert ("refresh_token" in home.poll(begun).body) is has


@pytest.mark.parametrize(
    "registry",
    [
        pytest.param({"not_before": NOW + 1}, id="of the issuer"),
        pytest.param({"clients": (a_tv(not_before=NOW + 1),)}, id="of the client"),
        pytest.param({"users": (a_user(not_before=NOW + 1),)}, id="of the user"),
        pytest.param({"users": ()}, id="the user is gone"),
        pytest.param({"users": (a_user(active=False),)}, id="the user is inactive"),
        pytest.param({"blocked_subjects": ("alice",)}, id="the user is blocked"),
    ],
)
def test_what_the_registry_has_withdrawn_since_is_not_given(home, registry):
    begun, later = home.begin(), home.begin(now=NOW + 2)
    home.decide(begun)
    home.decide(later, logged_in(home.server, now=NOW + 3))
    before = home.server
    clients = registry.pop("clients", ())
    home.server = an_issuer_of_devices(*clients, **registry)
    assert home.poll(begun).error == "invalid_grant"
    home.server = before
    assert home.poll(later).status == 200


@pytest.mark.parametrize("name", ["user:alice", "client:tv"])
def test_what_was_revoked_since_is_not_given(home, name):
    begun, other = home.begin(), home.begin("console")
    home.decide(begun)
    line = NOW + 6
    home.run(home.store.revoke((Revocation(name, line, line, NOW + 9000),), line))
    assert home.poll(begun).error == "invalid_grant"
    later = home.begin("console", now=NOW + 7)
    home.decide(later, now=NOW + 8)
    assert home.poll(later, "console").status == 200
    assert home.poll(other, "console").error == "authorization_pending"


def test_a_login_says_how_strong_it_was(homes):
    server = an_issuer_of_devices(a_tv(), acr_values_supported=("silver", "gold"))
    home = homes(server)
    begun = home.begin(scope="openid")
    home.decide(begun, logged_in(server, acr="gold", amr=("pwd", "otp")))
    who = claims(home.poll(begun).body["id_token"])
    assert (who["acr"], who["amr"]) == ("gold", ["pwd", "otp"])


def test_a_store_that_lost_the_request_says_503_until_it_cannot_come_back(home, tmp_path):
    """Never a false expired_token: at that a device begins anew, and its user types again."""
    begun = home.begin()
    home.decide(begun)
    (tmp_path / "replay.db").unlink()
    lost = home.poll(begun, now=NOW + 20)
    assert (lost.status, lost.error) == (503, "temporarily_unavailable")
    assert int(lost.headers["Retry-After"]) >= 1
    assert home.poll(begun, now=NOW + 21 + RECALL - 1).status == 503
    assert home.poll(begun, now=NOW + 21 + RECALL).error == "expired_token"
    later = home.begin(now=NOW + 22 + RECALL)
    assert home.poll(later, now=NOW + 30 + RECALL).error == "authorization_pending"


def test_a_store_that_is_away_is_never_an_answer(home, tmp_path):
    """Fail closed, and what was decided is still there."""
    begun = home.begin()
    home.decide(begun)
    path = tmp_path / "replay.db"
    aside = path.with_suffix(".aside")
    home.run(_closing(home))
    path.rename(aside)
    path.mkdir()
    assert home.poll(begun).status == 503
    assert home.refused(home.begin) == "temporarily_unavailable"
    path.rmdir()
    aside.rename(path)


async def _closing(home):
    home.store._memory.disconnect()
