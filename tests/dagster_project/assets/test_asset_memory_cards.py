"""Cards between a run's warehouse and the memory's store: nothing is told twice, and the store counts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from dagster_project.assets.memory_cards import keep_card, stored_cards, tell_of_cards
from dagster_project.warehouse import tables
from feedback.memory.embedded_store import EmbeddedStore
from feedback.memory.store import StoreDamaged, VersionConflict
from feedback.patterns import Card, next_versions
from tests.feedback.made_cards import NOW, RUN, cards, decision


@pytest.fixture
def store(tmp_path: Path) -> EmbeddedStore:
    return EmbeddedStore(tmp_path / "memory", "acme")


def new_warehouse() -> duckdb.DuckDBPyConnection:
    con = duckdb.connect()
    tables.create_tables(con)
    return con


@pytest.fixture
def warehouse() -> Iterator[duckdb.DuckDBPyConnection]:
    with new_warehouse() as con:
        yield con


def run(con: duckdb.DuckDBPyConnection, store: EmbeddedStore, state: str, week: int) -> list[Card]:
    """One run: the versions that follow from what is stored, kept and told of."""
    stored = stored_cards(con, store)
    new = next_versions(stored, [decision(state=state)], NOW + timedelta(weeks=week), RUN)
    for card in (*stored, *new):
        keep_card(con, card, f"run_{week}")
    return new


def test_a_run_that_is_repeated_tells_nothing_twice(warehouse, store) -> None:
    run(warehouse, store, "provisional", 0)
    assert tell_of_cards(store, stored_cards(warehouse, store)) == 1
    assert run(warehouse, store, "provisional", 1) == []
    assert tell_of_cards(store, stored_cards(warehouse, store)) == 0


def test_a_run_that_died_before_it_told_is_made_up_for_by_the_next(warehouse, store) -> None:
    run(warehouse, store, "provisional", 0)
    run(warehouse, store, "promoted", 1)
    assert tell_of_cards(store, stored_cards(warehouse, store)) == 2
    assert [e.type for e in store.events_after(0)] == ["pattern.changed", "pattern.promoted"]


def test_a_warehouse_that_was_deleted_continues_from_the_store(warehouse, store) -> None:
    run(warehouse, store, "provisional", 0)
    run(warehouse, store, "promoted", 1)
    tell_of_cards(store, stored_cards(warehouse, store))
    with new_warehouse() as again:
        assert run(again, store, "promoted", 2) == []
        (retired,) = run(again, store, "retired", 3)
        assert retired["version"] == 3
        assert tell_of_cards(store, stored_cards(again, store)) == 1
    assert [v.version for v in store.versions("pattern")] == [1, 2, 3]


def test_of_two_machines_the_second_keeps_nothing_and_then_continues_from_the_first(warehouse, store) -> None:
    run(warehouse, store, "provisional", 0)
    tell_of_cards(store, stored_cards(warehouse, store))
    with new_warehouse() as other:
        run(other, store, "promoted", 1)
        run(warehouse, store, "retired", 2)
        both = stored_cards(other, store)
        assert tell_of_cards(store, stored_cards(warehouse, store)) == 1
        with pytest.raises(VersionConflict, match="another writer was first; run again"):
            tell_of_cards(store, both + cards(decision("headline.question")))
        assert store.head() == 2
        assert {c["version"]: c["state"] for c in stored_cards(other, store)} == {1: "provisional", 2: "retired"}


def test_cards_of_another_brand_are_not_told(store) -> None:
    from tests.feedback.made_cards import of_brand

    assert tell_of_cards(store, cards(run=of_brand("other"))) == 0


def test_a_damaged_store_is_begun_anew_from_the_warehouse(warehouse, store) -> None:
    run(warehouse, store, "promoted", 0)
    tell_of_cards(store, stored_cards(warehouse, store))
    store.close()
    for beside in ("-wal", "-shm"):
        store.path.with_name(store.path.name + beside).unlink(missing_ok=True)
    store.path.write_bytes(store.path.read_bytes()[:5000] + b"\0" * 3000)
    with pytest.raises(StoreDamaged):
        stored_cards(warehouse, store)
    assert "set aside as events.db.damaged" in str(store.heal())
    assert tell_of_cards(store, stored_cards(warehouse, store)) == 1
    assert store.heal() is None
