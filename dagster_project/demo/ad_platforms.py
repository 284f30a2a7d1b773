"""Interface exports of Google Ads, Meta Ads Manager and LinkedIn Campaign Manager, as a person downloads them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import polars as pl

from dagster_project.demo.deliveries import Delivery, line

CAMPAIGN_TYPES = {"Video |": "Video", "Shopping |": "Shopping", "Performance Max": "Performance Max"}


def english(value: float, decimals: int = 2) -> str:
    """1,204.50"""
    return f"{value:,.{decimals}f}"


def continental(value: float, decimals: int = 2) -> str:
    """1.204,50"""
    return f"{value:,.{decimals}f}".translate(str.maketrans(",.", ".,"))


def american(day: date) -> str:
    """9/1/2026"""
    return f"{day.month}/{day.day}/{day.year}"


def totals(rows: pl.DataFrame, columns: Iterable[str]) -> list[float]:
    """Column sums of exactly what the file shows, free of float residue."""
    return [round(float(rows[column].cast(pl.Float64).sum()), 2) for column in columns]


def campaign_type(campaign: str) -> str:
    """Google's type of a campaign, told by its name."""
    return next((kind for word, kind in CAMPAIGN_TYPES.items() if word in campaign), "Search")


def google_ads(rows: pl.DataFrame, delivery: Delivery, currency: str) -> bytes:
    """ "Excel .csv": UTF-16LE with BOM, tabs, CRLF, two lines of preamble and two totals rows."""
    span = f'"{_long(delivery.first)} - {_long(delivery.last)}"'
    header = (
        "Day",
        "Campaign",
        "Campaign ID",
        "Campaign type",
        "Currency code",
        "Cost",
        "Impr.",
        "Clicks",
        "Conversions",
        "Conv. value",
        "Search impr. share",
    )
    out = ["Campaign report", span, line(header, "\t")]
    shown = rows.select("day", "campaign", "campaign_id", "spend", "impressions", "clicks", "conversions", "value")
    for day, campaign, campaign_id, spend, impressions, clicks, conversions, value in shown.iter_rows():
        kind = campaign_type(campaign)
        share = "--" if kind != "Search" else "< 10%" if "Generic" in campaign else "> 90%"
        out.append(
            line(
                (
                    day.isoformat(),
                    campaign,
                    campaign_id,
                    kind,
                    currency,
                    english(spend),
                    english(impressions, 0),
                    english(clicks, 0) if clicks else "--",
                    english(conversions),
                    english(value),
                    share,
                ),
                "\t",
            )
        )
    spend, impressions, clicks, conversions, value = totals(
        rows, ("spend", "impressions", "clicks", "conversions", "value")
    )
    figures = (
        currency,
        english(spend),
        english(impressions, 0),
        english(clicks, 0),
        english(conversions),
        english(value),
        "--",
    )
    out += [line((name, "", "", "", *figures), "\t") for name in ("Total: Campaigns", "Total: Account")]
    return ("\ufeff" + "\r\n".join(out) + "\r\n").encode("utf-16-le")


def meta_ads(rows: pl.DataFrame, delivery: Delivery, currency: str, *, with_totals: bool) -> bytes:
    """UTF-8 with BOM and commas; the currency is in the header, the totals row has no day."""
    header = (
        "Reporting starts",
        "Reporting ends",
        "Day",
        "Campaign name",
        "Campaign ID",
        "Campaign delivery",
        f"Amount spent ({currency})",
        "Impressions",
        "Link clicks",
        "Purchases",
        "Purchases conversion value",
        "Attribution setting",
    )
    out = [line(header)]
    for day, campaign, campaign_id, spend, impressions, clicks, purchases, value in _meta_rows(rows).iter_rows():
        text = day.isoformat()
        out.append(
            line(
                (
                    text,
                    text,
                    text,
                    campaign,
                    campaign_id,
                    "active",
                    f"{spend:.2f}",
                    str(impressions),
                    str(clicks),
                    str(purchases) if purchases else "",
                    f"{value:.2f}" if purchases else "",
                    "7-day click or 1-day view",
                )
            )
        )
    if with_totals:
        shown = _meta_rows(rows).with_columns(
            pl.when(pl.col("purchases") > 0).then("value").otherwise(0.0).alias("value")
        )
        spend, impressions, clicks, purchases, value = totals(
            shown, ("spend", "impressions", "clicks", "purchases", "value")
        )
        out.append(
            line(
                (
                    delivery.first.isoformat(),
                    delivery.last.isoformat(),
                    "",
                    "Total results",
                    "",
                    "",
                    f"{spend:.2f}",
                    f"{impressions:.0f}",
                    f"{clicks:.0f}",
                    f"{purchases:.0f}",
                    f"{value:.2f}",
                    "",
                )
            )
        )
    return ("\ufeff" + "\n".join(out) + "\n").encode("utf-8")


