"""Files that are no TOML or no JSON: the sentence names the line, the key and what helps."""

import json
from typing import Any

import pytest

from issuer.registry import InvalidRegistry, parse
from issuer.token import OFFERED
from keys import instants
from keys.ring import InvalidKeyRing, KeyRing
from tests.builders import ISSUER, NOW

HEAD = f'[issuer]\nurl = "{ISSUER}"\n'
LEAKED = "hunter2hunter2hunter2"
TIME = "must be an RFC 3339 time with its offset, such as 2026-11-01T00:00:00Z"
LEAP = "seconds are 00 to 59; for a leap second, write the one before or after it"
LINE = 'one key = value to a line, and text in "quotes"'
QUOTED = "a name of other characters than A-Z a-z 0-9 - _ stands in quotes"

DATES = [
    ("2026-12-31T23:59:60Z", LEAP),
    ("2027-02-29T00:00:00Z", "February 2027 has 28 days"),
    ("2028-02-30T00:00:00Z", "February 2028 has 29 days"),
    ("2027-04-31T00:00:00Z", "April 2027 has 30 days"),
    ("2027-13-01T00:00:00Z", "months are 01 to 12"),
    ("2027-00-01T00:00:00Z", "months are 01 to 12"),
    ("2027-01-00T00:00:00Z", "January 2027 has 31 days"),
    ("0000-01-01T00:00:00Z", "years begin with 0001"),
    ("2027-01-01T24:00:00Z", "hours are 00 to 23; midnight is 00:00:00 of the day that begins"),
    ("2027-01-01T00:60:00Z", "minutes are 00 to 59"),
    ("2027-01-01T00:00:00+24:00", "an offset has at most 23 hours"),
    ("2027-01-01T00:00:00-01:60", "an offset has at most 59 minutes"),
    ("2027-1-1T00:00:00Z", "month and day have two digits each"),
    ("2027-01-01T9:00:00Z", "hours, minutes and seconds have two digits each"),
    ("2027-01-01T09:00Z", "hours, minutes and seconds have two digits each"),
]
"""What looks like a time, and why no calendar or clock has it."""


def problem(name: str, text: str) -> str:
    with pytest.raises(InvalidRegistry) as refused:
        parse({name: text.encode()}, OFFERED)
    (found,) = map(str, refused.value.problems)
    assert LEAKED not in found
    return found


@pytest.mark.parametrize(("written", "why"), DATES)
def test_a_date_that_toml_cannot_hold_is_named_with_its_key(written, why):
    """In a line of its own, within braces, and in a list over several lines."""
    said = f'"{written}" is no time: {why}'
    assert problem("r.toml", f"{HEAD}not_before = {written}\n") == (
        f"r.toml: issuer.not_before: line 3: {said}"
    )
    secrets = f'client_secrets = [\n  {{ hash = "{LEAKED}", expires_at = {written} }},\n]\n'
    assert problem("r.toml", f"{HEAD}\n[clients.billing]\n{secrets}scope = 'x'\n") == (
        f"r.toml: clients.billing.client_secrets.expires_at: line 6: {said}"
    )


ISO = ("2027-01-01T09:00Z", "2027-01-01T00:00:00-01:60")
"""What Python takes, and so a registry in JSON."""


@pytest.mark.parametrize(("written", "why"), [row for row in DATES if row[0] not in ISO])
def test_the_same_date_in_json_and_in_a_key_ring_is_named_alike(written, why):
    table: dict[str, Any] = {"issuer": {"url": ISSUER, "not_before": written}}
    said = f'"{written}" is no time: {why}'
    assert problem("r.json", json.dumps(table)) == f"r.json: issuer.not_before: {TIME}; {said}"
    ring = json.loads(KeyRing.new("ES256", NOW).format())
    ring["signing_keys"][0]["activates_at"] = written
    with pytest.raises(InvalidKeyRing) as refused:
        KeyRing.parse(json.dumps(ring))
    assert refused.value.problems == (
        "keyring.json: signing_keys[0].activates_at: must be a UTC time like "
        f"2026-11-01T00:00:00Z; {said}",
    )


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("2026-11-01", '"2026-11-01" is no time: it is a day alone; '
                       "add the time and its offset, such as T00:00:00Z"),
        ("2026-11-01T00:00:00", "is no time: it has no offset; add one, such as Z"),
    ],
)  # fmt: skip
def test_what_is_missing_of_a_time_is_said(written, said):
    for name, text in [
        ("r.toml", f"{HEAD}not_before = {written}\n"),
        ("r.json", json.dumps({"issuer": {"url": ISSUER, "not_before": written}})),
    ]:
        found = problem(name, text)
        assert found.startswith(f"{name}: issuer.not_before: {TIME}; ")
        assert found.endswith(said)


