"""dbt inside this process: three seconds instead of ten per call, and no second interpreter that holds the file."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject

from dagster_project.workspace.paths import DBT_PROJECT, Workspace
from feedback.storage.atomic_files import replacing, write_atomically
from feedback.storage.damaged_files import checksum_file, has_its_checksum, sha256_of, write_checksum

RESULTS = {"LogModelResult", "LogTestResult", "LogSeedResult", "LogSnapshotResult"}
WATCHED = {".sql", ".yml", ".csv"}
WRONG = {"error", "fail", "runtime error"}


class Areas(DagsterDbtTranslator):
    """Each mart and model sits in the group of its area; owners come from the model's own yml."""

    def get_partition_mapping(
        self, dbt_resource_props: Mapping[str, Any], dbt_parent_resource_props: Mapping[str, Any]
    ) -> dg.PartitionMapping | None:
        """Models read sources "latest as of", not all their days: Dagster then need not look every day up."""
        return dg.LastPartitionMapping() if dbt_parent_resource_props["resource_type"] == "source" else None

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = manifest["nodes"].get(unique_id) or manifest["sources"].get(unique_id) or {}
        folders = node.get("fqn", [])[1:-1]
        group = {"staging": "staging", "intermediate": "intermediate"}.get(folders[0] if folders else "", "marts")
        return spec.replace_attributes(
            group_name=group,
            owners=[f"team:{'analytics' if group == 'marts' else 'data'}"],
            kinds={"dbt", "duckdb"},
        )


TRANSLATOR = Areas(
    settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=False, enable_duplicate_source_asset_keys=True)
)


def project(workspace: Workspace) -> DbtProject:
    """The dbt project with its compiled files inside the workspace."""
    return DbtProject(project_dir=DBT_PROJECT, profiles_dir=DBT_PROJECT, target_path=workspace.dbt_target)


def ensure_manifest(workspace: Workspace) -> None:
    """Parse the project where no whole manifest is there that was made of exactly these models, tests and seeds.

    By content: a workspace that was copied, restored or used with another version has dates that say nothing. A damaged
    manifest was set aside when the workspace was prepared, see `Workspace.prepare`.
    """
    manifest = workspace.dbt_target / "manifest.json"
    made_of = manifest.with_name("manifest.json.sources")
    digest = _digest_of_sources()
    if has_its_checksum(manifest) and made_of.exists() and made_of.read_bytes() == digest.encode():
        return
    parsed = _parsed(workspace.warehouse, workspace.dbt_target, digest)
    checksum_file(manifest).unlink(missing_ok=True)
    made_of.unlink(missing_ok=True)
    with replacing(manifest) as part:
        parsed.write(str(part))
    write_checksum(manifest)
    write_atomically(made_of, digest.encode())


def _digest_of_sources() -> str:
    """SHA-256 of the names and contents of everything that dbt parses."""
    total = hashlib.sha256()
    for path in sorted(path for path in DBT_PROJECT.rglob("*") if path.suffix in WATCHED and path.is_file()):
        total.update(f"{path.relative_to(DBT_PROJECT).as_posix()} {sha256_of(path)}\n".encode())
    return total.hexdigest()


@lru_cache(maxsize=1)
def _parsed(warehouse: Path, target: Path, _digest: str) -> Any:
    """The parsed project, kept for every step of this process: parsing costs more than most steps' SQL."""
    outcome = _invoke(warehouse, target, ("--no-write-json", "parse"))
    if not outcome.success:
        raise RuntimeError(f"the dbt project cannot be parsed: {outcome.exception}")
    return outcome.result


def invoke(workspace: Workspace, command: str, *arguments: str, keep: Callable[[Any], None] | None = None) -> Any:
    """Run one dbt command in this process and let go of the DuckDB file afterwards."""
    manifest = _parsed(workspace.warehouse, workspace.dbt_target, _digest_of_sources())
    return _invoke(workspace.warehouse, workspace.dbt_target, ("--no-write-json", command, *arguments), manifest, keep)


def _invoke(
    warehouse: Path,
    target: Path,
    command: tuple[str, ...],
    manifest: Any = None,
    keep: Callable[[Any], None] | None = None,
) -> Any:
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    os.environ["PLUMBLINE_WAREHOUSE"] = str(warehouse)
    where = ["--project-dir", str(DBT_PROJECT), "--profiles-dir", str(DBT_PROJECT)]
    where += ["--target-path", str(target), "--log-path", str(target)]
    try:
        return dbtRunner(manifest=manifest, callbacks=[keep] if keep else []).invoke(
            ["--quiet", "--log-level", "none", "--log-level-file", "info", *command, *where]
        )
    finally:
        DuckDBConnectionManager.close_all_connections()  # the only call that releases the file (dbt-core 11980)


def build(
    context: dg.AssetExecutionContext,
    workspace: Workspace,
    dbt_project: DbtProject,
    record: Callable[[list[Any]], None],
) -> Iterator[Any]:
    """`dbt build` of what this run selected: one event per model, one check per data test.

    `record` receives dbt's own results (before a failure is raised), so that each test can be kept in `ops.check`.
    Raises dagster.Failure naming the failed models and tests.
    """
    from dagster_dbt.asset_utils import get_updated_cli_invocation_params_for_context
    from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage
    from google.protobuf.json_format import MessageToDict

    finished: list[dict[str, Any]] = []

    def keep(event: Any) -> None:
        if event.info.name in RESULTS:
            finished.append(MessageToDict(event, preserving_proto_field_name=True))

    params = get_updated_cli_invocation_params_for_context(
        context=context,
        manifest=dbt_project.manifest_path,  # type: ignore[arg-type]  # a path is read; the hint names only the content
        dagster_dbt_translator=TRANSLATOR,
    )
    # A test that joins two areas runs with the later one: only then do both sides exist.
    # Unit tests prove the SQL itself, not the data: CI runs them, a run need not.
    buildable = ("--indirect-selection", "buildable", "--exclude-resource-type", "unit_test")
    outcome = invoke(workspace, "build", *params.selection_args, *buildable, keep=keep)
    for raw in finished:
        message = DbtCoreCliEventMessage(raw_event=raw, event_history_metadata={})
        yield from message.to_default_asset_events(
            manifest=params.manifest,
            dagster_dbt_translator=params.dagster_dbt_translator,
            context=context,
            target_path=workspace.dbt_target,
            project=dbt_project,
        )
    if outcome.exception:
        raise outcome.exception
    results = list(outcome.result.results)
    record(results)
    if not outcome.success:
        raise dg.Failure("; ".join(_sentence(r) for r in results if str(r.status) in WRONG))


def _sentence(result: Any) -> str:
    """One sentence per failed model or test: the test's description, else the line that names the error."""
    if result.node.resource_type == "test":
        said = (result.node.description or result.message or "").strip()
        return f"{result.node.name} found {result.failures} rows: {said}"
    lines = [line.strip() for line in str(result.message or "").splitlines() if line.strip()]
    told = next((line for line in lines if "Error:" in line), lines[-1] if lines else "no message")
    return f"{result.node.name}: {told}"
