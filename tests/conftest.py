"""What every test may use: a quiet environment set before the first import, and the public cases beside the repo."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest
from poisoning import LISTED

_HOME = Path(tempfile.mkdtemp(prefix="plumbline-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
(_HOME / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
os.environ.setdefault("DAGSTER_HOME", str(_HOME))  # without it Dagster writes telemetry into the user's home
os.environ.setdefault("PLUMBLINE_WORKSPACE", str(_HOME / "workspace"))
os.environ.setdefault("PLUMBLINE_KEYS", str(_HOME / "keys"))  # signs audit packs; else it lies in the user's home
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Files that take more than a minute, longest first: `pytest -n` hands out whole files, and a long one that comes last
# leaves the other core idle.
LONGEST_FIRST = (
    "test_installation.py",
    "test_crash_and_lock.py",
    "test_geo_acceptance.py",
    "test_mmm_pymc_fit.py",
    "test_partial_data.py",
    "test_public_spend_and_revenue.py",
    "test_delivery.py",
    "test_mmm_implied_prior.py",
    "test_mmm_frequency.py",
    "test_mmm_mediation.py",
    "test_falsified_run.py",
)

TESTS = Path(__file__).resolve().parent
SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first; all others, and the tests within a file, keep their order. Attempts to mislead get a marker."""
    for item in items:
        if (item.path.relative_to(TESTS).as_posix(), getattr(item, "originalname", "")) in LISTED:
            item.add_marker("poison")
    place = {name: at for at, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Path of a public case, e.g. `shared_data("mmm/robyn__dt_simulated_weekly.csv")`; skips where it is absent."""

    def find(relative: str) -> Path:
        path = SHARED / relative
        if not path.exists():
            pytest.skip(f"public case {relative} is not beside the repository (../shared/data)")
        return path

    return find
