import json
from dataclasses import replace

import pytest

from tests.bench.load import Failed, Load, TokenForm, parse, write

FORM = TokenForm(
    client_id="a b", client_secret="s", parameters=(("grant_type", "x"), ("scope", "read write"))
)


def said(**fields):
    everything = {"answers": 30, "microseconds": 2_000_000, "refused": 0, "broken": 0}
    everything |= {"mean": 9_000, "median": 8_000, "p99": 12_000}
    return "wrk says much\n" + json.dumps(everything | fields) + "\n"


def test_the_time_is_what_passed_and_not_what_was_asked_for():
    assert parse(said(microseconds=2_010_000)) == Load(
        answers=30, seconds=2.01, mean_wait=0.009, median_wait=0.008, p99_wait=0.012
    )


@pytest.mark.parametrize("fields", [{"refused": 1}, {"broken": 1}, {"answers": 0}])
def test_answers_that_are_no_tokens_do_not_count(fields):
    with pytest.raises(Failed):
        parse(said(**fields))


def test_a_request_is_a_line_of_header_and_form(tmp_path):
    write(tmp_path / "requests", [FORM, FORM])
    line = "Basic YStiOnM=\tgrant_type=x&scope=read+write\n"
    assert (tmp_path / "requests").read_text() == line * 2


def test_a_certificate_takes_the_place_of_a_secret(tmp_path):
    write(tmp_path / "requests", [replace(FORM, certificate=":AAAA:")])
    line = "\tgrant_type=x&scope=read+write\t\t:AAAA:\n"
    assert (tmp_path / "requests").read_text() == line


def test_who_has_no_secret_sends_no_header(tmp_path):
    write(tmp_path / "requests", [replace(FORM, client_secret="")])
    assert (tmp_path / "requests").read_text() == "\tgrant_type=x&scope=read+write\n"


def test_a_proof_stands_behind_the_form(tmp_path):
    write(tmp_path / "requests", [replace(FORM, dpop="a.b.c")])
    line = "Basic YStiOnM=\tgrant_type=x&scope=read+write\ta.b.c\n"
    assert (tmp_path / "requests").read_text() == line
