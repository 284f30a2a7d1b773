"""The media mix model: fitted once per set of inputs, kept, and never reported when it did not converge."""

from __future__ import annotations

import hashlib
import time
from typing import TYPE_CHECKING

import dagster as dg
import polars as pl

from dagster_project import mmm_rows, results, run_record
from dagster_project.environment import settings, workspace
from dagster_project.findings import forget_warnings, markdown, record_warnings
from dagster_project.model_inputs import MmmInput, mmm_input
from dagster_project.plotted import picture
from dagster_project.run_record import Check
from dagster_project.settings import SOURCES
from dagster_project.warehouse import Warehouse, first
from models.warning import Warning

if TYPE_CHECKING:
    from models.mmm import MMMFit


@dg.asset(
    key=["measurement", "run"],
    deps=[["raw", name] for name in SOURCES],
    group_name="run",
    owners=["team:data"],
    kinds={"duckdb"},
    pool="duckdb",
)
def measured_run(warehouse: Warehouse) -> dg.MaterializeResult:
    """The receipt of every figure: inputs' hashes, settings, code, packages and seed of this run."""
    with warehouse.write() as con:
        facts = run_record.current(con)
        started = first(con, "select started_at from ops.run where run_id = ?", [facts.run_id])
        row = [
            facts.run_id,
            facts.as_of,
            started[0] if started else None,
            run_record.landed_sha256(con, facts.as_of),
            run_record.sha256_of(workspace().settings_file),
            run_record.code_version(),
            run_record.packages_sha256(),
            facts.seed,
            "open",
        ]
        con.execute("insert or replace into measurement.run values (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        forget_warnings(con, facts.run_id)
    return dg.MaterializeResult(metadata={"run_id": facts.run_id, "data_sha256": row[3], "code_version": row[5]})


@dg.asset(
    key=["measurement", "mmm"],
    deps=[
        ["measurement", "run"],
        ["marts", "channel_day"],
        ["marts", "kpi_day"],
        ["marts", "context_day"],
    ],
    check_specs=[dg.AssetCheckSpec("trustworthy", asset=["measurement", "mmm"], blocking=True)],
    group_name="measurement",
    owners=["team:analytics"],
    kinds={"pymc", "duckdb"},
    pool="duckdb",
)
def mmm(warehouse: Warehouse) -> dg.MaterializeResult:
    """What each channel added to the KPI, from spend and outcome alone: no experiment enters this fit."""
    company = settings()
    with warehouse.read() as con:
        facts = run_record.current(con)
        prepared = mmm_input(con, company)
    if isinstance(prepared, str):
        return _nothing(warehouse, facts, prepared)
    try:
        fit, note = _fit(warehouse, prepared, facts)
    except ValueError as refused:
        return _nothing(warehouse, facts, f"data that a model can be fitted on: {refused}")
    warnings = [*fit.warnings(), *(_note_warning(n) for n in (*prepared.notes, *fit.decisions))]
    draws = mmm_rows.period_draws(fit, company.fiscal.year_starts_in_month)
    tables = mmm_rows.tables(fit, draws)
    blocks = [w for w in warnings if w.severity == "block"]
    verdict = Check(
        "mmm:trustworthy",
        not blocks,
        "error",
        f"{len(blocks)} blocking findings",
        " ".join(f"{w.message} {w.action}" for w in blocks) or "converged; no finding withholds its numbers",
    )
    with warehouse.write() as con:
        for table, frame in tables.items():
            where = {"method": "mmm"} if table == "measurement.channel_estimate" else {}
            results.replace(con, table, facts.run_id, frame, **where)
        record_warnings(con, facts.run_id, warnings)
        run_record.record_checks(con, facts.run_id, [verdict])
        run_record.record_not_run(con, facts.run_id, "media mix model", None)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": tables["measurement.channel_estimate"].height,
            "fit": note,
            "engine": f"{fit.engine}: {fit.engine_reason}",
            "panel": f"{len(fit.data.geos)} regions x {len(fit.data.dates)} {fit.data.grain}s,"
            f" {len(fit.data.channels)} channels",
            "iroas": dg.MetadataValue.md(mmm_rows.roas_markdown(fit)),
            "warnings": dg.MetadataValue.md(markdown(warnings)),
            **_plots(tables, fit),
        },
        check_results=[_verdict(verdict)],
    )


