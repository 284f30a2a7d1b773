"""What all channels share in one joint draw, and what one channel's evidence says of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp

from models.triangulation.channel_model import PLATFORM_WEIGHTS, ChannelModel
from models.triangulation.priors import EvidencePriors


@dataclass(frozen=True, eq=False)
class Particles:
    """Draws before tests and claims: normal scores (n, channels), common bias and noise (n,), platform nodes (n, P)."""

    score: np.ndarray
    bias: np.ndarray
    noise: np.ndarray
    platform: np.ndarray

    def take(self, rows: np.ndarray | slice) -> Particles:
        return Particles(self.score[rows], self.bias[rows], self.noise[rows], self.platform[rows])


def log_likelihood(model: ChannelModel, c: int, particles: Particles, priors: EvidencePriors) -> np.ndarray:
    """Log likelihood (n,) of one channel's tests and claims, its own error integrated out."""
    return np.asarray(logsumexp(node_logs(model, c, particles, priors)[1], axis=1))


def node_logs(
    model: ChannelModel, c: int, particles: Particles, priors: EvidencePriors
) -> tuple[np.ndarray, np.ndarray]:
    """The nodes x (n, nodes) of one channel and their unnormalised log posterior."""
    x, before = model.nodes(particles.score[:, c], particles.bias, particles.noise)
    logs = np.broadcast_to(before, x.shape)
    for reading in model.tests_logpdf(particles.score[:, c], x, priors):
        logs = logs + reading
    return x, logs + model.claims_logpdf(x, particles.platform) if model.claims else logs


def draw_shared(
    count: int, platforms: int, priors: EvidencePriors, generator: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Prior draws of what channels share: common bias and noise of the MMM (n,), platform nodes (n, platforms)."""
    bias = priors.mmm_bias_sd * generator.standard_normal(count)
    logs = priors.mmm_noise.log_median + priors.mmm_noise.log_sd * generator.standard_normal(count)
    edges = np.cumsum(PLATFORM_WEIGHTS / PLATFORM_WEIGHTS.sum())
    node = np.searchsorted(edges[:-1], generator.random((count, platforms)))
    return bias, np.minimum(np.exp(logs), priors.mmm_noise_most), node
