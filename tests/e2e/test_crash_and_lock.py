"""Killed anywhere, run again: the same tables as an undisturbed run. Two runs at once: the second leaves with 3."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.conftest import PLUMBLINE, FirstRun
from tests.e2e.warehouse_content import digests

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def undisturbed(first_run: FirstRun):
    """A finished run and its tables; the workspace's inputs serve as template for the others."""
    return first_run.workspace, digests(first_run.workspace / "warehouse/plumbline.duckdb")


def start(workspace: Path) -> subprocess.Popen[str]:
    clean = {
        k: v for k, v in os.environ.items() if k == "PLUMBLINE_KEYS" or not k.startswith(("PLUMBLINE_", "DAGSTER_"))
    }
    return subprocess.Popen(
        [str(PLUMBLINE), "run", str(workspace)],
        env={**clean, "OMP_NUM_THREADS": "1", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def copy_of_inputs(template: Path, target: Path) -> Path:
    target.mkdir()
    shutil.copy(template / "plumbline.yaml", target)
    shutil.copytree(template / "landing", target / "landing")
    return target


def copy_with_fits(template: Path, target: Path) -> Path:
    """Inputs and kept fits: a run that is disturbed before the model need not sample again to show the same tables."""
    copy_of_inputs(template, target)
    shutil.copytree(template / "warehouse/fits", target / "warehouse/fits")
    return target


def wait_for_line(process: subprocess.Popen[str], text: str) -> None:
    """Read the run's own lines until one contains `text`."""
    assert process.stdout is not None
    for line in process.stdout:
        if text in line:
            return
    pytest.fail(f"the run ended before it printed {text!r}")


@pytest.mark.parametrize(
    ("how", "after"),
    [
        pytest.param(signal.SIGKILL, "raw/channel_spend", id="kill -9 while landing"),
        pytest.param(signal.SIGKILL, "measurement/run", id="kill -9 among dbt and models"),
        pytest.param(signal.SIGINT, "dbt_ads", id="Ctrl-C among dbt and models"),
    ],
)
def test_a_run_that_dies_is_completed_by_the_next(undisturbed, tmp_path: Path, cli, how, after: str) -> None:
    template, expected = undisturbed
    # One of the three samples for itself, so that a model fitted after a kill is compared too.
    copy = copy_of_inputs if after == "measurement/run" else copy_with_fits
    workspace = copy(template, tmp_path / "ws")
    process = start(workspace)
    wait_for_line(process, after)
    os.killpg(process.pid, how)
    rest = process.communicate(timeout=120)[0]
    if how == signal.SIGINT:
        assert process.returncode == 3, rest
        assert "the same command completes it" in rest
    said = cli("run", workspace)
    assert said.returncode == 0, said.stdout + said.stderr
    found = digests(workspace / "warehouse/plumbline.duckdb")
    assert {t for t in expected if found.get(t) != expected[t]} <= {"ops.run"}


def test_a_second_run_says_that_one_is_running_and_leaves_with_3(undisturbed, tmp_path: Path, cli) -> None:
    template, _ = undisturbed
    workspace = copy_with_fits(template, tmp_path / "ws")
    first = start(workspace)
    try:
        wait_for_line(first, "raw/channel_spend")
        said = cli("run", workspace)
        assert said.returncode == 3
        assert "a run is going on in this workspace (process" in said.stderr
    finally:
        out = first.communicate(timeout=300)[0]
    assert first.returncode == 0, out
