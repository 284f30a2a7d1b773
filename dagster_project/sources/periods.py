"""Rows that cover a day, a week or a month: the grain as plumbline.yaml declares it, and evidence against it."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from dagster_project.sources.contract import Context, Shape, Source

PERIOD_NAMES = ("week", "week start", "week_start", "month", "period", "wk_start_date")


def with_grain(good: pl.DataFrame, ctx: Context) -> pl.DataFrame:
    """The rows with their declared grain; a notice where the days look like weeks."""
    days = good["day"].drop_nulls().unique().sort()
    gaps = days.diff().drop_nulls().dt.total_days()
    if ctx.options.grain == "day" and len(gaps) >= 3 and bool((gaps == 7).all()):
        ctx.notices.append(
            f"all days are seven days apart: if a row covers a week, set sources.{ctx.source}.grain to week in"
            f" plumbline.yaml"
        )
    return good.with_columns(grain=pl.lit(ctx.options.grain))


def accepting_periods(source: Source) -> Source:
    """The source as it reads files of weeks or months: their date column may go by the period's name."""
    return replace(source, shapes=tuple(_accepting(s) for s in source.shapes), refusals=())


def _accepting(shape: Shape) -> Shape:
    fields = tuple(replace(f, names=(*f.names, *PERIOD_NAMES)) if f.column == "day" else f for f in shape.fields)
    return replace(shape, fields=fields)
