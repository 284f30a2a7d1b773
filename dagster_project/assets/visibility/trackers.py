"""Rates of paid trackers beside our own, and where two tools disagree by more than sampling."""

from __future__ import annotations

import dagster as dg
import polars as pl

from dagster_project.assets.visibility.asset import replace_table
from dagster_project.warehouse.resource import Warehouse

RATE_COLUMNS = (
    "tracker varchar, week date, engine varchar, surface varchar, brand varchar, measure varchar, numerator double,"
    " denominator double, effective double, value double, low double, high double, tier varchar"
)
PAIR_COLUMNS = (
    "week date, engine varchar, brand varchar, measure varchar, tracker varchar, surface varchar, other varchar,"
    " other_surface varchar, value double, other_value double, difference double, p double, q double, verdict varchar,"
    " why varchar"
)
# Our own rates of the weeks that trackers report, with the answers that the category range stands on.
_OURS = (
    "select 'plumbline' as tracker, week, engine, surface, brand, metric as measure, value * n as numerator,"
    " cast(n as double) as denominator, n / greatest(coalesce(deff, 1), 1) as effective, value, low, high, tier"
    " from marts.ai_visibility_week where metric in ('mention_rate', 'citation_rate', 'share_of_voice')"
    " and engine <> 'all' and value is not null and week in (select cast(date_trunc('week', day) as date) from"
    " staging.stg_ai_panel__tracker) order by all"
)


@dg.asset(
    key=["marts", "ai_tracker_rate"],
    deps=[["staging", "stg_ai_panel__tracker"], ["marts", "ai_visibility_week"]],
    group_name="measurement",
    owners=["team:analytics"],
    kinds={"python", "duckdb"},
    pool="duckdb",
)
def ai_tracker_rate(warehouse: Warehouse) -> dg.MaterializeResult:
    """Trackers' rates per week with a range where counts are told, and each pair of tools that disagrees beyond it."""
    from models.visibility import disagreements, tracker_rates

    with warehouse.read() as con:
        rows = con.sql("from staging.stg_ai_panel__tracker order by all").pl()
        ours = con.sql(_OURS).pl()
    rates = tracker_rates(rows)
    pairs = disagreements(pl.concat([rates, ours.select(rates.columns).cast(dict(rates.schema))]))
    with warehouse.write() as con:
        replace_table(con, "marts.ai_tracker_rate", RATE_COLUMNS, rates)
        replace_table(con, "marts.ai_tracker_disagreement", PAIR_COLUMNS, pairs)
    beyond = pairs.filter(pl.col("verdict") == "beyond_sampling").height
    return dg.MaterializeResult(metadata={"dagster/row_count": rates.height, "pairs beyond sampling": beyond})


assets = [ai_tracker_rate]
