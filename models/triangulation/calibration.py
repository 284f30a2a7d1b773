"""Simulation-based calibration: truths and evidence drawn from the model itself, so that ranks must be uniform."""

from __future__ import annotations

import numpy as np
import polars as pl
from scipy.special import ndtri

from models.channel_classes import CLASSES, iroas_prior
from models.triangulation.channel_model import PLATFORM_NODES, channel_models
from models.triangulation.evidence import readings
from models.triangulation.likelihood import TRACKED_NODES, TRACKED_WEIGHTS, bias_of
from models.triangulation.mmm_evidence import MMMDraws
from models.triangulation.particles import Particles, draw_shared
from models.triangulation.posterior import combine
from models.triangulation.priors import EvidencePriors

MARGIN = 0.7
CHANNELS = ("audio", "brand_search", "generic_search", "prospecting_social", "tv")


def rank_uniformity(*, replicates: int, tests: int, seed: int, bins: int = 10) -> np.ndarray:
    """How often the truth's posterior rank falls in each of `bins` equal bins, over replicates.

    The MMM's draws are given; the truth is drawn as the model says it lies around them, then its tests and claims. One
    channel per replicate, since channels of one company share biases. Uniform counts mean that ranges have their stated
    coverage when the priors are right. Source: Talts et al. (2018).
    """
    counts = np.zeros(bins)
    for replicate in range(replicates):
        generator = np.random.default_rng([seed, replicate])
        mmm = _mmm(generator)
        theta, platform_bias = _truth(mmm, generator)
        rows = [_test(c, e, theta[e % len(theta)], generator) for e, c in zip(range(tests), _cycle(), strict=False)]
        rows += [_claim(c, theta[i], platform_bias, generator) for i, c in enumerate(CHANNELS)]
        result = combine(pl.DataFrame(rows, infer_schema_length=None), mmm=mmm, margin=MARGIN, seed=seed + replicate)
        channel = int(generator.integers(len(CHANNELS)))
        rank = float(np.mean(result.theta[:, channel] < theta[channel]))
        counts[min(int(rank * bins), bins - 1)] += 1
    return counts


def _cycle() -> tuple[str, ...]:
    return CHANNELS * 4


def _mmm(g: np.random.Generator) -> MMMDraws:
    size = len(CHANNELS)
    correlation = 0.7 * np.eye(size) + 0.3
    usual = np.array([iroas_prior(CLASSES[name], MARGIN)[0] for name in CHANNELS])
    logs = np.log(usual) + 0.4 * g.standard_normal(size)
    normal = g.standard_normal((2000, size)) @ np.linalg.cholesky(correlation).T
    return MMMDraws(CHANNELS, np.exp(logs + g.uniform(0.2, 0.6, size) * normal))


def _truth(mmm: MMMDraws, g: np.random.Generator) -> tuple[np.ndarray, float]:
    """One draw of the returns, as the model says they lie before tests and claims, and of the platform's bias."""
    priors = EvidencePriors()
    empty = pl.DataFrame(schema=dict.fromkeys(("channel", "method", "kind"), pl.String))
    frame = empty.with_columns(iroas=pl.lit(None, dtype=pl.Float64), se=pl.lit(None, dtype=pl.Float64))
    models, _ = channel_models(readings(frame, mmm=mmm), priors, MARGIN)
    bias, noise, node = draw_shared(1, 1, priors, g)
    row = np.argsort(np.argsort(mmm.returns, axis=0), axis=0)[g.integers(len(mmm.returns))]
    score = ndtri((row + 0.5) / len(mmm.returns))[None, :]
    particle = Particles(score, bias, noise, node)
    theta = np.zeros(len(CHANNELS))
    for c, model in enumerate(models):
        x, logs = model.nodes(particle.score[:, c], bias, noise)
        theta[c] = model.scale * np.sinh(g.choice(x[0], p=np.exp(logs) / np.exp(logs).sum()))
    return theta, float(priors.platform_bias_sd * PLATFORM_NODES[node[0, 0]])


def _test(channel: str, number: int, theta: float, g: np.random.Generator) -> dict[str, object]:
    priors = EvidencePriors()
    se, years = g.uniform(0.15, 0.6), g.uniform(0, 2)
    sd = np.sqrt(se**2 + theta**2 * (priors.randomised_noise**2 + priors.drift**2 * years))
    kind = g.random()
    y, error = theta + sd * g.standard_normal(), se
    if kind < priors.botched:
        y = theta + (4 * sd + 0.5) * g.standard_t(priors.botched_freedom)
    elif kind < priors.botched + priors.wrong_unit:
        # A reading is one hundredth or a hundred times what it should be; the stated error belongs to the reading.
        unit = float(g.choice([100.0, 0.01]))
        wide = np.sqrt((se * unit) ** 2 + theta**2 * (priors.randomised_noise**2 + priors.drift**2 * years))
        y = (theta + wide * g.standard_normal()) / unit
    row = {"channel": channel, "method": f"test_{number}", "kind": "experiment", "iroas": float(y), "se": error}
    return {**row, "age_days": 365.25 * years, "design": "rct"}


def _claim(channel: str, theta: float, platform_bias: float, g: np.random.Generator) -> dict[str, object]:
    priors, row = EvidencePriors(), CLASSES[channel]
    bias, noise = bias_of(row, "click"), 0.05
    additive = g.random() < priors.additive_claim
    if g.random() < priors.silent_claim:
        logs = np.log(priors.silent_median) + np.hypot(priors.silent_log_sd, noise) * g.standard_normal()
    elif additive and row.tracked and row.harvest and row.harvest_log_sd:
        node = g.choice(TRACKED_NODES, p=TRACKED_WEIGHTS / TRACKED_WEIGHTS.sum())
        share = min(row.tracked * np.exp(priors.tracked_log_sd * node), priors.tracked_most)
        middle = np.log(row.harvest / MARGIN) + platform_bias
        harvest = middle + np.hypot(row.harvest_log_sd, noise) * g.standard_normal()
        logs = np.log(share * max(theta, 0.0) + np.exp(harvest))
    else:
        level = np.log(max(theta, priors.claim_floor))
        logs = level + bias.mean + platform_bias + np.hypot(bias.sd, noise) * g.standard_normal()
    claim = float(np.exp(logs))
    return {"channel": channel, "method": "platform", "kind": "platform", "iroas": claim, "se": noise * claim}
