"""The end of a run: the snapshot that readers open, and the CFO's page from it, or the reasons why there is none."""

from __future__ import annotations

from datetime import UTC

import dagster as dg
import duckdb
import polars as pl

from dagster_project.assets.publish import snapshot as published
from dagster_project.warehouse import run_record
from dagster_project.warehouse import tables as warehouse_tables
from dagster_project.warehouse.connection import Warehouse, connect, first
from dagster_project.warehouse.metadata import picture
from dagster_project.warehouse.run_record import Check
from dagster_project.workspace.environment import settings, workspace
from dagster_project.workspace.report_settings import report_settings

UPSTREAM = [
    ["measurement", "triangulation"],
    ["measurement", "mmm_experiment"],
    ["marts", "ai_visibility_week"],
    ["marts", "reconciliation"],
    ["marts", "attribution_channel"],
    ["marts", "system_week"],
    ["feedback", "feed"],
]
REPORT = "CFO report"


@dg.asset(
    key=["feedback", "snapshot"],
    deps=UPSTREAM,
    group_name="feedback",
    owners=["team:data"],
    kinds={"duckdb"},
    pool="duckdb",
)
def snapshot(warehouse: Warehouse) -> dg.MaterializeResult:
    """The versioned, read-only copy of all that readers need; the pointer moves only after it is complete."""
    from feedback.reports import asset_plots, missing

    with warehouse.write() as con:
        facts = run_record.current(con)
        run_record.record_not_run(con, facts.run_id, REPORT, missing(con))
        con.execute("update measurement.run set verdict = 'published' where run_id = ?", [facts.run_id])
        run_record.close(con, facts.run_id, "finished")
        _forget_old_draws(con, settings().retention.published)
    path = published.publish(workspace(), facts.run_id, settings().retention.published)
    with connect(path, read_only=True) as con:
        tables = first(con, "select count(*) from information_schema.tables")
        spend = con.sql(
            "select date_trunc('week', day)::date as week, channel, cast(sum(spend_report) as double) as spend"
            " from marts.channel_day group by all order by week, channel"
        ).pl()
    plot = {"spend": picture(asset_plots.spend(spend), "Spend by channel, week by week")} if spend.height else {}
    return dg.MaterializeResult(metadata={"file": path.name, "tables": tables[0] if tables else 0, **plot})


@dg.asset(
    key=["feedback", "cfo_report"],
    deps=[["feedback", "snapshot"]],
    check_specs=[dg.AssetCheckSpec("built", asset=["feedback", "cfo_report"], blocking=True)],
    group_name="feedback",
    owners=["team:finance"],
    kinds={"html", "typst"},
    pool="duckdb",
)
def cfo_report(warehouse: Warehouse) -> dg.MaterializeResult:
    """The attribution report of the last complete quarter, tied to the ledger; blocked when a gate says no."""
    from feedback.reports import ReportBlocked, audit, build, missing

    source = workspace().published()
    if source is None:
        raise dg.Failure("nothing is published: the asset feedback/snapshot comes first")
    with warehouse.read() as con:
        needs = missing(con)
    if needs:
        return _not_built(warehouse, needs)
    company = settings()
    metadata: dict[str, dg.MetadataValue | str] = {}
    try:
        files = build(source, workspace().reports, period=None, settings=report_settings(company))
        now = run_record.now(company).replace(tzinfo=UTC, microsecond=0)
        pack = audit.write(files, source, workspace().audit, settings=report_settings(company), at=now)
        check = Check("report:built", True, "error", files.pdf.name, "every gate of the report passed")
        metadata = {kind: dg.MetadataValue.path(str(getattr(files, kind))) for kind in ("pdf", "html", "xlsx")}
        metadata["audit_pack"] = dg.MetadataValue.path(str(pack))
        listing = [{"file": getattr(files, kind).name} for kind in ("pdf", "html", "xlsx")]
    except ReportBlocked as blocked:
        check = Check("report:built", False, "error", f"{len(blocked.reasons)} reasons", " ".join(blocked.reasons))
        listing = []
        if blocked.page is not None:
            metadata = {"why": dg.MetadataValue.path(str(blocked.page))}
    with warehouse.write() as con:
        facts = run_record.current(con)
        run_record.record_checks(con, facts.run_id, [check])
        rows = [
            {
                "file": item["file"],
                "sha256": run_record.sha256_of(workspace().reports / item["file"]),
                "status": "built",
            }
            for item in listing
        ] or [{"status": "blocked", "reason": check.message}]
        warehouse_tables.replace(con, "feedback.report", facts.run_id, pl.DataFrame(rows))
    return dg.MaterializeResult(
        metadata=metadata,
        check_results=[_verdict(check)],
    )


def _not_built(warehouse: Warehouse, needs: str) -> dg.MaterializeResult:
    message = f"not run: needs {needs}"
    with warehouse.write() as con:
        warehouse_tables.replace(con, "feedback.report", run_record.current(con).run_id, pl.DataFrame())
    check = Check("report:built", True, "error", "not run", message)
    return dg.MaterializeResult(metadata={"report": message}, check_results=[_verdict(check)])


def _verdict(check: Check) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=check.passed, check_name="built", severity=dg.AssetCheckSeverity.ERROR, description=check.message
    )


def _forget_old_draws(con: duckdb.DuckDBPyConnection, keep: int) -> None:
    """Joint draws and weekly paths of runs older than the published ones would only fill the file."""
    kept = "select run_id from ops.run where status = 'finished' order by started_at desc limit ?"
    for table in (
        "measurement.period_draw",
        "measurement.contribution",
        "measurement.curve",
        "measurement.experiment_path",
        "measurement.experiment_placebo",
    ):
        con.execute(f"delete from {table} where run_id not in ({kept})", [keep])


assets = [snapshot, cfo_report]
