"""Channel and pattern returns with the cost of their content, where the log delivers it."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import dagster as dg
import duckdb
import polars as pl

from dagster_project.assets.operations import priced_pieces
from dagster_project.warehouse import run_record, tables
from dagster_project.warehouse.media_spend import media_spend
from dagster_project.warehouse.resource import Warehouse
from dagster_project.workspace.environment import settings

if TYPE_CHECKING:
    from models.operations.returns import ContentReturn

MEASURED_DAYS = (
    "select first_day, last_day from measurement.measured_period where run_id = ? and period = 'window' limit 1"
)
IROAS = (
    "select channel, mean, q05, q95, measured from measurement.channel_estimate where run_id = ? and method ="
    " 'triangulated' and estimand = 'iroas' and period = 'window' and isfinite(mean) order by channel"
)
LEARNED = (
    "select distinct f.variant, f.feature from marts.variant_feature f"
    " where f.feature in (select feature from measurement.pattern_estimate where run_id = ?) order by all"
)


@dg.asset(
    key=["measurement", "content_return"],
    deps=[
        ["measurement", "triangulation"],
        ["measurement", "pattern_estimate"],
        ["marts", "content_life"],
        ["marts", "content"],
        ["marts", "channel_period_spend"],
    ],
    group_name="measurement",
    owners=["team:content"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def content_return(warehouse: Warehouse) -> dg.MaterializeResult:
    """Margin iROAS of each channel with its content paid for, over the measured days; what patterns' pieces cost."""
    from models.operations.returns import channel_returns, pattern_costs

    company = settings()
    rate = company.operations.hourly_rate
    with warehouse.read() as con:
        facts = run_record.current(con)
        measured = con.execute(MEASURED_DAYS, [facts.run_id]).fetchall()
        rows: list[ContentReturn] = []
        for first, last in measured:
            made = _made(con, first, last, float(rate) if rate else None)
            margin = float(company.margin) if company.margin is not None else None
            estimates = con.sql(IROAS, params=[facts.run_id]).pl()
            rows += channel_returns(made, estimates, media_spend(con, first, last), margin)
            rows += pattern_costs(made, con.sql(LEARNED, params=[facts.run_id]).pl())
    table = pl.DataFrame([asdict(row) for row in rows], infer_schema_length=None) if rows else pl.DataFrame()
    with warehouse.write() as con:
        tables.replace(con, "measurement.content_return", facts.run_id, table)
    return dg.MaterializeResult(metadata={"dagster/row_count": table.height})


def _made(con: duckdb.DuckDBPyConnection, first: object, last: object, hourly_rate: float | None) -> pl.DataFrame:
    """Pieces briefed on the measured days, with the variant under which their features stand."""
    variants = con.sql("select content_id, variant_id as variant from marts.content order by content_id").pl()
    pieces = priced_pieces(con, hourly_rate).join(variants, on="content_id", how="left", maintain_order="left")
    return pieces.filter(pl.col("briefed_at").dt.date().is_between(pl.lit(first), pl.lit(last)))


assets = [content_return]
