"""The modelled outcome of a period, and its split into baseline, channels and residual, in DECIMAL."""

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
        " coalesce(avg(provisional::int), 0)::decimal(9,6) as provisional,"
        " count(*) filter (revenue_report is null and revenue is not null and revenue <> 0) as unpriced"
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
    unpriced = Decimal(row.get("unpriced") or 0) if kpi == "revenue" else Decimal(0)  # units are priced by settings
    yield Figure("outcome.unpriced_rows", unpriced, "count", COUNTED, result.sql_sha256)
    yield Fact("outcome.kpi", str(kpi), "ops.current_run")
    yield Figure("outcome.provisional", row.get("provisional") or ZERO, "share", COUNTED, result.sql_sha256)
    if row.get("new_customers"):
        yield Figure("outcome.new_customers", Decimal(row["new_customers"]), "count", COUNTED, result.sql_sha256)


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
    if not separate:
        elsewhere = context.query(
            "select 1 from measurement.period_draw where run_id = $run_id and component = $baseline limit 1",
            needs=("measurement.period_draw",),
            baseline=BASELINE,
        )
        # Without a media mix model no period has a baseline; a model that has one elsewhere failed to say it here.
        yield Fact("split.baseline_state", "missing" if elsewhere.rows else "not modelled", "measurement.period_draw")
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
