"""dbt, one step per area: a blocked source stops the areas that need it and leaves the others running."""

from collections.abc import Iterator
from typing import Any

import dagster as dg
from dagster_dbt import dbt_assets

from dagster_project.assets.dbt.in_process import TRANSLATOR, build, ensure_manifest, project
from dagster_project.warehouse import run_record
from dagster_project.warehouse.resource import Warehouse
from dagster_project.warehouse.run_record import Check
from dagster_project.workspace.environment import workspace

AREAS = ("base", "ads", "kpi", "crm", "web", "attribution", "finance", "experiments", "ai", "content", "system")
WRONG = {"fail", "error", "runtime error", "warn"}


def _record(warehouse: Warehouse, results: list[Any]) -> None:
    """Keep each dbt test of the step in `ops.check`, with the sentence of its description where it has one."""
    checks = []
    for result in results:
        node, status = result.node, str(result.status)
        if node.resource_type not in ("test", "unit_test") and status not in WRONG:
            continue
        severity = "warn" if status == "warn" else "error"
        count = getattr(result, "failures", None)
        message = (node.description or result.message or node.name).strip()
        observed = f"{count} rows" if count is not None else status
        checks.append(Check(f"dbt:{node.name}", status not in WRONG, severity, observed, message))
    with warehouse.write() as con:
        run_record.record_checks(con, run_record.current(con).run_id, checks)


def _area(area: str) -> dg.AssetsDefinition:
    dbt_project = project(workspace())

    @dbt_assets(
        manifest=dbt_project.manifest_path,
        select=f"tag:{area}",
        name=f"dbt_{area}",
        project=dbt_project,
        dagster_dbt_translator=TRANSLATOR,
        pool="duckdb",
    )
    def step(context: dg.AssetExecutionContext, warehouse: Warehouse) -> Iterator[Any]:
        yield from build(context, workspace(), dbt_project, lambda results: _record(warehouse, results))

    return step


ensure_manifest(workspace())
assets = [_area(area) for area in AREAS]
