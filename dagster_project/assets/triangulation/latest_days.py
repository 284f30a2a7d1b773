"""The number of today: each channel's iROAS over its newest seven days of spend, from the last fit and newer claims."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import TYPE_CHECKING

import duckdb
import polars as pl

from dagster_project.assets.triangulation.claims import claim_rows
from dagster_project.warehouse.media_spend import days_with_media_spend, media_spend
from models.periods import TODAY
from models.warning import Warning

if TYPE_CHECKING:
    from models.triangulation import Triangulation

WEEK = timedelta(days=7)


def latest_estimates(
    con: duckdb.DuckDBPyConnection,
    run_id: str,
    combined: Triangulation,
    window_end: date,
    as_of_day: date,
    class_of: Mapping[str, str],
    seed: int,
) -> tuple[pl.DataFrame, list[Warning]]:
    """Rows of `measurement.channel_estimate` with period `today`, and why a channel or all of them have none.

    Only channels that `models.triangulation.today` updates have a row: for the others the number of the window stands.
    The fit's age is the time from the end of its window to the newest day of spend; a number older than that day's
    fourteenth follower is refused, and so are newest days of spend that lie as far before as-of.
    """
    from models.triangulation import evidence_frame, today
    from models.triangulation.daily import OLDEST_FIT_DAYS

    newest = days_with_media_spend(con)
    if newest is None:
        return pl.DataFrame(), []
    last = min(newest[1], as_of_day)
    for age, what in (((as_of_day - last).days, "newest spend"), ((last - window_end).days, "model")):
        if age > OLDEST_FIT_DAYS:
            return pl.DataFrame(), [_refused(what, age)]
    first = last - WEEK + timedelta(days=1)
    spend = {name: money for name, money in media_spend(con, first, last).items() if name in class_of}
    claims = evidence_frame(claim_rows(con, run_id, spend, first, last, class_of), class_of)
    latest = today(combined, claims, seed=seed, fit_age_days=max((last - window_end).days, 0))
    grade = dict(combined.estimates.select("channel", "evidence_grade").iter_rows())
    rows = latest.estimates.filter(pl.col("updated") & pl.col("channel").is_in(list(spend))).select(
        "channel",
        pl.lit("triangulated").alias("method"),
        pl.lit("iroas").alias("estimand"),
        pl.lit(TODAY).alias("period"),
        "mean",
        "sd",
        "q05",
        "q50",
        "q95",
        pl.col("channel").replace_strict(grade, return_dtype=pl.String).alias("evidence_grade"),
        pl.lit(True).alias("measured"),
    )
    return rows, list(latest.warnings)


def _refused(what: str, age: int) -> Warning:
    return Warning(
        "no_number_of_today",
        "low",
        "all",
        f"There is no number of today, because the {what} is {age} days old.",
        "Deliver the missing days and run again; until then the number of the window stands.",
    )
