"""Where a device begins (RFC 8628 sections 3.1 and 3.2), and the codes that it shows (6.1)."""

import pytest

from issuer.errors import TooManyDevices
from issuer.protocol import deciding, user_code
from issuer.protocol.device import GRANT_TYPE, DeviceCode
from issuer.registry.scope import Scope
from keys.ring import KeyRing
from tests.builders import API, ISSUER, MAC_API, NOW
from tests.rfc8628.devices import a_console, a_tv, an_issuer_of_devices
from tests.rfc8628.running import an_issuer_with_devices


@pytest.mark.parametrize("client_id", ["tv", "console"])
def test_a_device_is_told_what_to_show_and_what_to_ask_with(home, client_id):
    begun = home.begin(client_id, scope="openid read")
    code = begun["user_code"]
    assert user_code.read(code) == code.replace("-", "")
    assert begun["verification_uri"] == f"{ISSUER}/device"
    assert begun["verification_uri_complete"] == f"{ISSUER}/device?user_code={code}"
    assert (begun["expires_in"], begun["interval"]) == (600, 5)
    held = home.server.sealer.open(DeviceCode, begun["device_code"], now=NOW)
    assert (held.client_id, held.expires_at) == (client_id, NOW + 600)
    assert code.replace("-", "") not in held.note  # nor does the store know it


@pytest.mark.parametrize(
    ("client_id", "sent", "error"),
    [
        pytest.param("nobody", {}, "invalid_client", id="nobody knows the client"),
        pytest.param("console", {"secret": "wrong"}, "invalid_client", id="its secret is wrong"),
        pytest.param("other", {}, "unauthorized_client", id="it registered other grants"),
        pytest.param("tv", {"scope": "admin"}, "invalid_scope", id="nobody knows the scope"),
        pytest.param("tv", {"scope": "pay"}, "invalid_scope", id="the scope is another's"),
        pytest.param("tv", {"resource": (MAC_API,)}, "invalid_target", id="another's resource"),
        pytest.param("tv", {"scope": "read " * 3000}, "invalid_scope", id="a malformed scope"),
        pytest.param("tv", {"login_hint": "a" * 9000}, "invalid_request", id="it is too long"),
    ],
)
def test_a_beginning_is_judged_as_an_authorization_request(home, client_id, sent, error):
    """Section 3.1, RFC 6749 section 5.2, P23: client authentication as at the token endpoint."""
    assert home.refused(lambda: home.begin(client_id, **sent)) == error
    assert home.begin("tv", scope="read", resource=(API,))["device_code"]


def test_client_secrets_are_guessed_here_no_faster_than_at_the_token_endpoint(home):
    """R4: the same guard counts."""
    for _ in range(5):
        assert home.refused(lambda: home.begin("console", secret="wrong")) == "invalid_client"
    assert home.refused(lambda: home.begin("console")) == "temporarily_unavailable"
    assert home.begin("console", now=NOW + 10)["device_code"]


def test_what_people_type_is_read_whatever_its_case_and_punctuation():
    """Section 6.1."""
    for typed in ("WDJB-MJHT", "wdjb mjht", "wdjbmjht", " W.D.J.B—mjht ", "wdjb\tmjht\n"):
        assert user_code.read(typed) == "WDJBMJHT"
    for typed in ("", "WDJB-MJH", "WDJB-MJHTT", "WDJB-MJHA", "12345678", "W" * 65, "ẄDJB-MJHT"):
        assert user_code.read(typed) is None


def test_codes_have_all_the_letters_and_nothing_foreseeable():
    """Section 6.1: 20 letters, eight of them, 34.5 bits."""
    codes = [user_code.fresh() for _ in range(2000)]
    assert len(set(codes)) == 2000
    assert set("".join(codes)) == set(user_code.ALPHABET)
    assert len(user_code.ALPHABET) == 20
    assert not set(user_code.ALPHABET) & set("AEIOUY")


