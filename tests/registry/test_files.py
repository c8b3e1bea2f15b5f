"""The registry's files: text that is no document, says a thing twice, or is another's too."""

import json
import os

import pytest

from issuer.registry import InvalidRegistry, digest, documents, files, parse
from issuer.registry.files import Unreadable
from issuer.token import OFFERED
from tests.builders import API, ISSUER

ISSUER_TABLE = f'[issuer]\nurl = "{ISSUER}"\n'.encode()
CLIENT = f"""
token_endpoint_auth_method = "none"
redirect_uris = ["https://x.example/"]
resources = ["{API}"]
""".encode()
RESOURCE_TABLE = f'[resources."{API}"]\n'.encode()


def problems_of(given: dict[str, bytes]) -> list[str]:
    with pytest.raises(InvalidRegistry) as refused:
        parse(given, OFFERED)
    assert "hunter2" not in str(refused.value)
    return [str(each) for each in refused.value.problems]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b"{", "Expecting property name", id="cut off"),
        pytest.param(b"", "Expecting value", id="empty"),
        pytest.param(b"{} {}", "Extra data", id="two documents"),
        pytest.param(b"[]", "must be an object at its top", id="an array"),
        pytest.param(b'"hunter2"', "must be an object at its top", id="a string"),
        pytest.param(b"{'a': 'hunter2'}", "Expecting property name", id="Python"),
        pytest.param(b'{"users": {"x": {}, "x": {}}}', 'has "x" twice', id="a member twice"),
        pytest.param(b'{"users": {}, "users": {}}', 'has "users" twice', id="a table twice"),
        pytest.param(b'{"\\u0061": 1, "a": 2}', 'has "a" twice', id="a member twice, escaped"),
        pytest.param(b'{"a": "\xff"}', "is not UTF-8, first at line 1: save it", id="not UTF-8"),
        pytest.param("{}".encode("utf-16"), "is UTF-16 (little-endian)", id="UTF-16"),
        pytest.param(b'{"a": NaN}', "a number that JSON does not have", id="NaN"),
        pytest.param(b'{"a": -Infinity}', "a number that JSON does not have", id="infinity"),
        pytest.param(b'{"a": "\\ud800"}', "half a surrogate pair", id="half a surrogate pair"),
        pytest.param(b'{"\\udc00": 1}', "half a surrogate pair", id="half a pair in a name"),
        pytest.param(b"[" * 100_000, "is nested too deeply", id="too deep"),
        pytest.param(b'{"a":' * 100_000, "is nested too deeply", id="too deep, of objects"),
        pytest.param(b'{"a":' + b"1" * 5_000 + b"}", "Exceeds the limit", id="too long a number"),
    ],
)
def test_json_that_is_none_is_refused_once(content, sentence):
    """RFC 8259; nothing else is said about a file that cannot be read."""
    (problem,) = problems_of({"registry.json": content})
    assert problem.startswith("registry.json: ")
    assert sentence in problem


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(b'a = "hunter2', "Unterminated string", id="cut off"),
        pytest.param(b"a = hunter2", "Invalid value", id="no value"),
        pytest.param(b"a = 1\na = 2", "Cannot overwrite a value", id="a key twice"),
        pytest.param(b"[issuer]\n[issuer]\n", "twice", id="a table twice"),
        pytest.param(b"a = 1\nb = '\xff'", "is not UTF-8, first at line 2", id="not UTF-8"),
        pytest.param(b"a = " + b"[" * 100_000, "is nested too deeply", id="too deep"),
        pytest.param(b'{"issuer": {}}', "Invalid statement", id="JSON"),
    ],
)
def test_toml_that_is_none_is_refused_once(content, sentence):
    (problem,) = problems_of({"registry.toml": content})
    assert problem.startswith("registry.toml: ")
    assert sentence in problem


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("registry.toml", ISSUER_TABLE),
        ("registry.json", json.dumps({"issuer": {"url": ISSUER}}).encode()),
        ("registry.json", b'{"issuer": {"url": "https:\\/\\/issuer.example"}}'),
        ("registry.json", b'{"users": {"\\ud83d\\udd11": {}}, "issuer": {"url": "https://a"}}'),
    ],
    ids=["TOML", "JSON", "JSON with escapes", "a surrogate pair"],
)
def test_either_form_is_taken(name, content):
    assert parse({name: content}, OFFERED).issuer.url.startswith("https://")


def test_toml_says_instants_in_its_own_type():
    table = ISSUER_TABLE + b"not_before = 2026-11-01T00:00:00Z\n"
    assert parse({"r.toml": table}, OFFERED).issuer.not_before == 1_793_491_200
    (problem,) = problems_of({"r.toml": ISSUER_TABLE + b"not_before = 2026-11-01T00:00:00\n"})
    assert "issuer.not_before: must be an RFC 3339 time with its offset" in problem


