"""Editing registry files: what is not touched stays as it was, byte for byte."""

import json
import os
import stat
import threading
import tomllib
from pathlib import Path

import pytest

from issuer.registry import InvalidRegistry, edit, parse
from issuer.token import OFFERED

ISSUER = '[issuer]\nurl = "https://issuer.example"\n'
RESOURCE = {"scopes": ["read"]}


def add(path: Path, name: str = "https://new.example", **options: str) -> Path:
    return edit.add(path, ("resources", name), RESOURCE, offered=OFFERED, **options)


def with_a_resource(before: str, behind: str) -> str:
    return f'{before}\n[resources."https://new.example"]\nscopes = ["read"]\n{behind}'


@pytest.mark.parametrize(
    ("before", "behind"),
    [
        pytest.param(ISSUER, "", id="the first of its kind goes to the end"),
        pytest.param(
            ISSUER + '\n[resources."https://a"] # one\nscopes = []\n# scopes = ["x"]\n',
            "\n# About the users.\n\n[users.alice]\n",
            id="comments beneath the record stay with it, a paragraph of comments does not",
        ),
        pytest.param(
            '[resources."https://a"]\n',
            "\n# The issuer itself.\n" + ISSUER,
            id="a comment that touches the next header stays with that",
        ),
        pytest.param(
            ISSUER + '\n[resources."https://a"]\nscopes = [ # of a\n  "x",\n\n  "y",\n]\n',
            '\n[users."[resources.x]"]\n',
            id="brackets and blank lines within a value are no sections",
        ),
    ],
)
def test_a_new_record_stands_behind_its_kind(tmp_path, before, behind):
    path = tmp_path / "registry.toml"
    path.write_text(before + behind)
    add(path)
    assert path.read_text() == with_a_resource(before, behind)


def test_a_header_within_a_text_is_no_header(tmp_path):
    path = tmp_path / "registry.toml"
    text = '"""\n[resources.no]\n[users.no]\n"""'
    tricky = f'[resources."https://a"]\nscopes = ["x"]\n\n[scopes]\nx = {text}\n\n'
    path.write_text(tricky + ISSUER)
    add(path)
    assert path.read_text() == with_a_resource(tricky + ISSUER, "")


def test_a_table_that_is_closed_cannot_be_added_to_and_says_so(tmp_path):
    path = tmp_path / "registry.toml"
    path.write_text('resources = { "https://a" = {} }\n' + ISSUER)
    before = path.read_bytes()
    with pytest.raises(edit.Refused, match=r"write it as \[resources\."):
        add(path)
    assert path.read_bytes() == before


def test_lines_keep_their_ends(tmp_path):
    path = tmp_path / "registry.toml"
    path.write_bytes(ISSUER.replace("\n", "\r\n").encode())
    add(path)
    assert b"\n" not in path.read_bytes().replace(b"\r\n", b"")


def end(record: edit.Table) -> None:
    record["client_secrets"][0]["not_before"] = 1
    record["client_secrets"].append({"hash": "sha256:" + "B" * 43})


def test_a_change_touches_its_lines_only(registry):
    before = registry.read_text().splitlines()
    edit.change(registry, ("clients", "web"), end, offered=OFFERED)
    after = registry.read_text().splitlines()
    (line,) = set(after) - set(before)
    assert [each if each != line else None for each in after] == [
        None if each.startswith("client_secrets") else each for each in before
    ]
    expected = '[{ hash = "sha256:%s", not_before = 1 }, { hash = "sha256:%s" }]'
    assert line == "client_secrets = " + expected % ("A" * 43, "B" * 43)


def test_an_array_of_tables_can_be_changed_too(registry):
    inline = f'client_secrets = [{{ hash = "sha256:{"A" * 43}" }}]\n'
    table = f'\n[[clients.web.client_secrets]]\nhash = "sha256:{"A" * 43}" # the first\n'
    text = registry.read_text().replace(inline, "")
    registry.write_text(text.replace("# require_pkce = false\n", "# require_pkce\n" + table))
    edit.change(registry, ("clients", "web"), end, offered=OFFERED)
    client = tomllib.loads(registry.read_text())["clients"]["web"]
    assert [each["hash"][-1] for each in client["client_secrets"]] == ["A", "B"]
    assert "# the first" in registry.read_text()


def test_what_is_no_record_is_refused_in_the_registrys_own_words(registry):
    registry.write_text(registry.read_text() + "\n[clients]\nbroken = 3\n")
    with pytest.raises(InvalidRegistry, match=r"clients\.broken: must be a table"):
        edit.change(registry, ("clients", "broken"), end, offered=OFFERED)


def test_a_mistake_in_the_change_itself_is_not_hidden(registry):
    def mistaken(record: edit.Table) -> None:
        record["no such field"]["x"] = 1

    with pytest.raises(KeyError):
        edit.change(registry, ("clients", "web"), mistaken, offered=OFFERED)


def test_a_file_that_is_no_toml_is_refused(registry):
    registry.write_text("[")
    with pytest.raises(InvalidRegistry, match=r"registry\.toml: "):
        add(registry)


@pytest.mark.parametrize("indent", [2, 4, "\t", None])
def test_json_keeps_its_order_and_indentation(tmp_path, indent):
    path = tmp_path / "registry.json"
    table = {"users": {}, "issuer": {"url": "https://issuer.example"}, "resources": {"a:é": {}}}
    path.write_text(json.dumps(table, indent=indent, ensure_ascii=False) + "\n")
    add(path)
    table["resources"]["https://new.example"] = RESOURCE
    assert path.read_text() == json.dumps(table, indent=indent, ensure_ascii=False) + "\n"


