"""From the ledger to the modelled outcome and on to baseline, channels and residual: every step named, in DECIMAL."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from feedback.reports.figure_store import Fact, Figure, cents, millionths
from feedback.reports.snapshot.context import ReportContext, inside_sum, overlapping
from feedback.reports.snapshot.draws import BASELINE, estimated, mean

ZERO = Decimal("0.00")
COUNTED = "counted, no range"
BOOKING_DATE = "90 % posterior interval of the mean parameter; booking-date basis"


def outcome_figures(context: ReportContext) -> Iterator[Figure | Fact]:
    """The modelled outcome of the period: what the business recorded on its days, in report currency.

    For an outcome other than revenue it is units times the configured value per unit.
    """
    setting = context.query("select kpi, value_per_unit from ops.current_run", needs=("ops.current_run",)).rows
    kpi = setting[0]["kpi"] if setting else "revenue"
    per_unit = setting[0]["value_per_unit"] if setting else None
    result = context.query(
        f"select {inside_sum('revenue_report')} as revenue, {inside_sum('value')} as units,"
        " coalesce(sum(new_customers), 0)::bigint as new_customers, count(*) filter (inside < whole) as cut,"
        " coalesce(avg(provisional::int), 0)::decimal(9,6) as provisional"
        f" from {overlapping('marts.kpi_day')} where kpi = $kpi",
        needs=("marts.kpi_day",),
        kpi=kpi,
    )
    row = result.rows[0] if result.rows else {}
    revenue = row.get("revenue")
    if kpi != "revenue" and per_unit is not None and row.get("units") is not None:
        revenue = cents(row["units"] * Decimal(per_unit))
    unit = context.settings.currency
    basis = f"{COUNTED}; a week or month across the border counts by its share of days" if row.get("cut") else COUNTED
    yield Figure("outcome.total", cents(revenue or ZERO), unit, basis, result.sql_sha256)
    yield Figure("outcome.cut_rows", Decimal(row.get("cut") or 0), "count", COUNTED, result.sql_sha256)
    yield Fact("outcome.kpi", str(kpi), "ops.current_run")
    yield Figure("outcome.provisional", row.get("provisional") or ZERO, "share", COUNTED, result.sql_sha256)
    if row.get("new_customers"):
        yield Figure("outcome.new_customers", Decimal(row["new_customers"]), "count", COUNTED, result.sql_sha256)


def ledger_figures(context: ReportContext, outcome: Figure) -> Iterator[Figure | Fact]:
    """Ledger revenue, what is left out and why, and what is left between the books and the modelled outcome.

    Nothing is yielded where no ledger was delivered, or where the period cuts a month, which books do not know: the
    report then says that it is not tied to the books.
    """
    if not context.period.whole_months:
        return
    months = list(context.period.months)
    unit = context.settings.currency
    total = context.query(
        "select sum(booked_revenue)::decimal(18,2) as booked, sum(excluded_revenue)::decimal(18,2) as excluded,"
        " sum(modelled_revenue)::decimal(18,2) as modelled, sum(ledger_spend)::decimal(18,2) as ledger_spend,"
        " sum(platform_spend)::decimal(18,2) as platform_spend, count(booked_revenue) as months"
        " from marts.reconciliation where list_contains($months, period) and currency = $currency",
        needs=("marts.reconciliation",),
        months=months,
        currency=unit,
    )
    row = total.rows[0] if total.rows else {}
    if row.get("booked") is None:
        return
    sha = total.sql_sha256
    yield Figure("ledger.months", Decimal(row["months"]), "count", COUNTED, sha)
    yield Figure("ledger.months_needed", Decimal(len(months)), "count", COUNTED, sha)
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
        yield Figure("ledger.platform_spend", row["platform_spend"], unit, COUNTED, sha)
        yield Figure("ledger.spend_gap", row["platform_spend"] - row["ledger_spend"], unit, COUNTED, sha)


def split_figures(context: ReportContext, outcome: Figure) -> Iterator[Figure | Fact]:
    """Modelled outcome = baseline + sum of channels + unexplained residual, exact to the cent.

    Points are posterior means, so rows add; ranges come from joint draws and do not add.
    """
    draws = context.draws
    if draws is None:
        return
    unit = context.settings.currency
    caused = sum((cents(mean(draws.of(name))) for name in draws.channels), ZERO)
    joint = estimated("split.channels", draws.incremental, unit, BOOKING_DATE, draws.sql_sha256)
    yield Figure("split.channels", caused, unit, BOOKING_DATE, draws.sql_sha256, joint.low, joint.high, joint.level)
    baseline = ZERO
    if BASELINE in draws.components:
        base = estimated("split.baseline", draws.of(BASELINE), unit, BOOKING_DATE, draws.sql_sha256)
        baseline = base.value
        yield base
    separate = BASELINE in draws.components
    label = "Unexplained residual" if separate else "Baseline and residual, not separated"
    yield Fact("split.residual_label", label, "whether the model wrote draws of the baseline")
    basis = "modelled outcome less baseline and channels; not estimated"
    yield Figure("split.residual", outcome.value - baseline - caused, unit, basis, outcome.sql_sha256)
    if separate and outcome.value > 0:
        share = millionths(abs(outcome.value - baseline - caused) / outcome.value)
        yield Figure(
            "split.residual_share",
            share,
            "share",
            f"size of the residual over the outcome; {basis}",
            outcome.sql_sha256,
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
