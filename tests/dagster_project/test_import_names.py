"""A folder called `models` where plumbline is started must not stand in for plumbline's own package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

SCRIPT = "import dagster_project, models.warning, feedback; print(models.__file__)"


def test_a_models_folder_in_the_current_folder_is_not_imported(tmp_path: Path) -> None:
    for name in ("models", "feedback"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('the wrong package')\n")
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).parents[1] == Path(__file__).resolve().parents[2]


def test_another_package_called_models_that_is_loaded_already_is_named(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "__init__.py").touch()
    script = f"import models; {SCRIPT}"
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert f"a package called models was imported from {tmp_path}" in done.stderr
