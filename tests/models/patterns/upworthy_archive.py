"""The shipped half of the Upworthy archive as `tests` and `features` frames, with the exclusions its page demands."""

from __future__ import annotations

import re
from datetime import date
from itertools import pairwise
from pathlib import Path

import polars as pl

from feedback.patterns.vocabulary import extract_headlines


def load(path: Path) -> tuple[pl.DataFrame, pl.DataFrame]:
    """One brief per test and image, one variant per headline, weeks without the broken cache of 2013."""
    arms = _arms(path)
    tests = arms.select("brief", "variant", "channel", "week", "trials", "successes", "planned_share")
    return tests, extract_headlines(arms.select("variant", "headline"))


def headlines(path: Path) -> pl.DataFrame:
    """variant, headline: the text behind each variant of `load`."""
    return _arms(path).select("variant", "headline")


def token_features(path: Path, at_least: int = 25) -> pl.DataFrame:
    """variant, feature: each word and pair of words that stands in so many arms of cells with two headlines."""
    arms = _arms(path).with_columns(arms=pl.len().over("brief"))
    rows = []
    for variant, headline, in_cell in arms.select("variant", "headline", "arms").iter_rows():
        words = re.findall(r"[a-z']+", headline.lower().replace("’", "'"))
        rows += [(variant, token, in_cell) for token in {*words, *map(" ".join, pairwise(words))}]
    tokens = pl.DataFrame(rows, schema=["variant", "token", "arms"], orient="row")
    common = tokens.filter(pl.col("arms") >= 2).group_by("token").len().filter(pl.col("len") >= at_least)
    number = pl.col("token").rank("dense").cast(pl.String)
    kept = tokens.join(common, on="token", how="semi")
    return kept.select("variant", feature="token.t" + number).sort("variant", "feature")


def _arms(path: Path) -> pl.DataFrame:
    raw = pl.read_parquet(path).filter(~pl.col("test_week").is_between(201325, 201401), pl.col("impressions") >= 200)
    brief = pl.col("clickability_test_id") + "/" + pl.col("eyecatcher_id").fill_null("none")
    arms = raw.group_by(brief.alias("brief"), "headline", maintain_order=True).agg(
        pl.col("impressions").sum().alias("trials"),
        pl.col("clicks").sum().alias("successes"),
        pl.len().alias("planned_share"),
        pl.col("test_week").min(),
    )
    return arms.with_row_index("row").with_columns(
        variant=pl.format("v{}", "row"),
        channel=pl.lit("site"),
        # Some tests straddle a week; one brief is one comparison, so it carries its first week.
        week=pl.col("test_week").min().over("brief").map_elements(_monday, return_dtype=pl.Date),
    )


def _monday(yyyyww: int) -> date:
    return date.fromisocalendar(yyyyww // 100, max(yyyyww % 100, 1), 1)
