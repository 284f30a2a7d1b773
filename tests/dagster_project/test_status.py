"""`status` on workspaces whose last run did not reach its end: a sentence each, never a traceback."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from dagster_project.cli import app
from dagster_project.warehouse import run_outputs, tables
from dagster_project.warehouse.run_outputs import RunOutputs
from dagster_project.workspace.paths import Workspace


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace.at(tmp_path)
    made.settings_file.write_text("company: {name: X, brand: x}\n")
    made.derived.mkdir()
    return made


def recorded(workspace: Workspace, status: str) -> None:
    """A warehouse whose last run has this status, with no file landed yet."""
    with duckdb.connect(str(workspace.warehouse)) as con:
        tables.create_tables(con)
        con.execute(
            "insert into ops.run (run_id, as_of, started_at, status) values ('run_1', ?, ?, ?)",
            [datetime(2026, 3, 1), datetime(2026, 3, 1), status],
        )


@pytest.mark.parametrize("status", ["running", "finished"])
def test_a_run_that_died_before_its_delivery_is_named(workspace: Workspace, status: str) -> None:
    recorded(workspace, status)
    said = CliRunner().invoke(app, ["status", str(workspace.root)])
    assert said.exit_code == 1
    assert "run_1 died before all was delivered: `plumbline run` completes it" in said.output


def test_a_delivered_run_is_fine_until_an_output_is_gone(workspace: Workspace) -> None:
    recorded(workspace, "finished")
    page = workspace.reports / "page.pdf"
    page.parent.mkdir()
    page.write_text("page")
    run_outputs.write(workspace, RunOutputs("run_1", "f", "finished"), [page])
    assert CliRunner().invoke(app, ["status", str(workspace.root)]).exit_code == 0
    page.unlink()
    said = CliRunner().invoke(app, ["status", str(workspace.root)])
    assert said.exit_code == 1
    assert "reports/page.pdf is missing: the next `plumbline run` makes it again" in said.output


@pytest.mark.parametrize("content", [b"", b"garbage" * 3000], ids=["empty", "garbage"])
def test_a_damaged_warehouse_is_a_sentence(workspace: Workspace, content: bytes) -> None:
    workspace.warehouse.write_bytes(content)
    said = CliRunner().invoke(app, ["status", str(workspace.root)])
    assert said.exit_code in (1, 3)
    assert said.exception is None or isinstance(said.exception, SystemExit)
    assert said.output.strip()
