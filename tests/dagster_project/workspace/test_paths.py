"""Where things lie, and what happens to Dagster's own files there when they are damaged."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from dagster_project.workspace.instance_storage import set_aside_damaged_storage
from dagster_project.workspace.paths import DAGSTER_YAML, Workspace
from dagster_project.workspace.pepper import PepperError, pepper
from feedback.storage.atomic_files import write_atomically
from feedback.storage.damaged_files import write_checksum


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    for name in ("PLUMBLINE_WORKSPACE", "DAGSTER_HOME", "PLUMBLINE_WAREHOUSE"):
        monkeypatch.setenv(name, "restored after the test")
    monkeypatch.delenv("PLUMBLINE_PEPPER", raising=False)
    made = Workspace.at(tmp_path)
    made.prepare()
    return made


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="empty"),
        pytest.param(DAGSTER_YAML.encode()[:150], id="cut"),
        pytest.param(DAGSTER_YAML.encode()[:20], id="cut in its first line"),
        pytest.param(b"\xff\x00" * 50, id="garbage"),
    ],
)
def test_damaged_instance_settings_are_written_again(workspace: Workspace, content: bytes) -> None:
    path = workspace.dagster_home / "dagster.yaml"
    path.write_bytes(content)
    workspace.prepare()
    assert path.read_text() == DAGSTER_YAML


def test_what_is_set_aside_before_a_run_is_named(workspace: Workspace) -> None:
    (workspace.dagster_home / "dagster.yaml").write_bytes(b"\xff\x00" * 50)
    manifest = workspace.dbt_target / "manifest.json"
    manifest.write_text("{}")
    write_checksum(manifest)
    manifest.write_text("{")
    first, second = workspace.prepare()
    assert "warehouse/dagster/dagster.yaml holds no settings: it was set aside as dagster.yaml.damaged" in first
    assert "warehouse/dbt/manifest.json is damaged" in second
    assert {path.name for path in workspace.dbt_target.iterdir()} == {"manifest.json.sha256", "manifest.json.damaged"}
    assert workspace.prepare() == []


def test_instance_settings_of_ones_own_stay(workspace: Workspace) -> None:
    path = workspace.dagster_home / "dagster.yaml"
    path.write_text("telemetry: {enabled: false}\n")
    workspace.prepare()
    assert path.read_text() == "telemetry: {enabled: false}\n"


@pytest.mark.parametrize("content", [b"garbage" * 1000, None], ids=["garbage", "one page overwritten"])
def test_damaged_storage_is_set_aside_and_whole_storage_is_not(workspace: Workspace, content: bytes | None) -> None:
    for name in ("whole.db", "broken.db"):
        with sqlite3.connect(workspace.dagster_home / name) as con:
            con.execute("create table runs (id integer primary key, body text)")
            con.executemany("insert into runs (body) values (?)", [("x" * 500,)] * 100)
        con.close()
    broken = workspace.dagster_home / "broken.db"
    if content is None:
        whole = broken.read_bytes()
        content = whole[:4096] + b"\xff" * 4096 + whole[8192:]
    broken.write_bytes(content)
    sentences = set_aside_damaged_storage(workspace.dagster_home)
    assert len(sentences) == 1
    assert "broken.db is damaged" in sentences[0]
    assert {path.name for path in workspace.dagster_home.glob("*.db*")} == {"whole.db", "broken.db.damaged"}


@pytest.mark.parametrize("name", [b"", b"\xff\xfe", b"../../etc/passwd", b"published-gone.duckdb", b"half a na"])
def test_a_pointer_that_names_no_snapshot_names_none(workspace: Workspace, name: bytes) -> None:
    workspace.pointer.write_bytes(name)
    assert workspace.published() is None


@pytest.mark.parametrize("content", [b"", b"abc", b"\xff" * 64], ids=["empty", "cut", "garbage"])
def test_a_damaged_pepper_is_set_aside_and_a_new_one_is_made(workspace: Workspace, content: bytes) -> None:
    first = pepper(workspace.derived)
    assert pepper(workspace.derived) == first
    (workspace.derived / "pepper").write_bytes(content)
    second = pepper(workspace.derived)
    assert second != first
    assert len(second) == 64
    assert (workspace.derived / "pepper.damaged").read_bytes() == content
    assert (workspace.derived / "pepper").stat().st_mode & 0o777 == 0o600


def test_a_pepper_that_can_be_guessed_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_PEPPER", "short")
    with pytest.raises(PepperError, match="PLUMBLINE_PEPPER: has 5 characters; use at least 16"):
        pepper(tmp_path)


@pytest.mark.parametrize(("umask", "folder", "file"), [(0o022, 0o750, 0o640), (0o077, 0o700, 0o600)])
def test_what_a_run_writes_follows_the_umask_and_is_closed_to_strangers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, umask: int, folder: int, file: int
) -> None:
    for name in ("PLUMBLINE_WORKSPACE", "DAGSTER_HOME", "PLUMBLINE_WAREHOUSE"):
        monkeypatch.setenv(name, "restored after the test")
    before = os.umask(umask)
    try:
        made = Workspace.at(tmp_path)
        made.prepare()
        made.warehouse.write_bytes(b"rows")
        write_atomically(made.pointer, b"published-1.duckdb")
    finally:
        os.umask(before)
    assert made.derived.stat().st_mode & 0o777 == folder
    assert {path.stat().st_mode & 0o777 for path in (made.warehouse, made.pointer)} == {file}
