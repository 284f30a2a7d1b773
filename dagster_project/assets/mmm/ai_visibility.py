"""AI visibility as the media mix model can take it: one share a week with its error, or why there is none."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import polars as pl

from dagster_project.warehouse.connection import first
from dagster_project.workspace.settings import Company
from models.normal_quantile import half_width

CHANNEL = "ai_visibility"
ERROR = f"{CHANNEL}_se"
METRICS = ("citation_rate", "mention_rate")  # being cited is nearer to a visit than being named
LEAST_WEEKS, LEAST_SHARE = 26, 0.5
REGULAR = 0.8  # of the weeks in which an engine must have answered to be counted
RANGE_IN_SD = 2 * half_width(0.90)  # width of a 90 % range in standard deviations


@dataclass(frozen=True)
class Visibility:
    """frame: date (Monday), `CHANNEL` (share of answers, 0 to 1) and `ERROR`; weeks not measured are not in it."""

    frame: pl.DataFrame
    metric: str
    engines: tuple[str, ...]


def own_brand(named: list[str], company: Company) -> str:
    """Our name as the answers' reader writes it: the company's or the brand's, whatever the case."""
    ours = (company.name.casefold(), company.brand.casefold())
    return next((n for n in named if n.casefold() in ours), company.name)


def weekly_share(con: duckdb.DuckDBPyConnection, company: Company) -> Visibility | None:
    """Our share of AI answers by week: the plain mean over the engines that answer regularly, with its standard error.

    One surface only, the one with the most weeks: an API and a chat site answer differently and are never averaged.
    A week in which one of these engines is missing counts as not measured, so that a change of the mix is never read
    as a change of visibility. None where the panel has no such series.
    """
    here = "table_schema = 'marts' and table_name = 'ai_visibility_week'"
    known = first(con, f"select count(*) from information_schema.tables where {here}")
    if known is None or not known[0]:
        return None
    rows = con.sql(
        "select week as date, engine, surface, brand, metric, cast(value as double) as value,"
        " cast(high - low as double) as width from marts.ai_visibility_week"
        " where metric in ('citation_rate', 'mention_rate') and engine <> 'all' and value is not null"
        " order by week, engine, surface, brand, metric"
    ).pl()
    ours = rows.filter(pl.col("brand") == own_brand(sorted(rows["brand"].unique()), company))
    by_surface = (
        ours.group_by("surface").agg(pl.col("date").n_unique()).sort("date", "surface", descending=[True, False])
    )
    ours = ours.filter(pl.col("surface") == by_surface["surface"][0]) if by_surface.height else ours
    for metric in METRICS:
        mine = (
            ours.filter(pl.col("metric") == metric)
            .group_by("date", "engine", maintain_order=True)
            .agg(_mean("value"), _mean("width"))
        )
        weeks = mine["date"].n_unique()
        counts = mine.group_by("engine").len().filter(pl.col("len") >= REGULAR * weeks)
        engines = tuple(sorted(counts["engine"]))
        if not engines:
            continue
        whole = (
            mine.filter(pl.col("engine").is_in(engines))
            .group_by("date", maintain_order=True)
            .agg(
                pl.len().alias("engines"),
                _mean("value").alias(CHANNEL),
                ((pl.col("width") / RANGE_IN_SD).pow(2).cum_sum().last().sqrt() / pl.len()).alias(ERROR),
            )
            .filter(pl.col("engines") == len(engines))
            .drop("engines")
            .sort("date")
        )
        return Visibility(whole, metric, engines)
    return None


def _mean(column: str) -> pl.Expr:
    """Mean of a group's rows, added in their order, so that the same rows give the same bits."""
    return pl.col(column).cum_sum().last() / pl.len()


def joined(
    frame: pl.DataFrame, found: Visibility | None, grain: str, anchor: int, by_geo: bool, notes: list[str]
) -> tuple[pl.DataFrame, bool]:
    """The panel with the share and its error beside each week (the same in every region), or as it was, and why.

    Weeks that were not measured stay empty: the model treats them as unknown, nothing is carried forward.
    """
    if found is None or found.frame.is_empty():
        return frame, False
    if grain != "week" or anchor != 0:
        notes.append(
            "AI visibility is measured by weeks that begin on Monday, the model does not run by these: it is left out"
        )
        return frame, False
    both = frame.join(found.frame, on="date", how="left").sort(["geo", "date"] if by_geo else ["date"])
    weeks = both.select("date", CHANNEL).unique()
    measured, total = weeks[CHANNEL].count(), weeks.height
    if measured < max(LEAST_WEEKS, LEAST_SHARE * total):
        notes.append(f"AI visibility is measured in {measured} of {total} weeks, too few for the model: it is left out")
        return frame, False
    if weeks[CHANNEL].max() - weeks[CHANNEL].min() < 1e-6:  # type: ignore[operator]  # polars types max for every dtype
        notes.append("AI visibility never moved, so nothing can be learned about it: it is left out")
        return frame, False
    if measured < total:
        notes.append(f"AI visibility was not measured in {total - measured} of {total} weeks: unknown there, not zero")
    notes.append(
        f"AI visibility enters the model as our {found.metric.replace('_', ' ')} over {', '.join(found.engines)},"
        " with its sampling error; it has no spend, hence no iROAS"
    )
    return both, True
