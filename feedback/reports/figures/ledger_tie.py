"""The tie to the books: from ledger revenue to the modelled outcome, every step named, in DECIMAL.

`ledger.state` says which of five states it is in. Only `tied` has figures; `not delivered` and `not applicable` are
said on the page; `incomplete` and `not computed` are gates that block (`figures.gates`).
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from feedback.reports.figure_store import Fact, Figure, cents
from feedback.reports.figures.reconciliation import COUNTED, ZERO
from feedback.reports.snapshot.context import ReportContext
from feedback.reports.snapshot.query import QueryResult

TIED, NOT_DELIVERED, NOT_APPLICABLE = "tied", "not delivered", "not applicable"
INCOMPLETE, NOT_COMPUTED = "incomplete", "not computed"
MART = "marts.ledger_period"
KINDS = ["revenue", "refund", "media_spend", "accrual", "orphan"]  # what the tie reads; no other account matters to it


def ledger_figures(context: ReportContext, outcome: Figure) -> Iterator[Figure | Fact]:
    """Ledger revenue, what is left out and why, and what is left between the books and the modelled outcome.

    Yields `ledger.state` always, the figures where the books can be read, one fact `ledger.unpriced.N` per group of
    entries of the period that have no exchange rate, and one `ledger.quarantined.N` per file with rows of the books
    that could not be read.
    """
    yield from _quarantined(context)
    if not context.period.whole_months:
        yield Fact("ledger.state", NOT_APPLICABLE, "books know whole months, and this period cuts one")
        return
    months = list(context.period.months)
    total = context.query(
        "select sum(booked_revenue)::decimal(18,2) as booked, sum(excluded_revenue)::decimal(18,2) as excluded,"
        " sum(modelled_revenue)::decimal(18,2) as modelled, sum(ledger_spend)::decimal(18,2) as ledger_spend,"
        " sum(accrued_spend)::decimal(18,2) as accrued_spend,"
        " sum(platform_spend)::decimal(18,2) as platform_spend, count(booked_revenue) as months"
        " from marts.reconciliation where list_contains($months, period) and currency = $currency",
        needs=("marts.reconciliation",),
        months=months,
        currency=context.settings.currency,
    )
    booked_months = total.rows[0]["months"] if total.rows else 0
    if not booked_months and not _delivered(context):
        yield Fact("ledger.state", NOT_DELIVERED, MART)
        return
    yield Figure("ledger.months", Decimal(booked_months), "count", COUNTED, total.sql_sha256)
    yield Figure("ledger.months_needed", Decimal(len(months)), "count", COUNTED, total.sql_sha256)
    unpriced = unpriced_entries(context, months, KINDS)
    yield from (Fact(f"ledger.unpriced.{number}.entries", text, MART) for number, text in enumerate(unpriced, 1))
    if unpriced:
        yield Fact("ledger.state", NOT_COMPUTED, MART)
    elif booked_months < len(months):
        yield Fact("ledger.state", INCOMPLETE, MART)
    else:
        yield Fact("ledger.state", TIED, MART)
        yield from _bridge(context, outcome, total, months)


def _delivered(context: ReportContext) -> bool:
    """Whether the ledger has entries of any month at all: then one that lacks this period's is incomplete."""
    result = context.query(
        f"select 1 from {MART} where list_contains($kinds, kind) limit 1", needs=(MART,), kinds=KINDS
    )
    return bool(result.rows)


def _quarantined(context: ReportContext) -> Iterator[Figure | Fact]:
    """Rows of the ledger's files that are in quarantine, by file: nobody can say in which month they belong, so those
    of files that cover days of the period, or no known day, are named."""
    result = context.query(
        "select file, quarantined_rows as rows, first_message as first, first_day::varchar as since,"
        " last_day::varchar as until from marts.ledger_quarantine"
        " where coalesce(last_day >= $start and first_day <= $end, true) order by file",
        needs=("marts.ledger_quarantine",),
    )
    if not result.rows:
        return
    total = sum(row["rows"] for row in result.rows)
    yield Figure("ledger.quarantined_rows", Decimal(total), "count", COUNTED, result.sql_sha256)
    for number, row in enumerate(result.rows, 1):
        span = f" of a file of {row['since']} to {row['until']}" if row["since"] else " of a file of unknown days"
        many = "row" if row["rows"] == 1 else "rows"
        text = f"{row['rows']} {many}{span}; first: {row['first'] or 'landing/' + row['file']}"
        yield Fact(f"ledger.quarantined.{number}.rows", text, "marts.ledger_quarantine")


