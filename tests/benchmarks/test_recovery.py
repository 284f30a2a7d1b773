"""The recovery campaign's own parts: kinds of files, damages, killing a program, and what counts as equal."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from benchmarks.recovery import tiny_company, trials
from benchmarks.recovery.derived_files import by_kind, kind_of, signatures
from benchmarks.recovery.program import NURSERY, Ended, Program
from tests.benchmarks.test_compare import workspace


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        pytest.param("warehouse/CURRENT", "pointer to the snapshot", id="pointer"),
        pytest.param("warehouse/.CURRENT.123-0a1b2c3d.part", "pointer to the snapshot", id="pointer being written"),
        pytest.param("warehouse/published-run_1.part", "published snapshot", id="snapshot being written"),
        pytest.param("reports/cfo-report-2026-Q3.pdf", "report pdf", id="report"),
        pytest.param("audit/2026-Q3/ab/manifest.json", "audit pack, manifest", id="pack"),
        pytest.param("warehouse/new.json", "warehouse/new.json", id="a file of no kind is its own kind"),
        pytest.param("warehouse/plumbline.duckdb.lock", None, id="a lock"),
        pytest.param("warehouse/dbt/run/plumbline/a.sql", None, id="SQL that dbt prints"),
        pytest.param("landing/revenue/revenue.csv", None, id="input"),
    ],
)
def test_every_derived_file_has_a_kind(path, kind):
    assert kind_of(path) == kind


def test_a_part_file_counts_as_a_sign_that_its_kind_is_being_written(tmp_path):
    (tmp_path / "warehouse").mkdir()
    before = signatures(tmp_path, "pointer to the snapshot")
    (tmp_path / "warehouse/.CURRENT.1-ab.part").write_text("x")
    assert signatures(tmp_path, "pointer to the snapshot") != before
    assert list(by_kind(tmp_path)) == ["pointer to the snapshot"]


@pytest.mark.parametrize("way", trials.WAYS)
def test_each_way_of_damaging_changes_the_file(tmp_path, way):
    path = tmp_path / "file"
    path.write_bytes(bytes(range(200)))
    path.chmod(0o444)
    trials.spoil(path, way, np.random.default_rng(1))
    assert not path.exists() if way == "removed" else path.read_bytes() != bytes(range(200))


def test_the_company_is_the_same_for_the_same_seed(tmp_path):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        tiny_company.write(tmp_path / name, "tiny", seed)
    spend = {name: (tmp_path / name / "landing/channel_spend/spend.csv").read_text() for name in "abc"}
    assert spend["a"] == spend["b"] != spend["c"]


def program(tmp_path: Path, body: str) -> Program:
    """The command line replaced by a few lines of Python; everything else as in a campaign."""
    (tmp_path / "dagster_project").mkdir()
    (tmp_path / "dagster_project/__init__.py").touch()
    (tmp_path / "dagster_project/cli.py").write_text(f"def app():\n    {body}\n")
    quick = f"import runpy, sys; sys.path[0] = {str(tmp_path)!r}; names = runpy.run_path({str(NURSERY)!r}); "
    return Program(tmp_path, command=(sys.executable, "-c", quick + "names['LIBRARIES'] = (); names['main']()"))


def test_a_program_is_killed_when_its_moment_comes(tmp_path):
    log = tmp_path / "ws.log"
    endless = program(tmp_path, "import time; print('begun', flush=True); time.sleep(60)")
    ended = endless.run(
        tmp_path / "ws",
        kill_when=lambda _: log.exists() and log.read_text().startswith("begun"),
        poll_seconds=0.01,
    )
    endless.close()
    assert (ended.exit_code, ended.last_words) == (-9, "begun")


def test_a_program_that_ends_by_itself_hands_back_its_exit_code_and_words(tmp_path):
    refusing = program(tmp_path, "import sys; print(sys.argv[1:]); sys.exit(3)")
    for name in ("first", "second"):
        ended = refusing.run(tmp_path / name, "--force")
        assert (ended.exit_code, ended.has_traceback) == (3, False)
        assert ended.last_words == str(["run", str(tmp_path / name), "--force"])
    refusing.close()


def test_an_error_that_nobody_caught_is_seen_as_a_traceback(tmp_path):
    broken = program(tmp_path, "raise KeyError('x')")
    assert broken.run(tmp_path / "ws").has_traceback
    broken.close()


class Scripted(Program):
    """A program that does to a workspace what the test says and ends as the test says."""

    def __init__(self, act, ended: Ended) -> None:
        super().__init__(Path())
        self.act, self.ended = act, ended

    def run(self, workspace, *options, kill_when=None, poll_seconds=0.0):
        self.act(workspace)
        return self.ended


def bench(tmp_path: Path, act, ended: Ended) -> trials.Bench:
    reference = workspace(tmp_path / "reference")
    return trials.Bench(Scripted(act, ended), tmp_path / "inputs", reference, Ended(0, "done", 1.0), tmp_path)


@pytest.fixture(autouse=True)
def only_files_and_tables(monkeypatch):
    """The made-up workspaces hold no warehouse, pack or fit: those parts of the comparison are the product's own."""
    from benchmarks.recovery import outcome

    monkeypatch.setattr(outcome, "undelivered", lambda *_: [])
    monkeypatch.setattr(outcome, "table_differences", lambda *_: [])


@pytest.mark.parametrize(
    ("act", "ended", "verdict"),
    [
        pytest.param(lambda ws: None, Ended(0, "nothing new", 1.0), "FAILED", id="silent"),
        pytest.param(
            lambda ws: (ws / "reports/q3.figures.json").write_bytes((ws.parent / "whole").read_bytes()),
            Ended(0, "made again", 1.0),
            "healed",
            id="healed",
        ),
        pytest.param(lambda ws: None, Ended(3, "reports/ cannot be read", 1.0), "refused", id="refused in a sentence"),
        pytest.param(lambda ws: None, Ended(3, "", 1.0), "FAILED", id="refused without a word"),
        pytest.param(
            lambda ws: None, Ended(3, "Traceback (most recent call last)\nKeyError", 1.0), "FAILED", id="traceback"
        ),
        pytest.param(lambda ws: None, Ended(-11, "dying", 1.0), "FAILED", id="crashed"),
    ],
)
def test_a_damaged_report_is_healed_or_refused_and_silence_fails(tmp_path, act, ended, verdict):
    ready = bench(tmp_path, act, ended)
    path = ready.reference / "reports/q3.figures.json"
    (tmp_path / "whole").write_bytes(path.read_bytes())
    assert trials.damage(ready, path, "removed", np.random.default_rng(1)).verdict == verdict


def test_a_run_completed_after_a_kill_must_end_with_the_same_exit_code(tmp_path):
    ready = bench(tmp_path, lambda ws: None, Ended(1, "blocked", 1.0))
    trial = trials.kill_after(ready, 0.5, again=True)
    assert trial.failed
    assert trial.reasons == ("exit code 1 instead of 0: blocked",)
