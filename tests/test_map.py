"""``issuer/README.md``, the map: whoever adds a room, or a row of a table, draws it in."""

import re
from pathlib import Path

import pytest

import issuer
from issuer.browser.pages.rendering import TEMPLATES
from issuer.client_auth import CLIENT_AUTH
from issuer.grants import GRANTS
from issuer.possession import POSSESSION
from issuer.stores import STORES
from issuer.token_types import TOKEN_TYPES
from tests.rooms import rooms

HOUSE = Path(issuer.__file__).parent
MAP = (HOUSE / "README.md").read_text()
PICTURE = MAP.partition("```mermaid\n")[2].partition("```")[0]
LABELS = dict(re.findall(r'^    (\w+)\["(.+)"\]$', PICTURE, flags=re.MULTILINE))
ROWS = dict(re.findall(r"^\| `(\w+)/` \| (.+) \|$", MAP, flags=re.MULTILINE))

TABLES = {
    "GRANTS": ("grants", [*GRANTS]),
    "CLIENT_AUTH": ("client_auth", [*CLIENT_AUTH]),
    "POSSESSION": ("possession", [*POSSESSION]),
    "TOKEN_TYPES": ("token_types", [*TOKEN_TYPES]),
    "STORES": ("stores", [*STORES]),
    "TEMPLATES": ("browser", [name.removesuffix(".html") for name in TEMPLATES.values()]),
}


@pytest.mark.parametrize(("table", "room", "row"), [
    pytest.param(table, room, row, id=f"{table}: {row}")
    for table, (room, rows) in TABLES.items() for row in rows
])  # fmt: skip
def test_the_picture_names_each_row_of_each_table(table, room, row):
    drawn = re.split(r"<br/>| · ", LABELS[room])
    assert row in drawn, f"draw {row} into {room}/ of issuer/README.md"
    assert f"`{table}`" in ROWS[room]


@pytest.mark.parametrize("table", TABLES)
def test_the_picture_names_nothing_that_is_not_there(table):
    room, rows = TABLES[table]
    assert {*re.split(r"<br/>| · ", LABELS[room])} == {f"{room}/", *rows}


def test_every_room_is_on_the_map_and_no_other():
    assert set(ROWS) == set(rooms("issuer"))
    assert {name for name in LABELS if (HOUSE / name).is_dir()} == set(ROWS)


def test_every_file_that_it_names_is_there():
    named = re.findall(r"`([\w/]+\.py)`", MAP)
    missing = [
        name for name in named
        if not any((HOUSE / within / name).exists() for within in ("", *ROWS))
    ]  # fmt: skip
    assert named
    assert missing == []
