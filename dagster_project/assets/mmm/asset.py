"""The media mix model: made once per set of inputs, kept, and never reported when it did not converge."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import dagster as dg
import duckdb
import polars as pl

from dagster_project.assets.mmm import channel_priors, fits, rows
from dagster_project.assets.mmm.panel import mmm_input
from dagster_project.warehouse import run_record
from dagster_project.warehouse import tables as warehouse_tables
from dagster_project.warehouse.connection import first
from dagster_project.warehouse.media_spend import media_spend_by_quarter
from dagster_project.warehouse.metadata import check_result, not_run, picture
from dagster_project.warehouse.resource import Warehouse
from dagster_project.warehouse.run_record import Check
from dagster_project.warehouse.warnings import forget_warnings, markdown, record_warnings
from dagster_project.workspace.environment import settings, workspace
from dagster_project.workspace.settings import SOURCES
from feedback.storage.damaged_files import sha256_of
from models.period_draws import with_spend
from models.periods import last_day
from models.warning import Warning

if TYPE_CHECKING:
    from models.mmm import MMMFit


@dg.asset(
    key=["measurement", "run"],
    deps=[dg.AssetDep(["raw", name], partition_mapping=dg.LastPartitionMapping()) for name in SOURCES],
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
            sha256_of(workspace().settings_file),
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
        ["marts", "channel_spend_day"],
        ["marts", "channel_period_spend"],
        ["marts", "kpi_day"],
        ["marts", "context_day"],
        ["marts", "ai_visibility_week"],
    ],
    check_specs=[dg.AssetCheckSpec("trustworthy", asset=["measurement", "mmm"], blocking=True)],
    group_name="measurement",
    owners=["team:analytics"],
    kinds={"pymc", "duckdb"},
    pool="duckdb",
)
def mmm(warehouse: Warehouse) -> dg.MaterializeResult:
    """What each channel added to the KPI, from spend and outcome alone: no experiment enters this fit."""
    from models.mmm import falsify, model_card

    company = settings()
    with warehouse.read() as con:
        facts = run_record.current(con)
        prepared = mmm_input(con, company)
        earlier = _remembered(con, facts)
    if isinstance(prepared, str):
        return _nothing(warehouse, facts, prepared)
    try:
        found = fits.fit_or_load(
            workspace().fits, prepared, company, seed=facts.seed, code=run_record.digest_of(*run_record.MMM_CODE)
        )
    except ValueError as refused:
        return _nothing(warehouse, facts, f"data that a model can be fitted on: {refused}")
    fit = found.fit
    warnings = [
        *fit.warnings(),
        *found.warnings,
        *prepared.warnings,
        *(_note_warning(n) for n in (*prepared.notes, *fit.decisions)),
    ]
    first_day, final_day = fit.data.dates[0], last_day(fit.data.dates[-1], fit.data.grain)
    with warehouse.read() as con:
        spend = media_spend_by_quarter(con, first_day, final_day, company.fiscal.year_starts_in_month)
    draws = with_spend(rows.period_draws(fit, company.fiscal.year_starts_in_month), spend)
    tables = rows.tables(fit, draws)
    priors = [channel_priors.channel_prior(company, channel) for channel in fit.data.channels]
    warnings += channel_priors.warnings(priors)
    tables["measurement.channel_prior"] = channel_priors.table(priors)
    tables["measurement.mmm_fit"] = rows.provenance(found, earlier)
    tables["measurement.mmm_change"], damaged = rows.changed(workspace().fits, earlier, fit)
    warnings += damaged
    if company.mmm.falsify:
        try:
            attempts = falsify(fit.data, fit.spec, seed=facts.seed)
            warnings += attempts.warnings
            tables["measurement.diagnostic"] = rows.with_falsification(tables["measurement.diagnostic"], attempts)
        except ValueError as refused:
            warnings.append(_not_falsified(refused))
    blocks = [w for w in warnings if w.severity == "block"]
    verdict = Check(
        "mmm:trustworthy",
        not blocks,
        "error",
        f"{len(blocks)} blocking findings",
        " ".join(f"{w.message} {w.action}" for w in blocks) or "converged; no finding withholds its numbers",
    )
    card = model_card(fit)
    fits.write_card(workspace().reports / "model-card.md", card)
    with warehouse.write() as con:
        for table, frame in tables.items():
            where = {"method": "mmm"} if table == "measurement.channel_estimate" else {}
            warehouse_tables.replace(con, table, facts.run_id, frame, **where)
        record_warnings(con, facts.run_id, warnings)
        run_record.record_checks(con, facts.run_id, [verdict])
        run_record.record_not_run(con, facts.run_id, "media mix model", None)
        published = [file.stem for file in workspace().derived.glob("published-*.duckdb")]
        needed = fits.needed(con, facts.run_id, published, company.retention.published)
    forgotten = fits.prune(workspace().fits, needed)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": tables["measurement.channel_estimate"].height,
            "fit": "kept from an earlier run of the same data, spec, code and seed"
            if found.kept
            else f"made in {found.seconds:.1f} s",
            "older_fits_deleted": len(forgotten),
            "path": found.path,
            "reason": found.reason,
            "engine": f"{fit.engine}: {fit.engine_reason}",
            "panel": f"{len(fit.data.geos)} regions x {len(fit.data.dates)} {fit.data.grain}s,"
            f" {len(fit.data.channels)} channels",
            "iroas": dg.MetadataValue.md(rows.roas_markdown(fit)),
            "model_card": dg.MetadataValue.md(card),
            "changes": dg.MetadataValue.md(rows.changes_markdown(tables["measurement.mmm_change"])),
            "warnings": dg.MetadataValue.md(markdown(warnings)),
            **_plots(tables, fit),
        },
        check_results=[check_result("trustworthy", verdict)],
    )


def _nothing(warehouse: Warehouse, facts: run_record.RunFacts, needs: str) -> dg.MaterializeResult:
    with warehouse.write() as con:
        for table in rows.TABLES:
            where = {"method": "mmm"} if table == "measurement.channel_estimate" else {}
            warehouse_tables.replace(con, table, facts.run_id, pl.DataFrame(), **where)
        run_record.record_not_run(con, facts.run_id, "media mix model", needs)
    return not_run("trustworthy", needs)


def _note_warning(note: str) -> Warning:
    subject = hashlib.sha256(note.encode()).hexdigest()[:8]
    return Warning("model_choice", "info", f"mmm-{subject}", note, "Nothing to do unless the choice is wrong for you.")


def _not_falsified(refused: ValueError) -> Warning:
    return Warning(
        code="not_falsified",
        severity="low",
        subject="all",
        message=f"The falsification tests could not run: {refused}.",
        action="The model's numbers stand, with less evidence behind them; change what the message names, or set"
        " mmm.falsify to false.",
    )


def _remembered(con: duckdb.DuckDBPyConnection, facts: run_record.RunFacts) -> rows.Earlier | None:
    """The run that this one is compared with: the last finished one that knew no more days.

    Chosen once per run, so that computing a run again compares it with the same one.
    """
    chosen = first(con, "select previous_run_id from measurement.mmm_fit where run_id = ?", [facts.run_id])
    if chosen:
        row = first(con, "select run_id, file from measurement.mmm_fit where run_id = ?", [chosen[0]])
    else:
        row = first(
            con,
            "select f.run_id, f.file from measurement.mmm_fit f join ops.run r using (run_id) join"
            " measurement.run m using (run_id) where r.status in ('finished', 'blocked') and m.verdict <> 'open'"
            " and run_id <> ? and r.as_of <= ? order by r.as_of desc, r.started_at desc limit 1",
            [facts.run_id, facts.as_of],
        )
    return rows.Earlier(*row) if row else None


def _plots(tables: dict[str, pl.DataFrame], fit: MMMFit) -> dict[str, dg.MetadataValue]:
    from feedback.reports import asset_plots

    weekly = tables["measurement.contribution"].group_by("date", "component").agg(pl.col("mean").sum()).sort("date")
    return {
        "contributions": picture(
            asset_plots.contributions(weekly.filter(pl.col("component") != "observed")), "KPI by cause, week by week"
        ),
        "curves": picture(
            asset_plots.curves(tables["measurement.curve"]), "What more or less spend would have brought"
        ),
        "kpi_and_fit": picture(asset_plots.kpi_fit(rows.fit_line(fit)), "KPI as booked and as the model explains it"),
    }


assets = [measured_run, mmm]