def test_json_gets_instants_as_text(run, registry, tmp_path):
    table = tomllib.loads(registry.read_text())
    (tmp_path / "registry.json").write_text(json.dumps(table))
    assert run("--registry", "registry.json", "client", "secret", "web").exit_code == 0
    secrets = json.loads((tmp_path / "registry.json").read_text())["clients"]["web"]
    assert secrets["client_secrets"][0]["expires_at"].endswith("Z")
    assert run("--registry", "registry.json", "check").exit_code == 0
    assert run("--registry", "registry.json", "client", "secret", "web").exit_code == 0


def test_json_has_no_place_for_anything_else(tmp_path):
    path = tmp_path / "registry.json"
    path.write_text('{"issuer": {"url": "https://issuer.example"}}')
    with pytest.raises(TypeError, match="JSON has no set"):
        edit.add(path, ("users", "x"), {"email": {"a"}}, offered=OFFERED)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A registry of one file per team."""
    path = tmp_path / "registry"
    path.mkdir()
    (path / "issuer.toml").write_text(ISSUER)
    (path / "team.json").write_text('{"resources": {"https://a.example": {}}}')
    return path


def parsed(directory: Path):
    return parse({each.name: each.read_bytes() for each in directory.iterdir()}, OFFERED)


def test_in_a_directory_a_record_goes_where_its_kind_is(directory):
    assert add(directory) == directory / "team.json"
    assert "https://new.example" in parsed(directory).resources
    assert (directory / "issuer.toml").read_text() == ISSUER


def test_in_a_directory_the_first_of_its_kind_gets_a_file(directory):
    edited = edit.add(directory, ("users", "alice"), {}, offered=OFFERED)
    assert edited == directory / "users.toml"
    assert edited.read_text() == "[users.alice]\n"
    assert stat.S_IMODE(edited.stat().st_mode) == 0o644


def test_in_a_directory_the_file_can_be_named(directory):
    assert add(directory, file="new.json") == directory / "new.json"
    assert json.loads((directory / "new.json").read_text())
    assert add(directory, "https://third.example", file="issuer.toml").name == "issuer.toml"


def test_in_a_directory_the_choice_between_two_files_is_not_guessed(directory):
    add(directory, file="issuer.toml")
    with pytest.raises(edit.Refused, match=r"issuer\.toml, team\.json all have resources"):
        add(directory, "https://third.example")


@pytest.mark.parametrize("file", ["../out.toml", "notes.txt", "a/b.toml"])
def test_in_a_directory_no_other_file_is_written(directory, file):
    with pytest.raises(edit.Refused, match="--file is the name"):
        add(directory, file=file)


def test_in_a_directory_a_change_finds_the_record(directory):
    def rename(record: edit.Table) -> None:
        record["scopes"] = ["a"]

    at = ("resources", "https://a.example")
    assert edit.change(directory, at, rename, offered=OFFERED).name == "team.json"
    assert parsed(directory).resources["https://a.example"].scopes == ("a",)


def test_the_mode_stays(registry):
    registry.chmod(0o640)
    add(registry)
    assert stat.S_IMODE(registry.stat().st_mode) == 0o640


def test_a_symbolic_link_stays_and_its_target_changes(registry, tmp_path):
    link = tmp_path / "link.toml"
    link.symlink_to(registry)
    add(link)
    assert link.is_symlink()
    assert "https://new.example" in registry.read_text()


def test_a_file_that_cannot_be_replaced_leaves_nothing_behind(tmp_path):
    (tmp_path / "registry.toml").mkdir()
    with pytest.raises(OSError, match="Is a directory"):
        edit.replace(tmp_path / "registry.toml", b"")
    assert [each.name for each in tmp_path.iterdir()] == ["registry.toml"]


def test_edits_at_the_same_time_all_arrive(registry):
    names = [f"https://{number}.example" for number in range(16)]
    threads = [threading.Thread(target=add, args=(registry, name)) for name in names]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(names) < set(parse({"r.toml": registry.read_bytes()}, OFFERED).resources)


def test_readers_see_the_old_file_or_the_new_one(registry):
    seen = set()
    stop = threading.Event()

    def read() -> None:
        while not stop.is_set():
            seen.add(registry.read_bytes())

    thread = threading.Thread(target=read)
    thread.start()
    contents = {registry.read_bytes()}
    for number in range(20):
        add(registry, f"https://{number}.example")
        contents.add(registry.read_bytes())
    stop.set()
    thread.join()
    assert seen <= contents


def test_no_descriptor_stays_open(registry):
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208  names are enough
    for number in range(5):
        add(registry, f"https://{number}.example")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("registry.toml", ISSUER + '[resources."https://a"]\nscopes = []\n'),
        (
            "registry.json",
            '{"issuer": {"url": "https://a.example"}, "resources": {"https://a": {}}}',
        ),
    ],
)
def test_a_byte_order_mark_stays_where_one_was(tmp_path, name, text):
    """As comments do: what an edit is not about is left as somebody's editor wrote it."""
    for mark in (b"\xef\xbb\xbf", b""):
        path = tmp_path / name
        path.write_bytes(mark + text.encode())
        add(path)
        edit.change(path, ("resources", "https://a"), a_scope, offered=OFFERED)
        content = path.read_bytes()
        assert content.startswith(mark)
        assert content.count(b"\xef\xbb\xbf") == bool(mark)
        resources = parse({name: content}, OFFERED).resources
        assert set(resources) == {"https://a", "https://new.example"}
        assert resources["https://a"].scopes == ("read",)


def a_scope(record: edit.Table) -> None:
    record["scopes"] = ["read"]
