"""What beliefs about the next unit or the coefficient imply for the contribution, before any data on the KPI.

Everything downstream (learning, tiers, triangulation) compares the posterior with a belief about contributions.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.mmm.model.build import Design
from models.mmm.model.effect_prior import STEP, EffectPrior
from models.mmm.model.response import respond
from models.mmm.result.posterior import Posterior

NODES = 7  # quadrature points a dimension: carryover and saturation are averaged over their beliefs


def implied(plan: Design) -> EffectPrior:
    """The effect prior of `plan` with mu and sd of channels believed by mROAS or coefficient filled in.

    Mean and sd of the log contribution over the beliefs about half-life and half-saturation (Gauss-Hermite).
    """
    effect = plan.effect
    nodes, weights = np.polynomial.hermite_e.hermegauss(NODES)
    weights = weights / weights.sum()
    first, second = (n.ravel() for n in np.meshgrid(nodes, nodes, indexing="ij"))
    mass = np.outer(weights, weights).ravel()
    points = _points(plan, first, second)
    mu, sd = effect.mu.copy(), effect.sd.copy()
    for c, basis in enumerate(effect.basis):
        if basis not in ("mroas", "coefficient"):
            continue
        every = slice(0, mass.size)
        now = _mean(plan, respond(plan, points, c, plan.media[c], every))
        shift = np.log(now)
        if basis == "mroas":
            more = _mean(plan, respond(plan, points, c, plan.media[c] * (1 + STEP), every))
            shift = shift - np.log(more - now)
        centre = float(mass @ shift)
        mu[c] += centre
        sd[c] = np.sqrt(sd[c] ** 2 + float(mass @ (shift - centre) ** 2))
    return replace(effect, mu=mu, sd=sd, own_mu=effect.mu, own_sd=effect.sd)


def _mean(plan: Design, response: np.ndarray) -> np.ndarray:
    return np.asarray((response * plan.scales.size[None, :, None]).sum(axis=(1, 2)) / plan.cells)


def _points(plan: Design, first: np.ndarray, second: np.ndarray) -> Posterior:
    count, channels = first.size, len(plan.media)
    ones = np.ones((count, channels))
    shape, slope = resting_shape(plan), resting_slope(plan)
    return Posterior(
        sampled=np.zeros((1, count, 0)), names=(),
        half_life=np.exp(plan.half_life[:, 0] + plan.half_life[:, 1] * first[:, None]), shape=ones * shape,
        half_saturation=np.exp(plan.half_saturation[:, 0] + plan.half_saturation[:, 1] * second[:, None]),
        slope=ones * slope, effect=ones, beta=ones, beta_geo=np.ones((count, channels, len(plan.data.geos))),
        linear=np.zeros((count, len(plan.baseline.scale))), sigma=np.ones(count), week_ratio=np.zeros(count),
    )  # fmt: skip


def resting_shape(plan: Design) -> np.ndarray:
    """Carryover shape (C,) in the middle of its belief: the peak's lag, the Weibull's shape, or 1."""
    middle = np.where(plan.peaked, np.exp(plan.peak[:, 0]), 1.0)
    return np.where(plan.delayed, np.exp(plan.spec.delay_shape.mu), middle)


def resting_slope(plan: Design) -> np.ndarray:
    """Slope (C,) in the middle of its belief, of the frequency curve for reach channels; 1 where there is none."""
    own = np.where(plan.sloped, np.exp(plan.spec.slope.mu), 1.0)
    return np.where(plan.data.by_frequency, np.exp(plan.spec.frequency_slope.mu), own)
