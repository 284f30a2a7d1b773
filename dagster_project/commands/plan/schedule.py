"""A finished plan as tables that people paste into a spreadsheet or a media order: CSV files beside the page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from models.planning import Plan


def schedule_table(plan: Plan, dates: Sequence[date]) -> pl.DataFrame | None:
    """Money with one row a period (its first day), a region, or both, one column a channel, and their sum; None for a
    plan by channel only.
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
        part = path.with_name(f".{path.name}.part")
        table.with_columns(pl.selectors.float().round(4)).write_csv(part)
        os.replace(part, path)
        written[f"{name}_csv"] = path
    return written
