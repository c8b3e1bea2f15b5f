import os
import sys
from pathlib import Path

import pytest
import uvloop

from tests.bench import anatomy, instructions
from tests.bench.layers import (
    FALCON,
    GRANTS,
    OURS,
    PARSER,
    SIGNATURE,
    STACKS,
    TOKEN_PATH,
    UVICORN,
    WHOLE,
    stacks,
)
from tests.bench.processes import shared_objects

COSTS = {
    PARSER: 2.0, UVICORN: 32.0, OURS: 42.0, FALCON: 72.0, TOKEN_PATH: 50.0, SIGNATURE: 20.0,
    WHOLE: 130.0,
}  # fmt: skip


def test_the_layers_are_together_what_the_whole_costs():
    layers = anatomy.layered(COSTS)
    assert list(layers.values()) == [2.0, 40.0, 30.0, 8.0, 30.0, 20.0]
    assert sum(layers.values()) == COSTS[WHOLE]


def test_the_page_has_a_row_for_each_layer_and_one_to_compare():
    text = anatomy.page({"client_credentials": COSTS}, "µs", "{:.0f}")
    assert "| Falcon | 30 |" in text
    assert "| **together** | **130** |" in text
    assert "| uvicorn's own protocol, instead of ours | 30 |" in text


@pytest.mark.parametrize("grant", GRANTS)
def test_each_stack_answers_each_grant(grant, tmp_path, monkeypatch):
    """A refusal would close the connection, which fails."""
    monkeypatch.setattr("issuer.app.STDOUT", os.open(os.devnull, os.O_WRONLY))

    async def ask_all():
        asks = await stacks(tmp_path / grant, grant)
        for ask in asks.values():
            await ask(17)
        return tuple(asks)

    assert uvloop.run(ask_all()) == STACKS


def test_the_instructions_are_read_off_what_callgrind_wrote():
    assert instructions.total("version: 1\nevents: Ir\n\nfn=(1) main\ntotals: 1234\n") == 1234


def test_compiled_modules_are_told_from_those_of_others():
    """The process that asks has loaded some of cryptography's, and none of the issuer's."""
    import cryptography

    here = Path(cryptography.__file__).parent
    assert any("_rust" in each for each in shared_objects(os.getpid(), below=here))
    assert shared_objects(os.getpid(), below=Path(sys.prefix) / "nowhere") == set()
