"""The prior of the contribution that follows from priors of the marginal return or the coefficient.

Everything that follows (contraction, tiers, triangulation) compares the posterior with a prior of contributions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.mmm.model.design import Design
from models.mmm.model.effect_prior import STEP, EffectPrior
from models.mmm.model.response import ResponseParameters, respond

NODES = 7  # quadrature points per dimension: carryover and saturation are averaged over their priors


def implied(design: Design) -> EffectPrior:
    """The effect prior of `design` with mu and sd of channels whose prior is of mROAS or the coefficient.

    Mean and sd of the log contribution over the priors of half-life and half-saturation (Gauss-Hermite).
    """
    effect = design.effect
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    first, second = (n.ravel() for n in np.meshgrid(nodes, nodes, indexing="ij"))
    mass = np.outer(weights, weights).ravel()
    points = _points(design, first, second)
    mu, sd = effect.mu.copy(), effect.sd.copy()
    for c, basis in enumerate(effect.basis):
        if basis not in ("mroas", "coefficient"):
            continue
        every = slice(0, mass.size)
        now = _mean(design, respond(design, points, c, design.media[c], every))
        shift = np.log(now)
        if basis == "mroas":
            more = _mean(design, respond(design, points, c, design.media[c] * (1 + STEP), every))
            shift = shift - np.log(more - now)
        centre = float(mass @ shift)
        mu[c] += centre
        sd[c] = np.sqrt(sd[c] ** 2 + float(mass @ (shift - centre) ** 2))
    return replace(effect, mu=mu, sd=sd, own_mu=effect.mu, own_sd=effect.sd)


def _mean(design: Design, response: np.ndarray) -> np.ndarray:
    return np.asarray((response * design.scales.size[None, :, None]).sum(axis=(1, 2)) / design.cells)


def _points(design: Design, first: np.ndarray, second: np.ndarray) -> ResponseParameters:
    ones = np.ones((first.size, len(design.media)))
    return ResponseParameters(
        half_life=np.exp(design.half_life[:, 0] + design.half_life[:, 1] * first[:, None]),
        shape=ones * median_shape(design),
        half_saturation=np.exp(design.half_saturation[:, 0] + design.half_saturation[:, 1] * second[:, None]),
        slope=ones * median_slope(design),
    )


def median_shape(design: Design) -> np.ndarray:
    """Carryover shape (C,) at the median of its prior: the peak's lag, the Weibull's shape, or 1."""
    middle = np.where(design.peaked, np.exp(design.peak[:, 0]), 1.0)
    return np.where(design.delayed, np.exp(design.spec.delay_shape.mu), middle)


def median_slope(design: Design) -> np.ndarray:
    """Slope (C,) at the median of its prior, of the frequency curve for reach channels; 1 where there is none."""
    own = np.where(design.sloped, np.exp(design.spec.slope.mu), 1.0)
    return np.where(design.data.by_frequency, np.exp(design.spec.frequency_slope.mu), own)