@pytest.mark.parametrize("value", [LEAKED, "tomorrow", "01.02.2027", "", "2026-11-01" + LEAKED])
def test_what_is_no_date_at_all_is_not_quoted(value):
    """Security P32: it may be a secret in the wrong place."""
    table = {"issuer": {"url": ISSUER, "not_before": value}}
    assert problem("r.json", json.dumps(table)) == f"r.json: issuer.not_before: {TIME}"
    assert instants.fault(value) is None


@pytest.mark.parametrize("written", ["2026-12-31T23:59:59Z", "2028-02-29T00:00:00+23:59"])
def test_the_last_time_that_there_is_is_taken(written):
    assert parse({"r.toml": f"{HEAD}not_before = {written}\n".encode()}, OFFERED)
    assert instants.fault(written) is None


WEB = HEAD + "[clients.web]\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (WEB + f"scope = {LEAKED}\n",
         'clients.web.scope: line 4: Invalid value; text stands in "quotes"; '
         "true and false are lower case"),
        (WEB + "require_pkce = True\n", "clients.web.require_pkce: line 4: Invalid value; "),
        (WEB + "redirect_uris = [\n  'https://a',\n  https://b,\n]\n",
         "clients.web.redirect_uris: line 6: Invalid value; "),
        (WEB + f'scope = "{LEAKED}\nresources = []\n',
         r"clients.web.scope: line 4: Illegal character '\n'; a text has no closing quote"),
        (WEB + f"scope = '''{LEAKED}\n", "clients.web.scope: line 4: Expected \"'''\"; "),
        (WEB + r'scope = "C:\windows"',
         r"clients.web.scope: line 4: Unescaped '\' in a string; a backslash in "),
        (WEB + "redirect_uris = ['https://a'\nscope = 'x'\n",
         "clients.web.redirect_uris: line 5: Unclosed array; a comma or the closing ] is missing"),
        (WEB + 'client_secrets = [{ hash = "x" ]\n',
         "clients.web.client_secrets.hash: line 4: Unclosed inline table; a comma or the closing"),
        (WEB + "scope = 'x' resources = []\n",
         "clients.web.scope: line 4: Expected newline or end of document after a statement; "
         + LINE),
        (WEB + "scope = 'x'\nresources = []\nscope = 'y'\n",
         "clients.web.scope: line 6: Cannot overwrite a value; the key is there twice"),
        (WEB + "claims = { a = 1, a = 2 }\n",
         "clients.web.claims.a: line 4: Duplicate inline table key 'a'; the key is there twice"),
        (WEB + "scope\n", f"clients.web: line 4: Expected '=' after a key in a key/value pair; "
                          f"key = value, and {QUOTED}"),
        (WEB + "scope = 'x'\n[clients.web]\n",
         "line 5: Cannot declare ('clients', 'web') twice; the table is there twice, "),
        (HEAD + "[resources.https://a]\nscopes = []\n",
         f"line 3: Expected ']' at the end of a table declaration; {QUOTED}, such as "
         '[resources."https://api.example"]'),
        (HEAD + "[resources.'https://a']\nscopes = [read]\n",
         'resources."https://a".scopes: line 4: Invalid value; '),
        ('{"issuer": {}}', "line 1: Invalid statement; a line is [a table], key = value, or "),
        (WEB + f"scope = '''\n{LEAKED}=\n''' x", "clients.web.scope: line 6: Expected newline"),
        (WEB + f"scope = [\n  {LEAKED}=,\n]", "clients.web.scope: line 5: Invalid value; "),
    ],
)  # fmt: skip
def test_toml_that_is_none_names_its_line_and_its_key(text, said):
    assert problem("r.toml", text).startswith(f"r.toml: {said}")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"clients": {"web":\n {"scope": read}}}',
         'clients.web.scope: line 2: Expecting value; text stands in "quotes"; '
         "true and false are lower case"),
        ('{"clients": {"web": {"resources": ["a", "b" "c"]}}}',
         "clients.web.resources[1]: line 1: Expecting ',' delimiter; "
         "a comma or a closing bracket is missing"),
        ('{"clients": {"a": {"x": [{}, []]}, "web": {"resources": ["a",\n"b", c]}}}',
         "clients.web.resources[2]: line 2: Expecting value; "),
        ('{"issuer": {"url": "x"}} }', "line 1: Extra data; the first bracket is closed already"),
        (f'{{"issuer": {{"url": "{LEAKED}"x}}}}', "issuer.url: line 1: Expecting ',' delimiter"),
        (f'{{"issuer": {{"url": "{LEAKED}\n"}}}}', "issuer.url: line 1: Invalid control character"),
        ('{"issuer" {}}', "line 1: Expecting ':' delimiter"),
        ("", "line 1: Expecting value"),
    ],
)  # fmt: skip
def test_json_that_is_none_names_its_line_and_its_member(text, said):
    assert problem("r.json", text).startswith(f"r.json: {said}")
