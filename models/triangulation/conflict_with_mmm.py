"""The MMM's reading of one channel against all that is known of it without the MMM."""

from __future__ import annotations

import numpy as np
from scipy import stats
from scipy.special import ndtr

from models.triangulation.channel_model import PLATFORM_NODES, ChannelModel
from models.triangulation.likelihood import lift_logpdf
from models.triangulation.priors import EvidencePriors

GRID = 401
LEAST_USELESS = 0.01  # without any chance of a useless channel a test below zero would have nothing to land on


def mmm_oddity(model: ChannelModel, priors: EvidencePriors) -> tuple[float, float, float]:
    """What the MMM reads (median), what class prior, tests and claims expect without it (median), and a two-sided p.

    On x = asinh(iROAS / scale), with the MMM's own error. What a test could see is taken at its mean over the draws.
    """
    level = np.arcsinh(model.ordered / model.scale)
    median, log_sd = model.prior
    top = np.arcsinh(median * np.exp(4 * log_sd) / model.scale)
    x = np.linspace(min(-3.0, float(level.min()) - 1), max(float(top), float(level.max()) + 1), GRID)
    theta = model.scale * np.sinh(x)
    useful = np.zeros(GRID)
    above = theta > 0
    useful[above] = stats.lognorm.pdf(theta[above], log_sd, scale=median)
    none = max(model.row.no_effect, LEAST_USELESS)
    density = (1 - none) * useful + none * stats.norm.pdf(theta, 0, model.useless_sd)
    logs = np.log(np.maximum(density * np.hypot(theta, model.scale), 1e-300))
    for test in model.tests:
        logs = logs + lift_logpdf(test.y, test.se, float(test.captured.mean()) * theta, test.relative_variance, priors)
    middle = np.full((GRID, max((claim.platform for claim in model.claims), default=0) + 1), len(PLATFORM_NODES) // 2)
    if model.claims:
        logs = logs + model.claims_logpdf(x[:, None], middle)[:, 0]
    weight = np.exp(logs - logs.max())
    weight /= weight.sum()
    error = np.hypot(priors.mmm_bias_sd, priors.mmm_noise.median)
    step = max(len(level) // 400, 1)
    below = float(weight @ ndtr((x[:, None] - level[None, ::step]) / error).mean(axis=1))
    expected = float(theta[min(int(np.searchsorted(np.cumsum(weight), 0.5)), GRID - 1)])
    return model.mmm_median, expected, float(np.clip(2 * min(below, 1 - below), 0.0, 1.0))
