"""The posterior's peak and curvature: start and whitening of the sampler, and the evidence that picks a response
form.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.mmm.engine.parameters import ETA_PRIOR, names
from models.mmm.model.baseline import GROUP_SPREAD
from models.mmm.model.design import Design
from models.mmm.model.effect_prior import IDENTITY_LINK

MANY = 100  # coordinates above which a longer L-BFGS memory saves more than it costs
CLIP = 0.2  # smallest precision kept, in units of the prior's order: flat directions do not become infinite steps


@dataclass(frozen=True, eq=False)
class Peak:
    """Mode (n,), lower factor of its covariance (n, n), log evidence, and whether the search ended properly.

    `held` is the coordinate that was not searched over: the covariance does not say how others depend on it.
    """

    mode: np.ndarray
    factor: np.ndarray
    log_evidence: float
    clipped: int
    settled: bool
    held: int | None = None


def start(design: Design) -> np.ndarray:
    """A starting point: prior medians, and noise at half of the KPI's standard deviation."""
    order = names(design)
    theta = np.zeros(len(order))
    c = len(design.media)
    theta[:c] = design.half_life[:, 0]
    at = c + int(design.delayed.sum())
    theta[at : at + c] = design.half_saturation[:, 0]
    at += c
    theta[at : at + int(design.sloped.sum())] = design.spec.slope.mu
    at += int(design.sloped.sum())
    theta[at : at + c] = np.where(design.effect.kind == IDENTITY_LINK, design.effect.mu + 1e-3, design.effect.mu)
    theta[at + c] = np.log(0.5 * design.scales.baseline.movement)
    for j, group in enumerate(design.baseline.groups):
        theta[at + c + 1 + j] = np.log(GROUP_SPREAD[group][0])
    if design.geo_effects:
        theta[order.index("log_eta")] = ETA_PRIOR[0]
    return theta


def peak(block: np.ndarray, begin: np.ndarray, order: tuple[str, ...] = ()) -> Peak:
    """Mode by L-BFGS with the kernel's gradient, curvature by central differences of the gradient.

    The spread between regions is held where it begins: at the joint mode of a spread and what it spreads, the spread
    runs off and the curvature says nothing about the bulk of the posterior.
    """
    from scipy.optimize import minimize

    from models.mmm.engine.log_density import core

    n = begin.size
    grad, nothing = np.empty(n), np.empty(0)

    def negative(theta: np.ndarray) -> tuple[float, np.ndarray]:
        value = core(theta, grad, block, nothing)
        if not value > -1e200 or not np.isfinite(grad).all():
            return 1e10, np.zeros(n)
        return -value, -grad.copy()

    bounds = [(b - 12, b + 12) for b in begin]
    memory = 60 if n > MANY else 10
    held = order.index("log_eta") if "log_eta" in order else None
    if held is not None:
        bounds[held] = (begin[held], begin[held])
    optimum = minimize(
        negative,
        begin,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 2000, "maxfun": 4000, "maxcor": memory},
    )
    mode = optimum.x
    step = 1e-4
    hessian = np.empty((n, n))
    for i in range(n):
        up, down = mode.copy(), mode.copy()
        up[i] += step
        down[i] -= step
        hessian[i] = (negative(up)[1] - negative(down)[1]) / (2 * step)
    hessian = 0.5 * (hessian + hessian.T)
    if held is not None:
        hessian[held], hessian[:, held] = 0.0, 0.0
        hessian[held, held] = 1 / ETA_PRIOR[1] ** 2
    values, vectors = np.linalg.eigh(hessian)
    clipped = int((values < CLIP).sum())
    values = np.maximum(values, CLIP)
    covariance = (vectors / values) @ vectors.T
    evidence = -float(optimum.fun) + 0.5 * n * np.log(2 * np.pi) - 0.5 * float(np.log(values).sum())
    settled = bool(optimum.success or np.abs(negative(mode)[1]).max() < 1e-2)
    return Peak(mode, np.linalg.cholesky(covariance), evidence, clipped, settled, held)
