"""The combined level over periods and along the curve: shape and timing from the MMM, level from all evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from models.period_draws import PeriodDraws, in_quarters
from models.periods import WINDOW, Split
from models.triangulation.posterior import Triangulation

MEAN_SHIFT, SD_RATIO = 0.25, (0.9, 1.1)
MOST_DRAWS = 1000  # joint draws that are handed on; more change no printed digit
BASELINE = "baseline"


@dataclass(frozen=True)
class Window:
    """The reporting window, both days included, and what each channel spent in it (money, above 0)."""

    start: date
    end: date
    spend: Mapping[str, float]

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise ValueError(f"window ends {self.end}, before it starts {self.start}")
        for channel, spent in self.spend.items():
            if not spent > 0:
                raise ValueError(f"spend of {channel} in the window is {spent}: without spend there is no iROAS")


@dataclass(frozen=True)
class Rescaled:
    """`draws`: draw, channel, date, contribution at the new level. `gates`: one row per channel: did the
    level arrive?

    gates: channel, mean, sd (of the rescaled window iROAS), target_mean, target_sd, median_factor, passed.
    Passed means the mean is within a quarter sd of the target and the sd within 10 %.
    """

    draws: pl.DataFrame
    gates: pl.DataFrame


def rescale(mmm_draws: pl.DataFrame, theta_draws: pl.DataFrame, window: Window) -> Rescaled:
    """Contributions per period whose window total is spend x iROAS of the evidence model, draw by draw.

    `mmm_draws`: draw, channel, date, contribution (money) of an MMM that used no experiment; `theta_draws`:
    draw, channel, theta (`Triangulation.draws`). Shape over time and carryover stay the MMM's, the level is
    replaced. It is not multiplied in as further evidence: theta already holds the MMM's reading, and would
    count it twice. Simplified: MMM draws and theta draws are paired by their order, so a link between a
    curve's shape and its level is lost; a window's contribution includes carryover from spend before it. An
    MMM draw without any effect in the window takes the channel's mean shape. Channels without MMM curve are
    left out. Raises ValueError on a channel that lacks theta or spend, or that has no effect in any draw.
    """
    channels = sorted(mmm_draws["channel"].unique().to_list())
    for what, known in (("theta_draws", set(theta_draws["channel"].unique())), ("window.spend", set(window.spend))):
        missing = [channel for channel in channels if channel not in known]
        if missing:
            raise ValueError(f"{what} lacks the channel(s) {', '.join(missing)} of the MMM")
    pairs = _paired(mmm_draws, theta_draws)
    spend = pl.DataFrame({"channel": list(window.spend), "spend": [float(s) for s in window.spend.values()]})
    inside = pl.col("date").is_between(window.start, window.end)
    shaped = _with_shape(mmm_draws, inside)
    total = shaped.group_by("draw", "channel").agg(_total=pl.col("contribution").filter(inside).sum())
    factor = (
        total.join(pairs, on=["draw", "channel"])
        .join(spend, on="channel")
        .with_columns(factor=pl.col("theta") * pl.col("spend") / pl.col("_total"))
    )
    draws = (
        shaped.join(factor.select("draw", "channel", "factor"), on=["draw", "channel"])
        .with_columns(contribution=pl.col("contribution") * pl.col("factor"))
        .select("draw", "channel", "date", "contribution")
        .sort("draw", "channel", "date")
    )
    return Rescaled(draws=draws, gates=_gates(draws.filter(inside), theta_draws, spend, factor))


def window_levels(combined: Triangulation, spend: Mapping[str, float]) -> PeriodDraws:
    """Incremental money per channel of the window where there is no MMM: combined return times spend, draw by draw.

    `observed` is 0: without an MMM nothing says what the window's outcome was made of.
    """
    channels = combined.readings.channels
    money = np.array([spend.get(channel, 0.0) for channel in channels])
    values = _thinned(combined.theta, MOST_DRAWS) * money
    return PeriodDraws((WINDOW,), channels, values[:, None, :], np.zeros(1), money[None, :])


def period_levels(
    combined: Triangulation, segments: PeriodDraws, split: Split, *, unpaid: Sequence[str] = ()
) -> PeriodDraws:
    """Joint draws of incremental money per fiscal quarter and for the window, at the combined level.

    `segments` are an MMM's draws in money over the segments of `split`; `unpaid` are its media without spend. Each
    channel keeps its path over time and is rescaled so that its window return is the combined one: the level is
    replaced, not multiplied, because the MMM has entered the combination already. Components: the channels that were
    combined, the unpaid ones, and `baseline`, which is whatever the MMM explains beyond them.
    """
    values = _thinned(segments.values, MOST_DRAWS)
    paid = [channel for channel in segments.paid if channel in combined.readings.channels]
    scaled = _at_combined_level(
        values[:, :, [segments.components.index(c) for c in paid]], paid, segments, split, combined
    )
    extra = values[:, :, [segments.components.index(c) for c in unpaid]]
    rest = values.sum(axis=2) - scaled.sum(axis=2) - extra.sum(axis=2)
    levelled = replace(
        segments,
        components=(*paid, *unpaid, BASELINE),
        values=np.concatenate([scaled, extra, rest[:, :, None]], axis=2),
        spend=segments.spend[:, [segments.paid.index(channel) for channel in paid]],
    )
    return in_quarters(levelled, split)


def _at_combined_level(
    values: np.ndarray, channels: list[str], segments: PeriodDraws, split: Split, combined: Triangulation
) -> np.ndarray:
    """Channel draws (draws, segments, channels) at the combined level, in the same shape."""
    draws, count, width = values.shape
    starts = [first for first, _ in split.segments.values()]
    frame = pl.DataFrame(
        {
            "draw": np.repeat(np.arange(draws), count * width),
            "date": np.tile(np.repeat(np.array(starts, dtype="datetime64[D]"), width), draws),
            "channel": np.tile(np.array(channels), draws * count),
            "contribution": values.ravel(),
        }
    ).with_columns(pl.col("date").cast(pl.Date))
    spend = {channel: float(segments.spend[:, segments.paid.index(channel)].sum()) for channel in channels}
    moved = rescale(frame, combined.draws, Window(starts[0], starts[-1], spend)).draws
    order = pl.DataFrame({"channel": channels, "position": range(width)})
    placed = moved.join(order, on="channel").sort("draw", "date", "position")
    return placed["contribution"].to_numpy().reshape(draws, count, width)


def marginal_levels(
    combined: Triangulation, channels: Sequence[str], *, mroas: np.ndarray, roas: np.ndarray
) -> dict[str, np.ndarray]:
    """Draws of mROAS per channel at the combined level: combined return times the curve's ratio of the return of the
    next unit of spend to the average one.

    `mroas` and `roas` (draws, channels) are an MMM's own, for `channels`. Those without evidence are left out.
    """
    known = combined.readings.channels
    count = min(len(combined.theta), MOST_DRAWS)
    theta = _spaced(combined.theta, count)
    ratio = _spaced(mroas, count) / np.maximum(_spaced(roas, count), 1e-9)
    return {c: theta[:, known.index(c)] * ratio[:, i] for i, c in enumerate(channels) if c in known}


def with_unpaid_in_baseline(draws: PeriodDraws) -> PeriodDraws:
    """The draws as a report sums them: what channels without spend brought is no return on the period's money."""
    paid = len(draws.paid)
    if BASELINE not in draws.components or len(draws.components) == paid + 1:
        return draws
    rest = draws.values[:, :, paid:].sum(axis=2, keepdims=True)
    values = np.concatenate([draws.values[:, :, :paid], rest], axis=2)
    return replace(draws, components=(*draws.paid, BASELINE), values=values)


