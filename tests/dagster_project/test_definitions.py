"""The graph as Dagster sees it: it loads, is documented, and its gates block."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = """
import json
from dagster_project.definitions import defs
import dagster as dg
graph = defs.resolve_asset_graph()
nodes = [graph.get(k) for k in graph.get_all_asset_keys()]
checks = [(k.asset_key.to_user_string(), k.name) for k in graph.asset_check_keys]
print(json.dumps({
    "assets": {n.key.to_user_string(): {
        "description": n.description or "", "group": n.group_name, "kinds": sorted(n.kinds), "owners": list(n.owners),
        "parents": sorted(p.to_user_string() for p in n.parent_keys), "partitioned": n.partitions_def is not None,
        "executable": n.is_executable} for n in nodes},
    "checks": checks,
    "jobs": [j.name for j in defs.jobs], "schedules": [s.name for s in defs.schedules],
    "sensors": [s.name for s in defs.sensors]}))
"""


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> dict:
    """The definitions of an empty workspace, loaded in a process of their own as Dagster does."""
    import json

    workspace = tmp_path_factory.mktemp("defs")
    (workspace / "plumbline.yaml").write_text("company: {name: X}\n")
    (workspace / "landing").mkdir()
    clean = {k: v for k, v in os.environ.items() if not k.startswith("DAGSTER_")}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT],
        env={**clean, "PLUMBLINE_WORKSPACE": str(workspace)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def test_every_asset_says_what_it_is_and_whose(graph: dict) -> None:
    for key, asset in graph["assets"].items():
        if asset["executable"]:
            assert len(asset["description"]) > 20, f"{key} has no description"
            assert asset["owners"], f"{key} has no owner"
            assert 1 <= len(asset["kinds"]) <= 3, f"{key} has kinds {asset['kinds']}"


def test_every_source_is_a_daily_asset_with_a_blocking_contract(graph: dict) -> None:
    from dagster_project.workspace.settings import SOURCES

    for source in SOURCES:
        assert graph["assets"][f"raw/{source}"]["partitioned"], source
        assert [f"raw/{source}", "contract"] in graph["checks"], source


def test_every_model_of_dbt_is_an_asset(graph: dict) -> None:
    folder = Path(__file__).resolve().parents[2] / "dbt/models"
    for layer in ("staging", "intermediate", "marts"):
        for path in (folder / layer).rglob("*.sql"):
            assert f"{layer}/{path.stem}" in graph["assets"], path.name


def test_the_line_runs_from_export_to_report_and_feed(graph: dict) -> None:
    def ancestors(key: str) -> set[str]:
        found: set[str] = set()
        todo = [key]
        while todo:
            for parent in graph["assets"][todo.pop()]["parents"]:
                if parent not in found:
                    found.add(parent)
                    todo.append(parent)
        return found

    report = ancestors("feedback/cfo_report")
    assert {"raw/google_ads", "raw/ledger", "raw/experiments", "marts/channel_day", "measurement/mmm"} <= report
    assert {"raw/content_events", "marts/hook_test"} <= ancestors("feedback/feed")


def test_schedules_and_a_sensor_start_the_two_jobs(graph: dict) -> None:
    assert {"daily", "ask_panel"} <= set(graph["jobs"])
    assert graph["schedules"] == ["every_morning", "every_asking_day"]
    assert graph["sensors"] == ["landing_dropped"]
