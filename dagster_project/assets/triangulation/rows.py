"""The combined answer as rows: level from the triangulation, shape over time and along the curve from the MMM."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dagster_project.assets.mmm import rows as mmm_rows
from dagster_project.assets.mmm.rows import estimate_row
from models.period_draws import PeriodDraws
from models.periods import WINDOW, quarters_within
from models.triangulation.levels import BASELINE

if TYPE_CHECKING:
    from models.mmm import MMMFit
    from models.triangulation import Triangulation

SAYS = {"mmm": "the media mix model", "platform": "the platform", "markov": "click tracking"}
UNCOMBINED = "D"  # grade of a channel that only the model speaks of: no test, no tracking, no spend to compare


def measured_days(first: date, last: date, year_starts_in_month: int) -> dict[str, tuple[date, date]]:
    """First and last day, both included, on which the effects of each period are measured.

    `first` and `last` are those of the measurement: the window is all of it, and a fiscal quarter that it begins or
    ends within is cut there. The iROAS of a period divides by the media spend of exactly these days.
    """
    return {WINDOW: (first, last), **quarters_within(first, last, year_starts_in_month)}


def period_draws(
    combined: Triangulation, fit: MMMFit | None, spend: dict[str, float], year_starts_in_month: int
) -> PeriodDraws:
    """Joint draws of incremental money per period: with an MMM for the window and each quarter, else for the window."""
    from models.triangulation import period_levels, window_levels

    if fit is None:
        return window_levels(combined, spend)
    parts = mmm_rows.quarters_of(fit, year_starts_in_month)
    unpaid = [name for name in fit.data.media_names if name not in fit.data.channels]
    return period_levels(combined, mmm_rows.segment_draws(fit, parts), parts, unpaid=unpaid)


def estimates(combined: Triangulation, fit: MMMFit | None, draws: PeriodDraws, spend: dict[str, float]) -> pl.DataFrame:
    """Rows of `measurement.channel_estimate` with method triangulated.

    `measured` is false where more than half of the weight behind a channel is prior: whoever shows such a row shows
    its range and "not measured", never its mean. Null for what was not combined.
    """
    table = combined.estimates
    grade = dict(table.select("channel", "evidence_grade").iter_rows())
    measured = dict(table.select("channel", "measured").iter_rows())
    warning_of = {w.subject: w.code for w in combined.warnings if w.severity in ("high", "block")}
    rows: list[dict[str, object]] = [
        {
            "channel": r["channel"],
            "method": "triangulated",
            "estimand": "iroas",
            "period": WINDOW,
            **{k: r[k] for k in ("mean", "sd", "q05", "q50", "q95")},
        }
        for r in table.to_dicts()
        if r["channel"] in spend
    ]
    for p, period in enumerate(draws.periods):
        for c, channel in enumerate(draws.components):
            if channel == BASELINE:
                continue
            values = draws.values[:, p, c]
            rows.append(estimate_row(channel, "triangulated", "incremental_revenue", period, values))
            if draws.observed[p] > 0:
                share = values / draws.observed[p]
                rows.append(estimate_row(channel, "triangulated", "contribution_share", period, share))
            money = draws.spend[p, c] if c < draws.spend.shape[1] else 0.0
            if money > 0 and period != WINDOW:
                rows.append(estimate_row(channel, "triangulated", "iroas", period, values / money))
    rows += _marginal(combined, fit)
    for row in rows:
        row["evidence_grade"] = grade.get(str(row["channel"]), UNCOMBINED)
        row["warning"] = warning_of.get(str(row["channel"]))
        row["measured"] = measured.get(str(row["channel"]))
    return pl.DataFrame(rows, infer_schema_length=None, schema_overrides={"measured": pl.Boolean})


def _marginal(combined: Triangulation, fit: MMMFit | None) -> list[dict[str, object]]:
    from models.triangulation import marginal_levels

    if fit is None:
        return []
    levels = marginal_levels(combined, fit.data.channels, mroas=fit.mroas_draws(), roas=fit.roas_draws())
    return [estimate_row(channel, "triangulated", "mroas", WINDOW, values) for channel, values in levels.items()]


def side_tables(
    combined: Triangulation, draws: PeriodDraws, days: Mapping[str, tuple[date, date]]
) -> dict[str, pl.DataFrame]:
    """Weights, learned biases, conflicts, and the joint draws behind every total with the `days` they cover."""
    from models.triangulation import with_unpaid_in_baseline

    draws = with_unpaid_in_baseline(draws)
    count, periods, parts = draws.values.shape
    conflicts = combined.conflicts
    return {
        "measurement.weight": combined.weights,
        "measurement.bias": combined.biases.select(
            "method", "mean", "sd", "q05", "q95", "prior_mean", "prior_sd", "drifted"
        ),
        "measurement.conflict": conflicts.select(
            "channel",
            pl.col("method").alias("source"),
            "p",
            pl.col("flag").is_in(["red", "watch"]).fill_null(False).alias("flagged"),
            pl.format(
                "{} reads {} where the other evidence expects {}",
                pl.col("method").replace(SAYS),
                pl.col("observed").round(2),
                pl.col("expected").round(2),
            ).alias("message"),
        ),
        "measurement.measured_period": measured_periods(draws, days),
        "measurement.period_draw": pl.DataFrame(
            {
                "period": np.tile(np.repeat(np.array(draws.periods), parts), count),
                "component": np.tile(np.array(draws.components), count * periods),
                "draw": np.repeat(np.arange(count), periods * parts),
                "incremental": draws.values.ravel(),
            }
        ),
    }


def measured_periods(draws: PeriodDraws, days: Mapping[str, tuple[date, date]]) -> pl.DataFrame:
    """One row per period that has draws: the first and the last day on which its effects are measured."""
    return pl.DataFrame(
        {
            "period": draws.periods,
            "first_day": [days[period][0] for period in draws.periods],
            "last_day": [days[period][1] for period in draws.periods],
        }
    )


def markdown(combined: Triangulation) -> str:
    """The combined number per channel as a table, with its grade."""
    lines = [
        f"| {r['channel']} | {r['mean']:.2f} | {r['q05']:.2f} - {r['q95']:.2f} | {r['evidence_grade']} |"
        if r["measured"]
        else f"| {r['channel']} | | between {r['q05']:.2f} and {r['q95']:.2f}, not measured | {r['evidence_grade']} |"
        for r in combined.estimates.sort("measured", "mean", descending=True).to_dicts()
    ]
    return "\n".join(["| channel | iROAS | 90 % parameter interval | grade |", "|---|---|---|---|", *lines])
