"""One row per channel: what was spent, what it caused, what the next unit earns, and how good the evidence is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from feedback.reports.figure_store import LEVEL, Fact, Figure, cents, millionths
from feedback.reports.figures.reconciliation import BOOKING_DATE, COUNTED
from feedback.reports.snapshot.context import ReportContext
from feedback.reports.snapshot.draws import estimated, mean, probability

SOURCES = ("experiment", "mmm", "attribution", "prior")
MEASURED = f"spend of the days on which effects are measured; {COUNTED}"
MARGINAL = "90 % posterior interval of the mean parameter; return of the next unit of money near today's spend"


def channel_figures(context: ReportContext) -> Iterator[Figure | Fact]:
    """The rows of the channel table, in table order, and their total.

    iROAS divides the effect booked in the period by the media spend of the same days, those on which effects are
    measured; `spend` is that of the whole period. A channel with spend but without draws is listed as not modelled: its
    effect, if any, is inside the baseline.
    """
    labels = _labels(context)
    estimates = _estimates(context)
    tests = last_tests(context)
    unit = context.settings.currency
    for name in context.channels:
        yield Fact(f"channel.{name}.label", labels.get(name, name.replace("_", " ")), "ops.channel.label")
        spend = cents(context.spend.of(name))
        yield Figure(f"channel.{name}.spend", spend, unit, COUNTED, context.spend.sql_sha256)
        measured = cents(context.measured_spend.of(name))
        sha = context.measured_spend.sql_sha256
        yield Figure(f"channel.{name}.measured_spend", measured, unit, MEASURED, sha)
        yield from _returns(context, name)
        yield from _marginal(context, name, estimates)
        yield from _claim(name, estimates)
        measured_channel = "yes" if is_measured(name, estimates) else "no"
        yield Fact(f"channel.{name}.measured", measured_channel, "measurement.channel_estimate.measured")
        yield Fact(f"channel.{name}.grade", _grade(name, estimates), "measurement.channel_estimate.evidence_grade")
        if name in tests:
            yield Fact(f"channel.{name}.last_test", tests[name].isoformat(), "measurement.experiment.end_day")
    yield from _weights(context)
    yield from _total(context)


def _returns(context: ReportContext, name: str) -> Iterator[Figure]:
    draws = context.draws
    if draws is None or name not in draws.channels:
        return
    own = draws.of(name)
    yield estimated(f"channel.{name}.incremental", own, context.settings.currency, BOOKING_DATE, draws.sql_sha256)
    iroas = context.iroas_draws(name)
    if iroas is not None:
        yield estimated(f"channel.{name}.iroas", iroas, "ratio", BOOKING_DATE, draws.sql_sha256)


def marginal_draws(context: ReportContext, name: str, row: dict[str, Any]) -> np.ndarray | None:
    """Draws of mROAS that keep the published mean and sd, and move with the draws of the channel's iROAS.

    Only quantiles of mROAS are published; taking its error in step with that of iROAS keeps the dependence between
    channels, which a comparison of two of them needs. None without draws, spend or estimate.
    """
    iroas = context.iroas_draws(name)
    if iroas is None or not row.get("sd"):
        return None
    spread = float(np.std(iroas))
    if spread == 0.0:
        return None
    return np.asarray(row["mean"] + (iroas - mean(iroas)) * (row["sd"] / spread))


def mroas_rows(context: ReportContext) -> dict[str, dict[str, Any]]:
    """The published mROAS per channel: triangulated where it exists, else the MMM's."""
    estimates = _estimates(context)
    rows = {name: estimates.get((name, "triangulated", "mroas")) for name in context.channels}
    return {
        name: row or estimates[(name, "mmm", "mroas")]
        for name, row in rows.items()
        if row or (name, "mmm", "mroas") in estimates
    }


def _marginal(
    context: ReportContext, name: str, estimates: dict[tuple[str, str, str], dict[str, Any]]
) -> Iterator[Figure | Fact]:
    method = "triangulated" if (name, "triangulated", "mroas") in estimates else "mmm"
    row = estimates.get((name, method, "mroas"))
    if row is None:
        return
    basis = f"{MARGINAL}; method {method}, period {row['period']}"
    low, high = millionths(row["q05"]), millionths(row["q95"])
    sha = row["sql_sha256"]
    yield Figure(f"channel.{name}.mroas", millionths(row["mean"]), "ratio", basis, sha, low, high, LEVEL)
    margin = context.settings.margin
    if margin is None:
        return
    value = millionths(millionths(row["mean"]) * margin)
    yield Figure(
        f"channel.{name}.next_earns",
        value,
        "ratio",
        f"margin times mROAS; {basis}",
        sha,
        millionths(low * margin),
        millionths(high * margin),
        LEVEL,
    )
    drawn = marginal_draws(context, name, row)
    if drawn is not None:
        pays = drawn * float(margin) > 1.0
        yield probability(f"channel.{name}.p_pays", pays, "probability that margin times mROAS is above 1", sha)


