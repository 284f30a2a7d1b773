"""Where everything of one workspace lies; the only place that knows a path."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

from dagster_project.workspace.instance_storage import set_aside_damaged_storage
from feedback.storage.atomic_files import write_atomically
from feedback.storage.damaged_files import has_its_checksum, set_aside

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
SNAPSHOT_NAME = re.compile(r"published-[\w.-]+\.duckdb")

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
    def person_key(self) -> Path:
        """Digest of the pepper with which the rows in the warehouse were hashed."""
        return self.derived / "pepper.used"

    @property
    def run_outputs(self) -> Path:
        """What the last run delivered; absent while a run is going on and after one that did not reach its end."""
        return self.derived / "DELIVERED"

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
    def approvals(self) -> Path:
        """The ledger of people's decisions; not derived: keep it with landing/."""
        return self.root / "approvals" / "ledger.jsonl"

    @property
    def asking(self) -> Path:
        """The books of the AI panel: slots, costs, frozen panels, traces; not derived: keep it with landing/."""
        return self.root / "asking"

    @property
    def asking_books(self) -> Path:
        """Every slot and cost of the AI panel."""
        return self.asking / "ledger.sqlite"

    @property
    def brand_documents(self) -> Path:
        """The brand's voice and guidelines as people write them; not derived: keep them with landing/."""
        return self.root / "brand"

    @property
    def memory(self) -> Path:
        return self.root / "memory"

    def prepare(self) -> list[str]:
        """Create the derived folders and point Dagster and dbt at them. Doing it twice changes nothing.

        What this process writes from now on can be read by its owner, by the group where the umask allows it, and by
        nobody else.

        Returns one sentence per damaged file of Dagster or dbt that was set aside.
        """
        # Results and memory hold a company's figures: the umask decides about the group, strangers get nothing.
        os.umask(os.umask(0o077) | 0o007)
        for folder in (self.derived, self.dagster_home, self.dbt_target, self.fits):
            folder.mkdir(parents=True, exist_ok=True)
        sentences = self._write_instance_settings() + set_aside_damaged_manifest(self.dbt_target)
        os.environ[VARIABLE] = str(self.root)
        os.environ["DAGSTER_HOME"] = str(self.dagster_home)
        os.environ["PLUMBLINE_WAREHOUSE"] = str(self.warehouse)
        return sentences + set_aside_damaged_storage(self.dagster_home)

    def _write_instance_settings(self) -> list[str]:
        """`dagster.yaml`, unless the user replaced it.

        A file that holds no settings is set aside; returns the sentence that says so, or none.
        """
        path = self.dagster_home / "dagster.yaml"
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            content = b""
        if content == DAGSTER_YAML.encode():
            return []
        if content.startswith(OURS.encode()) or not content.strip():
            write_atomically(path, DAGSTER_YAML.encode())
        elif not _is_mapping(content):
            aside = set_aside(path)
            write_atomically(path, DAGSTER_YAML.encode())
            return [
                f"{self.derived.name}/{self.dagster_home.name}/{path.name} holds no settings: it was set aside as"
                f" {aside.name} and written again"
            ]
        return []

    def published(self) -> Path | None:
        """The newest published snapshot; None before the first delivery, and where the pointer names no snapshot."""
        try:
            name = self.pointer.read_text(encoding="ascii").strip()
        except (OSError, ValueError):
            return None
        snapshot = self.derived / name
        return snapshot if SNAPSHOT_NAME.fullmatch(name) and snapshot.is_file() else None


def set_aside_damaged_manifest(dbt_target: Path) -> list[str]:
    """Set dbt's manifest aside where it is not the one whose digest stands beside it: cut, changed, or half replaced.

    Returns the sentence that says so, or none; the next parse of the project writes a new manifest.
    """
    manifest = dbt_target / "manifest.json"
    if not manifest.exists() or has_its_checksum(manifest):
        return []
    return [
        f"{dbt_target.parent.name}/{dbt_target.name}/{manifest.name} is damaged or was left by a run that died: it was"
        f" set aside as {set_aside(manifest).name} and is made again from the SQL"
    ]


def _is_mapping(content: bytes) -> bool:
    try:
        return isinstance(yaml.safe_load(content), dict)
    except (yaml.YAMLError, UnicodeDecodeError):
        return False
