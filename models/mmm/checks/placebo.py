"""Placebo test of each channel: its own series, shifted in time, must explain sales less well."""

from __future__ import annotations

import numpy as np

from models.mmm.engine import laplace
from models.mmm.model.design import Design
from models.mmm.result.contributions import media_sums
from models.mmm.result.posterior import from_kernel


def placebo_ranks(
    design: Design, block: np.ndarray, peak: laplace.Peak, *, shifts: int, rng: np.random.Generator
) -> np.ndarray:
    """Share (P,) of circularly shifted copies of each paid channel that explain sales less well than the channel does.

    Carryover and saturation are held at the peak, and the copy's effect is free in size and sign (a positive belief
    could not return zero); the baseline keeps its learned stiffness, the other channels are free. Effects are compared
    in standard errors. Exact for the linear part, a shortcut for the rest: hundreds of copies cost one refit.
    """
    one = from_kernel(np.repeat(peak.mode[None, None, :], 2, axis=1), block, design, seed=0).thin(1)
    geos, periods = design.y.shape
    cells = np.arange(geos * periods).reshape(geos, periods)
    unit = np.repeat(design.scales.size * design.scales.kpi, periods)
    weight = design.weight.ravel()
    media = media_sums(design, one, design.media, cells, geos * periods)[0] / unit[:, None]
    columns = design.baseline.columns.reshape(len(design.baseline.names), -1).T * design.baseline.scale
    sigma = float(one.sigma[0])
    least = min(2 * design.form.taps, periods // 4)
    ranks = np.empty(len(design.data.channels))
    for c in range(ranks.size):
        rest = np.hstack([columns, np.delete(media, c, axis=1)]) * weight[:, None]
        ridge = np.r_[np.full(columns.shape[1], sigma**2), np.full(media.shape[1] - 1, 1e-9)]
        solve = np.linalg.inv(rest.T @ rest + np.diag(ridge)) @ rest.T

        def left(values: np.ndarray, rest: np.ndarray = rest, solve: np.ndarray = solve) -> np.ndarray:
            return np.asarray(values - rest @ (solve @ values))

        y = left(design.y.ravel() * weight)
        fakes = []
        for _ in range(shifts):
            path = design.media.copy()
            path[c] = np.roll(path[c], int(rng.integers(least, periods - least)), axis=1)
            fake = media_sums(design, one, path, cells, geos * periods)[0, :, c] / unit
            fakes.append(_t(y, left(fake * weight)))
        real = _t(y, left(media[:, c] * weight))
        ranks[c] = (1 + sum(f < real for f in fakes)) / (1 + shifts)
    return ranks


def _t(y: np.ndarray, x: np.ndarray) -> float:
    """Effect of x on y over its standard error, both without what is held."""
    square = max(float(x @ x), 1e-15)
    effect = float(x @ y) / square
    return effect / np.sqrt(max(float((y - effect * x) @ (y - effect * x)), 1e-15) / y.size / square)