def test_a_code_is_found_after_the_sealing_key_has_changed(homes):
    """The store knows codes by a name that no reader of it can turn back; the key is the ring's."""
    ring = KeyRing.new("ES256", NOW - 20_000)
    home = homes(an_issuer_of_devices(ring=ring))
    begun = home.begin()
    lives = {"longest_token_lifetime": 600, "longest_sealed_lifetime": 3600}
    rotated = ring.rotate(NOW - 7200 + 100, lead=7200, **lives)
    assert rotated.sealing_key(NOW) != rotated.sealing_key(NOW + 100)
    home.server = an_issuer_of_devices(ring=rotated)
    assert home.find(begun["user_code"], now=NOW + 300) is not None
    assert home.find(home.begin(now=NOW + 300)["user_code"], now=NOW + 301) is not None


def test_devices_of_one_network_cannot_fill_the_store(home):
    """Floods: a surplus is refused, from there alone, until the window ends."""
    window = NOW // deciding.WINDOW * deciding.WINDOW + deciding.WINDOW
    for _ in range(deciding.OF_AN_ADDRESS):
        home.begin("tv", now=window)
    with pytest.raises(TooManyDevices) as refused:
        home.begin("tv", now=window + 1)
    assert (refused.value.status, refused.value.error) == (429, "slow_down")
    assert refused.value.retry_after == deciding.WINDOW - 1
    assert home.begin("tv", now=window + 1, address="198.51.100.7")
    assert home.begin("console", now=window + 1)  # it proves who it is
    assert home.begin("tv", now=window + deciding.WINDOW)


def test_all_devices_of_a_client_together_have_a_bound(home, monkeypatch):
    """And who is over the bound of an address does not use up that of the client."""
    monkeypatch.setattr(deciding, "OF_AN_ADDRESS", 3)
    monkeypatch.setattr(deciding, "OF_A_CLIENT", 5)
    window = NOW // deciding.WINDOW * deciding.WINDOW
    for _ in range(3):
        home.begin("tv", now=window, address="198.51.100.1")
    for _ in range(20):
        assert home.refused(lambda: home.begin("tv", address="198.51.100.1")) == "slow_down"
    for last in (2, 3):
        home.begin("tv", address=f"198.51.100.{last}")
    assert home.refused(lambda: home.begin("tv", address="198.51.100.4")) == "slow_down"
    assert home.begin("console")


def test_a_client_that_names_no_scope_asks_for_all_but_who_the_user_is(homes):
    home = homes(an_issuer_of_devices(a_tv(scope=Scope({"openid", "read"})), a_console()))
    found = home.find(home.begin()["user_code"])
    assert found is not None
    assert found.requested.scope == {"read"}
    assert GRANT_TYPE in found.requested.client.grant_types


def test_a_television_that_runs_a_script_may_ask_from_where_its_client_registered(tmp_path):
    """CORS at this endpoint as at the token endpoint, and for nobody else's scripts."""
    origin, other = "https://tv.example", "https://evil.example"
    running = an_issuer_with_devices(tmp_path)
    table = running.read_registry()
    table["clients"]["tv"]["allowed_cors_origins"] = [origin]
    running.write_registry(table)
    running.start()
    try:
        for path in ("/device_authorization", "/token"):
            preflight = {"Origin": origin, "Access-Control-Request-Method": "POST"}
            allowed = running.http.options(path, headers=preflight)
            assert allowed.headers["Access-Control-Allow-Origin"] == origin
            refused = running.http.options(path, headers=preflight | {"Origin": other})
            assert "Access-Control-Allow-Origin" not in refused.headers
        sent = {"data": {"client_id": "tv"}, "headers": {"Origin": origin}}
        answer = running.http.post("/device_authorization", **sent)
        assert answer.headers["Access-Control-Allow-Origin"] == origin
        assert answer.status_code == 200
    finally:
        running.stop()
