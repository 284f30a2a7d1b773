"""The response of each media series in plain numpy: the forms that the compiled kernel does not have.

One place for carryover, saturation and frequency; draws run along the first axis.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.mmm.model.design import Design


@dataclass(frozen=True, eq=False)
class ResponseParameters:
    """Draws (D, C) of each series' response: half-life in periods, carryover shape, half-saturation and slope.

    `shape` is the peak's lag where carryover peaks after a delay; half-saturation and slope are those of the frequency
    curve for reach channels. `latent` (D, L, G, T) are true scaled values of measured series, None without them.
    """

    half_life: np.ndarray
    shape: np.ndarray
    half_saturation: np.ndarray
    slope: np.ndarray
    latent: np.ndarray | None = None


def compiled(design: Design, parameters: ResponseParameters | None = None) -> bool:
    """Whether the kernel has this response: geometric or Weibull carryover first, then one of its curves."""
    return (
        design.form.adstock != "delayed"
        and design.spec.order == "adstock_first"
        and not design.data.by_frequency.any()
        and (parameters is None or parameters.latent is None)
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


def respond(design: Design, parameters: ResponseParameters, c: int, media: np.ndarray, pick: slice) -> np.ndarray:
    """Response (D, G, T) of series `c` to scaled media (G, T) for the draws in `pick`."""
    half_life, shape = parameters.half_life[pick, c], parameters.shape[pick, c]
    half, slope = parameters.half_saturation[pick, c], parameters.slope[pick, c]
    bell = "delayed" if design.peaked[c] else "weibull"
    weights = carryover_weights(bell, half_life, shape, design.form.taps)
    x = np.broadcast_to(media, (len(weights), *media.shape))
    where = [i for i, one in enumerate(design.latent) if one.channel == c]
    # over other periods than the fitted ones (a backtest) the expected true values stand in for the draws
    if parameters.latent is not None and where and parameters.latent.shape[-1] == media.shape[1]:
        true = parameters.latent[pick, where[0]]
        usual = np.maximum(design.media[c], 1e-12)
        x = true * np.where(design.media[c] > 1e-12, media / usual, 1.0)
    if design.data.by_frequency[c]:
        assert design.frequency is not None
        seen = np.broadcast_to(design.frequency[c], (len(weights), *media.shape))
        return _carried(x * saturated("hill", seen, half, slope), weights)
    if design.spec.order == "saturation_first":
        return _carried(saturated(design.form.saturation, x, half, slope), weights)
    return saturated(design.form.saturation, _carried(x, weights), half, slope)


def _carried(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Each draw's media (D, G, T) spread over later periods by its weights (D, taps), inside each region only."""
    out = np.zeros(x.shape)
    for lag in range(min(weights.shape[1], x.shape[2])):
        out[:, :, lag:] += weights[:, lag, None, None] * x[:, :, : x.shape[2] - lag]
    return out
