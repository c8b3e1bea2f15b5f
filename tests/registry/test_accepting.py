"""A large registry is read in a shorter way, which takes no more than the careful one does."""

import inspect
import json
import re
from typing import Any

import pytest

from issuer.registry import (
    InvalidRegistry,
    advice,
    client_checks,
    consistency,
    entries,
    likeness,
    parsing,
    secret,
)
from issuer.registry.client import Client
from issuer.registry.parsing import accept, examine
from issuer.token import OFFERED
from tests.bench import ours
from tests.builders import API, CALLBACK, ISSUER, SECRET

SECRET_HASH = secret.sha256_hash(SECRET)

WEB: dict[str, Any] = {
    "client_secrets": [{"hash": SECRET_HASH, "expires_at": "2027-02-01T00:00:00Z"}],
    "redirect_uris": [CALLBACK],
    "scope": "read",
    "resources": [API],
}
MANY = {f"c{number}": WEB | {"client_name": f"Name {number}"} for number in range(2000)}
TABLES: dict[str, Any] = {
    "issuer": {"url": ISSUER, "not_before": "2026-11-01T00:00:00Z"},
    "resources": {API: {"scopes": ["read"]}},
    "clients": {
        "web": WEB,
        "named": WEB | {"client_name": "Clé \U0001f511", "claims": {"tenant": ["north"]}},
        "alike": WEB,
        "Schl\u00fcssel": WEB | {"require_pkce": False, "access_token_lifetime": 1},
        "nothing": WEB | {"client_uri": None},
    },
    "users": {
        "alice": {"address": {"locality": "Paris"}, "claims": {"team": ["north"]}},
        "bob": {"sub": "b", "active": False},
    },
    "groups": {"admins": {"users": ["alice", "bob"], "subjects": ["c"]}, "nobody": {}},
    "claims": {"groups": {}, "team": {"scopes": ["profile"], "told_in": ["access_token"]}},
    "scopes": {"read": "Read"},
    "branding": {},
}
TOML = f"""
[issuer]
url = "{ISSUER}"
not_before = 2026-11-01T00:00:00Z
[resources."{API}"]
scopes = ["read"]
[clients.web]
token_endpoint_auth_method = "none"
redirect_uris = ["{CALLBACK}"]
resources = ["{API}"]
not_before = 2026-11-01T00:00:00Z
"""


def with_client(**fields: Any) -> bytes:
    return json.dumps(TABLES | {"clients": {"web": WEB, "other": WEB | fields}}).encode()


