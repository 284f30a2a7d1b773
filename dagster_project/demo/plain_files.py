"""Files in Plumbline's own generic columns: channel spend, revenue, context, experiments, ledger."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from datetime import datetime

import polars as pl

from dagster_project.demo.deliveries import line
from models.worlds.roster import Channel, Roster


def table(header: Sequence[str], rows: Iterable[Sequence[object]], delimiter: str = ",") -> bytes:
    """A UTF-8 file with one header line; None is an empty cell."""
    lines = [line(header, delimiter)]
    lines += [line(["" if cell is None else str(cell) for cell in row], delimiter) for row in rows]
    return ("\n".join(lines) + "\n").encode("utf-8")


def channel_spend(rows: pl.DataFrame, channel: Channel, roster: Roster) -> bytes:
    """Spend of one channel from an agency or an own spreadsheet; the display agency writes its own region names."""
    label = {region.name: region.label for region in roster.regions}
    header = (
        "day",
        "channel",
        "campaign",
        "geo",
        "spend",
        "currency",
        "impressions",
        "clicks",
        "platform_conversions",
        "platform_revenue",
        "cost_type",
        "vendor",
    )
    shown = rows.select("day", "campaign", "geo", "spend", "impressions", "clicks", "conversions", "value")
    return table(
        header,
        (
            (
                day,
                channel.name,
                campaign,
                label[geo] if channel.name == "display" else geo,
                f"{spend:.2f}",
                roster.currency,
                impressions,
                clicks,
                f"{conversions:.2f}",
                f"{value:.2f}",
                "media",
                channel.vendor,
            )
            for day, campaign, geo, spend, impressions, clicks, conversions, value in shown.iter_rows()
        ),
    )


def channel_spend_workbook(rows: pl.DataFrame, channel: Channel, currency: str, written: datetime) -> bytes:
    """The same list as an Excel workbook: a cover sheet first, typed dates and numbers in the second.

    `written` is recorded in the document's properties, so that the same rows give the same bytes.
    """
    import xlsxwriter

    buffer = io.BytesIO()
    book = xlsxwriter.Workbook(buffer, {"in_memory": True})
    book.set_properties({"title": f"Costs: {channel.name}", "created": written})
    book.add_worksheet("Notes").write(
        0, 0, f"Costs of {channel.name}, kept by {channel.vendor}; one row a day and region"
    )
    sheet = book.add_worksheet("Costs")
    day_format = book.add_format({"num_format": "yyyy-mm-dd"})
    for column, name in enumerate(("day", "channel", "campaign", "geo", "spend", "currency", "vendor")):
        sheet.write(0, column, name)
    for number, (day, campaign, geo, spend) in enumerate(rows.select("day", "campaign", "geo", "spend").iter_rows(), 1):
        sheet.write_datetime(number, 0, datetime(day.year, day.month, day.day), day_format)
        for column, cell in enumerate((channel.name, campaign, geo, spend, currency, channel.vendor), 1):
            sheet.write(number, column, cell)
    book.close()
    return buffer.getvalue()


def revenue(rows: pl.DataFrame) -> bytes:
    """Self-serve bookings per day and region, before refunds, without tax."""
    header = ("day", "geo", "kpi", "value", "revenue", "orders", "new_customers", "refunds", "currency")
    shown = rows.select("day", "geo", "revenue", "orders", "new_customers", "refunds", "currency")
    return table(
        header,
        (
            (day, geo, "revenue", f"{money:.2f}", f"{money:.2f}", orders, new, f"{refunds:.2f}", currency)
            for day, geo, money, orders, new, refunds, currency in shown.iter_rows()
        ),
    )


def context(rows: pl.DataFrame) -> bytes:
    """Controls with their roles."""
    shown = rows.select("day", "geo", "name", "value", "role")
    return table(
        shown.columns, ((day, geo, name, f"{value:g}", role) for day, geo, name, value, role in shown.iter_rows())
    )


def experiments(rows: pl.DataFrame, currency: str) -> bytes:
    """Declared tests: the value columns stay empty, Plumbline reads the effect from the panel."""
    header = (
        "experiment_id",
        "channels",
        "design",
        "geos",
        "start",
        "end",
        "cooldown_end",
        "estimand",
        "value",
        "low",
        "high",
        "level",
        "se",
        "currency",
        "kpi",
        "note",
    )
    shown = rows.select(
        "experiment_id", "channels", "design", "geos", "start", "end", "cooldown_end", "estimand", "note"
    )
    return table(header, ((*row[:8], "", "", "", "", "", currency, "revenue", row[8]) for row in shown.iter_rows()))


def test_results(rows: pl.DataFrame, currency: str) -> bytes:
    """Finished tests as their owners sent them: a return with its standard error."""
    header = (
        "experiment_id",
        "channels",
        "design",
        "start",
        "end",
        "cooldown_end",
        "estimand",
        "value",
        "se",
        "spend_treated",
        "spend_control",
        "currency",
        "kpi",
        "note",
    )
    shown = rows.select(*header[:7], "value", "se", "spend_treated", "spend_control", "note")
    return table(
        header,
        (
            (
                *row[:7],
                f"{row[7]:.4f}",
                f"{row[8]:.4f}",
                f"{row[9]:.2f}",
                f"{row[10]:.2f}",
                currency,
                "revenue",
                row[11],
            )
            for row in shown.iter_rows()
        ),
    )


def ledger(rows: pl.DataFrame) -> bytes:
    """General-ledger entries of a month; amounts are on the normal side of their kind."""
    header = (
        "entry_id",
        "posted_on",
        "period",
        "account_code",
        "account_name",
        "cost_centre",
        "vendor",
        "kind",
        "channel",
        "amount",
        "currency",
        "document",
    )
    shown = rows.select(
        "entry_id",
        "posted_on",
        "period",
        "account_code",
        "account_name",
        "cost_centre",
        "vendor",
        "kind",
        "channel",
        "cents",
        "currency",
        "document",
    )
    return table(header, ((*row[:9], _euros(row[9]), *row[10:]) for row in shown.iter_rows()))


def _euros(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100}.{abs(cents) % 100:02d}"
