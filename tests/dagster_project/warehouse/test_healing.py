"""A damaged or lost warehouse: set aside, and made again with what cannot be derived from landing/."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest

from dagster_project.warehouse import healing, run_outputs, tables
from dagster_project.warehouse.run_outputs import RunOutputs
from dagster_project.workspace.paths import Workspace
from feedback.memory.embedded_store import EmbeddedStore
from feedback.storage.damaged_files import has_its_checksum, set_aside, write_checksum

THEN = datetime(2026, 3, 2, 8, 0)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A warehouse with 100,000 raw rows, and the snapshot that its last run published."""
    made = Workspace.at(tmp_path)
    made.derived.mkdir()
    with duckdb.connect(str(made.warehouse)) as con:
        tables.create_tables(con)
        con.execute("create table raw.orders as select range as id, md5(range::varchar) as name from range(100000)")
    snapshot = made.derived / "published-run_1.duckdb"
    with duckdb.connect(str(snapshot)) as con:
        tables.create_tables(con)
        con.execute("insert into ops.run (run_id, as_of, status) values ('run_1', ?, 'finished')", [THEN])
        con.execute(
            "create table ops.batch (source text, sha256 text, delivered_at timestamp, _batch_id text, status text)"
        )
        con.execute("insert into ops.batch values ('revenue', 'aa', ?, '000000000001', 'landed')", [THEN])
    write_checksum(snapshot)
    made.pointer.write_text(snapshot.name)
    return made


def overwrite(path: Path, offset: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(content)


def damage(path: Path, how: str) -> None:
    size = path.stat().st_size
    if how == "cut":
        path.write_bytes(path.read_bytes()[: size // 3])
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "garbage":
        path.write_bytes(b"\x00\xff" * 5000)
    else:
        byte = path.read_bytes()[size // 2]
        overwrite(path, size // 2, bytes([byte ^ 1]))


@pytest.mark.parametrize("how", ["cut", "empty", "garbage", "one byte"])
def test_a_damaged_warehouse_is_set_aside_and_gets_its_history_back(workspace: Workspace, how: str) -> None:
    damage(workspace.warehouse, how)
    sentences = healing.prepare(workspace)
    assert len(sentences) == 1
    assert "plumbline.duckdb is damaged" in sentences[0]
    assert "plumbline.duckdb.damaged" in sentences[0]
    assert (workspace.derived / "plumbline.duckdb.damaged").exists()
    with duckdb.connect(str(workspace.warehouse), read_only=True) as con:
        assert con.execute("select run_id, status from ops.run").fetchall() == [("run_1", "finished")]
        assert con.execute("select source, sha256, delivered_at from ops.former_delivery").fetchall() == [
            ("revenue", "aa", THEN)
        ]
    assert healing.prepare(workspace) == []


def test_a_damaged_pepper_is_set_aside_and_named_unless_a_variable_replaces_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    pepper = workspace.derived / "pepper"
    pepper.write_bytes(b"half a k")
    monkeypatch.setenv("PLUMBLINE_PEPPER", "one that is long enough")
    assert healing.prepare(workspace) == []
    monkeypatch.delenv("PLUMBLINE_PEPPER")
    (sentence,) = healing.prepare(workspace)
    assert sentence.startswith("warehouse/pepper is damaged: it was set aside as pepper.damaged")
    assert not pepper.exists()


def test_a_whole_warehouse_is_left_alone(workspace: Workspace) -> None:
    before = workspace.warehouse.read_bytes()
    assert healing.prepare(workspace) == []
    assert workspace.warehouse.read_bytes() == before


def test_a_lost_warehouse_is_made_again_with_its_history(workspace: Workspace) -> None:
    workspace.warehouse.unlink()
    assert ["plumbline.duckdb is missing" in sentence for sentence in healing.prepare(workspace)] == [True]
    with duckdb.connect(str(workspace.warehouse), read_only=True) as con:
        assert con.execute("select count(*) from ops.former_delivery").fetchall() == [(1,)]


def test_a_damaged_snapshot_is_set_aside_and_never_used(workspace: Workspace) -> None:
    snapshot = workspace.derived / "published-run_1.duckdb"
    damage(snapshot, "one byte")
    workspace.warehouse.unlink()
    assert any("published-run_1.duckdb is damaged" in sentence for sentence in healing.prepare(workspace))
    assert not snapshot.exists()
    assert not workspace.warehouse.exists()
    assert workspace.published() is None


def test_a_run_that_begins_withdraws_the_record_of_the_last_one(workspace: Workspace) -> None:
    page = workspace.root / "reports/page.html"
    page.parent.mkdir()
    page.write_text("whole")
    run_outputs.write(workspace, RunOutputs("run_1", "f", "finished"), [workspace.warehouse, page])
    page.write_text("half")
    sentences = healing.prepare(workspace)
    assert sentences == [
        "reports/page.html is not as the last run left it: it was set aside as page.html.damaged, and this run makes it"
        " again"
    ]
    assert not workspace.run_outputs.exists()


def test_what_is_set_aside_twice_is_kept_twice(tmp_path: Path) -> None:
    for content in ("one", "two"):
        (tmp_path / "file").write_text(content)
        set_aside(tmp_path / "file")
    assert (tmp_path / "file.damaged").read_text() == "one"
    assert (tmp_path / "file.damaged-2").read_text() == "two"


def test_a_file_without_its_digest_is_not_trusted(tmp_path: Path) -> None:
    path = tmp_path / "manifest.json"
    path.write_text("{}")
    assert not has_its_checksum(path)
    write_checksum(path)
    assert has_its_checksum(path)
    path.write_text("{} ")
    assert not has_its_checksum(path)


def test_a_damaged_log_of_events_is_set_aside_and_named(workspace: Workspace) -> None:
    store = EmbeddedStore(workspace.memory, "acme")
    store.commit([])
    store.close()
    healing.prepare(workspace)
    assert store.fault() is None
    store.path.write_bytes(b"")
    (sentence,) = [said for said in healing.prepare(workspace) if "events.db" in said]
    assert "memory/acme/events.db: is empty" in sentence
    assert "set aside as events.db.damaged" in sentence
    assert not store.path.exists()
