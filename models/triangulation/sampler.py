"""Joint draws of all channels' returns: MMM draws recombined, weighted by tests and claims, resampled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from models import importance
from models.triangulation.channel_model import PLATFORM_NODES, ChannelModel
from models.triangulation.gibbs import move
from models.triangulation.particles import Particles, draw_shared, node_logs
from models.triangulation.priors import EvidencePriors
from models.triangulation.recombination import rank_correlation

KEPT_DRAWS = 2000
PROPOSALS = (8_000, 32_000)
ESS_FLOOR, K_HAT_LIMIT = 400.0, 0.7
STAGES = ("mmm", "tests", "all")


@dataclass(frozen=True)
class Convergence:
    """Whether the draws stand for the posterior, and by which method they were made.

    `ess` are effective draws of the importance weights, `k_hat` the shape of their tail. `method` is "weighted" where
    these suffice; "moved" where the weighted draws were moved by Gibbs steps on the full posterior, because they did
    not. `stuck` names channels whose draws did not move: their figures are refused.
    """

    ess: float
    k_hat: float
    draws: int
    method: Literal["weighted", "moved"]
    stuck: tuple[str, ...] = ()

    @property
    def converged(self) -> bool:
        return not self.stuck


@dataclass(frozen=True, eq=False)
class Weighted:
    """Particles with what each channel's evidence says of them.

    `log_tests`, `log_all` (n, channels): log likelihood of the channel's tests, and of its tests and claims, the
    channel's own error integrated out. `moments` (stage, 2, n, channels): mean of x and of its square per particle.
    """

    particles: Particles
    log_tests: np.ndarray
    log_all: np.ndarray
    moments: np.ndarray

    def weights(self, stage: str) -> np.ndarray:
        """Normalised weights (n,) with no evidence beside the MMM, with tests, or with all of it."""
        logs = {
            "mmm": np.zeros(len(self.log_all)),
            "tests": self.log_tests.sum(axis=1),
            "all": self.log_all.sum(axis=1),
        }
        return importance.plain(logs[stage])

    def variance(self, stage: str) -> np.ndarray:
        """Posterior variance of x per channel, with the evidence of a stage; (channels,)."""
        weight, (first, second) = self.weights(stage), self.moments[STAGES.index(stage)]
        mean = weight @ first
        return np.asarray(np.maximum(weight @ second - mean**2, 1e-12))


@dataclass(frozen=True, eq=False)
class Draws:
    """Equally weighted joint draws of the posterior.

    theta (n, channels): iROAS; mmm_row (n, channels): the row of the MMM's draws whose curve and carryover belong to
    it; bias, noise (n,): the MMM's common error and spread; platform (n, platforms): bias of each platform in log
    points. `weighted` holds the particles behind them, `convergence` how good they are.
    """

    theta: np.ndarray
    mmm_row: np.ndarray
    bias: np.ndarray
    noise: np.ndarray
    platform: np.ndarray
    weighted: Weighted
    convergence: Convergence


def sample(
    models: Sequence[ChannelModel], platforms: int, returns: np.ndarray | None, priors: EvidencePriors, *, seed: int
) -> Draws:
    """Joint posterior draws of all channels. Same inputs and seed give the same bits on one machine.

    `returns` (draws, channels with an MMM) are the MMM's draws, in the order in which such channels stand in `models`.
    First by importance weights on 8,000 recombined draws, then on four times as many; where these are still too few
    effective ones (many channels with evidence, or evidence far from the MMM), the weighted draws are moved by Gibbs
    steps that leave the posterior unchanged.
    """
    correlation = _correlation(models, returns)
    generator = np.random.default_rng(seed)
    for count in PROPOSALS:
        weighted = weigh(models, _proposed(models, platforms, correlation, priors, count, generator), priors)
        weight, k_hat = importance.smooth(weighted.log_all.sum(axis=1))
        ess = importance.effective(weight, float(count))
        enough = ess >= ESS_FLOOR and k_hat < K_HAT_LIMIT
        if enough or ess * PROPOSALS[1] / count < ESS_FLOOR:
            break  # done, or even more of them would not do
    chosen = weighted.particles.take(_systematic(weight, KEPT_DRAWS, generator))
    method: Literal["weighted", "moved"] = "weighted"
    stuck: tuple[str, ...] = ()
    if not enough:
        chosen, stuck = move(models, chosen, correlation, priors, generator)
        method = "moved"
        weighted = weigh(models, chosen, priors)
    convergence = Convergence(ess, k_hat, KEPT_DRAWS, method, stuck)
    return _with_own_error(models, chosen, weighted, priors, convergence, generator)


def weigh(models: Sequence[ChannelModel], particles: Particles, priors: EvidencePriors) -> Weighted:
    """What every channel's evidence says of each particle."""
    count = len(particles.bias)
    log_tests, log_all = np.zeros((count, len(models))), np.zeros((count, len(models)))
    moments = np.zeros((len(STAGES), 2, count, len(models)))
    for c, model in enumerate(models):
        x, before = model.nodes(particles.score[:, c], particles.bias, particles.noise)
        stages = [np.broadcast_to(before, x.shape)]
        tests = model.tests_logpdf(particles.score[:, c], x, priors)
        stages.append(stages[0] + sum(tests) if tests else stages[0])
        stages.append(stages[1] + model.claims_logpdf(x, particles.platform) if model.claims else stages[1])
        previous: np.ndarray | None = None
        for s, logs in enumerate(stages):
            if s and logs is previous:
                moments[s, :, :, c] = moments[s - 1, :, :, c]
            else:
                top = logs.max(axis=1, keepdims=True)
                share = np.exp(logs - top)
                total = share.sum(axis=1)
                moments[s, 0, :, c] = (share * x).sum(axis=1) / total
                moments[s, 1, :, c] = (share * x * x).sum(axis=1) / total
                likelihood = top[:, 0] + np.log(total)
            previous = logs
            if s:
                (log_tests, log_all)[s - 1][:, c] = likelihood
    return Weighted(particles, log_tests, log_all, moments)


