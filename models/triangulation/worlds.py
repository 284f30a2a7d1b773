"""Simulated companies with known returns and the evidence they would leave, to judge the evidence model by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import polars as pl

from models.triangulation.mmm_evidence import MMMEvidence
from models.triangulation.priors import EvidencePriors

DAYS_PER_YEAR = 365.25


@dataclass(frozen=True)
class WorldSpec:
    """How returns vary and how each sensor errs; log points unless said otherwise.

    `tested` channels get one test, the first `repeats` of them a second one; `botched` shifts one test by
    that many of its standard errors. `mmm_correlation` ties the MMM's errors of neighbouring channels.
    `share_low`: the smallest part of the effect a test may capture. `second_claim` adds a tracking source
    beside the platform's.
    """

    channels: int = 8
    tested: int = 4
    repeats: int = 2
    level_median: float = 1.4
    level_sd: float = 0.5
    se_low: float = 0.28
    se_high: float = 0.84
    oldest_years: float = 2.0
    drift: float = 0.25
    implementation_noise: float = 0.05
    mmm_bias: float = 0.1
    mmm_bias_sd: float = 0.35
    mmm_noise: float = 0.2
    mmm_correlation: float = 0.0
    claim_bias: float = 0.69
    claim_bias_sd: float = 0.6
    claim_noise: float = 0.03
    second_claim: bool = False
    botched: float = 0.0
    share_low: float = 1.0
    design: Literal["rct", "quasi"] = "rct"


@dataclass(frozen=True)
class World:
    """`theta`: true iROAS per channel. `evidence`, `mmm`: what the model may see. `tested`: channels with a test."""

    channels: tuple[str, ...]
    theta: np.ndarray
    evidence: pl.DataFrame
    mmm: MMMEvidence
    tested: np.ndarray


BASE = WorldSpec()
WORLDS: dict[str, WorldSpec] = {
    "base": BASE,
    "no tests": replace(BASE, tested=0, repeats=0),
    "all tested": replace(BASE, tested=8),
    "good MMM": replace(BASE, mmm_bias=0.0, mmm_bias_sd=0.12),
    "bad MMM": replace(BASE, mmm_bias=0.35, mmm_bias_sd=0.8),
    "botched test": replace(BASE, botched=4.0),
    "good platform": replace(BASE, claim_bias=0.1, claim_bias_sd=0.15),
    "correlated MMM": replace(BASE, mmm_noise=0.4, mmm_correlation=0.8),
    "partial tests": replace(BASE, share_low=0.5, design="quasi", implementation_noise=0.25),
    "two claims": replace(BASE, second_claim=True),
}
SHIFTED = WorldSpec(
    repeats=0, mmm_bias=0.5, mmm_bias_sd=0.25, claim_bias=float(np.log(4.0)), claim_bias_sd=0.4, tested=0
)


def simulate(spec: WorldSpec, generator: np.random.Generator) -> World:
    """One company drawn from the spec, with its evidence."""
    count = spec.channels
    names = tuple(f"channel_{i}" for i in range(count))
    eta = generator.normal(np.log(spec.level_median), spec.level_sd, count)
    theta = np.exp(eta)
    order = generator.permutation(count)[: spec.tested]
    runs = [*order, *order[: spec.repeats]]
    rows = [_test(names[c], f"test_{i}", theta[c], spec, generator) for i, c in enumerate(runs)]
    if spec.botched and rows:
        rows[0]["iroas"] += generator.choice([-1.0, 1.0]) * spec.botched * rows[0]["se"]
    rows += _claims(names, eta, "platform", "platform", spec, generator)
    if spec.second_claim:
        rows += _claims(names, eta, "last_touch", "attribution", spec, generator)
    return World(
        channels=names,
        theta=theta,
        evidence=pl.DataFrame(rows),
        mmm=_mmm(names, eta, spec, generator),
        tested=np.isin(np.arange(count), order),
    )


def from_priors(channels: int, tests: int, priors: EvidencePriors, generator: np.random.Generator) -> World:
    """A company drawn from the model's own priors, so that posterior ranks of the truth must be uniform."""
    g = generator
    tau = abs(g.normal(0, priors.spread_sd))
    eta = g.normal(g.normal(np.log(priors.level_median), priors.level_sd), tau, channels)
    theta = np.exp(eta)
    drift = np.exp(g.normal(priors.drift.log_median, priors.drift.log_sd))
    names = tuple(f"channel_{i}" for i in range(channels))
    rows: list[dict[str, object]] = []
    for e in range(tests):
        se, age, c = g.uniform(0.2, 0.8), g.uniform(0, 2), e % channels
        scale = np.sqrt(se**2 + theta[c] ** 2 * (priors.randomised_noise**2 + drift**2 * age))
        rows.append(
            _row(
                names[c],
                f"test_{e}",
                "experiment",
                theta[c] + scale * g.standard_t(priors.test_tail),
                se,
                age,
                "rct",
                1.0,
            )
        )
    bias = g.normal(priors.attribution_bias_mean, priors.attribution_bias_sd)
    omega = np.exp(g.normal(priors.attribution_noise.log_median, priors.attribution_noise.log_sd))
    claims = np.exp(eta + bias + g.normal(0, np.hypot(omega, 0.05), channels))
    rows += [_row(n, "platform", "platform", a, 0.05 * a, 0.0, None, None) for n, a in zip(names, claims, strict=True)]
    looseness = np.exp(g.normal(priors.mmm_noise.log_median, priors.mmm_noise.log_sd))
    cov = 0.04 * (0.5 * np.eye(channels) + 0.5)
    centre = eta + g.normal(0, priors.mmm_bias_sd)
    mean = g.multivariate_normal(centre, cov + looseness**2 * np.eye(channels))
    mmm = MMMEvidence(channels=names, mean=mean, cov=cov, uses_experiments=False)
    return World(names, theta, pl.DataFrame(rows), mmm, np.arange(channels) < tests)


