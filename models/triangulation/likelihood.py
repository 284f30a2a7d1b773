"""How likely a test or a claim is, given the true return of its channel: mixtures whose tails survive odd readings."""

from __future__ import annotations

import numpy as np
from scipy.special import gammaln, logsumexp

from models.channel_classes import CLASSES, UNKNOWN, UNSET_MARGIN, ChannelClass, ClaimBias
from models.triangulation.priors import EvidencePriors

LOG_ROOT = 0.5 * np.log(2 * np.pi)
LARGEST = 1e100  # a residual's bound: beyond it squares overflow
# Tests give the truth a chance in another unit than the one they were delivered in: percent, or hundredths.
UNITS = (100.0, 0.01)
# Gauss-Hermite rule (probabilists') for the tracked share of a claim.
TRACKED_NODES, TRACKED_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)


def normal_logpdf(residual: np.ndarray, sd: np.ndarray | float) -> np.ndarray:
    """Log density of Normal(0, sd) at `residual`, finite whatever the size of both."""
    z = np.clip(residual / sd, -LARGEST, LARGEST)
    return np.asarray(-0.5 * z * z - np.log(sd) - LOG_ROOT)


def lift_logpdf(
    y: float,
    se: float,
    expected: np.ndarray,
    relative_variance: float,
    priors: EvidencePriors,
) -> np.ndarray:
    """Log density of a test's reading `y`, where `expected` is the part of the return that it could see.

    Normal around `expected` with variance se^2 + expected^2 x `relative_variance` (what its design misses, drift by
    age); with probability `botched` a Student t around it that is four times as wide; with probability `wrong_unit` the
    same Normal in percent or in hundredths. The last keep a flawed or misdelivered test from moving its channel.
    """
    return np.asarray(np.logaddexp.reduce(_parts(y, se, expected, relative_variance, priors)))


def wrong_unit(y: float, se: float, expected: np.ndarray, relative_variance: float, priors: EvidencePriors) -> float:
    """Probability that a test was delivered in another unit, averaged over draws of what it should have read."""
    parts = np.array(_parts(y, se, expected, relative_variance, priors))
    return float(np.exp(parts[2:] - np.logaddexp.reduce(parts)).sum(axis=0).mean())


def _parts(
    y: float, se: float, expected: np.ndarray, relative_variance: float, priors: EvidencePriors
) -> list[np.ndarray]:
    """Log densities of the parts of the mixture, their probabilities included: sound, botched, another unit."""
    sd = np.sqrt(se * se + expected * expected * relative_variance)
    wide = 4.0 * sd + 0.5
    nu = priors.botched_freedom
    scale = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * np.log(nu * np.pi)
    z = np.clip((y - expected) / wide, -LARGEST, LARGEST)
    tail = scale - np.log(wide) - (nu + 1) / 2 * np.log1p(z * z / nu)
    sound = np.log(1 - priors.botched - priors.wrong_unit) + normal_logpdf(y - expected, sd)
    parts = [sound, np.log(priors.botched) + tail]
    for unit in UNITS:
        other = np.sqrt((se * unit) ** 2 + expected * expected * relative_variance)
        density = np.log(priors.wrong_unit / len(UNITS)) + np.log(unit) + normal_logpdf(y * unit - expected, other)
        parts.append(density)
    return parts


def bias_of(row: ChannelClass, claim_type: str) -> ClaimBias:
    """Log bias of a class's claims of one type; the unknown class's where none is known for the class."""
    if claim_type in row.claims:
        return row.claims[claim_type]
    unknown = CLASSES[UNKNOWN].claims
    return unknown.get(claim_type) or next(iter(unknown.values()), ClaimBias(0.5, 1.0, "none"))


def claim_logpdf(
    log_claim: float,
    log_se: float,
    row: ChannelClass,
    claim_type: str,
    theta: np.ndarray,
    platform_bias: float,
    margin: float | None,
    priors: EvidencePriors,
) -> np.ndarray:
    """Log density of the logarithm of a claim, given the true iROAS `theta`.

    A mixture of three: log claim = log theta + bias of the class; claim = tracked share x theta + harvest, where the
    harvest is organic revenue credited to the channel (`models.channel_classes`; only where the class has figures and
    the claim counts clicks); and, with probability `silent_claim`, a claim that says nothing about the return.
    `platform_bias` shifts the first two.
    """
    bias = bias_of(row, claim_type)
    level = np.log(np.maximum(theta, priors.claim_floor))
    sd = float(np.hypot(bias.sd, log_se))
    informed = normal_logpdf(log_claim - level - bias.mean - platform_bias, sd)
    if row.tracked and row.harvest and row.harvest_log_sd and claim_type != "self_reported" and priors.additive_claim:
        figures = (row.tracked, row.harvest, row.harvest_log_sd)
        additive = _additive(log_claim, log_se, row, figures, claim_type, theta, platform_bias, margin, priors)
        share = priors.additive_claim
        informed = additive if share == 1 else np.logaddexp(np.log(1 - share) + informed, np.log(share) + additive)
    silent = normal_logpdf(
        np.full_like(level, log_claim - np.log(priors.silent_median)), float(np.hypot(priors.silent_log_sd, log_se))
    )
    return np.asarray(np.logaddexp(np.log(1 - priors.silent_claim) + informed, np.log(priors.silent_claim) + silent))


def _additive(
    log_claim: float,
    log_se: float,
    row: ChannelClass,
    figures: tuple[float, float, float],
    claim_type: str,
    theta: np.ndarray,
    platform_bias: float,
    margin: float | None,
    priors: EvidencePriors,
) -> np.ndarray:
    # The figures are of click claims: another type is brought to that level by the difference of their log biases.
    click = bias_of(row, "click").mean if "click" in row.claims else bias_of(row, claim_type).mean
    log_level = log_claim + click - bias_of(row, claim_type).mean
    claim = float(np.exp(np.clip(log_level, -50, 50)))
    tracked, harvest_median, harvest_log_sd = figures
    middle = np.log(harvest_median / (margin or UNSET_MARGIN)) + platform_bias
    sd = float(np.hypot(harvest_log_sd, log_se))
    share = np.minimum(tracked * np.exp(priors.tracked_log_sd * TRACKED_NODES), priors.tracked_most)
    harvest = claim - share * np.maximum(theta, 0.0)[..., None]
    logs = np.log(np.maximum(harvest, 1e-12))
    # Density of log claim: that of log harvest times claim / harvest.
    density = np.where(harvest > 0, normal_logpdf(logs - middle, sd) + log_level - logs, -np.inf)
    total = logsumexp(density + np.log(TRACKED_WEIGHTS / TRACKED_WEIGHTS.sum()), axis=-1)
    return np.asarray(np.maximum(total, -700.0))
