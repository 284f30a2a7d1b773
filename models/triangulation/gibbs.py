"""Moving weighted draws by Gibbs steps on the full posterior, for evidence that importance weights cannot follow.

Each step is an iterated sampling-importance-resampling step: the current value and fresh ones from its conditional
prior compete by likelihood, which leaves the posterior unchanged (Andrieu, Lee, Vihola 2018).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from models.triangulation.channel_model import ChannelModel
from models.triangulation.particles import Particles, draw_shared, log_likelihood
from models.triangulation.priors import EvidencePriors

SWEEPS, CANDIDATES, SHARED_CANDIDATES = 4, 8, 4
FEWEST_MOVED = 0.05  # share of draws of a channel that must have moved in some sweep


def move(
    models: Sequence[ChannelModel],
    particles: Particles,
    correlation: np.ndarray,
    priors: EvidencePriors,
    generator: np.random.Generator,
) -> tuple[Particles, tuple[str, ...]]:
    """The draws after some sweeps over all channels and the shared errors, and channels whose draws did not move."""
    precision = np.linalg.inv(correlation)
    moved = np.zeros(len(models))
    for _ in range(SWEEPS):
        for c, model in enumerate(models):
            particles, share = _channel_step(model, c, particles, precision, priors, generator)
            moved[c] = max(moved[c], share)
        particles = _shared_step(models, particles, priors, generator)
    return particles, tuple(model.name for model, share in zip(models, moved, strict=True) if share < FEWEST_MOVED)


def _channel_step(
    model: ChannelModel,
    c: int,
    particles: Particles,
    precision: np.ndarray,
    priors: EvidencePriors,
    generator: np.random.Generator,
) -> tuple[Particles, float]:
    count = len(particles.bias)
    spread = precision[c, c] ** -0.5
    centre = particles.score[:, c] - particles.score @ precision[c] / precision[c, c]
    tried = CANDIDATES if model.has_evidence else 2
    value = centre[:, None] + spread * generator.standard_normal((count, tried))
    value[:, 0] = particles.score[:, c]
    if model.has_evidence:
        repeated = particles.take(np.repeat(np.arange(count), tried))
        repeated.score[:, c] = value.ravel()
        logs = log_likelihood(model, c, repeated, priors).reshape(count, tried)
        choice = _choose(logs, generator)
    else:
        choice = np.ones(count, dtype=np.int64)
    score = particles.score.copy()
    score[:, c] = value[np.arange(count), choice]
    return Particles(score, particles.bias, particles.noise, particles.platform), float((choice > 0).mean())


def _shared_step(
    models: Sequence[ChannelModel], particles: Particles, priors: EvidencePriors, generator: np.random.Generator
) -> Particles:
    count, tried = len(particles.bias), SHARED_CANDIDATES
    repeated = particles.take(np.repeat(np.arange(count), tried))
    bias, noise, platform = draw_shared(count * tried, particles.platform.shape[1], priors, generator)
    current = np.arange(count) * tried
    bias[current], noise[current], platform[current] = particles.bias, particles.noise, particles.platform
    proposed = Particles(repeated.score, bias, noise, platform)
    logs = np.zeros(count * tried)
    for c, model in enumerate(models):
        if model.has_evidence:
            logs += log_likelihood(model, c, proposed, priors)
    return proposed.take(current + _choose(logs.reshape(count, tried), generator))


def _choose(logs: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One column per row, with probability in proportion to exp(logs)."""
    share = np.cumsum(np.exp(logs - logs.max(axis=1, keepdims=True)), axis=1)
    point = generator.random((len(logs), 1)) * share[:, -1:]
    return np.asarray(np.minimum((share < point).sum(axis=1), logs.shape[1] - 1))
