"""A finished plan as tables that people paste into a spreadsheet or a media order: CSV files beside the page."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from feedback.storage.atomic_files import replacing

if TYPE_CHECKING:
    from models.planning import Plan


def schedule_table(plan: Plan, dates: Sequence[date]) -> pl.DataFrame | None:
    """Money with one row per period (its first day), per region, or per both, and one column per channel beside their
    sum; None for a plan by channel only.
    """
    keys = [key for key in ("geo", "period") if plan.schedule[key].is_not_null().any()]
    if not keys:
        return None
    channels = plan.allocation["channel"].to_list()
    wide = plan.schedule.pivot(on="channel", index=keys, values="money").sort(keys)
    if "period" in keys:
        wide = wide.with_columns(pl.col("period").map_elements(lambda t: dates[t - 1], return_dtype=pl.Date))
        wide = wide.rename({"period": "from"})
    return wide.with_columns(pl.sum_horizontal(channels).alias("all channels"))


def write_tables(
    folder: Path, plan: Plan, curves: pl.DataFrame, points: pl.DataFrame | None, dates: Sequence[date]
) -> dict[str, Path]:
    """`plan.csv`, `curves.csv`, and where there are any `schedule.csv` and `frontier.csv`; returns their paths.

    A file is complete before it gets its name.
    """
    tables = {"plan": plan.allocation, "schedule": schedule_table(plan, dates), "curves": curves, "frontier": points}
    written = {}
    for name, table in tables.items():
        if table is None:
            continue
        path = folder / f"{name}.csv"
        with replacing(path) as part:
            table.with_columns(pl.selectors.float().round(4)).write_csv(part)
        written[f"{name}_csv"] = path
    return written
