"""Form bodies: what a parameter says, and which fault is told where there are two."""

import pytest

from issuer.errors import InvalidRequest
from issuer.protocol.form import Form

NO_FORM = "The body is not a form in UTF-8."
TWICE = "A parameter is there more than once."


@pytest.mark.parametrize(
    ("body", "value"),
    [
        pytest.param(b"scope=read+write", "read write", id="a plus is a blank"),
        pytest.param(b"scope=read%20write", "read write", id="an escaped blank"),
        pytest.param(b"scope=1%2B1+%2b", "1+1 +", id="an escaped plus stays one"),
        pytest.param(b"scope=a=b%26c", "a=b&c", id="what parts fields, within one"),
        pytest.param(b"&&scope=a&", "a", id="empty fields are none"),
        pytest.param(b"scope=", None, id="an empty value is none"),
        pytest.param(b"scope", None, id="a name alone says nothing"),
    ],
)
def test_a_parameter_says_what_its_escapes_spell(body, value):
    assert Form.parse(body).get("scope") == value


@pytest.mark.parametrize(
    ("body", "description"),
    [
        pytest.param(b"a=1&a=2", TWICE, id="twice"),
        pytest.param(b"a+b=1&a%20b=2", TWICE, id="twice, spelled in two ways"),
        pytest.param(b"a=1&a=2&b=%zz", NO_FORM, id="twice, before what is no escape"),
        pytest.param(b"a=1&a=2&b=%ff", NO_FORM, id="twice, before what is no UTF-8"),
    ],
)
def test_a_body_is_read_whole_before_it_is_judged(body, description):
    with pytest.raises(InvalidRequest, match=f"^{description}$"):
        Form.parse(body)