def meta_ads_spanish(rows: pl.DataFrame, delivery: Delivery, currency: str) -> bytes:
    """The same export from a Spanish interface: other headers, semicolons, decimal commas."""
    header = (
        "Inicio del informe",
        "Fin del informe",
        "Día",
        "Nombre de la campaña",
        "Identificador de la campaña",
        f"Importe gastado ({currency})",
        "Impresiones",
        "Clics en el enlace",
        "Compras",
        "Valor de conversión de compras",
    )
    out = [";".join(header)]
    for day, campaign, campaign_id, spend, impressions, clicks, purchases, value in _meta_rows(rows).iter_rows():
        text = day.isoformat()
        out.append(
            ";".join(
                (
                    text,
                    text,
                    text,
                    campaign,
                    campaign_id,
                    continental(spend),
                    continental(impressions, 0),
                    continental(clicks, 0),
                    continental(purchases, 0) if purchases else "",
                    continental(value) if purchases else "",
                )
            )
        )
    shown = _meta_rows(rows).with_columns(pl.when(pl.col("purchases") > 0).then("value").otherwise(0.0).alias("value"))
    spend, impressions, clicks, purchases, value = totals(
        shown, ("spend", "impressions", "clicks", "purchases", "value")
    )
    out.append(
        ";".join(
            (
                delivery.first.isoformat(),
                delivery.last.isoformat(),
                "",
                "Resultados totales",
                "",
                continental(spend),
                continental(impressions, 0),
                continental(clicks, 0),
                continental(purchases, 0),
                continental(value),
            )
        )
    )
    return ("\ufeff" + "\n".join(out) + "\n").encode("utf-8")


def _meta_rows(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.select(
        "day",
        "campaign",
        "campaign_id",
        "spend",
        "impressions",
        "clicks",
        pl.col("conversions").round(0).cast(pl.Int64).alias("purchases"),
        "value",
    )


def linkedin_ads(rows: pl.DataFrame, delivery: Delivery, account: str, currency: str) -> bytes:
    """Preamble with the UTC note, month-first dates, one Total row; a campaign group is a campaign elsewhere."""
    header = (
        "Start Date (in UTC)",
        "Account Name",
        "Campaign Group Name",
        "Campaign Name",
        "Campaign ID",
        "Currency",
        "Total Spent",
        "Impressions",
        "Clicks",
        "Clicks to Landing Page",
        "Conversions",
        "Total Conversion Value",
    )
    period = f'"Report Start: {american(delivery.first)}, Report End: {american(delivery.last)}"'
    out = ["Campaign Performance Report (in UTC)", period, "", line(header)]
    counted = rows.with_columns(
        pl.col("conversions").floor().cast(pl.Int64).alias("whole"), (pl.col("clicks") * 9 // 10).alias("landed")
    )
    for day, campaign, campaign_id, spend, impressions, clicks, landed, whole, value in counted.select(
        "day", "campaign", "campaign_id", "spend", "impressions", "clicks", "landed", "whole", "value"
    ).iter_rows():
        out.append(
            line(
                (
                    american(day),
                    account,
                    campaign,
                    "Job titles, all",
                    campaign_id,
                    currency,
                    english(spend),
                    english(impressions, 0),
                    english(clicks, 0),
                    english(landed, 0),
                    english(whole, 0),
                    english(value),
                )
            )
        )
    spend, impressions, clicks, landed, whole, value = totals(
        counted, ("spend", "impressions", "clicks", "landed", "whole", "value")
    )
    out.append(
        line(
            (
                "Total",
                "",
                "",
                "",
                "",
                "",
                english(spend),
                english(impressions, 0),
                english(clicks, 0),
                english(landed, 0),
                english(whole, 0),
                english(value),
            )
        )
    )
    return ("\n".join(out) + "\n").encode("utf-8")


def _long(day: date) -> str:
    return f"{day.strftime('%B')} {day.day}, {day.year}"
