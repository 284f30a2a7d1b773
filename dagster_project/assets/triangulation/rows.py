"""The combined answer as rows: level from the triangulation, shape over time and along the curve from the MMM."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from dagster_project.assets.mmm import rows as mmm_rows
from dagster_project.assets.mmm.rows import PeriodDraws, SegmentDraws, estimate_row
from models.periods import WINDOW

if TYPE_CHECKING:
    from models.mmm import MMMFit
    from models.triangulation import Triangulation

KEPT_DRAWS = 1000
SAYS = {"mmm": "the media mix model", "platform": "the platform", "markov": "click tracking"}
BASELINE = "baseline"
UNCOMBINED = "D"  # grade of a channel that only the model speaks of: no test, no tracking, no spend to compare


def period_draws(
    combined: Triangulation, fit: MMMFit | None, spend: dict[str, float], year_starts_in_month: int
) -> PeriodDraws:
    """Joint draws of incremental money per period: channels whose window return is the combined one, and the baseline.

    With an MMM each channel keeps its path over time and is rescaled so that its window iROAS is the combined draw
    (the level is replaced, not multiplied: the MMM has entered the combination already); what the fit explains
    beyond the channels is baseline. Without an MMM there is only the window: return times spend.
    """
    channels = combined.readings.channels
    if fit is None:
        theta = _thin(combined.theta, min(len(combined.theta), KEPT_DRAWS))
        money = np.array([spend.get(c, 0.0) for c in channels])
        return PeriodDraws((WINDOW,), channels, (theta * money)[:, None, :], np.zeros(1), money[None, :])
    model = mmm_rows.segment_draws(fit, year_starts_in_month)
    values = _thin(model.values, min(len(model.values), KEPT_DRAWS))
    paid = [c for c in fit.data.channels if c in channels]
    organic = [c for c in fit.data.media_names if c not in fit.data.channels]
    scaled = _rescaled(values[:, :, [model.components.index(c) for c in paid]], paid, model, combined)
    extra = values[:, :, [model.components.index(c) for c in organic]]
    rest = values.sum(axis=2) - scaled.sum(axis=2) - extra.sum(axis=2)
    everything = np.concatenate([scaled, extra, rest[:, :, None]], axis=2)
    order = [fit.data.channels.index(c) for c in paid]
    return mmm_rows.in_periods(
        replace(model, components=(*paid, *organic, BASELINE), values=everything, spend=model.spend[:, order])
    )


def _rescaled(values: np.ndarray, channels: list[str], model: SegmentDraws, combined: Triangulation) -> np.ndarray:
    """Channel draws (draws, segments, channels) at the combined level, in the same shape."""
    from models.triangulation import Window, rescale

    draws, segments, width = values.shape
    starts = [first for first, _ in model.split.segments.values()]
    frame = pl.DataFrame(
        {
            "draw": np.repeat(np.arange(draws), segments * width),
            "date": np.tile(np.repeat(np.array(starts, dtype="datetime64[D]"), width), draws),
            "channel": np.tile(np.array(channels), draws * segments),
            "contribution": values.ravel(),
        }
    ).with_columns(pl.col("date").cast(pl.Date))
    window = Window(starts[0], starts[-1], {c: float(model.spend[:, model.channels.index(c)].sum()) for c in channels})
    moved = rescale(frame, combined.draws, window).draws
    order = pl.DataFrame({"channel": channels, "position": range(width)})
    placed = moved.join(order, on="channel").sort("draw", "date", "position")
    return placed["contribution"].to_numpy().reshape(draws, segments, width)


def _thin(values: np.ndarray, count: int) -> np.ndarray:
    return values[np.linspace(0, len(values) - 1, count).round().astype(int)]


def estimates(combined: Triangulation, fit: MMMFit | None, draws: PeriodDraws, spend: dict[str, float]) -> pl.DataFrame:
    """Rows of `measurement.channel_estimate` with method triangulated."""
    table = combined.estimates
    grade = dict(table.select("channel", "evidence_grade").iter_rows())
    loud = {w.subject: w.code for w in combined.warnings if w.severity in ("high", "block")}
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
        row["warning"] = loud.get(str(row["channel"]))
    return pl.DataFrame(rows, infer_schema_length=None)


def _marginal(combined: Triangulation, fit: MMMFit | None) -> list[dict[str, object]]:
    """mROAS: the combined average return times the curve's ratio of marginal to average return, draw by draw."""
    if fit is None:
        return []
    channels = combined.readings.channels
    count = min(len(combined.theta), KEPT_DRAWS)
    theta = _thin(combined.theta, count)
    ratio = _thin(fit.mroas_draws(), count) / np.maximum(_thin(fit.roas_draws(), count), 1e-9)
    return [
        estimate_row(c, "triangulated", "mroas", WINDOW, theta[:, channels.index(c)] * ratio[:, i])
        for i, c in enumerate(fit.data.channels)
        if c in channels
    ]


def side_tables(combined: Triangulation, draws: PeriodDraws) -> dict[str, pl.DataFrame]:
    """Weights, learned biases, conflicts, and the joint draws behind every total."""
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
        "measurement.period_draw": pl.DataFrame(
            {
                "period": np.tile(np.repeat(np.array(draws.periods), parts), count),
                "component": np.tile(np.array(draws.components), count * periods),
                "draw": np.repeat(np.arange(count), periods * parts),
                "incremental": draws.values.ravel(),
            }
        ),
    }


def with_unpaid_in_baseline(draws: PeriodDraws) -> PeriodDraws:
    """The draws as the report sums them: what channels without spend brought is no return on the period's money.

    Their own rows stay in `measurement.channel_estimate`.
    """
    paid = draws.spend.shape[1]
    if BASELINE not in draws.components or len(draws.components) == paid + 1:
        return draws
    rest = draws.values[:, :, paid:].sum(axis=2, keepdims=True)
    values = np.concatenate([draws.values[:, :, :paid], rest], axis=2)
    return replace(draws, components=(*draws.components[:paid], BASELINE), values=values)


def markdown(combined: Triangulation) -> str:
    """The combined number per channel as a table, with its grade."""
    lines = [
        f"| {r['channel']} | {r['mean']:.2f} | {r['q05']:.2f} - {r['q95']:.2f} | {r['evidence_grade']} |"
        for r in combined.estimates.sort("mean", descending=True).to_dicts()
    ]
    return "\n".join(["| channel | iROAS | 90 % parameter interval | grade |", "|---|---|---|---|", *lines])
