"""How often AI answers name and cite the brand, how noisy the engines are, and what changed since the weeks before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import dagster as dg
import duckdb
import polars as pl

from dagster_project.assets.visibility.answers import NEEDS, PanelAnswers, panel_answers
from dagster_project.warehouse import run_record
from dagster_project.warehouse.metadata import picture
from dagster_project.warehouse.resource import Warehouse
from dagster_project.warehouse.warnings import record_warnings
from dagster_project.workspace.environment import settings

WEEK_COLUMNS = (
    "week date, engine varchar, surface varchar, brand varchar, metric varchar, value double, low double, high double,"
    " n bigint, tier varchar, panel_low double, panel_high double, level double, n_prompts bigint, deff double,"
    " noise_floor double, mde double, definition varchar"
)
CHANGE_COLUMNS = (
    "week date, base varchar, engine varchar, surface varchar, brand varchar, metric varchar, before double,"
    " after double, diff double, low double, high double, p double, q double, mde double, n_prompts bigint,"
    " engine_shift double, own_excess double, excess_low double, excess_high double, verdict varchar, reason varchar,"
    " reading varchar"
)
NOISE_COLUMNS = (
    "engine varchar, surface varchar, from_week date, week date, s2_prompt double, s2_day double, s2_run double,"
    " noise_share double, icc double, prompts bigint, answers bigint, usable boolean, brands_same_day double,"
    " brands_drift double, domains_same_day double, domains_drift double"
)
CONTROL_COLUMNS = (
    "week date, pairs bigint, discordant bigint, expected double, low bigint, high bigint, state varchar,"
    " message varchar"
)
EVENT_COLUMNS = "engine varchar, surface varchar, day date, before varchar, after varchar"
BASES = {"previous 4 weeks": 4, "previous week": 1}
JUDGED_WEEKS = 8


@dg.asset(
    key=["marts", "ai_engine_noise"],
    deps=[["marts", "ai_visibility_answer"]],
    group_name="measurement",
    owners=["team:analytics"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def ai_engine_noise(warehouse: Warehouse) -> dg.MaterializeResult:
    """Variance of the answers by question, day and re-run, the same-hour control of each week, changes of model."""
    from models.visibility import engine_events, engine_noise, same_hour_control

    with warehouse.read() as con:
        found = panel_answers(con, settings())
    noise = controls = events = None
    if found:
        noise = engine_noise(found.answers, found.panel)
        weeks = sorted(found.answers["week"].unique())
        controls = pl.DataFrame([vars(same_hour_control(found.answers, found.own, week)) for week in weeks])
        events = engine_events(found.answers)
    with warehouse.write() as con:
        replace_table(con, "marts.ai_engine_noise", NOISE_COLUMNS, noise)
        replace_table(con, "marts.ai_same_hour_control", CONTROL_COLUMNS, controls)
        replace_table(con, "marts.ai_engine_event", EVENT_COLUMNS, events)
    newest = controls["message"][-1] if controls is not None else "no answers"
    return dg.MaterializeResult(
        metadata={"same-hour control": newest, "changes of model": 0 if events is None else events.height}
    )


@dg.asset(
    key=["marts", "ai_visibility_week"],
    deps=[["marts", "ai_visibility_answer"], ["marts", "ai_engine_noise"]],
    group_name="measurement",
    owners=["team:analytics"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def ai_visibility_week(warehouse: Warehouse) -> dg.MaterializeResult:
    """Mention and citation rates and shares per week, engine and brand, with the evidence tier of each."""
    from feedback.reports import asset_plots
    from models.visibility import metrics, warnings

    with warehouse.read() as con:
        facts = run_record.current(con)
        found = panel_answers(con, settings())
        passed, icc = _controls(con), _measured_icc(con)
    table, notes = pl.DataFrame(), []
    if found:
        table = metrics(found.answers, found.panel, aa_passed=passed, icc=icc).drop("se", "category_se")
        newest = found.answers.filter(pl.col("week") == pl.col("week").max())
        notes = warnings(newest, found.panel)
    with warehouse.write() as con:
        replace_table(con, "marts.ai_visibility_week", WEEK_COLUMNS, table)
        record_warnings(con, facts.run_id, notes)
        run_record.record_not_run(con, facts.run_id, "ai_visibility", None if table.height else NEEDS)
    plot = {}
    if table.height:
        plot = {
            "visibility": picture(asset_plots.visibility(table), "Share of AI answers that name the brand, by engine")
        }
    return dg.MaterializeResult(metadata={"dagster/row_count": table.height, **plot})


@dg.asset(
    key=["marts", "ai_visibility_change"],
    deps=[["marts", "ai_visibility_answer"], ["marts", "ai_engine_noise"]],
    group_name="measurement",
    owners=["team:analytics"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def ai_visibility_change(warehouse: Warehouse) -> dg.MaterializeResult:
    """For each of the last weeks: did our rates move against the weeks before, or is the difference re-run noise?"""
    with warehouse.read() as con:
        facts = run_record.current(con)
        found = panel_answers(con, settings())
        passed = _controls(con)
    table = _changes(found, passed, facts.seed) if found else None
    with warehouse.write() as con:
        replace_table(con, "marts.ai_visibility_change", CHANGE_COLUMNS, table)
    verdicts = {} if table is None else dict(table["verdict"].value_counts().sort("verdict").iter_rows())
    return dg.MaterializeResult(metadata={"dagster/row_count": 0 if table is None else table.height, **verdicts})


def _changes(found: PanelAnswers, passed: Mapping[date, bool | None], seed: int) -> pl.DataFrame | None:
    from models.visibility import change

    weeks = sorted(found.answers["week"].unique())
    tables = []
    for week in weeks[1:][-JUDGED_WEEKS:]:
        after = found.answers.filter(pl.col("week") == week)
        for base, length in BASES.items():
            before = found.answers.filter(
                pl.col("week").is_between(week - timedelta(weeks=length), week, closed="left")
            )
            compared = change(before, after, found.panel, seed=seed, aa_passed=passed.get(week))
            tables.append(compared.with_columns(week=pl.lit(week), base=pl.lit(base)))
    return pl.concat(tables) if tables else None


def _controls(con: duckdb.DuckDBPyConnection) -> dict[date, bool | None]:
    """Whether the same-hour control of each week passed; None where it was not measured."""
    states = con.sql("select week, state from marts.ai_same_hour_control order by week").fetchall()
    return {week: None if state == "not measured" else state == "passed" for week, state in states}


def _measured_icc(con: duckdb.DuckDBPyConnection) -> dict[tuple[str, str], float]:
    """Own estimates of how much answers to one question resemble each other, where enough weeks support them."""
    rows = con.sql("select engine, surface, icc from marts.ai_engine_noise where usable").fetchall()
    return {(engine, surface): icc for engine, surface, icc in rows}


def replace_table(con: duckdb.DuckDBPyConnection, table: str, columns: str, frame: pl.DataFrame | None) -> None:
    """Make the frame the whole table, columns matched by name; without rows an empty table that readers may open."""
    con.execute(f"create or replace table {table} ({columns})")
    if frame is not None and frame.height:
        names = [part.split()[0] for part in columns.split(",")]
        con.register("rows_to_write", frame.select(names).to_arrow())
        con.execute(f"insert into {table} select * from rows_to_write")
        con.unregister("rows_to_write")


assets = [ai_engine_noise, ai_visibility_week, ai_visibility_change]
