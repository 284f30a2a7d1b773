"""What an MMM read of a channel, and which returns are possible when that reading has an error in money."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.stats import norm

NODES = np.linspace(-4.0, 4.0, 161)
FINE_NODES = np.linspace(-6.0, 6.0, 4001)


@dataclass(frozen=True)
class MoneyError:
    """An MMM's error in a channel's return, in iROAS: what it adds on average (`mean`), and its standard deviation.

    An MMM misplaces a share of the booked KPI, whatever a channel spends, so the same error is the larger in iROAS the
    less was spent.
    """

    mean: float
    sd: float


def reading_of_draws(draws: np.ndarray, median: float, log_sd: float) -> tuple[float, float]:
    """Centre and standard error (natural scale) of the Normal likelihood that turns the prior into these draws.

    A regression's likelihood is Normal in a channel's return, while its posterior under a log-normal prior is skewed:
    this recovers the former from the latter by matching mean and sd of log iROAS, so no density is divided by another.
    Draws at or below zero come from a signed prior, which is wide: the draws' own mean and sd are taken. A channel that
    taught nothing has a standard error of many times its median. Shapes: draws (n,).
    """
    spread = float(draws.std())
    if (draws <= 0).any() or spread == 0:
        return float(draws.mean()), max(spread, 1e-3 * median)
    logs = np.log(draws)
    target = np.array([logs.mean(), np.log(max(logs.std(), 0.02))])
    t = np.log(median) + log_sd * NODES
    value = np.exp(t)
    unit = float(np.exp(target[0]))

    def gap(point: np.ndarray) -> np.ndarray:
        centre, se = point[0] * unit, np.exp(point[1]) * unit
        logw = norm.logpdf(NODES) - 0.5 * ((value - centre) / se) ** 2
        w = np.exp(logw - logw.max())
        w /= w.sum()
        mean = float(w @ t)
        return np.array([mean - target[0], 0.5 * np.log(max(w @ (t - mean) ** 2, 1e-8)) - target[1]])

    begin = np.array([1.0, np.clip(target[1], -3.0, 1.0)])
    solved = least_squares(gap, begin, bounds=([-20.0, -4.5], [20.0, 3.0]), max_nfev=60)
    return float(solved.x[0] * unit), float(np.exp(solved.x[1]) * unit)


def returns_given_error(
    draws: np.ndarray, prior: tuple[float, float], reading: tuple[float, float], error: MoneyError
) -> np.ndarray:
    """Returns (n,), ascending, that a reading with an error in money leaves possible; as many as `draws` (n,).

    Quantiles of the log-normal `prior` (median, log sd) times a Normal likelihood: `reading` (centre, standard error)
    is the return plus `error`. The less a channel spends, the more of the prior remains. Draws at or below zero come
    from a signed prior that is not known here: they are spread out around their mean.
    """
    ordered = np.sort(draws)
    if error.sd == 0 and error.mean == 0:
        return ordered
    if ordered[0] <= 0:
        centre, spread = float(ordered.mean()), float(ordered.std())
        if spread > 1e-9 * abs(centre):  # else they are all alike, up to rounding
            return np.asarray(centre + (ordered - centre) * np.hypot(spread, error.sd) / spread)
        return np.asarray(centre + error.sd * norm.ppf((np.arange(ordered.size) + 0.5) / ordered.size))
    (median, log_sd), (centre, se) = prior, reading
    log_return = np.log(median) + log_sd * FINE_NODES
    misfit = (np.exp(log_return) + error.mean - centre) / np.hypot(se, error.sd)
    log_weight = norm.logpdf(FINE_NODES) - 0.5 * misfit**2
    weight = np.exp(log_weight - log_weight.max())
    below = (np.cumsum(weight) - 0.5 * weight) / weight.sum()
    return np.asarray(np.exp(np.interp((np.arange(ordered.size) + 0.5) / ordered.size, below, log_return)))