def _correlation(models: Sequence[ChannelModel], returns: np.ndarray | None) -> np.ndarray:
    result = np.eye(len(models))
    if returns is not None:
        with_mmm = [c for c, model in enumerate(models) if model.has_mmm]
        result[np.ix_(with_mmm, with_mmm)] = rank_correlation(returns)
    return result


def _proposed(
    models: Sequence[ChannelModel],
    platforms: int,
    correlation: np.ndarray,
    priors: EvidencePriors,
    count: int,
    generator: np.random.Generator,
) -> Particles:
    score = generator.standard_normal((count, len(models))) @ np.linalg.cholesky(correlation).T
    return Particles(score, *draw_shared(count, platforms, priors, generator))


def _systematic(weight: np.ndarray, count: int, generator: np.random.Generator) -> np.ndarray:
    """Rows drawn in proportion to their weight with one random number, in random order."""
    edges = np.cumsum(weight)
    points = (np.arange(count) + generator.random()) / count * edges[-1]
    return generator.permutation(np.minimum(np.searchsorted(edges, points), len(weight) - 1))


def _with_own_error(
    models: Sequence[ChannelModel],
    particles: Particles,
    weighted: Weighted,
    priors: EvidencePriors,
    convergence: Convergence,
    generator: np.random.Generator,
) -> Draws:
    """Each channel's own error drawn from its posterior given the particle."""
    count = len(particles.bias)
    theta, rows = np.zeros((count, len(models))), np.zeros((count, len(models)), dtype=np.int64)
    for c, model in enumerate(models):
        x, logs = node_logs(model, c, particles, priors)
        share = np.cumsum(np.exp(logs - logs.max(axis=1, keepdims=True)), axis=1)
        point = generator.random((count, 1)) * share[:, -1:]
        node = np.minimum((share < point).sum(axis=1), x.shape[1] - 1)
        theta[:, c] = model.scale * np.sinh(x[np.arange(count), node])
        rows[:, c] = model.row_of(particles.score[:, c])
    platform = priors.platform_bias_sd * PLATFORM_NODES[particles.platform]
    return Draws(theta, rows, particles.bias, particles.noise, platform, weighted, convergence)
