"""Every type that is sealed, and the purpose that its key is derived from (security J31)."""

import pytest

from issuer.browser.sealed import FormToken, Interaction, LoginChallenge, PushedRequest, Session
from issuer.protocol.device import DeviceCode, DeviceDecision, DeviceRequest
from issuer.protocol.sealed import AuthorizationCode, RefreshToken, UserinfoClaims
from issuer.purposes import PURPOSES
from tests.rooms import modules

WIRE_NAMES = {
    "authorization_code": AuthorizationCode,
    "refresh_token": RefreshToken,
    "userinfo": UserinfoClaims,
    "pushed_request": PushedRequest,
    "interaction": Interaction,
    "session": Session,
    "form": FormToken,
    "login_challenge": LoginChallenge,
    "device_code": DeviceCode,
    "device_request": DeviceRequest,
    "device_decision": DeviceDecision,
}


def test_no_purpose_is_renamed():
    """What an earlier release sealed is opened under the same name, or not at all."""
    assert PURPOSES == WIRE_NAMES


def test_no_type_that_is_sealed_is_missing_from_the_list():
    found = {
        each
        for module in modules("issuer")
        for each in vars(module).values()
        if isinstance(each, type) and "PURPOSE" in vars(each)
    }
    assert found == set(PURPOSES.values())


@pytest.mark.parametrize("kind", PURPOSES.values())
def test_what_it_says_is_frozen(kind):
    assert kind.__struct_config__.frozen
