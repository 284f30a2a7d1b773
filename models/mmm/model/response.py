"""The response of each media series in plain numpy: the forms that the compiled kernel does not have.

One place for carryover, saturation and frequency; draws run along the first axis.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from models.mmm.model.build import Design
    from models.mmm.result.posterior import Posterior

CHUNK = 4_000_000  # numbers held at once


def compiled(plan: Design, draws: Posterior | None = None) -> bool:
    """Whether the kernel has this response: geometric or Weibull carryover first, then one of its curves."""
    return (
        plan.form.adstock != "delayed"
        and plan.spec.order == "adstock_first"
        and not plan.data.by_frequency.any()
        and (draws is None or draws.latent is None)
    )


def carryover_weights(adstock: str, half_life: np.ndarray, shape: np.ndarray, taps: int) -> np.ndarray:
    """Share of the effect by lag, (D, taps), sums to 1.

    `delayed`: a bell around lag `shape`, half as high `half_life` periods away from it (Jin et al. 2017, written by its
    half-width). Otherwise Weibull waiting times with median `half_life`, geometric when `shape` is 1.
    """
    h, k = half_life[:, None], shape[:, None]
    if adstock == "delayed":
        weights = np.exp(-np.log(2) * ((np.arange(taps) - k) / h) ** 2)
    else:
        left = np.exp(-np.log(2) * (np.arange(taps + 1) / h) ** k)
        weights = left[:, :-1] - left[:, 1:]
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def saturated(curve: str, level: np.ndarray, half_saturation: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """Share of the greatest possible effect at a media level (D, …), one half at `half_saturation` (D,)."""
    shape = (-1,) + (1,) * (level.ndim - 1)
    half, bend = half_saturation.reshape(shape), slope.reshape(shape)
    if curve == "logistic":
        return np.asarray(np.tanh(np.log(3) / 2 * level / half))
    if curve == "exponential":
        return np.asarray(1 - np.exp(-np.log(2) * level / half))
    safe = np.where(level > 1e-12, level, 1.0)
    return np.where(level > 1e-12, 1 / (1 + (half / safe) ** bend), 0.0)


def respond(plan: Design, draws: Posterior, c: int, media: np.ndarray, pick: slice) -> np.ndarray:
    """Response (D, G, T) of series `c` to scaled media (G, T) for the draws in `pick`."""
    half_life, shape = draws.half_life[pick, c], draws.shape[pick, c]
    half, slope = draws.half_saturation[pick, c], draws.slope[pick, c]
    bell = "delayed" if plan.peaked[c] else "weibull"
    weights = carryover_weights(bell, half_life, shape, plan.form.taps)
    x = np.broadcast_to(media, (len(weights), *media.shape))
    where = [i for i, one in enumerate(plan.latent) if one.channel == c]
    # over other periods than the fitted ones (a backtest) the expected true values stand in for the draws
    if draws.latent is not None and where and draws.latent.shape[-1] == media.shape[1]:
        true = draws.latent[pick, where[0]]
        usual = np.maximum(plan.media[c], 1e-12)
        x = true * np.where(plan.media[c] > 1e-12, media / usual, 1.0)
    if plan.data.by_frequency[c]:
        assert plan.frequency is not None
        seen = np.broadcast_to(plan.frequency[c], (len(weights), *media.shape))
        return _carried(x * saturated("hill", seen, half, slope), weights)
    if plan.spec.order == "saturation_first":
        return _carried(saturated(plan.form.saturation, x, half, slope), weights)
    return saturated(plan.form.saturation, _carried(x, weights), half, slope)


def media_sums(plan: Design, draws: Posterior, media: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Incremental KPI (D, count, C) of scaled media (C, G, T), summed over the cells (G, T) that share a label."""
    from scipy.sparse import csr_matrix

    cells = labels.ravel()
    inside = np.flatnonzero(cells >= 0)
    sums = csr_matrix((np.ones(inside.size), (inside, cells[inside])), shape=(cells.size, count))
    out = np.zeros((draws.count, count, len(media)))
    unit = (plan.scales.size * plan.scales.kpi)[None, :, None]
    step = max(1, CHUNK // max(cells.size * 4, 1))
    for start in range(0, draws.count, step):
        pick = slice(start, start + step)
        for c in range(len(media)):
            effect = draws.beta_geo[pick, c][:, :, None] * unit * respond(plan, draws, c, media[c], pick)
            out[pick, :, c] = effect.reshape(len(effect), -1) @ sums
    return out


def _carried(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Each draw's media (D, G, T) spread over later periods by its weights (D, taps), inside each region only."""
    out = np.zeros(x.shape)
    for lag in range(min(weights.shape[1], x.shape[2])):
        out[:, :, lag:] += weights[:, lag, None, None] * x[:, :, : x.shape[2] - lag]
    return out
