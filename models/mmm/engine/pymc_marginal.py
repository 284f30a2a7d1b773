"""The linear part integrated out of the PyMC graph: fewer dimensions, the same posterior; and drawn back afterwards.

Same algebra as the compiled kernel: y = f + X w + noise with w ~ N(0, D^2), so only f and a few scales are sampled.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from models.mmm.model.design import Design

LOG2PI = float(np.log(2 * np.pi))


def mirror_of(design: Design) -> np.ndarray:
    """Householder vectors (G, T) that turn the weighted direction common to all regions into row 0."""
    if not design.week_effects:
        return np.zeros_like(design.weight)
    v = design.weight / np.linalg.norm(design.weight, axis=0)
    v[0] -= 1.0
    length = np.linalg.norm(v, axis=0)
    return np.where(length > 1e-12, v / np.maximum(length, 1e-12), 0.0)


def reflect(values: np.ndarray, h: np.ndarray) -> np.ndarray:
    """Reflection of (…, G, T) arrays over regions, period by period."""
    return np.asarray(values - 2.0 * h * (values * h).sum(axis=-2, keepdims=True))


def log_density(
    y: np.ndarray,
    fixed: Any,
    columns: np.ndarray,
    spread: Any,
    sigma: Any,
    *,
    weight: np.ndarray | None = None,
    mirror: np.ndarray | None = None,
    damp: Any = 1.0,
) -> Any:
    """Symbolic log density of y (G, T) around `fixed` with Normal weights on `columns` (P, G, T) of sd `spread` (P,).

    `weight` is 1 / relative noise sd per cell; `mirror` and `damp` rotate common weekly shocks into the first row and
    shrink it, as the kernel does. Constants of the data are kept, so that densities can be compared.
    """
    import pytensor.tensor as pt

    weight = np.ones_like(y) if weight is None else weight
    h = np.zeros_like(y) if mirror is None else mirror
    shrink = pt.concatenate([pt.stack([pt.as_tensor_variable(damp)]), pt.ones(y.shape[0] - 1)])[:, None]
    left = weight * (y - fixed)
    left = ((left - 2.0 * h * (left * h).sum(axis=0, keepdims=True)) * shrink).flatten()
    x = reflect(columns * weight, h)
    flat = x.reshape(len(x), -1)
    common = x[:, 0, :] @ x[:, 0, :].T
    gram = (flat @ flat.T - common) + damp**2 * common
    variance = sigma**2
    precision = spread[:, None] * spread[None, :] * gram + variance * pt.eye(len(x))
    factor = pt.linalg.cholesky(precision)
    moment = spread * pt.dot(flat, left * pt.repeat(shrink[:, 0], y.shape[1]))
    half = pt.linalg.solve_triangular(factor, moment, lower=True)
    quadratic = ((left**2).sum() - (half**2).sum()) / variance
    log_det = 2 * pt.log(pt.diagonal(factor)).sum() + (y.size - len(x)) * pt.log(variance)
    shrunk = y.shape[1] * pt.log(damp) if mirror is not None else 0.0
    return -0.5 * (quadratic + log_det + y.size * LOG2PI) + shrunk + float(np.log(weight).sum())


def draw_weights(
    design: Design,
    fixed: np.ndarray,
    spread: np.ndarray,
    sigma: np.ndarray,
    ratio: np.ndarray,
    rng: np.random.Generator,
) -> np.ndarray:
    """Linear weights (D, P) given the rest of each draw: `fixed` (D, G, T) is everything but the linear part."""
    h = mirror_of(design)
    x = reflect(design.baseline.columns * design.weight, h)
    out = np.empty((len(fixed), len(x)))
    shrink = np.ones((x.shape[1], 1))
    for d, row in enumerate(fixed):
        shrink[0] = 1 / np.sqrt(1 + ratio[d]) if design.week_effects else 1.0
        scaled = (x * shrink).reshape(len(x), -1) * spread[d][:, None]
        left = (reflect(design.weight * (design.y - row), h) * shrink).ravel()
        factor = np.linalg.cholesky(scaled @ scaled.T + sigma[d] ** 2 * np.eye(len(x)))
        mean = np.linalg.solve(factor.T, np.linalg.solve(factor, scaled @ left))
        noise = np.linalg.solve(factor.T, rng.normal(size=len(x)))
        out[d] = spread[d] * (mean + sigma[d] * noise)
    return out
