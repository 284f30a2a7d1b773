"""One small market whose dark test was read, shared by the tests of this folder."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import hypothesis  # noqa: F401 - first imported at a session's end it meets gh-106905 of CPython 3.11.7's ast
import small_market
from small_market import Read

from dagster_project.warehouse.resource import Warehouse
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.settings import load


@pytest.fixture(scope="session")
def read_tests() -> Read:
    """Runs the asset measurement/experiment on a workspace and hands back its metadata."""

    def run(made: Workspace, *, pictures: bool = False) -> dict:
        from dagster_project.assets.experiments import asset as experiments

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(experiments, "workspace", lambda: made)
            patch.setattr(experiments, "settings", lambda: load(made.settings_file))
            if not pictures:  # one test looks at them; drawing three takes longer than reading a test
                patch.setattr(experiments, "_pictures", lambda test, lift: {})
            return dict(experiments.experiment(Warehouse(path=str(made.warehouse))).metadata or {})

    return run


@pytest.fixture(scope="session")
def dark_market(tmp_path_factory: pytest.TempPathFactory, read_tests: Read) -> Workspace:
    """Designed and frozen on the days before, run as frozen, read, published. Never written to by a test."""
    made = small_market.workspace(tmp_path_factory.mktemp("dark"))
    small_market.freeze_dark(made)
    small_market.declare(made)
    metadata = read_tests(made, pictures=True)
    assert {"path_dark", "placebos_dark", "power_dark"} <= set(metadata)
    small_market.finish(made)
    return made
