"""What every store promises: versions are only added, events come with them, numbered without gaps, or not at all."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from feedback.memory.embedded_store import EmbeddedStore
from feedback.memory.store import (
    Change,
    Delivery,
    Event,
    EventsGone,
    StoreDamaged,
    StoreError,
    Version,
    VersionConflict,
)

if TYPE_CHECKING:
    from memory_stores import OpenStore

NOW = datetime(2026, 11, 16, 6, tzinfo=UTC)


def change(subject: str = "pat_1", version: int = 1, state: str = "promoted", **more: object) -> Change:
    body = {"version": version, "state": state, **more}
    event = Event(f"pattern.{state}", subject, NOW, {"version": version, **more})
    return Change(Version("pattern", subject, version, state, body), event)


def test_what_was_committed_is_read_in_order_by_every_connection(open_store: OpenStore) -> None:
    assert open_store().commit([change(version=1), change(version=2), change("pat_2")]) == 3
    reader = open_store()
    assert [e.seq for e in reader.events_after(0)] == [1, 2, 3]
    assert [e.subject for e in reader.events_after(2)] == ["pat_2"]
    assert reader.events_after(3) == ()
    state = reader.state("pattern")
    assert (state.seq, [(v.subject, v.version) for v in state.versions]) == (3, [("pat_1", 2), ("pat_2", 1)])
    assert [v.version for v in reader.versions("pattern")] == [1, 2, 1]


def test_a_step_that_is_repeated_adds_nothing(open_store: OpenStore) -> None:
    changes = [change(version=1), change(version=2)]
    assert open_store().commit(changes) == 2
    assert open_store().commit(changes) == 0
    assert open_store().head() == 2


@pytest.mark.parametrize(
    ("second", "complaint"),
    [
        pytest.param(change(version=1, says="other"), "exists with another content", id="a lost race"),
        pytest.param(change(version=3), "does not follow version 1", id="a version is missing"),
        pytest.param(change("pat_9", version=2), "does not follow version 0", id="the first is missing"),
    ],
)
def test_a_version_that_cannot_be_is_refused_and_takes_nothing_with_it(
    open_store: OpenStore, second: Change, complaint: str
) -> None:
    store = open_store()
    store.commit([change(version=1)])
    with pytest.raises(VersionConflict, match=complaint):
        store.commit([change("pat_5"), second])
    assert open_store().head() == 1
    assert [v.subject for v in open_store().versions("pattern")] == ["pat_1"]


def test_what_dies_inside_the_transaction_leaves_neither_version_nor_event(open_store: OpenStore) -> None:
    def dying() -> object:
        yield change("pat_1")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        open_store().commit(dying())  # type: ignore[arg-type]
    assert open_store().head() == 0
    assert open_store().versions("pattern") == ()
    assert open_store().commit([change("pat_1")]) == 1


def test_brands_do_not_exist_for_each_other(open_store: OpenStore) -> None:
    open_store("acme").commit([change()])
    assert open_store("other").commit([change(), change(version=2)]) == 2
    assert open_store("acme").head() == 1
    assert [e.brand for e in open_store("other").events_after(0)] == ["other", "other"]
    with pytest.raises(ValueError, match="not a plain id"):
        open_store("../acme")


def test_several_writers_take_turns_and_number_without_gaps(open_store: OpenStore) -> None:
    def write(worker: int) -> None:
        store = open_store()
        for version in range(1, 11):
            store.commit([change(f"pat_{worker}", version)])
        store.close()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = open_store().events_after(0, 100)
    assert [e.seq for e in events] == list(range(1, 41))
    for worker in range(4):
        assert [e.data["version"] for e in events if e.subject == f"pat_{worker}"] == list(range(1, 11))


def test_two_writers_of_the_same_versions_are_one(open_store: OpenStore) -> None:
    first, second = open_store(), open_store()
    assert first.commit([change(version=1)]) == 1
    assert second.commit([change(version=1), change(version=2)]) == 1
    assert first.head() == 2


def test_a_cursor_beyond_the_log_is_refused(open_store: OpenStore) -> None:
    store = open_store()
    store.commit([change()])
    with pytest.raises(EventsGone, match="read everything again"):
        store.events_after(2)


def test_how_far_a_target_got_is_kept(open_store: OpenStore) -> None:
    store = open_store()
    assert store.delivery("cms") == Delivery("cms")
    store.record(Delivery("cms", 3, 2, "2026-11-16T06:00:00+00:00", "no answer", 1))
    store.record(Delivery("cms", 4))
    store.record(Delivery("ads", 1))
    assert [d.target for d in open_store().deliveries()] == ["ads", "cms"]
    assert open_store().delivery("cms") == Delivery("cms", 4)


def test_one_relay_serves_a_target_at_a_time(open_store: OpenStore) -> None:
    with open_store().relaying("cms") as first, open_store().relaying("cms") as second:
        assert first
        assert not second
        with open_store().relaying("ads") as other:
            assert other
    with open_store().relaying("cms") as later:
        assert later


@pytest.mark.parametrize("table", ["memory_version", "memory_outbox"])
@pytest.mark.parametrize("deed", ["update {} set subject = 'x'", "delete from {}"])
def test_rows_cannot_be_changed_by_accident(open_store: OpenStore, table: str, deed: str) -> None:
    store = open_store()
    store.commit([change()])
    with pytest.raises(StoreError, match="insert only"), store.writing() as rows:
        rows(deed.format(table))
    assert store.head() == 1


@pytest.mark.parametrize(
    "tamper",
    [
        pytest.param("update memory_outbox set subject = 'pat_evil' where seq = 2", id="another subject"),
        pytest.param("update memory_outbox set type = 'pattern.retired' where seq = 2", id="another type"),
        pytest.param("""update memory_outbox set data = '{"version":9}' where seq = 2""", id="other data"),
        pytest.param("update memory_outbox set data = 'not json' where seq = 2", id="no JSON"),
        pytest.param("update memory_outbox set data = '[1]' where seq = 2", id="JSON of another kind"),
        pytest.param("update memory_outbox set time = '2030-01-01T00:00:00Z' where seq = 2", id="another time"),
        pytest.param("update memory_outbox set version_sha256 = 'ab' where seq = 2", id="another version"),
        pytest.param("update memory_outbox set event_id = 'ab' where seq = 2", id="another id"),
        pytest.param("update memory_outbox set chain = 'ab' where seq = 2", id="another seal"),
        pytest.param("delete from memory_outbox where seq = 2", id="a row taken out"),
    ],
)
def test_a_tampered_event_is_refused_and_so_is_all_after_it(open_store: OpenStore, tamper: str) -> None:
    store = open_store()
    store.commit([change(version=n) for n in (1, 2, 3)])
    without_guard(store, "memory_outbox", tamper)
    with pytest.raises(StoreDamaged, match=r"acme|not what Plumbline writes"):
        open_store().events_after(0)


def test_a_tampered_version_is_refused(open_store: OpenStore) -> None:
    store = open_store()
    store.commit([change()])
    without_guard(store, "memory_version", """update memory_version set body = '{"state":"blocked"}'""")
    with pytest.raises(StoreDamaged, match="does not have the hash"):
        open_store().versions("pattern")


def test_a_log_with_a_cut_tail_is_noticed_by_whoever_has_read_further(open_store: OpenStore) -> None:
    store = open_store()
    store.commit([change(version=n) for n in (1, 2, 3)])
    without_guard(store, "memory_outbox", "delete from memory_outbox where seq = 3")
    with pytest.raises(EventsGone):
        open_store().events_after(3)


@pytest.mark.parametrize("content", [b"", b"no database" * 900, b"SQLite format 3\0"], ids=["empty", "text", "cut"])
def test_a_file_that_holds_no_log_is_damage_and_never_an_empty_log(tmp_path: Path, content: bytes) -> None:
    store = EmbeddedStore(tmp_path, "acme")
    assert store.head() == 0
    store.path.parent.mkdir()
    store.path.write_bytes(content)
    for act in (store.head, lambda: store.commit([change()])):
        with pytest.raises(StoreDamaged, match=r"memory/acme/events\.db: is"):
            act()
    assert store.heal() is not None
    assert store.commit([change()]) == 1


def without_guard(store: object, table: str, statement: str) -> None:
    """Runs a statement as somebody with the database's own tools would."""
    with store.writing() as rows:  # type: ignore[attr-defined]
        if type(store).__name__ == "PostgresStore":
            rows(f"alter table {table} disable trigger all")
        else:
            rows(f"drop trigger if exists {table}_no_update")
            rows(f"drop trigger if exists {table}_no_delete")
        rows(statement)
