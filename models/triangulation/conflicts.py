"""Which reading the rest of the evidence does not expect: each left out by reweighting, then predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from scipy import stats
from scipy.special import ndtr, stdtr

from models import importance
from models.multiple_testing import benjamini_hochberg
from models.triangulation.channel_model import ChannelModel
from models.triangulation.conflict_with_mmm import mmm_oddity
from models.triangulation.evidence import Readings
from models.triangulation.likelihood import bias_of
from models.triangulation.priors import EvidencePriors
from models.triangulation.recombination import positions
from models.triangulation.sampler import Draws

WATCH, RED = 0.05, 0.005
ALARM_TAIL = 8.0
DISAGREE = 0.01
PARTICLES = 2000  # of the weighted ones: a p-value of .005 needs no more
SCHEMA = {
    "channel": pl.String,
    "method": pl.String,
    "kind": pl.String,
    "observed": pl.Float64,
    "expected": pl.Float64,
    "p": pl.Float64,
    "p_adjusted": pl.Float64,
    "flag": pl.String,
    "q": pl.Float64,
    "q_p": pl.Float64,
    "i_squared": pl.Float64,
}
Finding = tuple[str, str, str, float, float, float]


def conflicts(read: Readings, models: Sequence[ChannelModel], priors: EvidencePriors, drawn: Draws) -> pl.DataFrame:
    """One row per reading: what was observed, what everything else expects (median), and how odd that is.

    `p` is two-sided: the draws are reweighted to the evidence without the reading, so it carries the uncertainty of
    biases and errors. Expected without tests and claims, the MMM is compared with the class prior moved by these; a
    channel whose only source is the MMM has no row for it. `p_adjusted` is Benjamini-Hochberg over the readings of a
    kind. `flag`: red below .005, watch below .05 (both on `p`), else none. `q`, `q_p`, `i_squared`: Cochran's Q over
    the channel's sources after removing expected biases, errors included; null where a channel has one source. An odd
    reading is kept, never deleted: its heavy tail already lowers its weight.
    """
    rows: list[Finding] = []
    for c, model in enumerate(models):
        if not model.has_evidence:
            continue
        rows += _of_channel(read, model, c, priors, drawn)
    return _judged(read, models, priors, drawn, rows)


def disagreeing(conflicts: pl.DataFrame) -> list[str]:
    """Channels whose sources contradict each other beyond all known errors (Cochran's Q, p below .01)."""
    return conflicts.filter(pl.col("q_p") < DISAGREE)["channel"].unique().sort().to_list()


def cochran(reading: np.ndarray, variance: np.ndarray) -> tuple[float, float, float]:
    """Cochran's Q of readings of one quantity, its p-value (chi-squared, one less degree), and I squared in [0, 1]."""
    weight = 1.0 / variance
    q = float(np.sum(weight * (reading - np.average(reading, weights=weight)) ** 2))
    freedom = reading.size - 1
    return q, float(stats.chi2.sf(q, freedom)), max(0.0, (q - freedom) / q) if q > 0 else 0.0


def _of_channel(read: Readings, model: ChannelModel, c: int, priors: EvidencePriors, drawn: Draws) -> list[Finding]:
    rows_used = slice(None, None, max(len(drawn.weighted.log_all) // PARTICLES, 1))
    particles = drawn.weighted.particles.take(rows_used)
    score = particles.score[:, c]
    # A small chance of no effect would excuse any test: here the MMM's reading is taken at its word.
    as_read = replace(model, useless=model.useless_as_read)
    x, before = as_read.nodes(score, particles.bias, particles.noise)
    theta = model.scale * np.sinh(x)
    tests = model.tests_logpdf(score, x, priors)
    each = [model.claim_logpdf(claim, x, particles.platform) for claim in model.claims]
    claims = model.claims_logpdf(x, particles.platform)
    everything = np.broadcast_to(before, x.shape) + sum(tests) + claims
    log_all = drawn.weighted.log_all[rows_used]
    others = log_all.sum(axis=1) - log_all[:, c]
    rows: list[Finding] = []
    for test, logs in zip(model.tests, tests, strict=True):
        weight = importance.plain((everything - logs + others[:, None]).ravel()).reshape(x.shape)
        seen = test.captured[positions(score, len(model.ordered))][:, None] if test.captured.size > 1 else test.captured
        expected = seen * theta
        sd = np.sqrt(test.se**2 + expected**2 * test.relative_variance)
        # Between the model's heavy tail, which exists to survive odd tests, and the Normal.
        below = float((weight * stdtr(ALARM_TAIL, (test.y - expected) / sd)).sum())
        rows.append(
            (
                model.name,
                read.tests.method[test.place],
                "experiment",
                test.y,
                _median(expected, weight),
                _two_sided(below),
            )
        )
    for claim, logs in zip(model.claims, each, strict=True):
        share = sum(other.tracked is claim.tracked for other in model.claims)
        weight = importance.plain((everything - logs / share + others[:, None]).ravel()).reshape(x.shape)
        bias = bias_of(model.row, read.claims.claim_type[claim.place])
        centre = np.log(np.maximum(theta, priors.claim_floor)) + bias.mean
        log_claim = float(read.claims.log_claim[claim.place])
        sd = float(np.sqrt(bias.sd**2 + priors.platform_bias_sd**2 + read.claims.log_se[claim.place] ** 2))
        below = float((weight * ndtr((log_claim - centre) / sd)).sum())
        k = int(read.claims.source[claim.place])
        expected_claim = float(np.exp(np.clip(_median(centre, weight), -50, 50)))
        observed = float(np.exp(np.clip(log_claim, -50, 50)))
        rows.append(
            (
                model.name,
                read.claims.sources[k],
                read.claims.source_kind[k],
                observed,
                expected_claim,
                _two_sided(below),
            )
        )
    if model.has_mmm and model.tests:
        rows.append((model.name, "mmm", "mmm", *mmm_oddity(model, priors)))
    return rows


def _median(values: np.ndarray, weight: np.ndarray) -> float:
    flat, order = (
        np.broadcast_to(values, weight.shape).ravel(),
        np.argsort(np.broadcast_to(values, weight.shape).ravel()),
    )
    return float(flat[order][np.searchsorted(np.cumsum(weight.ravel()[order]), 0.5)])


def _two_sided(below: float) -> float:
    return float(np.clip(2 * min(below, 1 - below), 0.0, 1.0))


def _judged(
    read: Readings, models: Sequence[ChannelModel], priors: EvidencePriors, drawn: Draws, rows: list[Finding]
) -> pl.DataFrame:
    kinds = np.array([row[2] for row in rows])
    p = np.array([row[5] for row in rows], dtype=float)
    corrected = np.ones_like(p)
    for kind in set(kinds.tolist()):
        corrected[kinds == kind] = benjamini_hochberg(p[kinds == kind])
    spread = _heterogeneity(read, models, priors, drawn)
    flags = ["red" if one < RED else "watch" if one < WATCH else "none" for one in p]
    whole = [
        (*row[:6], float(corrected[i]), flags[i], *spread.get(row[0], (None, None, None))) for i, row in enumerate(rows)
    ]
    return pl.DataFrame(whole, schema=SCHEMA, orient="row").sort("p", "channel", "method")


def _heterogeneity(
    read: Readings, models: Sequence[ChannelModel], priors: EvidencePriors, drawn: Draws
) -> dict[str, tuple[float, float, float]]:
    """Cochran's Q per channel on x = asinh(iROAS / scale); errors enter to first order."""
    result = {}
    for c, model in enumerate(models):
        theta = float(drawn.theta[:, c].mean())
        slope = float(np.hypot(theta, model.scale))  # d iROAS / d x
        values: list[tuple[float, float]] = []
        for test in model.tests:
            seen = float(test.captured.mean())
            expected = seen * theta
            variance = test.se**2 + expected**2 * test.relative_variance
            reading = np.clip((test.y - expected) / (seen * slope), -1e6, 1e6)
            values.append((reading, min(variance / (seen * slope) ** 2, 1e12)))
        if model.has_mmm:
            x = np.arcsinh(model.ordered / model.scale)
            error = priors.mmm_bias_sd**2 + float(drawn.noise.mean()) ** 2
            values.append((float(x.mean()) - np.arcsinh(theta / model.scale), float(x.var()) + error))
        level = np.log(max(theta, priors.claim_floor))
        for claim in model.claims:
            bias = bias_of(model.row, read.claims.claim_type[claim.place])
            variance = bias.sd**2 + priors.platform_bias_sd**2 + float(read.claims.log_se[claim.place]) ** 2
            values.append((float(read.claims.log_claim[claim.place]) - bias.mean - level, variance))
        if len(values) > 1:
            result[model.name] = cochran(*np.array(values).T)
    return result