def unpriced_entries(context: ReportContext, months: list[str], kinds: list[str]) -> list[str]:
    """The entries of some kinds without an exchange rate, one text per month, account and currency."""
    result = context.query(
        "select period, account_code, kind, currency, sum(unpriced_entries)::bigint as entries,"
        " sum(unpriced_amount) as amount, min(unpriced_from)::varchar as first"
        f" from {MART} where list_contains($months, period) and list_contains($kinds, kind) and amount_report is null"
        " group by all order by period, account_code, kind, currency",
        needs=(MART,),
        months=months,
        kinds=kinds,
    )
    return [
        f"{row['period']}, account {row['account_code']} ({row['kind'].replace('_', ' ')}): {row['entries']}"
        f" {'entry' if row['entries'] == 1 else 'entries'} of {row['amount']:,.2f} {row['currency']}, first on"
        f" {row['first']}"
        for row in result.rows
    ]


def _bridge(context: ReportContext, outcome: Figure, total: QueryResult, months: list[str]) -> Iterator[Figure | Fact]:
    """Every step from ledger revenue to the modelled outcome, and media spend in the books beside the platforms'."""
    row, sha, unit = total.rows[0], total.sql_sha256, context.settings.currency
    entries = _entries(context, months)
    refunds = -entries["refund"]
    yield Figure("ledger.revenue", row["booked"] - refunds, unit, COUNTED, sha)
    if refunds:
        yield Figure("ledger.refunds", refunds, unit, COUNTED, sha)
    yield Figure("ledger.booked", row["booked"], unit, f"ledger revenue less refunds; {COUNTED}", sha)
    if entries["orphan"]:
        yield Figure("ledger.orphans", entries["orphan"], unit, COUNTED, sha)
    listed = context.query(
        "select coalesce(reason, 'no reason given in plumbline.yaml') as reason,"
        " sum(case kind when 'refund' then -amount_report else amount_report end)::decimal(18,2) as amount"
        " from marts.ledger_period where list_contains($months, period) and not modelled"
        " and kind in ('revenue', 'refund') group by all having sum(amount_report) <> 0 order by amount desc, reason",
        needs=("marts.ledger_period",),
        months=months,
    )
    excluded = row["excluded"] or ZERO
    items = [(str(line["reason"]), line["amount"]) for line in listed.rows]
    unlisted = excluded - sum((amount for _, amount in items), ZERO)
    if unlisted:
        items.append(("excluded without an entry in marts.ledger_period", unlisted))
    for number, (reason, amount) in enumerate(items, 1):
        yield Figure(f"excluded.{number}", -amount, unit, COUNTED, listed.sql_sha256)
        yield Fact(f"excluded.{number}.reason", reason, "marts.ledger_period.reason")
    modelled = row["modelled"] if row["modelled"] is not None else row["booked"] - excluded
    other = modelled - (row["booked"] - excluded)
    if other:
        yield Figure("item.1", other, unit, COUNTED, sha)
        yield Fact("item.1.reason", "other items between booked and modelled revenue", "marts.reconciliation")
    yield Figure("ledger.modelled", modelled, unit, COUNTED, sha)
    yield Figure("ledger.gap", outcome.value - modelled, unit, "modelled outcome less modelled ledger revenue", sha)
    allowed = cents(abs(row["booked"]) * context.settings.tolerance)
    yield Figure("ledger.allowed_gap", allowed, unit, "tolerance of plumbline.yaml times ledger revenue", sha)
    yield Figure("ledger.tolerance", context.settings.tolerance, "share", "plumbline.yaml: ledger.tolerance", sha)
    if row["ledger_spend"] is not None and row["platform_spend"] is not None:
        yield Figure("ledger.spend", row["ledger_spend"], unit, COUNTED, sha)
        accrued = row["accrued_spend"] or ZERO
        if accrued:
            yield Figure(
                "ledger.accrued_spend", accrued, unit, f"accruals less those of earlier months; {COUNTED}", sha
            )
        yield Figure("ledger.platform_spend", row["platform_spend"], unit, COUNTED, sha)
        gap = row["platform_spend"] - row["ledger_spend"] - accrued
        yield Figure(
            "ledger.spend_gap", gap, unit, f"platforms less media spend and accruals of the books; {COUNTED}", sha
        )


def _entries(context: ReportContext, months: list[str]) -> dict[str, Decimal]:
    """Ledger totals of the kinds that the bridge names, zero where there are none."""
    result = context.query(
        "select kind, sum(amount_report)::decimal(18,2) as amount from marts.ledger_period"
        " where list_contains($months, period) group by kind order by kind",
        needs=("marts.ledger_period",),
        months=months,
    )
    totals = {row["kind"]: row["amount"] or ZERO for row in result.rows}
    return {kind: totals.get(kind, ZERO) for kind in ("refund", "orphan")}
