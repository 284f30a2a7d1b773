"""The shipped half of the Upworthy archive as `tests` and `features` frames, with the exclusions its page demands."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import polars as pl

from feedback.patterns.vocabulary import extract_headlines


def load(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One brief per test and image, one variant per headline, weeks without the broken cache of 2013."""
    raw = pl.read_parquet(path).filter(~pl.col("test_week").is_between(201325, 201401), pl.col("impressions") >= 200)
    brief = pl.col("clickability_test_id") + "/" + pl.col("eyecatcher_id").fill_null("none")
    arms = raw.group_by(brief.alias("brief"), "headline", maintain_order=True).agg(
        pl.col("impressions").sum().alias("trials"),
        pl.col("clicks").sum().alias("successes"),
        pl.len().alias("planned_share"),
        pl.col("test_week").min(),
    )
    arms = arms.with_row_index("row").with_columns(
        variant=pl.format("v{}", "row"),
        channel=pl.lit("site"),
        # Some tests straddle a week; one brief is one comparison, so it carries its first week.
        week=pl.col("test_week").min().over("brief").map_elements(_monday, return_dtype=pl.Date),
    )
    tests = arms.select("brief", "variant", "channel", "week", "trials", "successes", "planned_share")
    return tests, extract_headlines(arms.select("variant", "headline"))


def _monday(yyyyww: int) -> date:
    return date.fromisocalendar(yyyyww // 100, max(yyyyww % 100, 1), 1)
