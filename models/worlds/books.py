"""A company's ledger: bookings, refunds, tax, media invoices and the other marketing costs, month by month."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

import numpy as np
import polars as pl

from models.worlds.roster import Roster

SELF_SERVE, SALES_LED, REFUNDS, TAX = "4400", "4410", "4730", "3806"
AGENCY_FEE, TOOLS, SALARIES = "6640", "6810", "6020"
FIELD_FORCE = "6030"
ACCRUED_SHARE = 0.004


def ledger(
    roster: Roster, revenue: pl.DataFrame, spend: pl.DataFrame, contracts: pl.DataFrame, rng: np.random.Generator
) -> pl.DataFrame:
    """All entries, oldest first: one row per entry with its month (`period`), account, kind and amount in cents.

    The self-serve account of a month is the sum of `revenue` to the cent, one entry per region. Media accounts carry
    what the platforms billed; accrued channels book the last days' invoices one month late, against a named accrual.
    `contracts` (day, deal_id, cents, refunded_on) are the sales-led bookings, each with its own entry.
    """
    rows: list[dict[str, object]] = []
    _bookings(roster, rows, revenue)
    _contracts(rows, contracts)
    _media(roster, rows, spend)
    _running_costs(rows, sorted({str(p) for p in _periods(revenue)}), rng)
    if roster.field_force:
        _field_force(roster, rows, spend)
    rows.sort(key=lambda row: (str(row["period"]), str(row["account_code"]), str(row["document"])))
    frame = pl.DataFrame(rows, infer_schema_length=None)
    return frame.with_columns(
        pl.format("{}-{}", "period", pl.col("period").cum_count().over("period").cast(pl.String).str.zfill(4)).alias(
            "entry_id"
        ),
        pl.lit(roster.currency).alias("currency"),
    )


def _entry(
    period: str,
    account: str,
    name: str,
    kind: str,
    cents: int,
    document: str,
    vendor: str = "",
    centre: str = "",
    channel: str = "",
) -> dict[str, object]:
    year, month = int(period[:4]), int(period[5:])
    return {
        "posted_on": date(year, month, monthrange(year, month)[1]),
        "period": period,
        "account_code": account,
        "account_name": name,
        "cost_centre": centre,
        "vendor": vendor,
        "kind": kind,
        "channel": channel,
        "cents": cents,
        "document": document,
    }


def _periods(frame: pl.DataFrame) -> pl.Series:
    return frame["day"].dt.strftime("%Y-%m")


def _cents(column: str) -> pl.Expr:
    return (pl.col(column) * 100).round(0).cast(pl.Int64).sum().alias("cents")


def _bookings(roster: Roster, rows: list[dict[str, object]], revenue: pl.DataFrame) -> None:
    monthly = revenue.with_columns(_periods(revenue).alias("period"))
    for period, geo, cents in (
        monthly.group_by("period", "geo").agg(_cents("revenue")).sort("period", "geo").iter_rows()
    ):
        rows.append(
            _entry(period, SELF_SERVE, roster.booking_label, "revenue", cents, f"SHOP-{period}-{geo}", centre=geo)
        )
    totals = monthly.group_by("period").agg(_cents("revenue"), _cents("refunds").alias("refunds")).sort("period")
    for period, cents, refunds in totals.iter_rows():
        rows.append(
            _entry(period, REFUNDS, f"Refunds of {roster.booking_label.lower()}", "refund", refunds, f"REF-{period}")
        )
        rows.append(
            _entry(period, TAX, "Value added tax collected", "tax", round(cents * roster.sales_tax), f"VAT-{period}")
        )


def _contracts(rows: list[dict[str, object]], contracts: pl.DataFrame) -> None:
    for day, deal, cents, refunded_on in contracts.select("day", "deal_id", "cents", "refunded_on").iter_rows():
        rows.append(
            _entry(day.strftime("%Y-%m"), SALES_LED, "Sales-led contracts", "revenue", cents, f"DEAL-{deal}")
            | {"posted_on": day}
        )
        if refunded_on is not None:
            rows.append(
                _entry(
                    refunded_on.strftime("%Y-%m"),
                    SALES_LED,
                    "Sales-led contracts",
                    "revenue",
                    -cents,
                    f"DEAL-{deal}-CANCELLED",
                )
                | {"posted_on": refunded_on}
            )


def _media(roster: Roster, rows: list[dict[str, object]], spend: pl.DataFrame) -> None:
    monthly = spend.with_columns(_periods(spend).alias("period")).group_by("channel", "period").agg(_cents("spend"))
    labels = {channel.name: channel.label for channel in roster.channels}
    vendors = {channel.name: channel.vendor for channel in roster.channels}
    accounts, accruals = roster.media_accounts, roster.accrual_accounts
    late: dict[str, int] = {}
    for channel, period, cents in monthly.sort("channel", "period").iter_rows():
        held = round(cents * ACCRUED_SHARE) if channel in accruals else 0
        invoice = cents - held + late.get(channel, 0)
        media = f"Media: {labels[channel]}"
        rows.append(
            _entry(
                period,
                accounts[channel],
                media,
                "media_spend",
                invoice,
                f"INV-{period}-{channel}",
                vendors[channel],
                "Marketing",
                channel,
            )
        )
        if channel in accruals:
            change = held - late.get(channel, 0)
            name = f"Accrued media: {labels[channel]}"
            rows.append(
                _entry(
                    period,
                    accruals[channel],
                    name,
                    "accrual",
                    change,
                    f"ACC-{period}-{channel}",
                    vendors[channel],
                    "Marketing",
                    channel,
                )
            )
        late[channel] = held


def _running_costs(rows: list[dict[str, object]], periods: list[str], rng: np.random.Generator) -> None:
    for period in periods:
        rows.append(
            _entry(
                period,
                AGENCY_FEE,
                "Agency fees",
                "agency_fee",
                int(rng.integers(850_000, 1_150_000)),
                f"FEE-{period}",
                "Agentur Nordkante",
                "Marketing",
            )
        )
        rows.append(
            _entry(
                period,
                TOOLS,
                "Marketing software",
                "tooling",
                int(rng.integers(420_000, 480_000)),
                f"TOOL-{period}",
                centre="Marketing",
            )
        )
        rows.append(
            _entry(
                period,
                SALARIES,
                "Marketing salaries",
                "salaries",
                int(rng.integers(9_800_000, 10_400_000)),
                f"PAY-{period}",
                centre="Marketing",
            )
        )


def _field_force(roster: Roster, rows: list[dict[str, object]], spend: pl.DataFrame) -> None:
    """Representatives cost a multiple of media; their visits are no channel here, only a line of the books."""
    monthly = spend.group_by(_periods(spend).alias("period")).agg(_cents("spend")).sort("period")
    for period, cents in monthly.iter_rows():
        amount = round(cents * roster.field_force)
        rows.append(_entry(period, FIELD_FORCE, "Field force", "salaries", amount, f"REPS-{period}", centre="Field"))


def delivery_day(period: str) -> date:
    """The books of a month are handed over on the 5th of the next."""
    year, month = int(period[:4]), int(period[5:])
    return date(year, month, monthrange(year, month)[1]) + timedelta(days=5)
