"""The end of a run: the snapshot that readers open, and the CFO's page from it, or the reasons why there is none.

The report is built from a candidate of the snapshot. Its verdict is written into the warehouse and the candidate, then
the candidate is published, then the record of the run's outputs: so tables, snapshot, report and exit code agree, and
whatever dies in between leaves a run that the next one completes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC
from pathlib import Path

import dagster as dg
import duckdb
import polars as pl

from dagster_project.assets.publish import snapshot as published
from dagster_project.assets.publish.ledger import restore_ledger
from dagster_project.warehouse import run_outputs, run_record
from dagster_project.warehouse import tables as warehouse_tables
from dagster_project.warehouse.connection import connect, first
from dagster_project.warehouse.metadata import check_result, picture
from dagster_project.warehouse.resource import Warehouse, announce
from dagster_project.warehouse.run_outputs import BLOCKED, FINISHED, RunOutputs
from dagster_project.warehouse.run_record import Check
from dagster_project.workspace.environment import settings, workspace
from dagster_project.workspace.memory_store import memory_store
from dagster_project.workspace.paths import Workspace
from dagster_project.workspace.report_settings import settings_of_run
from feedback.reports.figure_store import FigureStore
from feedback.storage.damaged_files import sha256_of

UPSTREAM = [
    ["measurement", "triangulation"],
    ["measurement", "mmm_experiment"],
    ["marts", "ai_visibility_week"],
    ["marts", "ai_visibility_change"],
    ["marts", "ai_source_opportunity"],
    ["marts", "ai_tracker_rate"],
    ["marts", "reconciliation"],
    ["marts", "attribution_channel"],
    ["marts", "system_week"],
    ["measurement", "operating_metric"],
    ["measurement", "content_return"],
    ["marts", "content"],
    ["marts", "person"],
    ["marts", "opportunity"],
    ["feedback", "feed"],
]
REPORT = "CFO report"
WRITTEN_AT_THE_END = ("ops.run", 'ops."check"', "measurement.run", "feedback.report")


@dataclass(frozen=True)
class Verdict:
    """What became of the report: its check, the reasons against it, its files, and what Dagster shows of it."""

    check: Check
    reasons: tuple[str, ...] = ()
    report: tuple[Path, ...] = ()
    others: tuple[Path, ...] = ()
    figures: FigureStore | None = None
    metadata: dict[str, dg.MetadataValue | str] = field(default_factory=dict)


@dg.asset(
    key=["feedback", "snapshot"],
    deps=UPSTREAM,
    group_name="feedback",
    owners=["team:data"],
    kinds={"duckdb"},
    pool="duckdb",
)
def snapshot(warehouse: Warehouse) -> dg.MaterializeResult:
    """The read-only copy of all that readers need; it is published once the report is built or known to be blocked."""
    from feedback.reports import asset_plots, missing

    with warehouse.write() as con:
        facts = run_record.current(con)
        run_record.record_not_run(con, facts.run_id, REPORT, missing(con))
        con.execute("update measurement.run set verdict = 'published' where run_id = ?", [facts.run_id])
        _forget_old_draws(con, settings().retention.published)
    path = published.copy(workspace())
    with connect(path, read_only=True) as con:
        tables = first(con, "select count(*) from information_schema.tables")
        spend = con.sql(
            "select period_start as week, channel, cast(spend as double) as spend from marts.channel_period_spend"
            " where period_kind = 'week' and cost_type = 'media' order by week, channel"
        ).pl()
    plot = {"spend": picture(asset_plots.spend(spend), "Spend by channel, week by week")} if spend.height else {}
    return dg.MaterializeResult(metadata={"tables": tables[0] if tables else 0, **plot})


@dg.asset(
    key=["feedback", "cfo_report"],
    deps=[["feedback", "snapshot"]],
    check_specs=[dg.AssetCheckSpec("built", asset=["feedback", "cfo_report"], blocking=True)],
    group_name="feedback",
    owners=["team:finance"],
    kinds={"html", "typst"},
    pool="duckdb",
)
def cfo_report(context: dg.AssetExecutionContext, warehouse: Warehouse) -> dg.MaterializeResult:
    """The attribution report of the last complete quarter, tied to the ledger; blocked when a gate says no."""
    candidate = published.candidate_of(workspace())
    if not candidate.exists():
        raise dg.Failure("there is no snapshot to publish: the asset feedback/snapshot comes first")
    restored = restore_ledger(workspace().audit)
    if restored:
        announce(context.instance, context.run, [restored])
    verdict = _report_from(candidate)
    _deliver(warehouse, workspace(), verdict)
    return dg.MaterializeResult(metadata=verdict.metadata, check_results=[check_result("built", verdict.check)])


def _report_from(candidate: Path) -> Verdict:
    from feedback.reports import ReportBlocked, audit, build, missing

    with connect(candidate, read_only=True) as con:
        needs = missing(con)
        of_run = settings_of_run(con, settings())
    if needs:
        message = f"not run: needs {needs}"
        return Verdict(Check("report:built", True, "error", "not run", message), metadata={"report": message})
    before = audit.report_before(workspace().audit, candidate, period=None, settings=of_run)
    try:
        files = build(candidate, workspace().reports, period=None, settings=of_run, previous=before)
    except ReportBlocked as blocked:
        reasons = tuple(blocked.reasons)
        check = Check("report:built", False, "error", f"{len(reasons)} reasons", " ".join(reasons))
        if blocked.page is None:
            return Verdict(check, reasons)
        why = dg.MetadataValue.path(str(blocked.page))
        return Verdict(check, reasons, others=(blocked.page,), metadata={"why": why})
    pack = audit.write(files, candidate, workspace().audit, settings=of_run)
    metadata: dict[str, dg.MetadataValue | str] = {
        kind: dg.MetadataValue.path(str(getattr(files, kind))) for kind in ("pdf", "html", "xlsx")
    }
    return Verdict(
        Check("report:built", True, "error", files.pdf.name, "every gate of the report passed"),
        report=(files.pdf, files.html, files.xlsx),
        figures=files.store,
        others=(files.figures_json, *(path for path in pack.rglob("*") if path.is_file())),
        metadata={**metadata, "audit_pack": dg.MetadataValue.path(str(pack))},
    )


def _deliver(warehouse: Warehouse, place: Workspace, verdict: Verdict) -> None:
    """The verdict into the tables, the snapshot under its name, then the record that makes the run a delivered one."""
    state = FINISHED if verdict.check.passed else BLOCKED
    rows: list[dict[str, str]] = [
        {"file": path.name, "sha256": sha256_of(path), "status": "built"} for path in verdict.report
    ]
    if not verdict.check.passed:
        rows = [{"status": "blocked", "reason": verdict.check.message}]
    with warehouse.write() as con:
        facts = run_record.current(con)
        run_record.record_checks(con, facts.run_id, [verdict.check])
        warehouse_tables.replace(con, "feedback.report", facts.run_id, pl.DataFrame(rows))
        if state == BLOCKED:
            con.execute("update measurement.run set verdict = 'blocked' where run_id = ?", [facts.run_id])
        run_record.close(con, facts.run_id, state)
        print_ = first(con, "select fingerprint from ops.run where run_id = ?", [facts.run_id])
        fit = first(con, "select file from measurement.mmm_fit where run_id = ?", [facts.run_id])
        data = first(con, "select data_sha256 from measurement.run where run_id = ?", [facts.run_id])
        of_its_day = run_record.is_of_its_day(con, settings())
        drifted = con.execute(
            "select subject from measurement.warning where run_id = ? and code = 'method_drift'", [facts.run_id]
        ).fetchall()
    evidence = _publish_evidence(place, facts, verdict)
    published.refresh(place, WRITTEN_AT_THE_END)
    file = published.publish(place, facts.run_id, settings().retention.published)
    if verdict.report and data is not None:
        files = {path.name: sha256_of(path) for path in verdict.report}
        if of_its_day:
            _tell(place, facts, str(data[0]), file.name, files, [str(row[0]) for row in drifted])
    outputs = RunOutputs(facts.run_id, print_[0] if print_ else "", state, verdict.reasons)
    paths = [place.warehouse, file, place.pointer, *verdict.report, *verdict.others, *_feed_files(place), evidence]
    if fit:
        paths += [place.fits / fit[0], place.reports / "model-card.md"]
    run_outputs.write(place, outputs, paths)


def _tell(
    place: Workspace, facts: run_record.RunFacts, data: str, snapshot: str, files: dict[str, str], drifted: list[str]
) -> None:
    """Events of a run whose report was issued: not for a blocked report, and not for a rerun of an earlier day."""
    from feedback.events.happenings import DRIFT, REPORT, drift_changes, run_changes

    company = settings()
    as_of = facts.as_of.replace(tzinfo=UTC, microsecond=0)
    store = memory_store(place, company)
    issued, known = store.versions(REPORT), store.state(DRIFT).versions
    store.commit(
        [
            *drift_changes(drifted, known, as_of, facts.run_id),
            *run_changes(
                run_id=facts.run_id, as_of=as_of, data_sha256=data, snapshot=snapshot, files=files, stored=issued
            ),
        ]
    )
    store.close()


def _publish_evidence(place: Workspace, facts: run_record.RunFacts, verdict: Verdict) -> Path:
    """What the report says of each channel, or why it is withheld, for readers that never open the warehouse."""
    from feedback.memory.evidence import publish_evidence
    from feedback.reports.figures.channel_evidence import about_report, channel_evidence

    figures = verdict.figures
    return publish_evidence(
        place.memory,
        settings().company.brand,
        run_id=facts.run_id,
        now=facts.as_of.replace(tzinfo=UTC, microsecond=0),
        channels=channel_evidence(figures) if figures else (),
        about=about_report(figures) if figures else None,
        withheld=() if figures else verdict.reasons or (verdict.check.message,),
    )


def _feed_files(place: Workspace) -> Iterator[Path]:
    """The current snapshot of the feed; its pointer says when it was last looked at, and is checked by its content."""
    from feedback.memory import current_file

    path = current_file(place.memory, settings().company.brand)
    if path is not None:
        yield path


def _forget_old_draws(con: duckdb.DuckDBPyConnection, keep: int) -> None:
    """Joint draws and weekly paths of runs older than the published ones would only fill the file."""
    kept = (
        "select run_id from ops.run join measurement.run using (run_id) where verdict <> 'open'"
        " order by ops.run.started_at desc limit ?"
    )
    for table in (
        "measurement.period_draw",
        "measurement.contribution",
        "measurement.curve",
        "measurement.experiment_path",
        "measurement.experiment_placebo",
    ):
        con.execute(f"delete from {table} where run_id not in ({kept})", [keep])


assets = [snapshot, cfo_report]
