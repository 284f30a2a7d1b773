"""Public files turned into a workspace's exports; nothing of them is kept."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from tests.e2e.conftest import cli

__all__ = ["cli"]

HEAD = "company: {name: Public case, brand: public-case}\nreport_currency: EUR\nclock: 2026-10-12\n"


def robyn(source: Path, workspace: Path) -> pl.DataFrame:
    """Robyn's simulated weekly set as channel_spend and revenue by week; returns the frame it came from."""
    frame = pl.read_csv(source, null_values=["na"], infer_schema_length=None).with_columns(pl.col("DATE").str.to_date())
    channels = {c.removesuffix("_S"): c for c in frame.columns if c.endswith("_S")}
    spend = pl.concat(
        [
            frame.select(day="DATE", channel=pl.lit(name), spend=pl.col(column).round(2), currency=pl.lit("EUR"))
            for name, column in channels.items()
        ]
    )
    revenue = frame.select(
        day="DATE",
        value=pl.col("revenue").round(2),
        revenue=pl.col("revenue").round(2),
        currency=pl.lit("EUR"),
    )
    _write(workspace, spend, revenue)
    return frame


def geo_media(source: Path, workspace: Path) -> pl.DataFrame:
    """Twelve regions of Meridian's geo set as channel_spend and revenue by week; returns the frame it came from.

    All forty take the model longer and ask nothing else of the files.
    """
    frame = pl.read_csv(source, infer_schema_length=None).with_columns(pl.col("time").str.to_date())
    frame = frame.filter(pl.col("geo").is_in(frame["geo"].unique().sort().head(12).implode()))
    spend = pl.concat(
        [
            frame.select(
                day="time",
                channel=pl.lit(f"channel{i}"),
                geo="geo",
                spend=pl.col(f"Channel{i}_spend").round(2),
                currency=pl.lit("EUR"),
            )
            for i in range(4)
        ]
    )
    money = (pl.col("conversions") * pl.col("revenue_per_conversion")).round(2)
    revenue = frame.select(day="time", geo="geo", value=money, revenue=money, currency=pl.lit("EUR"))
    _write(workspace, spend, revenue)
    return frame


def _write(workspace: Path, spend: pl.DataFrame, revenue: pl.DataFrame) -> None:
    for name, frame in (("channel_spend", spend), ("revenue", revenue)):
        folder = workspace / "landing" / name
        folder.mkdir(parents=True)
        frame.write_csv(folder / f"{name}.csv", float_precision=2)
    (workspace / "plumbline.yaml").write_text(
        HEAD + "sources:\n  channel_spend: {grain: week}\n  revenue: {grain: week}\n"
    )
