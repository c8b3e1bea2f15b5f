"""The registry's sentences, read by somebody who has never seen the file: each names the fix."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from issuer.registry import InvalidRegistry, faults, parse
from issuer.registry.branding import Branding
from issuer.registry.client import Client, ClientSecret
from issuer.registry.resource import Resource
from issuer.registry.settings import Settings
from issuer.registry.user import Address, User
from issuer.token import OFFERED
from tests.registry.test_refusals import RESOURCE, SECRETS, WEB, changed

ALICE = ("users", "alice")
RECORDS: list[tuple[tuple[Any, ...], type[Any]]] = [
    (("issuer",), Settings),
    (WEB, Client),
    ((*SECRETS, 0), ClientSecret),
    (RESOURCE, Resource),
    (ALICE, User),
    ((*ALICE, "address"), Address),
    (("branding",), Branding),
]
WRONG = [None, 1, -1, 10**30, 1.5, True, "", "x", "x" * 2000, [], [1], [[]], [{}], {}, {"a": 1}]
FIELDS = [
    pytest.param(path, field, id=f"{kind.__name__}.{field}")
    for path, kind in RECORDS
    for field in kind.__dataclass_fields__
]
PYDANTIC = ("should", "valid", "instance", "Input", "String", "dictionary", "tuple", "NoneType")


def problems(table: dict[str, Any]) -> Iterator[str]:
    try:
        parse({"r.json": json.dumps(table).encode()}, OFFERED)
    except InvalidRegistry as refused:
        yield from (each.message for each in refused.problems)


@pytest.mark.parametrize(("path", "field"), FIELDS)
def test_whatever_stands_in_a_field_is_refused_in_words_of_ours(path, field):
    """None of them is the validator's, which speaks to programmers."""
    for value in WRONG:
        table = changed(((*ALICE, "address"), {}), ((*path, field), value))
        for sentence in problems(table):
            assert not any(word in sentence for word in PYDANTIC), sentence


@pytest.mark.parametrize(
    ("path", "field"),
    [(path, field) for path, kind in RECORDS[:5] for field in kind.__dataclass_fields__
     if field in faults.EXAMPLES and field not in ("jwks", "client_secrets", "kid", "federated")],
)  # fmt: skip
def test_every_example_is_a_right_one(path, field):
    """Of a client that may have what any may: who the user is, too."""
    asks_who = (("clients", "web", "scope"), "openid read write")
    assert not list(problems(changed(asks_who, ((*path, field), faults.EXAMPLES[field]))))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[clients.web]\nclient_secrets = 'x'",
         "clients.web.client_secrets: must be a list in brackets, also of one thing, such as "
         '[{ hash = "sha256:…" }]; `issuer client secret` makes one'),
        ("[clients.web]\nclient_secrets = [{}]",
         "clients.web.client_secrets[0].hash: is missing and has to be there; "
         "`issuer client secret` makes one"),
        ("[clients.web]\nscope = ['read']",
         "clients.web.scope: must be one text, its scopes separated by single spaces, such as "
         '"read write"'),
        ("[clients.web]\nresources = 'https://api.example'",
         "clients.web.resources: must be a list in brackets, also of one thing, such as "
         '["https://api.example"]'),
        ("[clients.web]\nredirect_uris = [1]",
         "clients.web.redirect_uris[0]: must be text in quotes, such as "
         '"https://app.example/callback"'),
        ("[clients.web]\nrequire_pkce = 'true'",
         "clients.web.require_pkce: must be true or false, without quotes"),
        ("[clients.web]\nclaims = 'x'",
         'clients.web.claims: must be a table, such as { tenant = "north" }'),
        ("[users.alice]\naddress = 'Paris'",
         'users.alice.address: must be a table, such as { locality = "Paris", '
         'country = "France" }'),
        ("[users.alice]\npassword_hash = 1",
         "users.alice.password_hash: must be text in quotes; `issuer user add` makes one"),
        ("[clients.web]\naccess_token_lifetime = '10m'",
         "clients.web.access_token_lifetime: must be a whole number without quotes, such as 600"),
    ],
)  # fmt: skip
def test_a_sentence_shows_the_right_form_as_the_file_writes_it(text, said):
    file = f'[issuer]\nurl = "https://id.example"\n{text}\n'
    with pytest.raises(InvalidRegistry) as refused:
        parse({"r.toml": file.encode()}, OFFERED)
    assert f"r.toml: {said}" in map(str, refused.value.problems)
