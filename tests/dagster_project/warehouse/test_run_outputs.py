"""The record of what a run delivered: it holds, names what is gone, and is worthless when it is damaged itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project.warehouse import run_outputs
from dagster_project.warehouse.run_outputs import RunOutputs
from dagster_project.workspace.paths import Workspace


@pytest.fixture
def delivered(tmp_path: Path) -> Workspace:
    workspace = Workspace.at(tmp_path)
    for name in ("warehouse/plumbline.duckdb", "reports/page.pdf"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(name.encode() * 100)
    outputs = RunOutputs("run_1", "f" * 64, "blocked", ("The books differ by 3 EUR.",))
    run_outputs.write(workspace, outputs, [workspace.warehouse, workspace.reports / "page.pdf"])
    return workspace


def test_what_was_recorded_is_read_back_and_whole(delivered: Workspace) -> None:
    outputs = run_outputs.read(delivered)
    assert outputs is not None
    assert (outputs.run_id, outputs.verdict, outputs.reasons) == ("run_1", "blocked", ("The books differ by 3 EUR.",))
    assert set(outputs.files) == {"warehouse/plumbline.duckdb", "reports/page.pdf"}
    assert run_outputs.problems(delivered, outputs) == []


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        pytest.param(None, "reports/page.pdf is missing", id="gone"),
        pytest.param(b"", "reports/page.pdf is not as the last run left it", id="empty"),
        pytest.param(b"Reports/page.pdf" * 100, "reports/page.pdf is not as the last run left it", id="one byte"),
    ],
)
def test_an_output_that_changed_is_named(delivered: Workspace, content: bytes | None, sentence: str) -> None:
    page = delivered.reports / "page.pdf"
    page.unlink()
    if content is not None:
        page.write_bytes(content)
    outputs = run_outputs.read(delivered)
    assert outputs is not None
    assert [str(problem) for problem in run_outputs.problems(delivered, outputs)] == [sentence]


@pytest.mark.parametrize("cut", [0, 1, 40, 200])
def test_a_damaged_record_counts_as_none(delivered: Workspace, cut: int) -> None:
    delivered.run_outputs.write_bytes(delivered.run_outputs.read_bytes()[:cut])
    assert run_outputs.read(delivered) is None


def test_a_report_written_again_on_purpose_is_taken_over(delivered: Workspace) -> None:
    page = delivered.reports / "page.pdf"
    page.write_bytes(b"another")
    run_outputs.update(delivered, [page])
    outputs = run_outputs.read(delivered)
    assert outputs is not None
    assert run_outputs.problems(delivered, outputs) == []
    assert outputs.reasons == ("The books differ by 3 EUR.",)
