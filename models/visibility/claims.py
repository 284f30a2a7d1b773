"""Which facts about the brand AI answers claim wrongly, and how often."""

from __future__ import annotations

import polars as pl

from models.visibility.intervals import wilson


def wrong_claims(claims: pl.DataFrame) -> pl.DataFrame:
    """One row per engine, surface, brand and fact that an answer claims wrongly, most wrong claims first.

    `claims` has a row per claim: answer_id, day, engine, surface, brand, fact_id, severity, verdict (`supported`,
    `contradicted`, `outdated`) and the figure `given`. Estimand: the share of checkable claims about the fact that are
    wrong or outdated, with its 90 % Wilson interval `low` to `high`; claims of one answer count as independent.
    """
    table = (
        claims.group_by("engine", "surface", "brand", "fact_id", maintain_order=True)
        .agg(
            pl.col("severity").last(),
            checkable=pl.len(),
            wrong=(pl.col("verdict") == "contradicted").sum().cast(pl.Int64),
            outdated=(pl.col("verdict") == "outdated").sum().cast(pl.Int64),
            values_given=pl.col("given").filter(pl.col("verdict") != "supported").drop_nulls().unique().sort(),
            last_day=pl.col("day").filter(pl.col("verdict") != "supported").max(),
            evidence=pl.col("answer_id").filter(pl.col("verdict") != "supported").head(5),
        )
        .filter(pl.col("wrong") + pl.col("outdated") > 0)
    )
    ranges = [
        (share := (wrong + outdated) / n, *wilson(share, n, 0.90))
        for wrong, outdated, n in table.select("wrong", "outdated", "checkable").iter_rows()
    ]
    bounds = pl.DataFrame(ranges, schema={"share": pl.Float64, "low": pl.Float64, "high": pl.Float64}, orient="row")
    return table.hstack(bounds).sort("wrong", "outdated", "engine", "fact_id", descending=[True, True, False, False])
