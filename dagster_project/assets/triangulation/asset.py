"""One number per channel from all evidence, each method's bias learned rather than assumed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import dagster as dg
import duckdb
import polars as pl

from dagster_project.assets.experiments.contracts import lift_contracts
from dagster_project.assets.mmm.fits import fit_of_run
from dagster_project.assets.triangulation import evidence as evidence_inputs
from dagster_project.assets.triangulation import latest_days, next_tests
from dagster_project.assets.triangulation import rows as triangulated_rows
from dagster_project.assets.triangulation.claims import claim_rows
from dagster_project.assets.triangulation.mmm_draws import mmm_draws
from dagster_project.warehouse import run_record, tables
from dagster_project.warehouse.connection import first
from dagster_project.warehouse.media_spend import days_with_media_spend, media_spend_by_period
from dagster_project.warehouse.metadata import check_result, not_run, picture
from dagster_project.warehouse.resource import Warehouse
from dagster_project.warehouse.run_record import Check
from dagster_project.warehouse.warnings import markdown, record_warnings
from dagster_project.workspace.environment import settings, workspace
from models.period_draws import with_spend
from models.periods import WINDOW, last_day

if TYPE_CHECKING:
    from models.mmm import MMMFit

METHODS = ("triangulated", "experiment", "platform", "markov", "self_reported")
TABLES = (
    "measurement.weight",
    "measurement.bias",
    "measurement.conflict",
    "measurement.period_draw",
    "measurement.measured_period",
    "measurement.next_experiment",
)


@dg.asset(
    key=["measurement", "triangulation"],
    deps=[
        ["marts", "channel_period_spend"],
        ["measurement", "mmm"],
        ["measurement", "experiment"],
        ["measurement", "attribution"],
    ],
    check_specs=[dg.AssetCheckSpec("converged", asset=["measurement", "triangulation"], blocking=True)],
    group_name="measurement",
    owners=["team:analytics"],
    kinds={"pymc", "duckdb"},
    pool="duckdb",
)
def triangulation(warehouse: Warehouse) -> dg.MaterializeResult:
    """iROAS per channel from experiments, MMM, tracking and platform claims, with the weight each of them had."""
    from feedback.reports import asset_plots
    from models.triangulation import combine, evidence_frame

    company = settings()
    with warehouse.read() as con:
        facts = run_record.current(con)
        fit = _fit_of_run(con, facts.run_id)
        window = _window(con, fit)
    if window is None:
        return _nothing(warehouse, facts, "spend and an outcome, or experiments")
    begin, end = window
    days = triangulated_rows.measured_days(begin, end, company.fiscal.year_starts_in_month)
    with warehouse.read() as con:
        spend_of_period = media_spend_by_period(con, days)
        spend = spend_of_period[WINDOW]
        middle = begin + (end - begin) / 2
        class_of = {channel: company.class_of(channel).name for channel in spend}
        contracts = lift_contracts(con, facts.run_id)
        mmm = mmm_draws(fit, contracts)
        captured = mmm.captured if mmm else {}
        tests, notes = evidence_inputs.experiment_rows(contracts, middle, captured, class_of)
        claims = claim_rows(con, facts.run_id, spend, begin, end, class_of)
    rows = [row for row in (*tests, *claims) if row["channel"] in spend]
    if not rows and mmm is None:
        return _nothing(warehouse, facts, "at least one of: a media mix model, an experiment, a platform claim")
    combined = combine(
        evidence_frame(rows, class_of),
        seed=facts.seed,
        mmm=mmm,
        channels=sorted(spend),
        margin=float(company.margin) if company.margin is not None else None,
    )
    blocks = [w for w in combined.warnings if w.severity == "block"]
    verdict = Check(
        "triangulation:converged",
        not blocks,
        "error",
        f"{len(blocks)} blocking findings",
        " ".join(f"{w.message} {w.action}" for w in blocks) or "the sampler converged",
    )
    draws = triangulated_rows.period_draws(combined, fit, spend, company.fiscal.year_starts_in_month)
    draws = with_spend(draws, spend_of_period)
    with warehouse.read() as con:
        latest, held = latest_days.latest_estimates(
            con, facts.run_id, combined, end, facts.as_of_day, class_of, facts.seed
        )
        planned, lacking = next_tests.proposals(con, company, combined, fit, as_of_day=facts.as_of_day, seed=facts.seed)
    warnings = [*combined.warnings, *notes, *held]
    estimates = pl.concat(
        [
            f
            for f in (
                triangulated_rows.estimates(combined, fit, draws, spend),
                evidence_inputs.reading_estimates(rows),
                latest,
            )
            if f.height
        ],
        how="diagonal_relaxed",
    )
    with warehouse.write() as con:
        for method in METHODS:
            part = estimates.filter(pl.col("method") == method)
            tables.replace(con, "measurement.channel_estimate", facts.run_id, part, method=method)
        for table, frame in triangulated_rows.side_tables(combined, draws, days).items():
            tables.replace(con, table, facts.run_id, frame)
        tables.replace(con, "measurement.next_experiment", facts.run_id, planned)
        record_warnings(con, facts.run_id, warnings)
        run_record.record_checks(con, facts.run_id, [verdict])
        run_record.record_not_run(con, facts.run_id, "triangulation", None)
        run_record.record_not_run(con, facts.run_id, "next test", lacking)
        evidence = con.sql(
            "select channel, method, mean, q05, q95 from measurement.channel_estimate where run_id = $run and"
            " estimand = 'iroas' and period = 'window' order by channel, method",
            params={"run": facts.run_id},
        ).pl()
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": estimates.height,
            "channels": dg.MetadataValue.md(triangulated_rows.markdown(combined)),
            "next_tests": dg.MetadataValue.md(
                "\n".join(f"- {m}" for m in planned.get_column("message", default=[])) or "-"
            ),
            "evidence": picture(asset_plots.evidence(evidence), "What each method says about each channel"),
            "warnings": dg.MetadataValue.md(markdown(warnings)),
        },
        check_results=[check_result("converged", verdict)],
    )


def _fit_of_run(con: duckdb.DuckDBPyConnection, run_id: str) -> MMMFit | None:
    """The fit whose estimates this run reports; None where it has none. Raises FitLost where the file is gone."""
    ran = first(con, "select count(*) from measurement.channel_estimate where run_id = ? and method = 'mmm'", [run_id])
    return fit_of_run(con, workspace().fits, run_id) if ran and ran[0] else None


def _window(con: duckdb.DuckDBPyConnection, fit: MMMFit | None) -> tuple[date, date] | None:
    """First and last day of the reporting window: the model's, else that of the spend."""
    if fit is not None:
        return fit.data.dates[0], last_day(fit.data.dates[-1], fit.data.grain)
    return days_with_media_spend(con)


def _nothing(warehouse: Warehouse, facts: run_record.RunFacts, needs: str) -> dg.MaterializeResult:
    with warehouse.write() as con:
        for method in METHODS:
            tables.replace(con, "measurement.channel_estimate", facts.run_id, pl.DataFrame(), method=method)
        for table in TABLES:
            tables.replace(con, table, facts.run_id, pl.DataFrame())
        run_record.record_not_run(con, facts.run_id, "triangulation", needs)
    return not_run("converged", needs)


assets = [triangulation]
