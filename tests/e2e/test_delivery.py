"""Finished means delivered: exit code, `status`, snapshot and report agree, and what is missing or damaged comes back.

The company has ten weeks of data: too few for a model, so its report is blocked, and a run takes no sampling.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.e2e.conftest import write_two_files
from tests.e2e.test_crash_and_lock import copy_of_inputs
from tests.e2e.warehouse_content import digests

pytestmark = pytest.mark.slow
REASON = "no estimate of what marketing caused"


def answer(cli, *arguments: object) -> tuple[int, dict]:
    """Exit code and JSON of a command."""
    said = cli(*arguments, "--json", timeout=1200)
    assert "Traceback" not in said.stderr, said.stderr
    return said.returncode, json.loads(said.stdout)


@pytest.fixture(scope="module")
def blocked(tmp_path_factory: pytest.TempPathFactory, cli) -> tuple[Path, dict]:
    """The workspace after its first run, and what that run said."""
    workspace = tmp_path_factory.mktemp("blocked") / "ws"
    workspace.mkdir()
    write_two_files(workspace, weeks=10)
    code, said = answer(cli, "run", workspace)
    assert (code, said["status"]) == (1, "blocked"), said
    return workspace, said


def copied(blocked: tuple[Path, dict], tmp_path: Path) -> Path:
    """A delivered workspace of the test's own, with the modification times of the original."""
    target = tmp_path / "ws"
    shutil.copytree(blocked[0], target)
    return target


def test_a_blocked_report_is_blocked_again_without_computing_anything(blocked, cli) -> None:
    workspace, first = blocked
    code, again = answer(cli, "run", workspace)
    assert (code, again["status"], again["steps"]) == (1, "blocked", [])
    assert any(REASON in reason for reason in again["reasons"])
    assert [r for r in again["reasons"] if REASON in r] == [r for r in first["reasons"] if REASON in r]


def test_status_snapshot_and_report_say_the_same(blocked, cli) -> None:
    workspace, _ = blocked
    code, status = answer(cli, "status", workspace)
    assert (code, status["run"]["status"], status["undelivered"]) == (1, "blocked", [])
    name = (workspace / "warehouse/CURRENT").read_text()
    with duckdb.connect(str(workspace / "warehouse" / name), read_only=True) as con:
        assert con.execute("select status from ops.run").fetchall() == [("blocked",)]
        assert con.execute("select verdict from measurement.run").fetchall() == [("blocked",)]
        assert con.execute("select status from feedback.report").fetchall() == [("blocked",)]
    code, report = answer(cli, "report", workspace)
    assert (code, report["status"]) == (1, "blocked")


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def garble(path: Path) -> None:
    path.write_bytes(b"\xff\x00garbage" * 500)


HARMS: dict[str, Callable[[Path], None]] = {
    "warehouse/plumbline.duckdb": cut,
    "warehouse/CURRENT": garble,
    "warehouse/dbt/manifest.json": cut,
    "warehouse/dagster/dagster.yaml": garble,
    "warehouse/dagster/**/*.db": garble,
    "memory/two-files/feed-*.json": flip,
    "reports": shutil.rmtree,
}
NAMED = (
    "warehouse/plumbline.duckdb",
    "warehouse/CURRENT",
    "warehouse/dbt/manifest.json",
    "warehouse/dagster/dagster.yaml",
    ".db is damaged",
    "memory/two-files/feed-1.json",
    "reports/",
)


def test_damaged_derived_files_are_named_and_made_again(blocked, tmp_path: Path, cli) -> None:
    """All at once, because every run costs half a minute; each alone is tested beside its own module."""
    workspace = copied(blocked, tmp_path)
    before = digests(workspace / "warehouse/plumbline.duckdb")
    pages = {path.name: path.read_bytes() for path in (workspace / "reports").iterdir()}
    for pattern, harm in HARMS.items():
        for path in list(workspace.glob(pattern)):
            harm(path)
    code, said = answer(cli, "run", workspace)
    assert (code, said["status"]) == (1, "blocked"), said
    assert [name for name in NAMED if not any(name in note for note in said["notes"])] == [], said["notes"]
    after = digests(workspace / "warehouse/plumbline.duckdb")
    # A feed that was damaged is made again under the next number.
    assert {t for t in before if before[t] != after.get(t)} <= {"feedback.feed"}
    assert {path.name: path.read_bytes() for path in (workspace / "reports").iterdir()} == pages


def test_a_run_that_died_before_its_record_is_completed(blocked, tmp_path: Path, cli) -> None:
    """The record is the last file of a run: without it, everything else is there and nothing counts as delivered."""
    workspace = copied(blocked, tmp_path)
    (workspace / "warehouse/DELIVERED").unlink()
    expected = digests(workspace / "warehouse/plumbline.duckdb")
    code, said = answer(cli, "run", workspace)
    assert (code, said["status"]) == (1, "blocked"), said
    assert said["steps"], "nothing was computed although nothing counts as delivered"
    after = digests(workspace / "warehouse/plumbline.duckdb")
    assert {t for t in expected if after.get(t) != expected[t]} == set()
    code, status = answer(cli, "status", workspace)
    assert (code, status["undelivered"]) == (1, [])


@pytest.fixture
def small_disk(tmp_path: Path):
    """A disk of four megabytes; skipped where this user may not mount one."""
    folder = tmp_path / "disk"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder], capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_is_a_sentence(blocked, small_disk: Path, cli) -> None:
    workspace = copy_of_inputs(blocked[0], small_disk / "ws")
    said = cli("run", workspace, timeout=1200)
    assert said.returncode == 3, said.stdout + said.stderr
    assert "Traceback" not in said.stderr + said.stdout
    assert said.stderr.strip()


def test_a_read_only_workspace_can_be_looked_at(blocked, tmp_path: Path, cli) -> None:
    folder = tmp_path / "read-only"
    folder.mkdir()
    if subprocess.run(["mount", "--bind", blocked[0], folder], capture_output=True).returncode:
        pytest.skip("this user may not mount a file system")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        code, status = answer(cli, "status", folder)
        assert (code, status["run"]["status"]) == (1, "blocked")
        assert cli("show", folder, "channels").returncode == 0
        for command in (["run", folder], ["report", folder]):
            said = cli(*command)
            assert said.returncode in (1, 3), said.stderr
            assert "Traceback" not in said.stderr
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
