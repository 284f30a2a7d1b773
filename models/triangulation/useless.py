"""How likely a channel is useless, given what the MMM read: a lump at zero that only tests may empty."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares
from scipy.special import logsumexp
from scipy.stats import norm

NODES = np.linspace(-4.0, 4.0, 161)


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


def useless_share(
    no_effect: float,
    reading: tuple[float, float],
    median: float,
    log_sd: float,
    *,
    useless_sd: float,
    error_mean: float,
    error_sd: float,
    least: float,
    most: float,
) -> float:
    """Posterior probability that the channel is useless, given the MMM's `reading` (centre, standard error).

    `no_effect` is its prior probability, the alternative a log-normal return (`median`, `log_sd`). The MMM reads the
    truth plus an additive error (`error_mean`, `error_sd`): hidden demand adds revenue to a channel that follows it,
    however little the channel returns. The Bayes factor is bounded by `least` and `most`. All in iROAS.
    """
    centre, se = reading
    noise = np.hypot(se, error_sd)
    none = norm.logpdf(centre, error_mean, np.hypot(noise, useless_sd))
    value = np.exp(np.log(median) + log_sd * NODES)
    weight = norm.logpdf(NODES) + np.log(NODES[1] - NODES[0])
    some = float(logsumexp(weight + norm.logpdf(centre, value + error_mean, noise)))
    odds = no_effect / (1 - no_effect) * float(np.exp(np.clip(none - some, np.log(least), np.log(most))))
    return odds / (1 + odds)
