"""Residual autocorrelation, which makes intervals too narrow, and residual peaks that recur every year.

What future spend explains of it is examined in `endogeneity`, how effects change over time in `changing_effects`.
"""

from __future__ import annotations

import numpy as np
from scipy import stats

from models.mmm.result.contributions import media_sums, parts
from models.mmm.result.fit import MMMFit
from models.periods import Grain
from models.warning import Warning

AUTOCORRELATION = 0.30  # of residuals with those of earlier periods
MEMORY = 1.35  # factor by which a channel's interval may be too narrow
LAGS: dict[Grain, int] = {"day": 14, "week": 6, "month": 2}
YEAR: dict[Grain, int] = {"day": 364, "week": 52}  # the same weekday of the same week
PEAK = 2.5  # size of a residual in robust standard deviations, in both years
BY_CHANCE = 0.05  # probability of as many pairs, were peaks of one year and the next independent
PRESENT = 1.25  # a channel's effect in those periods, in multiples of its usual effect


def check(fit: MMMFit) -> list[Warning]:
    """Warnings about autocorrelated residuals and residual peaks that recur every year."""
    return [*_autocorrelation(fit), *_yearly(fit)]


def residuals(fit: MMMFit) -> np.ndarray:
    """Residuals (G, T) in units of each region's size and noise; outliers are not down-weighted."""
    scales = fit.design.scales
    return np.asarray((fit.data.kpi - fit.fitted()) / (scales.size * scales.kpi * scales.noise)[:, None])


def memory(fit: MMMFit) -> np.ndarray:
    """Factor (C,), at least 1, by which each series' interval is too narrow because residuals are autocorrelated.

    Root of the long-run over the plain variance of the score: residual times the channel's own movement, which is its
    effect less what baseline and other channels explain of it. Autocorrelated residuals matter only for a channel
    whose spend is autocorrelated too. Source: Newey and West (1987).
    """
    left, moved = residuals(fit), _own_movement(fit)
    if fit.design.week_effects:  # shocks common to all regions are in the model
        left = left - left.mean(axis=0)
    score = (moved * left).sum(axis=1)
    score = score - score.mean(axis=1, keepdims=True)
    plain = np.maximum((score**2).mean(axis=1), 1e-300)
    ratio = np.ones(len(score))
    lags = min(LAGS[fit.data.grain], score.shape[1] // 8)
    for k in range(1, lags + 1):
        ratio += 2 * (1 - k / (lags + 1)) * (score[:, k:] * score[:, :-k]).sum(axis=1) / score.shape[1] / plain
    return np.asarray(np.sqrt(np.maximum(ratio, 1.0)))


def yearly_peaks(fit: MMMFit) -> np.ndarray:
    """Periods (n,) with a large residual that has the same sign and size a year earlier or later.

    None where as many pairs would come together by chance: skewed noise has many large residuals of one sign.
    """
    step = YEAR.get(fit.data.grain)
    common = residuals(fit).mean(axis=0)
    if step is None or common.size <= step + 8:
        return np.array([], dtype=int)
    z = common / max(1.4826 * float(np.median(np.abs(common - np.median(common)))), 1e-12)
    early, late = z[:-step], z[step:]
    both = np.flatnonzero((early * late > 0) & (np.minimum(np.abs(early), np.abs(late)) > PEAK))
    expected = early.size * (float((z > PEAK).mean()) ** 2 + float((z < -PEAK).mean()) ** 2)
    if stats.poisson.sf(both.size - 1, expected) > BY_CHANCE:
        return np.array([], dtype=int)
    return np.unique(np.concatenate([both, both + step]))


def _own_movement(fit: MMMFit) -> np.ndarray:
    """Each series' effect (C, G, T) less what baseline and other series explain of it."""
    design, data = fit.design, fit.data
    effect = effects(fit) / (design.scales.size * design.scales.kpi)[:, None]
    if design.week_effects:
        effect = effect - effect.mean(axis=1, keepdims=True)
    columns = np.concatenate([design.baseline.columns * design.baseline.scale[:, None, None], effect])
    columns = (columns / design.scales.noise[:, None]).reshape(len(columns), -1)
    gram = columns @ columns.T
    size = np.diag(gram).copy()
    inverse = np.linalg.pinv(gram + np.diag(1e-9 * np.maximum(size, 1e-12)))
    at = np.arange(len(columns) - len(effect), len(columns))
    own = (inverse[at] @ columns) / np.maximum(np.diag(inverse)[at], 1e-300)[:, None]
    return np.asarray(own.reshape(len(effect), len(data.geos), len(data.dates)))


def effects(fit: MMMFit) -> np.ndarray:
    """Posterior mean of each series' incremental KPI (C, G, T)."""
    geos, periods = fit.design.y.shape
    labels, thinned = np.arange(geos * periods).reshape(geos, periods), fit.draws.thin(40)
    total = np.zeros((geos * periods, len(fit.design.media)))
    for part in parts(thinned, total.size):
        total += media_sums(fit.design, part, fit.design.media, labels, geos * periods).sum(axis=0)
    return (total / thinned.count).T.reshape(-1, geos, periods)


def _autocorrelation(fit: MMMFit) -> list[Warning]:
    common = residuals(fit).mean(axis=0)
    lags = [float(np.corrcoef(common[:-k], common[k:])[0, 1]) for k in (1, 2, 3, 4)]
    worst = max(lags)
    factors = memory(fit)
    who = [n for n, f in zip(fit.data.media_names, factors, strict=True) if f > MEMORY]
    seen = worst > max(AUTOCORRELATION, 2.6 / np.sqrt(common.size))
    if not who and not seen:
        return []
    lag = f" (correlation {worst:.2f} at a lag of {lags.index(worst) + 1} period(s))" if seen else ""
    narrow = f"the intervals of {', '.join(who)} are up to {factors.max():.1f} times" if who else "intervals are"
    return [
        Warning.about(
            "residual_autocorrelation",
            "medium",
            who,
            f"Residuals are autocorrelated{lag}: a lasting driver of sales is missing from the model, and {narrow} too"
            " narrow.",
            "Add the missing driver as a control (price, stock, competitors), or allow a longer carryover.",
        )
    ]


def _yearly(fit: MMMFit) -> list[Warning]:
    peaks = yearly_peaks(fit)
    if not peaks.size:
        return []
    effect = effects(fit).sum(axis=1)
    usual = np.where(effect.mean(axis=1) != 0, effect.mean(axis=1), 1.0)
    present = [
        n
        for n, share in zip(fit.data.media_names, effect[:, peaks].mean(axis=1) / usual, strict=True)
        if share > PRESENT
    ]
    when = ", ".join(str(fit.data.dates[t]) for t in peaks[:4]) + (
        f" and {peaks.size - 4} more" if peaks.size > 4 else ""
    )
    credit = f" {', '.join(present)} ran more than usual then and may be credited with part of it." if present else ""
    return [
        Warning.about(
            "recurring_peak",
            "medium",
            present,
            f"{fit.data.kpi_name} is far from the model at the same time of each year ({when}): a yearly holiday, sale"
            f" or fair is missing.{credit}",
            "Declare it as an event with its dates in every year.",
            none=fit.data.kpi_name,
        )
    ]
