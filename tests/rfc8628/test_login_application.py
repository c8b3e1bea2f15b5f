"""A login application in place of the login page, for a device's user as for any other's."""

from urllib.parse import parse_qsl, urlsplit

import jwt
import pytest

from issuer.browser import device, interaction, login_application, sessions
from issuer.browser.answering import Answered, grant, refusing
from issuer.browser.device import DeviceAnswer, is_confirmed
from issuer.browser.login_application import Denied
from issuer.browser.steps import next_step
from keys.signing import SigningKey
from tests.builders import ISSUER, NOW
from tests.rfc8628.devices import a_tv, an_issuer_of_devices

KEY = SigningKey.generate("ES256", activates_at=0)
SERVER = an_issuer_of_devices(
    a_tv(client_name="Television"),
    login_url="https://login.example/start",
    login_jwks={"keys": [dict(KEY.public_jwk)]},
    users=(),
)


@pytest.fixture
def home(homes):
    return homes(SERVER)


def confirmed(home, begun):
    """The interaction of whoever said that the device is theirs, in a session without anybody."""
    session = sessions.begin(SERVER.registry.issuer, NOW + 1)
    found = home.find(begun["user_code"])
    request = device.asked_by(found.request, found.user_code, session.id)
    return interaction.begin(request, NOW + 1), session


def sent(held, session):
    """What the application is told."""
    requested = next_step(SERVER, held, None, NOW + 1).requested
    url = login_application.challenge(SERVER, requested, held, session, NOW + 1)
    return dict(parse_qsl(urlsplit(url).query))


def said(challenge, **claims):
    given = {"aud": ISSUER, "iat": NOW + 2, "exp": NOW + 60, "jti": "1"}
    return KEY.sign(login_application.TYP, given | {"login_challenge": challenge} | claims)


def test_whom_it_vouches_for_lets_the_device_in_and_nobody_else(home):
    """Of a user in no registry as well, whose claims travel with the grant."""
    begun = home.begin(scope="openid email read", login_hint="carol", acr_values="gold")
    held, session = confirmed(home, begun)
    query = sent(held, session)
    assert (query["client_name"], query["login_hint"]) == ("Television", "carol")
    assert query["acr_values"] == "gold"
    text = said(query["login_challenge"], sub="carol", claims={"email": "carol@example.com"})
    resumed, entered, _ = login_application.accept(SERVER, text, session, NOW + 2)
    waiting = resumed.request.device
    assert is_confirmed(waiting, resumed.id, session)
    assert is_confirmed(waiting, resumed.id, entered)
    assert not is_confirmed(waiting, resumed.id, None)
    assert not is_confirmed(waiting, resumed.id, sessions.begin(SERVER.registry.issuer, NOW))
    requested = next_step(SERVER, resumed, entered, NOW + 2).requested
    answer = grant(SERVER, requested, entered, NOW + 3)
    assert home.run(device.settle(home.store, SERVER, answer, NOW + 3))
    who = jwt.decode(
        home.poll(begun).body["id_token"], options={"verify_signature": False, "verify_aud": False}
    )
    assert (who["sub"], who["email"]) == ("carol", "carol@example.com")


def test_where_nobody_logged_in_the_device_is_denied(home):
    begun = home.begin()
    held, session = confirmed(home, begun)
    text = said(sent(held, session)["login_challenge"], error="access_denied")
    with pytest.raises(Denied) as denied:
        login_application.accept(SERVER, text, session, NOW + 2)
    with (
        pytest.raises(Answered) as answered,
        refusing(SERVER, denied.value.interaction.request, NOW + 2),
    ):
        raise login_application.denied()
    answer = answered.value.response
    assert isinstance(answer, DeviceAnswer)
    assert home.run(device.settle(home.store, SERVER, answer, NOW + 3))
    assert home.poll(begun).error == "access_denied"