def _thinned(values: np.ndarray, most: int) -> np.ndarray:
    return _spaced(values, min(len(values), most))


def _spaced(values: np.ndarray, count: int) -> np.ndarray:
    """`count` draws at equal distances, the first and the last among them."""
    return values[np.linspace(0, len(values) - 1, count).round().astype(int)]


def _paired(mmm_draws: pl.DataFrame, theta_draws: pl.DataFrame) -> pl.DataFrame:
    """Each MMM draw with one joint theta draw: whole draws, so that channels keep their dependence."""
    ours = mmm_draws["draw"].unique().sort().to_list()
    theirs = theta_draws["draw"].unique().sort().to_list()
    taken = np.arange(len(ours)) * max(len(theirs) / len(ours), 1.0) % len(theirs)
    link = pl.DataFrame(
        {"draw": ours, "_theirs": [theirs[int(i)] for i in taken]},
        schema={"draw": mmm_draws.schema["draw"], "_theirs": theta_draws.schema["draw"]},
    )
    joined = link.join(theta_draws.rename({"draw": "_theirs"}), on="_theirs")
    return joined.select("draw", "channel", "theta")


def _with_shape(mmm_draws: pl.DataFrame, inside: pl.Expr) -> pl.DataFrame:
    effect = pl.col("contribution").filter(inside).sum().over("draw", "channel")
    mean = pl.col("contribution").mean().over("channel", "date")
    shaped = mmm_draws.with_columns(_effect=effect, _mean=mean)
    shaped = shaped.with_columns(_mean_effect=pl.col("_mean").filter(inside).sum().over("draw", "channel"))
    flat = shaped.filter((pl.col("_effect") <= 0) & (pl.col("_mean_effect") <= 0))
    if flat.height:
        raise ValueError(
            f"the MMM gives {flat['channel'][0]!r} no effect in the window, so there is no shape to rescale"
        )
    own = pl.col("_effect") > 0
    return shaped.with_columns(contribution=pl.when(own).then("contribution").otherwise("_mean")).select(
        "draw", "channel", "date", "contribution"
    )


def _gates(inside: pl.DataFrame, theta_draws: pl.DataFrame, spend: pl.DataFrame, factor: pl.DataFrame) -> pl.DataFrame:
    arrived = (
        inside.group_by("draw", "channel")
        .agg(pl.col("contribution").sum())
        .join(spend, on="channel")
        .group_by("channel")
        .agg(
            mean=(pl.col("contribution") / pl.col("spend")).mean(), sd=(pl.col("contribution") / pl.col("spend")).std()
        )
    )
    target = theta_draws.group_by("channel").agg(target_mean=pl.col("theta").mean(), target_sd=pl.col("theta").std())
    typical = factor.group_by("channel").agg(median_factor=pl.col("factor").median())
    near = (pl.col("mean") - pl.col("target_mean")).abs() < MEAN_SHIFT * pl.col("target_sd")
    ratio = (pl.col("sd") / pl.col("target_sd")).is_between(*SD_RATIO)
    return (
        arrived.join(target, on="channel").join(typical, on="channel").with_columns(passed=near & ratio).sort("channel")
    )
