"""How often AI answers name and cite the brand, with ranges that respect the panel's design."""

from __future__ import annotations

import dagster as dg
import polars as pl

from dagster_project.assets.mmm.ai_visibility import own_brand
from dagster_project.warehouse import run_record
from dagster_project.warehouse.metadata import picture
from dagster_project.warehouse.resource import Warehouse
from dagster_project.workspace.environment import settings

COLUMNS = (
    "week date, engine varchar, surface varchar, brand varchar, metric varchar, value double, low double, high double,"
    " n bigint, tier varchar"
)


@dg.asset(
    key=["marts", "ai_visibility_week"],
    deps=[["marts", "ai_visibility_answer"]],
    group_name="measurement",
    owners=["team:analytics"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def ai_visibility_week(warehouse: Warehouse) -> dg.MaterializeResult:
    """Mention and citation rates and shares per week, engine and brand, with the evidence tier of each."""
    from feedback.reports import asset_plots
    from models.visibility import Panel, metrics

    company = settings().company
    with warehouse.read() as con:
        facts = run_record.current(con)
        answers = con.sql(
            "select week, day, engine, surface, prompt_id, replicate, status, brands, cited_domains as cited, is_core"
            " from marts.ai_visibility_answer order by week, engine, surface, prompt_id, replicate"
        ).pl()
    named = sorted({b for listed in answers["brands"].drop_nulls().to_list() for b in listed})
    table = pl.DataFrame()
    if answers.height and named:
        roster = _roster(named, own_brand(named, company), list(company.own_domains))
        prompts = (
            answers.group_by("prompt_id").agg(branded=~pl.col("is_core").first().fill_null(True)).sort("prompt_id")
        )
        rates = metrics(answers.drop("is_core"), Panel(prompts=prompts, brands=roster))
        table = rates.select("week", "engine", "surface", "brand", "metric", "value", "low", "high", "n", "tier")
    missing = None if table.height else "landing/ai_answers: answers of AI engines to the panel's prompts"
    with warehouse.write() as con:
        con.execute(f"create or replace table marts.ai_visibility_week ({COLUMNS})")
        if table.height:
            con.register("visibility", table.to_arrow())
            con.execute("insert into marts.ai_visibility_week select * from visibility")
        run_record.record_not_run(con, facts.run_id, "ai_visibility", missing)
    plot = {}
    if table.height:
        plot = {
            "visibility": picture(asset_plots.visibility(table), "Share of AI answers that name the brand, by engine")
        }
    return dg.MaterializeResult(metadata={"dagster/row_count": table.height, **plot})


def _roster(named: list[str], own: str, domains: list[str]) -> pl.DataFrame:
    """The panel's brands: our own under the name that the answers' reader uses, all others as competitors."""
    rows = [{"brand": own, "kind": "own", "domains": domains}]
    rows += [{"brand": n, "kind": "competitor", "domains": []} for n in named if n != own]
    return pl.DataFrame(rows, schema={"brand": pl.String, "kind": pl.String, "domains": pl.List(pl.String)})


assets = [ai_visibility_week]
