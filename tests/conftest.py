"""What every test may use: a quiet environment set before the first import, and the public cases beside the repo."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

_HOME = Path(tempfile.mkdtemp(prefix="plumbline-tests-"))
(_HOME / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
os.environ.setdefault("DAGSTER_HOME", str(_HOME))  # without it Dagster writes telemetry into the user's home
os.environ.setdefault("PLUMBLINE_WORKSPACE", str(_HOME / "workspace"))
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Path of a public case, e.g. `shared_data("mmm/robyn__dt_simulated_weekly.csv")`; skips where it is absent."""

    def find(relative: str) -> Path:
        path = SHARED / relative
        if not path.exists():
            pytest.skip(f"public case {relative} is not beside the repository (../shared/data)")
        return path

    return find
