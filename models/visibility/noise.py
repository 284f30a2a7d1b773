"""The noise of each engine over the last weeks, pooled over the brands of the panel: what a rate's range stands on."""

from __future__ import annotations

from typing import Any

import polars as pl

from models.visibility.consistency import stability, variance_shares
from models.visibility.panel import Panel, checked, newest_weeks

WINDOW_WEEKS, STABILITY_WEEKS = 13, 4
# Before a month of own answers to twenty questions the assumed correlation stands.
LEAST_WEEKS, LEAST_PROMPTS = 4, 20
RARE = 0.05
_PARTS = ("s2_prompt", "s2_day", "s2_run")


def engine_noise(answers: pl.DataFrame, panel: Panel) -> pl.DataFrame:
    """Variance components of "names the brand" and agreement of repeats, one row per engine and surface.

    Frames as in `metrics`; the last 13 weeks count, brand prompts do not. Components are means over the brands that
    between 5 and 95 % of the answers name; `icc` = question / sum, `noise_share` = re-run / sum. `usable`: at least
    four weeks and twenty questions stand behind it, so that it may replace the assumed correlation. brands_same_day,
    domains_same_day: mean Jaccard of repeats on a day over the last four weeks; *_drift what days add (see
    `stability`). Null where it cannot be computed.
    """
    rows = checked(answers, panel).filter(~pl.col("branded"))
    if rows.is_empty():
        return pl.DataFrame(schema=_SCHEMA)
    window = newest_weeks(rows, WINDOW_WEEKS)
    key = ["engine", "surface"]
    extent = window.group_by(key).agg(
        from_week=pl.col("week").min(), week=pl.col("week").max(), weeks=pl.col("week").n_unique(), answers=pl.len()
    )
    per_brand = []
    for brand in panel.of_kind("own", "competitor"):
        rate = window.group_by(key).agg(rate=pl.col("brands").list.contains(brand).fill_null(False).mean())
        moments = variance_shares(window, brand).join(rate, on=key)
        per_brand.append(moments.filter(pl.col("rate").is_between(RARE, 1 - RARE)))
    total = pl.sum_horizontal(_PARTS)
    pooled = (
        pl.concat(per_brand)
        .group_by(key)
        .agg(*(pl.col(part).mean() for part in _PARTS), pl.col("prompts").max())
        .with_columns(
            noise_share=pl.when(total > 0).then(pl.col("s2_run") / total),
            icc=pl.when(total > 0).then(pl.col("s2_prompt") / total),
        )
    )
    recent = stability(newest_weeks(window, STABILITY_WEEKS))
    agreement = extent.select(key)
    for of, name in (("brands named", "brands"), ("domains cited", "domains")):
        part = recent.filter(pl.col("of") == of)
        columns = {f"{name}_same_day": pl.col("same_day"), f"{name}_drift": pl.col("drift")}
        agreement = agreement.join(part.select(*key, **columns), on=key, how="left")
    enough = (pl.col("weeks") >= LEAST_WEEKS) & (pl.col("prompts") >= LEAST_PROMPTS) & pl.col("icc").is_not_null()
    return (
        extent.join(pooled, on=key, how="left")
        .join(agreement, on=key, how="left")
        .with_columns(usable=enough.fill_null(False))
        .select(list(_SCHEMA))
        .sort(key)
    )


_SCHEMA: dict[str, Any] = {
    "engine": pl.String,
    "surface": pl.String,
    "from_week": pl.Date,
    "week": pl.Date,
    **dict.fromkeys((*_PARTS, "noise_share", "icc"), pl.Float64),
    "prompts": pl.Int64,
    "answers": pl.Int64,
    "usable": pl.Boolean,
    **dict.fromkeys(("brands_same_day", "brands_drift", "domains_same_day", "domains_drift"), pl.Float64),
}
