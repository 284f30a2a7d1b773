"""A short form of `make bench-events`, and that its reckoning notices what it is there to notice."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from benchmarks.events import campaign, roles
from benchmarks.events.world import BRAND, History
from feedback.memory.embedded_store import EmbeddedStore
from feedback.memory.store import Delivery


def test_the_history_is_the_same_for_everybody_who_writes_it() -> None:
    one, other = History(3), History(3)
    assert other.change(40).version == one.change(40).version
    assert one.heads(41) == other.heads(41)
    assert History(4).heads(41) != one.heads(41)


@pytest.mark.slow
def test_ten_random_kills_lose_nothing(tmp_path: Path) -> None:
    reckoning = campaign.trial("embedded", campaign.place_of(tmp_path, 7), 10)
    assert reckoning.faults == []
    assert sum(reckoning.kills.values()) == 10
    assert reckoning.lost == 0
    assert reckoning.injected > 0


def forgetful(place: roles.Place, dice: random.Random) -> None:
    """A relay that writes down its progress before it has delivered: every event is skipped."""
    store = EmbeddedStore(place.folder / "memory", BRAND)
    while True:
        store.record(Delivery(roles.HOOK, store.head()))
        time.sleep(0.02)


@pytest.mark.slow
def test_a_relay_that_skips_events_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "PATIENCE_SECONDS", 2)
    monkeypatch.setattr(campaign, "ROLES", roles.ROLES | {"relay": forgetful, "relay 2": forgetful})
    reckoning = campaign.trial("embedded", campaign.place_of(tmp_path, 7), 3)
    assert reckoning.lost > 0
    assert any("the receiver never got" in fault for fault in reckoning.faults)
