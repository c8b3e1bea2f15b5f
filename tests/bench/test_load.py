import json

import pytest

from tests.bench.load import Failed, TokenForm, parse, write

FORM = TokenForm(
    client_id="a b", client_secret="s", parameters=(("grant_type", "x"), ("scope", "read write"))
)


def said(**fields):
    everything = {"answers": 30, "microseconds": 2_000_000, "refused": 0, "broken": 0, "p99": 1}
    return "wrk says much\n" + json.dumps(everything | fields) + "\n"


def test_the_rate_is_of_the_time_that_passed():
    assert parse(said()) == 15.0


@pytest.mark.parametrize("fields", [{"refused": 1}, {"broken": 1}, {"answers": 0}])
def test_a_rate_of_other_than_tokens_is_none(fields):
    with pytest.raises(Failed):
        parse(said(**fields))


def test_a_request_is_a_line_of_header_and_form(tmp_path):
    write(tmp_path / "requests", [FORM, FORM])
    line = "Basic YStiOnM=\tgrant_type=x&scope=read+write\n"
    assert (tmp_path / "requests").read_text() == line * 2
