"""Spend by channel, the file a company keeps itself: long (one row per channel) or wide (one column per channel).

A weekly or monthly file stays so; nothing is spread over days.
"""

# ruff: noqa: E501 - one field per line: headers read as a table

from __future__ import annotations

import polars as pl

from dagster_project.sources.contract import Broken, Context, Entity, Field, Refusal, Shape, Source
from dagster_project.sources.periods import with_grain
from dagster_project.workspace.settings import SourceOptions

COST_TYPES = ("media", "agency", "production", "tool", "event")
TABLE = Entity(
    "channel_spend",
    (
        ("day", "day"),
        ("grain", "text"),
        ("channel", "text"),
        ("campaign", "text"),
        ("geo", "text"),
        ("spend", "money"),
        ("currency", "currency"),
        ("impressions", "count"),
        ("clicks", "count"),
        ("platform_conversions", "money"),
        ("platform_revenue", "money"),
        ("cost_type", "text"),
        ("vendor", "text"),
        ("note", "text"),
    ),
)
_KEY = ("day", "channel", "campaign", "geo", "cost_type")


def _finish(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
    for row, spend in good.filter(pl.col("spend") < 0).select("_row", "spend").head(5).iter_rows():
        ctx.notices.append(f"landing/{ctx.file}, row {row}, column spend: {spend:f} is negative; kept as a credit")
    return {"channel_spend": with_grain(good, ctx)}, []


LONG = Shape(
    "long",
    "channel_spend",
    fields=(
        Field("day", "day", ("day", "date"), required=True, filled=True),
        Field("channel", "text", ("channel",), required=True, filled=True),
        Field("campaign", "text", ("campaign", "campaign name")),
        Field("geo", "text", ("geo", "region", "market")),
        Field("spend", "money", ("spend", "cost"), required=True, filled=True, summed=True),
        Field("currency", "currency", ("currency", "currency code")),
        Field("impressions", "count", ("impressions",), summed=True, least=0),
        Field("clicks", "count", ("clicks",), summed=True, least=0),
        Field("platform_conversions", "money", ("platform_conversions", "conversions"), summed=True),
        Field("platform_revenue", "money", ("platform_revenue", "conversion value"), summed=True),
        Field("cost_type", "choice", ("cost_type",), one_of=COST_TYPES, default="media"),
        Field("vendor", "text", ("vendor",)),
        Field("note", "text", ("note",)),
    ),
    key=_KEY,
    currency_from="report",
    finish=_finish,
)


def wide(options: SourceOptions) -> Shape:
    """The shape of a file with one column per channel, as `wide:` in plumbline.yaml lists them."""
    fields = [Field("day", "day", ("day", "date"), required=True, filled=True)]
    for channel, places in options.wide.items():
        fields.append(Field(f"{channel}.spend", "money", (places.spend,), required=True, summed=True))
        fields += [
            Field(f"{channel}.{metric}", "count", (header,), required=True, summed=True, least=0)
            for metric, header in (("impressions", places.impressions), ("clicks", places.clicks))
            if header
        ]
    extra = (Field("geo", "text", ("geo", "region", "market")), Field("currency", "currency", ("currency",)))

    def finish(good: pl.DataFrame, ctx: Context) -> tuple[dict[str, pl.DataFrame], list[Broken]]:
        if "geo" not in good.columns:
            good = good.with_columns(geo=pl.lit(None, dtype=pl.String))
        shared_columns = [c for c in ("_row", "day", "geo", "currency", "_extra") if c in good.columns]
        parts = []
        for channel in options.wide:
            metrics = [
                pl.col(f"{channel}.{m}").alias(m)
                if f"{channel}.{m}" in good.columns
                else pl.lit(None, dtype=pl.Int64).alias(m)
                for m in ("spend", "impressions", "clicks")
            ]
            parts.append(
                good.select(
                    *shared_columns, pl.lit(channel).alias("channel"), pl.lit("media").alias("cost_type"), *metrics
                )
            )
        rows = pl.concat(parts)
        empty = rows.filter(pl.col("spend").is_null())
        if empty.height:
            ctx.notices.append(f"{empty.height} empty spend cells were taken as no spend (0)")
        return _finish(rows.with_columns(pl.col("spend").fill_null(0)), ctx)

    return Shape(
        "wide",
        "channel_spend",
        fields=(*fields, *extra),
        key=_KEY,
        currency_from="report",
        finish=finish,
        without=("channel",),
    )


def week_without_grain(source: str) -> Refusal:
    return Refusal(
        ("week", "week start", "month", "isoweek", "period"),
        "multi_day",
        f"each row covers more than a day; set sources.{source}.grain to week or month in plumbline.yaml, or deliver one row per day",
        unless=("day", "date"),
    )


SOURCE = Source("channel_spend", (TABLE,), (LONG,), refusals=(week_without_grain("channel_spend"),))
