"""Which model says what one series would have done without the intervention, and its range after placebos in time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.incrementality.geo.panel import PanelError
from models.incrementality.series.bsts import forecast, tail_reading
from models.incrementality.series.memory import Prediction, Request, control_odds, predict
from models.incrementality.series.placebos import Placebo, PlaceboFactor, enough_history, placebo_cuts
from models.incrementality.series.window import FEWEST_BEFORE, SeriesWindow

PLACEBO_DRAWS = 1_000
NOT_EXCLUDED = 1 / 6  # weight of grid points with a tight level: half of what they have before the data


@dataclass(frozen=True)
class SeriesRead:
    """Total effect over the window with its range and p-value, read off one law; the rest says how it was found.

    `factor` is what its scales were multiplied by after the placebos, `inclusion` the posterior share of models with
    each control, `tight` the weight of a level that hardly drifts.
    """

    effect: float
    low: float
    high: float
    p_value: float
    method: str
    inference: str
    placebos: PlaceboFactor
    factor: float
    inclusion: np.ndarray
    tight: float
    curves: pl.DataFrame


def series_read(window: SeriesWindow, *, level: float, seed: int, draws: int) -> SeriesRead:
    """Read by the grid of memory and drift, its scales times the placebo factor.

    The structural series is used instead where a control is there, its own placebos miss by no more than its range
    says, and the data do not halve the weight of grid points with a level as tight as its. All three are known before
    the window.
    """
    found = _by_memory(window, level)
    if window.controls.shape[1] and found.tight >= NOT_EXCLUDED:
        placebos = _structural_placebos(window, found.placebos, seed)
        if placebos.placebos and placebos.observed <= 1.0:
            return _by_structure(window, found, placebos, level=level, seed=seed, draws=draws)
    return found


def _by_memory(window: SeriesWindow, level: float) -> SeriesRead:
    series, regressors = window.read_series(), window.regressors()
    history, length = window.first - window.skipped, window.length
    fewest = max(FEWEST_BEFORE, 2 * (window.season or 0), window.columns + 10)
    cuts = placebo_cuts(history, length, fewest=fewest)
    requests = [Request.path_of(history, length), *(Request.mean_of(cut, length) for cut in cuts)]
    read, *earlier = predict(series, regressors, requests)
    if read is None:
        raise PanelError(
            "before the intervention the controls repeat each other or the season, or explain the KPI without any rest:"
            " leave one of them out"
        )
    placebos = []
    for cut, predicted in zip(cuts, earlier, strict=True):
        if predicted is None:
            continue
        [mean] = predicted.means
        error = float(series[cut : cut + length].mean()) - mean.mean
        placebos.append(Placebo(cut, error, error / mean.sd))
    factor = PlaceboFactor(tuple(placebos), enough_history(history, length, placebos))
    laws = [law.widened(factor.factor) for law in read.means]
    curves = _curves(window, series[history:], laws, level)
    total = laws[-1]
    observed = float(series[history:].mean())
    below = total.below(observed)
    actual, alpha = float(window.during.sum()), 1 - level
    effects = [observed - centre for centre in (total.mean, total.quantile(1 - alpha / 2), total.quantile(alpha / 2))]
    effect, low, high = (window.effect(shift, actual, length) for shift in effects)
    columns = range(window.columns - window.controls.shape[1], window.columns)
    return SeriesRead(
        effect,
        low,
        high,
        2 * min(below, 1 - below),
        "series_memory",
        f"predictive, memory and drift integrated out, times {factor.factor:.2f} by {len(placebos)} placebos in time",
        factor,
        factor.factor,
        control_odds(series, regressors, history, columns) if len(columns) else np.zeros(0),
        read.tight,
        curves,
    )


def _curves(window: SeriesWindow, observed: np.ndarray, laws: list[Prediction], level: float) -> pl.DataFrame:
    """The window by period: actual, counterfactual, effect and cumulated effect, each with its own range."""
    alpha, length = 1 - level, window.length
    outer = (None, 1 - alpha / 2, alpha / 2)
    running = observed.cumsum() / np.arange(1, length + 1)
    daily: list[list[float]] = []
    cumulated: list[list[float]] = []
    for at, (own, total) in enumerate(zip(laws[:length], laws[length:], strict=True)):
        for rows, law, seen, actual, periods in (
            (daily, own, observed[at], window.during[at], 1),
            (cumulated, total, running[at], window.during[: at + 1].sum(), at + 1),
        ):
            centres = [law.mean if p is None else law.quantile(p) for p in outer]
            rows.append([window.effect(float(seen) - centre, float(actual), periods) for centre in centres])
    effect, low, high = np.array(daily).T
    total_effect, total_low, total_high = np.array(cumulated).T
    return _frame(window, effect, low, high, total_effect, total_low, total_high)


def _structural_placebos(window: SeriesWindow, grid: PlaceboFactor, seed: int) -> PlaceboFactor:
    """The structural series' own errors on the same earlier windows; none where it cannot be fitted to one of them."""
    skipped, length = window.skipped, window.length
    found: list[Placebo] = []
    for placebo in grid.placebos:
        cut = skipped + placebo.cut
        if (window.controls[skipped:cut].std(axis=0) == 0).any() or window.kpi[skipped:cut].std() == 0:
            return PlaceboFactor((), grid.enough)
        paths = forecast(
            window.kpi[skipped:cut],
            window.controls[skipped:cut],
            window.controls[cut : cut + length],
            seed=seed,
            draws=PLACEBO_DRAWS,
            season=window.season,
        ).paths.mean(axis=1)
        error = float(window.kpi[cut : cut + length].mean() - paths.mean())
        found.append(Placebo(placebo.cut, error, error / float(paths.std(ddof=1))))
    return PlaceboFactor(tuple(found), grid.enough)


def _by_structure(
    window: SeriesWindow, grid: SeriesRead, placebos: PlaceboFactor, *, level: float, seed: int, draws: int
) -> SeriesRead:
    history, during = slice(window.skipped, window.first), slice(window.first, window.last + 1)
    predicted = forecast(
        window.kpi[history],
        window.controls[history],
        window.controls[during],
        seed=seed,
        draws=draws,
        season=window.season,
    )
    read = tail_reading(predicted.effects(window.during), level)
    daily = window.during - predicted.paths
    cumulated = daily.cumsum(axis=1)
    outer = [(1 - level) / 2, (1 + level) / 2]
    low, high = np.quantile(daily, outer, axis=0)
    total_low, total_high = np.quantile(cumulated, outer, axis=0)
    curves = _frame(window, daily.mean(axis=0), low, high, cumulated.mean(axis=0), total_low, total_high)
    return SeriesRead(
        read.point,
        read.low,
        read.high,
        read.p_value,
        "structural_series",
        f"posterior predictive, {draws} draws with seed {seed}, {len(placebos.placebos)} placebos in time",
        placebos,
        1.0,
        predicted.inclusion,
        grid.tight,
        curves,
    )


def _frame(
    window: SeriesWindow,
    effect: np.ndarray,
    low: np.ndarray,
    high: np.ndarray,
    cumulative: np.ndarray,
    cumulative_low: np.ndarray,
    cumulative_high: np.ndarray,
) -> pl.DataFrame:
    return pl.DataFrame(
        {
            "day": window.panel.dates[window.first : window.last + 1],
            "phase": ["read"] * window.length,
            "actual": window.during,
            "counterfactual": window.during - effect,
            "effect": effect,
            "low": low,
            "high": high,
            "cumulative": cumulative,
            "cumulative_low": cumulative_low,
            "cumulative_high": cumulative_high,
        }
    )