def _nothing(warehouse: Warehouse, facts: run_record.RunFacts, needs: str) -> dg.MaterializeResult:
    with warehouse.write() as con:
        for table in mmm_rows.TABLES:
            where = {"method": "mmm"} if table == "measurement.channel_estimate" else {}
            results.replace(con, table, facts.run_id, pl.DataFrame(), **where)
        run_record.record_not_run(con, facts.run_id, "media mix model", needs)
    message = f"not run: needs {needs}"
    return dg.MaterializeResult(
        metadata={"dagster/row_count": 0, "fit": message},
        check_results=[_verdict(Check("mmm:trustworthy", True, "error", "not run", message))],
    )


def _verdict(check: Check) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        passed=check.passed, check_name="trustworthy", severity=dg.AssetCheckSeverity.ERROR, description=check.message
    )


def _note_warning(note: str) -> Warning:
    subject = hashlib.sha256(note.encode()).hexdigest()[:8]
    return Warning("model_choice", "info", f"mmm-{subject}", note, "Nothing to do unless the choice is wrong for you.")


def _fit(warehouse: Warehouse, prepared: MmmInput, facts: run_record.RunFacts) -> tuple[MMMFit, str]:
    """The fit of exactly these inputs: the kept one where it exists, else a new one, kept for the next run."""
    from models.mmm import MMMData, MMMSpec, fit, load
    from models.mmm.spec import Sampling

    company = settings()
    data = MMMData.from_frame(
        prepared.frame,
        date="date",
        kpi="kpi",
        spend={c: c for c in prepared.channels},
        controls=prepared.controls,  # type: ignore[arg-type]  # roles were checked when the context landed
        geo=prepared.geo,
        kpi_unit="revenue" if company.kpi.name == "revenue" else "count",
        value_per_kpi=float(company.kpi.value_per_unit) if company.kpi.value_per_unit else None,
    )
    spec = MMMSpec(
        break_even_iroas=1 / float(company.margin) if company.margin else 1.0,
        max_lag_weeks=company.mmm.max_lag_weeks,
        sampling=Sampling(chains=company.mmm.chains, draws=company.mmm.draws),
    )
    content = prepared.frame.write_csv(float_precision=9)
    key = hashlib.sha256(
        f"{spec.model_dump_json()}|{facts.seed}|{run_record.digest_of('models/mmm')}|{content}".encode()
    ).hexdigest()
    with warehouse.read() as con:
        kept = first(con, "select file from measurement.mmm_fit where fit_key = ?", [key])
    if kept and (workspace().fits / kept[0]).exists():
        with warehouse.write() as con:
            con.execute("update measurement.mmm_fit set run_id = ? where fit_key = ?", [facts.run_id, key])
        return load(workspace().fits / kept[0]), "kept from an earlier run of the same data, spec, code and seed"
    began = time.monotonic()
    fitted = fit(data, spec, seed=facts.seed)
    seconds = time.monotonic() - began
    file = fitted.save(workspace().fits / f"{key[:16]}")
    with warehouse.write() as con:
        con.execute(
            "insert or replace into measurement.mmm_fit values (?, ?, ?, ?, ?)",
            [key, facts.run_id, file.name, seconds, fitted.engine],
        )
    return fitted, f"fitted in {seconds:.1f} s"


def _plots(tables: dict[str, pl.DataFrame], fit: MMMFit) -> dict[str, dg.MetadataValue]:
    from feedback.reports import plots

    weekly = tables["measurement.contribution"].group_by("date", "component").agg(pl.col("mean").sum()).sort("date")
    return {
        "contributions": picture(
            plots.contributions(weekly.filter(pl.col("component") != "observed")), "KPI by cause, week by week"
        ),
        "curves": picture(plots.curves(tables["measurement.curve"]), "What more or less spend would have brought"),
        "kpi_and_fit": picture(plots.kpi_fit(mmm_rows.fit_line(fit)), "KPI as booked and as the model explains it"),
    }


assets = [measured_run, mmm]
