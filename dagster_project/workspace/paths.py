"""Where everything of one workspace lies; the only place that knows a path."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

VARIABLE = "PLUMBLINE_WORKSPACE"
PROJECT = Path(__file__).resolve().parents[2]  # the checkout, or the site-packages of an install
# A wheel carries the SQL inside this package: at the top of site-packages, dbt/ is dbt's own code.
DBT_PROJECT = next(
    (
        folder
        for folder in (PROJECT / "dagster_project" / "dbt_project", PROJECT / "dbt")
        if (folder / "dbt_project.yml").is_file()
    ),
    PROJECT / "dbt",
)

OURS = "# Written by Plumbline and rewritten by every run; put your own file in its place to keep changes."
DAGSTER_YAML = (
    f"{OURS}\n"
    + """\
# Telemetry is off; one run at a time; each step that opens DuckDB takes the pool's one slot.
telemetry: {enabled: false}
nux: {enabled: false}
concurrency:
  pools: {default_limit: 1}
  runs: {max_concurrent_runs: 1}
run_retries: {enabled: true, max_retries: 0}
# Steps report by metadata and events; capturing their output would start two more processes a step.
compute_logs: {module: dagster._core.storage.noop_compute_log_manager, class: NoOpComputeLogManager}
"""
)


@dataclass(frozen=True)
class Workspace:
    """A folder with plumbline.yaml and landing/; all the rest is derived and can be rebuilt."""

    root: Path

    @classmethod
    def at(cls, folder: Path | str) -> Workspace:
        return cls(Path(folder).expanduser().resolve())

    @classmethod
    def from_environment(cls) -> Workspace:
        """The workspace that PLUMBLINE_WORKSPACE names; `data` in the current folder where it is unset."""
        return cls.at(os.environ.get(VARIABLE) or "data")

    @property
    def settings_file(self) -> Path:
        return self.root / "plumbline.yaml"

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def truth(self) -> Path:
        return self.root / "truth.json"

    @property
    def derived(self) -> Path:
        return self.root / "warehouse"

    @property
    def warehouse(self) -> Path:
        return self.derived / "plumbline.duckdb"

    @property
    def pointer(self) -> Path:
        return self.derived / "CURRENT"

    @property
    def fits(self) -> Path:
        return self.derived / "fits"

    @property
    def dbt_target(self) -> Path:
        return self.derived / "dbt"

    @property
    def dagster_home(self) -> Path:
        return self.derived / "dagster"

    @property
    def reports(self) -> Path:
        return self.root / "reports"

    @property
    def audit(self) -> Path:
        return self.root / "audit"

    @property
    def experiments(self) -> Path:
        """Designs of tests, frozen before they start; not derived: keep them with landing/."""
        return self.root / "experiments"

    @property
    def memory(self) -> Path:
        return self.root / "memory"

    def prepare(self) -> None:
        """Create the derived folders and point Dagster and dbt at them. Doing it twice changes nothing."""
        for folder in (self.derived, self.dagster_home, self.dbt_target, self.fits):
            folder.mkdir(parents=True, exist_ok=True)
        instance = self.dagster_home / "dagster.yaml"
        if not instance.exists() or instance.read_text(encoding="utf-8").startswith(OURS):
            instance.write_text(DAGSTER_YAML, encoding="utf-8")
        os.environ[VARIABLE] = str(self.root)
        os.environ["DAGSTER_HOME"] = str(self.dagster_home)
        os.environ["PLUMBLINE_WAREHOUSE"] = str(self.warehouse)

    def published(self) -> Path | None:
        """The newest published snapshot, or None before the first green run."""
        if not self.pointer.exists():
            return None
        snapshot = self.derived / self.pointer.read_text(encoding="utf-8").strip()
        return snapshot if snapshot.exists() else None
