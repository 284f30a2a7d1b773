"""TikTok Ads Manager's report by day, as a person downloads it."""

from __future__ import annotations

import polars as pl

from dagster_project.demo.ad_platforms import totals
from dagster_project.demo.deliveries import line


def tiktok_ads(rows: pl.DataFrame, currency: str) -> bytes:
    """Ads Manager's custom report by day: plain numbers, one Total row."""
    header = (
        "Campaign name",
        "Campaign ID",
        "By Day",
        "Currency",
        "Cost",
        "Impressions",
        "Clicks (destination)",
        "Complete payment",
        "Total complete payment value",
    )
    counted = rows.with_columns(pl.col("conversions").floor().cast(pl.Int64).alias("whole"))
    columns = ("spend", "impressions", "clicks", "whole", "value")
    out = [line(header)]
    for campaign, campaign_id, day, spend, impressions, clicks, whole, value in counted.select(
        "campaign", "campaign_id", "day", *columns
    ).iter_rows():
        figures = (f"{spend:.2f}", str(impressions), str(clicks), str(whole), f"{value:.2f}")
        out.append(line((campaign, campaign_id, day.isoformat(), currency, *figures)))
    spend, impressions, clicks, whole, value = totals(counted, columns)
    figures = (f"{spend:.2f}", f"{impressions:.0f}", f"{clicks:.0f}", f"{whole:.0f}", f"{value:.2f}")
    out.append(line((f"Total of {rows.height} results", "", "", currency, *figures)))
    return ("\n".join(out) + "\n").encode("utf-8")
