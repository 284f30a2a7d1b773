"""Compiled Gibbs sampler of a local level with spike-and-slab regression; import it inside functions only.

All in standardised units: y and every regressor have mean 0 and sd 1 before the intervention.
"""

from __future__ import annotations

import numpy as np
from numba import njit  # noqa: TID253  the module itself is imported by the function that fits

LEVEL_SHAPE, LEVEL_SD = 16.0, 0.01  # tight: without it the level drifts and swallows the effect
NOISE_SHAPE, NOISE_VARIANCE = 25.0, 0.2  # 50 prior observations, 80 % explained
LEVEL_SD_MOST, NOISE_SD_MOST = 1.0, 1.2
SLAB_SHARE = 0.01  # prior information of the slab in units of the data's own


@njit(cache=True)
def _draw_level(rng: np.random.Generator, y: np.ndarray, noise: float, step: float, level: np.ndarray) -> None:
    """Forward filter, backward sampling of a random walk seen with noise; the first state is N(y[0], 1)."""
    n = y.size
    mean = np.empty(n)
    spread = np.empty(n)
    prior_mean, prior_spread = y[0], 1.0
    for t in range(n):
        gain = prior_spread / (prior_spread + noise)
        mean[t] = prior_mean + gain * (y[t] - prior_mean)
        spread[t] = prior_spread * (1 - gain)
        prior_mean, prior_spread = mean[t], spread[t] + step
    level[n - 1] = mean[n - 1] + np.sqrt(spread[n - 1]) * rng.standard_normal()
    for t in range(n - 2, -1, -1):
        gain = spread[t] / (spread[t] + step)
        centre = mean[t] + gain * (level[t + 1] - mean[t])
        level[t] = centre + np.sqrt(spread[t] * (1 - gain)) * rng.standard_normal()


@njit(cache=True)
def _inverse_gamma(rng: np.random.Generator, shape: float, rate: float, most: float) -> float:
    """A draw not above `most`, by rejection; the bound itself when it is practically always exceeded."""
    for _ in range(1_000):
        value = rate / rng.standard_gamma(shape)
        if value <= most:
            return value
    return most


@njit(cache=True)
def _posterior(
    gram: np.ndarray, cross: np.ndarray, used: np.ndarray, total: float
) -> tuple[np.ndarray, np.ndarray, float, float]:
    """Slab posterior mean, Cholesky factor of its precision, S, and the log of both determinants' part."""
    size = used.size
    precision = np.empty((size, size))
    slab = np.empty((size, size))
    side = np.empty(size)
    for i in range(size):
        side[i] = cross[used[i]]
        for j in range(size):
            shared = gram[used[i], used[j]]
            slab[i, j] = SLAB_SHARE * (shared if i == j else shared / 2)
            precision[i, j] = shared + slab[i, j]
    if size == 0:
        return side, precision, total, 0.0
    factor = np.linalg.cholesky(precision)
    prior_factor = np.linalg.cholesky(slab)
    mean = np.linalg.solve(precision, side)
    determinants = 0.0
    for i in range(size):
        determinants += np.log(prior_factor[i, i]) - np.log(factor[i, i])
    return mean, factor, total - (side * mean).sum(), determinants


@njit(cache=True)
def gibbs(
    rng: np.random.Generator,
    y: np.ndarray,
    regressors: np.ndarray,
    ahead: np.ndarray,
    forced: np.ndarray,
    inclusion: float,
    burn: int,
    draws: int,
) -> tuple[np.ndarray, np.ndarray]:
    """Predictive paths (draws, H) for the regressors `ahead` (H, K), and how often each regressor was included (K,)."""
    n, k = regressors.shape
    gram = regressors.T @ regressors
    level = np.zeros(n)
    weights = np.zeros(k)
    included = forced.copy()
    noise, step = NOISE_VARIANCE, LEVEL_SD**2
    paths = np.empty((draws, ahead.shape[0]))
    share = np.zeros(k)
    odds = 0.0 if inclusion >= 1.0 else np.log(inclusion / (1 - inclusion))
    for sweep in range(burn + draws):
        _draw_level(rng, y - regressors @ weights, noise, step, level)
        moved = 0.0
        for t in range(1, n):
            moved += (level[t] - level[t - 1]) ** 2
        step = _inverse_gamma(rng, LEVEL_SHAPE + (n - 1) / 2, LEVEL_SHAPE * LEVEL_SD**2 + moved / 2, LEVEL_SD_MOST**2)
        rest = y - level
        cross = regressors.T @ rest
        total = 2 * NOISE_SHAPE * NOISE_VARIANCE + rest @ rest
        power = -(2 * NOISE_SHAPE + n) / 2
        for j in range(k):
            if forced[j] or inclusion >= 1.0:
                included[j] = True
                continue
            included[j] = True
            _, _, with_sum, with_part = _posterior(gram, cross, np.nonzero(included)[0], total)
            included[j] = False
            _, _, without_sum, without_part = _posterior(gram, cross, np.nonzero(included)[0], total)
            gain = odds + with_part - without_part + power * (np.log(with_sum) - np.log(without_sum))
            included[j] = np.log(rng.random()) < -np.log1p(np.exp(-gain)) if gain > -700 else False
        used = np.nonzero(included)[0]
        mean, factor, squares, _ = _posterior(gram, cross, used, total)
        noise = _inverse_gamma(rng, NOISE_SHAPE + n / 2, squares / 2, NOISE_SD_MOST**2)
        weights[:] = 0.0
        if used.size:
            shock = np.empty(used.size)
            for i in range(used.size):
                shock[i] = rng.standard_normal()
            drawn = mean + np.sqrt(noise) * np.linalg.solve(factor.T, shock)
            for i in range(used.size):
                weights[used[i]] = drawn[i]
        if sweep < burn:
            continue
        row = sweep - burn
        current = level[n - 1]
        for h in range(ahead.shape[0]):
            current += np.sqrt(step) * rng.standard_normal()
            paths[row, h] = current + ahead[h] @ weights + np.sqrt(noise) * rng.standard_normal()
        for j in range(k):
            share[j] += included[j]
    return paths, share / draws
