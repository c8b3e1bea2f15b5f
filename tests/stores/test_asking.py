"""Asking a store when something was spent: for whoever looks into a case, and changes nothing."""

import asyncio

import pytest

from issuer.protocol.replay import Use
from issuer.stores import open_store
from tests.builders import NOW, a_once


@pytest.mark.parametrize(
    ("replay_store", "spent_at"),
    [pytest.param("none", None, id="none"), pytest.param("sqlite:replay.db", NOW + 5, id="sqlite")],
)
def test_asking_says_when_it_was_spent_and_spends_nothing(tmp_path, replay_store, spent_at):
    store = open_store(replay_store, tmp_path)
    asyncio.run(store.fault(NOW))
    asked = ("authorization_code:1", "authorization_code:2")
    assert asyncio.run(store.spent(asked, NOW)) == (None, None)
    assert asyncio.run(store.use(Use((a_once(),)), NOW + 5)) == (NOW + 5,)
    assert asyncio.run(store.spent(asked, NOW + 9)) == (spent_at, None)
    store.close()