def test_a_document_has_a_greatest_size():
    padded = b"#" * (documents.MAX_BYTES - len(ISSUER_TABLE) - 1) + b"\n" + ISSUER_TABLE
    assert parse({"r.toml": padded}, OFFERED)
    assert problems_of({"r.toml": b"#" + padded}) == [
        "r.toml: is larger than 64 MiB; a directory of files may hold more"
    ]


def test_claims_may_be_nested_and_not_without_end():
    """What cannot be signed is refused now, not at the first token."""

    def nested(depth: int) -> dict[str, bytes]:
        claims = '{"a":' * depth + "1" + "}" * depth
        client = (
            '{"token_endpoint_auth_method": "none", "redirect_uris": ["https://x.example/"],'
            f'"resources": ["{API}"], "claims": {claims}}}'
        )
        return {
            "r.json": f'{{"issuer": {{"url": "{ISSUER}"}}, "resources": {{"{API}": {{}}}},'
            f'"clients": {{"web": {client}}}}}'.encode()
        }

    assert parse(nested(100), OFFERED)
    for depth in (260, 500, 900):
        assert problems_of(nested(depth))


def test_the_files_of_a_directory_make_one_registry():
    """Design section 3: one file per team."""
    registry = parse(
        {
            "a.toml": ISSUER_TABLE + RESOURCE_TABLE,
            "b.toml": b"[clients.b]" + CLIENT,
            "c.json": b'{"users": {"carol": {}}}',
        },
        OFFERED,
    )
    assert (set(registry.clients), set(registry.users)) == ({"b"}, {"carol"})


@pytest.mark.parametrize(
    ("table", "path"),
    [
        pytest.param(b"[clients.web]" + CLIENT, "clients.web", id="a client"),
        pytest.param(b"[users.alice]\n", "users.alice", id="a user"),
        pytest.param(RESOURCE_TABLE, f'resources."{API}"', id="a resource"),
    ],
)
def test_what_two_files_define_is_refused_naming_both(table, path):
    """Design section 3: equal or not, one of them is out of date."""
    base = ISSUER_TABLE + (b"" if table == RESOURCE_TABLE else RESOURCE_TABLE)
    assert problems_of({"a.toml": base + table, "b.toml": table}) == [
        f"b.toml: {path}: is also defined in a.toml: take it out of one of the two"
    ]
    assert parse({"a.toml": base, "b.toml": table}, OFFERED)


def test_a_setting_that_two_files_make_is_refused_naming_both():
    given = {"a.toml": ISSUER_TABLE, "b.toml": b'[issuer]\nurl = "https://other.example"\n'}
    assert problems_of(given) == [
        "b.toml: issuer.url: is also defined in a.toml: take it out of one of the two"
    ]
    given["b.toml"] = b"[issuer]\naccess_token_lifetime = 60\n"
    assert parse(given, OFFERED).issuer.access_token_lifetime == 60


def test_a_problem_names_the_file_that_it_is_in():
    given = {
        "a.toml": ISSUER_TABLE + RESOURCE_TABLE,
        "b.toml": b"[clients.web]\nscope = 1\n" + CLIENT,
        "c.json": b'{"users": {"web": {}, "x": {"sub": 1}}}',
    }
    assert {each.split(": ")[0] for each in problems_of(given)} == {"b.toml", "c.json"}


def test_one_unreadable_file_does_not_hide_what_is_wrong_in_another():
    """All problems at once; what may dangle into the unreadable one is not judged."""
    given = {
        "a.toml": ISSUER_TABLE,
        "b.json": b"{",
        "c.toml": b"[clients.web]\nscope = 1\n" + CLIENT,
    }
    places = [each.split(": ")[0] for each in problems_of(given)]
    assert sorted(places) == ["b.json", "c.toml"]


def test_a_digest_tells_names_and_contents_apart():
    held = [{"a": b"xy"}, {"a": b"x"}, {"ax": b"y"}, {"a": b"x", "b": b"y"}, {"b": b"x"}, {}]
    assert len({digest(each) for each in held}) == len(held)
    assert digest({"a": b"1", "b": b"2"}) == digest({"b": b"2", "a": b"1"})


def test_of_a_directory_only_the_registrys_files_are_read(tmp_path):
    for name in ("a.toml", "b.json", ".hidden.toml", "notes.txt", "c.toml~"):
        (tmp_path / name).write_bytes(b"x")
    assert set(files.read_registry(tmp_path)) == {"a.toml", "b.json"}


def test_a_directory_without_files_is_refused(tmp_path):
    with pytest.raises(Unreadable, match=r"no \.toml or \.json file"):
        files.read_registry(tmp_path)


def test_what_is_no_file_is_refused(tmp_path):
    """Nor is a pipe waited for, whoever put it there."""
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(Unreadable, match="is not a regular file"):
        files.read_registry(tmp_path)
    with pytest.raises(Unreadable, match="Is a directory"):
        files.read_file(tmp_path, 1)
    with pytest.raises(Unreadable, match="No such file"):
        files.read_registry(tmp_path / "nothing.toml")