def _test(name: str, test: str, theta: float, spec: WorldSpec, g: np.random.Generator) -> dict[str, object]:
    se, age, share = (
        g.uniform(spec.se_low, spec.se_high),
        g.uniform(0, spec.oldest_years),
        g.uniform(spec.share_low, 1.0),
    )
    then = theta * np.exp(spec.drift * np.sqrt(age) * g.standard_normal())
    seen = share * then * (1 + spec.implementation_noise * g.standard_normal()) + se * g.standard_normal()
    return _row(name, test, "experiment", seen, se, age, spec.design, share)


def _claims(
    names: tuple[str, ...], eta: np.ndarray, method: str, kind: str, spec: WorldSpec, g: np.random.Generator
) -> list[dict[str, object]]:
    logs = eta + spec.claim_bias + g.normal(0, spec.claim_bias_sd, eta.size) + g.normal(0, spec.claim_noise, eta.size)
    claims = zip(names, np.exp(logs), strict=True)
    return [_row(name, method, kind, claim, spec.claim_noise * claim, 0.0, None, None) for name, claim in claims]


def _mmm(names: tuple[str, ...], eta: np.ndarray, spec: WorldSpec, g: np.random.Generator) -> MMMEvidence:
    gap = np.abs(np.subtract.outer(np.arange(eta.size), np.arange(eta.size)))
    # Neighbours alternate in sign: what one collinear channel gains, the other loses.
    cov = spec.mmm_noise**2 * np.where(gap == 0, 1.0, (-spec.mmm_correlation) ** gap)
    mean = (
        eta + spec.mmm_bias + g.normal(0, spec.mmm_bias_sd, eta.size) + g.multivariate_normal(np.zeros(eta.size), cov)
    )
    return MMMEvidence(channels=names, mean=mean, cov=cov, uses_experiments=False)


def _row(
    name: str,
    method: str,
    kind: str,
    iroas: float,
    se: float,
    age: float,
    design: str | None,
    share: float | None,
) -> dict[str, object]:
    return {
        "channel": name,
        "method": method,
        "kind": kind,
        "iroas": float(iroas),
        "se": float(se),
        "age_days": age * DAYS_PER_YEAR,
        "design": design,
        "share_captured": share,
    }