@pytest.mark.parametrize(
    "files",
    [
        pytest.param({"r.json": json.dumps(TABLES).encode()}, id="escapes"),
        pytest.param({"r.json": json.dumps(TABLES, ensure_ascii=False).encode()}, id="compact"),
        pytest.param({"r.json": json.dumps(TABLES, indent="\t").encode() + b"\r\n "}, id="spaced"),
        pytest.param({"r.toml": TOML.encode()}, id="TOML"),
        pytest.param({"r.json": json.dumps(ours.registry(ISSUER, 20)).encode()}, id="the bench's"),
        pytest.param({"r.json": json.dumps(TABLES | {"clients": MANY}).encode()}, id="names"),
        pytest.param(
            {
                "a.json": json.dumps({"clients": TABLES["clients"]}).encode(),
                "b.json": json.dumps(TABLES | {"clients": {"last": WEB}}).encode(),
                "c.json": b" { } ",
            },
            id="several files",
        ),
    ],
)
def test_both_ways_come_to_one_registry(files):
    accepted = accept(files, OFFERED)
    assert accepted is not None
    examined = examine(files, OFFERED)
    assert accepted == examined
    assert repr(accepted) == repr(examined)
    assert [*accepted.clients] == [*examined.clients]
    assert {type(each) for each in accepted.clients.values()} == {Client}


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(with_client(require_pkce=1), id="1 is not true"),
        pytest.param(with_client(access_token_lifetime=True), id="true is not 1"),
        pytest.param(with_client(access_token_lifetime=1.0), id="nor is a fraction"),
        pytest.param(with_client(scope=["read"]), id="a list is no text"),
        pytest.param(with_client(resources=API), id="a text is no list"),
        pytest.param(with_client(resources=[API, API]), id="a thing twice"),
        pytest.param(with_client(redirect_uris=[CALLBACK, "https://*.example/"]), id="a wildcard"),
        pytest.param(with_client(redirect_uris=["http://localhost/"]), id="native alone"),
        pytest.param(with_client(client_secrets=[]), id="no secret"),
        pytest.param(with_client(client_id="another"), id="another name"),
        pytest.param(with_client(skope="read"), id="an unknown field"),
        pytest.param(with_client(claims={"sub": "x"}), id="a claim of ours"),
        pytest.param(with_client(scope="write"), id="a scope of no resource"),
        pytest.param(with_client().replace(b'"other"', b'"web"'), id="a client twice"),
        pytest.param(with_client().replace(b'"other"', b'"\\u0077eb"'), id="twice, escaped"),
        pytest.param(with_client().replace(b'"other"', b'"\\ud800"'), id="half a surrogate pair"),
        pytest.param(with_client(client_name="x").replace(b'"x"', b'"\\ud800"'), id="in a value"),
        pytest.param(with_client().replace(b'"scopes": {', b'"scopes": {,'), id="no JSON"),
        pytest.param(with_client().replace(b'"other": {', b'"other": ,{'), id="no value"),
        pytest.param(with_client().replace(b'"users": {', b'"users": [{'), id="no table"),
        pytest.param(with_client() + b"{}", id="more than one document"),
        pytest.param(with_client()[:-1], id="cut off"),
        pytest.param(with_client().replace(b"{", b'{"users": {}, ', 1), id="a table twice"),
        pytest.param(with_client().replace(b"{", b'{"client": {}, ', 1), id="an unknown table"),
        pytest.param(b'{"clients":' * 10_000, id="too deep"),
    ],
)
def test_what_is_wrong_is_left_to_the_careful_way(content):
    """A client made like another is not the other, and what was good there is judged here anew."""
    assert accept({"r.json": content}, OFFERED) is None
    with pytest.raises(InvalidRegistry):
        examine({"r.json": content}, OFFERED)


@pytest.mark.parametrize("piece", [1, 2, 3, 7, 64, 1000])
@pytest.mark.parametrize("indent", [None, 1])
def test_wherever_a_piece_of_the_text_ends_it_says_the_same(monkeypatch, piece, indent):
    """In a name, an escape, a number, a character of several bytes; and a mark stands before it."""
    text = json.dumps(TABLES, ensure_ascii=piece % 2 == 0, indent=indent)
    files = {"r.json": text.encode("utf-8-sig")}
    whole = accept(files, OFFERED)
    monkeypatch.setattr(entries, "PIECE", piece)
    assert accept(files, OFFERED) == whole is not None


def test_a_large_registry_takes_the_shorter_way(monkeypatch):
    files = {"r.json": json.dumps(TABLES | {"clients": MANY}).encode()}
    assert len(files["r.json"]) > parsing.LARGE
    monkeypatch.delattr(parsing, "examine")
    assert len(parsing.parse(files, OFFERED).clients) == len(MANY)


def test_records_share_what_they_say_alike():
    registry = accept({"r.json": json.dumps(TABLES).encode()}, OFFERED)
    assert registry is not None
    one, other = registry.clients["web"], registry.clients["alike"]
    assert one.redirect_uris is other.redirect_uris
    assert one.claims is other.claims


@pytest.mark.parametrize("judge", [advice, client_checks, consistency])
def test_clients_are_judged_by_nothing_that_may_differ_between_those_alike(judge):
    """Of what may, ``alike`` keeps what is asked for: dates, and the kinds of URIs."""
    read = set(re.findall(r"\bclient\.(\w+)", inspect.getsource(judge)))
    kept = {"client_id", "client_secrets", "redirect_uris", "post_logout_redirect_uris"}
    assert read & likeness.UNJUDGED <= kept
