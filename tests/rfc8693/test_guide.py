"""``issuer/grants/README.md``: its registry is valid, and exchanges what it says."""

import re
from pathlib import Path

from issuer import grants
from issuer.grants.token_exchange import MAX_ACTORS
from issuer.registry import parse
from issuer.registry.exchange import TOKEN_EXCHANGE, Exchange
from issuer.token import OFFERED

GUIDE = (Path(grants.__file__).parent / "README.md").read_text()


def test_its_registry_is_valid_and_its_names_are_those_of_the_fields():
    (example,) = re.findall(r"^```toml\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
    text = f'[issuer]\nurl = "https://id.example"\n{example}'
    registry = parse({"registry.toml": text.encode()}, OFFERED)
    (rule,) = registry.clients["gateway"].exchanges
    assert rule.audiences == ("https://api.example",)
    for field in Exchange.__dataclass_fields__:
        assert re.search(rf"\b{field}\b", GUIDE), field
    assert f"grant_type={TOKEN_EXCHANGE}" in GUIDE


def test_its_number_is_the_one_that_holds():
    assert MAX_ACTORS == 5
    assert "five at most" in GUIDE