def _claim(name: str, estimates: dict[tuple[str, str, str], dict[str, Any]]) -> Iterator[Figure | Fact]:
    row = estimates.get((name, "platform", "iroas"))
    if row is not None and row["mean"] is not None:
        basis = f"claimed by the platform, its own window and conversion definition; period {row['period']}"
        yield Figure(f"channel.{name}.claim", millionths(row["mean"]), "ratio", basis, row["sql_sha256"])


def _grade(name: str, estimates: dict[tuple[str, str, str], dict[str, Any]]) -> str:
    """The published grade; what is not measured carries no more than a test, whatever its grade."""
    if not is_measured(name, estimates):
        return "D"
    for estimand in ("iroas", "incremental_revenue", "mroas"):
        row = estimates.get((name, "triangulated", estimand))
        if row and row["evidence_grade"]:
            return str(row["evidence_grade"])
    return "D"


def is_measured(name: str, estimates: dict[tuple[str, str, str], dict[str, Any]]) -> bool:
    """False where more than half of the weight behind the channel is prior: it is shown as a range, never as a point.

    Runs of earlier versions did not say; their channels count as measured.
    """
    rows = (estimates.get((name, "triangulated", estimand)) for estimand in ("iroas", "incremental_revenue"))
    return all(row is None or row.get("measured") is not False for row in rows)


def _weights(context: ReportContext) -> Iterator[Figure]:
    finite = ", ".join(f"case when isfinite({source}) then {source} else 0 end as {source}" for source in SOURCES)
    result = context.query(
        f"select channel, {finite} from measurement.weight where run_id = $run_id order by channel",
        needs=("measurement.weight",),
    )
    for row in result.rows:
        if row["channel"] in context.channels:
            for source in SOURCES:
                share = millionths(row[source])
                basis = "share of the precision; read it as an order of magnitude"
                yield Figure(f"weight.{row['channel']}.{source}", share, "share", basis, result.sql_sha256)


def _total(context: ReportContext) -> Iterator[Figure]:
    unit = context.settings.currency
    spend = sum((cents(context.spend.of(name)) for name in context.channels), Decimal(0))
    yield Figure("total.spend", spend, unit, f"media only; {COUNTED}", context.spend.sql_sha256)
    measured = sum((cents(context.measured_spend.of(name)) for name in context.channels), Decimal(0))
    sha = context.measured_spend.sql_sha256
    yield Figure("total.measured_spend", measured, unit, f"media only; {MEASURED}", sha)
    yield from _other_costs(context)
    if context.draws is not None and measured > 0:
        paid = [name for name in context.draws.channels if context.measured_spend.of(name)]
        if paid:
            joint = np.asarray(sum(context.draws.of(name) for name in paid)) / float(measured)
            basis = f"effect of channels with spend over all spend of the same days; {BOOKING_DATE}"
            yield estimated("total.iroas", joint, "ratio", basis, context.draws.sql_sha256)


def _other_costs(context: ReportContext) -> Iterator[Figure]:
    result = context.query(
        "select sum(spend)::decimal(18,2) as cost from marts.channel_period_spend where period_kind = 'day'"
        " and cost_type <> 'media' and period_start between $start and $end",
        needs=("marts.channel_period_spend",),
    )
    if result.rows and result.rows[0]["cost"]:
        basis = f"fees, tools and other costs that are not media; {COUNTED}"
        yield Figure("total.other_costs", result.rows[0]["cost"], context.settings.currency, basis, result.sql_sha256)


def _labels(context: ReportContext) -> dict[str, str]:
    result = context.query("select channel, label from ops.channel order by channel", needs=("ops.channel",))
    return {row["channel"]: row["label"] for row in result.rows if row["label"]}


def _estimates(context: ReportContext) -> dict[tuple[str, str, str], dict[str, Any]]:
    """By channel, method and estimand; the report's period where it was estimated, else the whole window.

    An estimate without a finite mean and range is left out: the page then shows a dash and cannot decide.
    """
    result = context.query(
        "select * from measurement.channel_estimate where run_id = $run_id and period in ($period, 'window')"
        " and isfinite(mean) and (method = 'platform' or (isfinite(q05) and isfinite(q95)))"
        " order by channel, method, estimand, (period = 'window') desc",
        needs=("measurement.channel_estimate",),
    )
    return {
        (row["channel"], row["method"], row["estimand"]): {**row, "sql_sha256": result.sql_sha256}
        for row in result.rows
    }


def last_tests(context: ReportContext) -> dict[str, date]:
    """The last day of the newest test of each channel; a test of several channels counts for each."""
    result = context.query(
        "select channels, max(end_day)::date as ended from measurement.experiment where run_id = $run_id"
        " group by channels",
        needs=("measurement.experiment",),
    )
    newest: dict[str, date] = {}
    for row in result.rows:
        for name in tested_channels(row["channels"]):
            newest[name] = max(row["ended"], newest.get(name, row["ended"]))
    return newest


def tested_channels(value: object) -> tuple[str, ...]:
    """The channels of a test. Audit packs of earlier versions hold the text `a|b` instead of a list."""
    parts = value if isinstance(value, list) else str(value or "").split("|")
    return tuple(str(part).strip() for part in parts if str(part).strip())
