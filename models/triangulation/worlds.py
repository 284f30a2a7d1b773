"""Simulated companies with known returns and the evidence they would leave, to judge the evidence model by."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from models.channel_classes import CLASSES, iroas_prior
from models.triangulation.likelihood import bias_of
from models.triangulation.mmm_evidence import MMMDraws

DAYS_PER_YEAR = 365.25


# Drawn from without replacement: four classes whose spend follows demand, and eight others.
FOLLOWING = ("brand_search", "retargeting", "display", "affiliate_coupon")
OTHERS = ("generic_search", "shopping", "prospecting_social", "online_video", "audio", "tv", "events", "newsletter")


@dataclass(frozen=True)
class WorldSpec:
    """How returns vary and how each sensor errs; log points unless said otherwise.

    Returns are drawn wider than the class priors (`wider` times the log sd), with class medians shifted by
    `class_shift`, and are zero with the class's chance of no effect times `useless`. `tested` channels get one test,
    the first `repeats` of them a second one; `botched` shifts one test by that many of its standard errors, `unit`
    multiplies one. The MMM reads the truth with the company's bias, a bias per channel and, where spend follows demand,
    an additive one of `demand` (in margin x iROAS). `claims` says which law platform claims follow.
    """

    channels: int = 8
    tested: int = 4
    repeats: int = 1
    wider: float = 1.3
    class_shift: float = 0.4
    useless: float = 1.0
    se_low: float = 0.2
    se_high: float = 0.6
    oldest_years: float = 2.0
    drift: float = 0.25
    implementation_noise: float = 0.10
    mmm_bias_sd: float = 0.15
    mmm_channel_sd: float = 0.25
    mmm_noise: float = 0.35
    mmm_correlation: float = 0.3
    demand: float = 0.25
    claims: Literal["additive", "log", "honest", "shuffled"] = "additive"
    botched: float = 0.0
    unit: float = 1.0
    share_low: float = 0.5
    design: Literal["rct", "quasi"] = "quasi"


@dataclass(frozen=True, eq=False)
class World:
    """`theta`: true iROAS per channel. `evidence`, `mmm`, `classes`, `margin`: what the model may see. `tested`:
    channels with a test.
    """

    channels: tuple[str, ...]
    classes: dict[str, str]
    margin: float
    theta: np.ndarray
    evidence: pl.DataFrame
    mmm: MMMDraws
    tested: np.ndarray


BASE = WorldSpec()
WORLDS: dict[str, WorldSpec] = {
    "base": BASE,
    "no tests": replace(BASE, tested=0, repeats=0),
    "all tested": replace(BASE, tested=8),
    "clean MMM": replace(BASE, demand=0.0, mmm_bias_sd=0.05, mmm_channel_sd=0.1, mmm_noise=0.2),
    "strong demand": replace(BASE, demand=0.6, mmm_channel_sd=0.4),
    "botched test": replace(BASE, botched=5.0),
    "test in percent": replace(BASE, unit=100.0),
    "log claims": replace(BASE, claims="log"),
    "honest claims": replace(BASE, claims="honest"),
    "claims shuffled": replace(BASE, claims="shuffled"),
    "many useless": replace(BASE, useless=2.0),
}


def simulate(spec: WorldSpec, generator: np.random.Generator) -> World:
    """One company drawn from the spec, with its evidence."""
    g = generator
    few = min(spec.channels // 2, len(FOLLOWING))
    kinds = [*g.choice(FOLLOWING, few, replace=False), *g.choice(OTHERS, spec.channels - few, replace=False)]
    names = tuple(sorted(str(kind) for kind in kinds))
    margin = float(g.uniform(0.45, 0.85))
    theta = np.array([_return(name, margin, spec, g) for name in names])
    order = g.permutation(spec.channels)[: spec.tested]
    runs = [*order, *order[: spec.repeats]]
    rows = [_test(names[c], f"test_{i}", theta[c], spec, g) for i, c in enumerate(runs)]
    if spec.botched and rows:
        rows[0]["iroas"] += g.choice([-1.0, 1.0]) * spec.botched * rows[0]["se"]
    if rows:
        rows[0]["iroas"], rows[0]["se"] = rows[0]["iroas"] * spec.unit, rows[0]["se"] * spec.unit
    rows += _claims(names, theta, margin, spec, g)
    return World(
        channels=names,
        classes={name: name for name in names},
        margin=margin,
        theta=theta,
        evidence=pl.DataFrame(rows, schema=COLUMNS, orient="row"),
        mmm=_mmm(names, theta, margin, spec, g),
        tested=np.isin(np.arange(spec.channels), order),
    )


def _return(name: str, margin: float, spec: WorldSpec, g: np.random.Generator) -> float:
    row = CLASSES[name]
    median, log_sd = iroas_prior(row, margin)
    useful = median * np.exp(spec.class_shift * g.standard_normal() + spec.wider * log_sd * g.standard_normal())
    if g.random() < min(spec.useless * row.no_effect, 0.9):
        return float(0.08 / margin * g.standard_normal())
    return float(min(useful, 12.0))


def _test(name: str, test: str, theta: float, spec: WorldSpec, g: np.random.Generator) -> dict[str, Any]:
    se, age = g.uniform(spec.se_low, spec.se_high), g.uniform(0, spec.oldest_years)
    share = g.uniform(spec.share_low, 1.0)
    then = theta * np.exp(spec.drift * np.sqrt(age) * g.standard_normal())
    seen = share * then * (1 + spec.implementation_noise * g.standard_normal()) + se * g.standard_normal()
    return _row(name, test, "experiment", seen, se, age, spec.design, share)


def _claims(
    names: tuple[str, ...], theta: np.ndarray, margin: float, spec: WorldSpec, g: np.random.Generator
) -> list[dict[str, Any]]:
    kinds = list(names)
    if spec.claims == "shuffled":
        kinds = [str(kind) for kind in g.permutation(kinds)]
    shared = 0.35 * g.standard_normal()
    rows = []
    for name, kind, iroas in zip(names, kinds, theta, strict=True):
        row = CLASSES[kind]
        level = max(float(iroas), 0.0)
        if spec.claims == "honest":
            claim = max(level, 0.03) * np.exp(0.2 * g.standard_normal())
        elif spec.claims == "additive" and row.tracked and row.harvest and row.harvest_log_sd:
            tracked = min(row.tracked * np.exp(0.35 * g.standard_normal()), 1.3)
            harvest = row.harvest / margin * np.exp(shared + row.harvest_log_sd * g.standard_normal())
            claim = tracked * level + harvest
        else:
            bias = bias_of(row, "click")
            claim = max(level, 0.03) * np.exp(bias.mean + shared + bias.sd * g.standard_normal())
        rows.append(_row(name, "platform", "platform", float(claim), 0.05 * float(claim), 0.0, None, None))
    return rows


def _mmm(names: tuple[str, ...], theta: np.ndarray, margin: float, spec: WorldSpec, g: np.random.Generator) -> MMMDraws:
    """Posterior draws of a regression whose likelihood is Normal in the return, under the class's prior."""
    size = theta.size
    gap = np.abs(np.subtract.outer(np.arange(size), np.arange(size)))
    # Neighbours alternate in sign: what one collinear channel gains, the other loses.
    correlation = np.where(gap == 0, 1.0, (-spec.mmm_correlation) ** gap)
    se = spec.mmm_noise / margin * np.exp(0.5 * g.standard_normal(size))
    cov = correlation * np.outer(se, se)
    follows = np.array([CLASSES[name].follows_demand for name in names])
    own = spec.mmm_channel_sd * g.standard_normal(size) + spec.mmm_bias_sd * g.standard_normal()
    hidden = np.where(follows, spec.demand / margin * np.exp(0.5 * g.standard_normal(size)), 0.0)
    centre = theta * np.exp(own) + hidden + g.multivariate_normal(np.zeros(size), cov)
    prior = np.array([iroas_prior(CLASSES[name], margin) for name in names])
    return MMMDraws(names, _posterior_draws(centre, cov, prior, g))


def _posterior_draws(centre: np.ndarray, cov: np.ndarray, prior: np.ndarray, g: np.random.Generator) -> np.ndarray:
    """Draws of log-normal priors times a joint Normal likelihood, by Gibbs steps over candidates of the prior."""
    chains, sweeps, tried = 500, 12, 60
    precision = np.linalg.inv(cov)
    value = np.exp(np.log(prior[:, 0]) + prior[:, 1] * g.standard_normal((chains, len(centre))))
    for _ in range(sweeps):
        for c in range(len(centre)):
            middle = (
                centre[c]
                - ((value - centre) @ precision[c] - (value[:, c] - centre[c]) * precision[c, c]) / (precision[c, c])
            )
            candidate = np.exp(np.log(prior[c, 0]) + prior[c, 1] * g.standard_normal((chains, tried)))
            candidate[:, 0] = value[:, c]
            logs = -0.5 * precision[c, c] * (candidate - middle[:, None]) ** 2
            share = np.cumsum(np.exp(logs - logs.max(axis=1, keepdims=True)), axis=1)
            pick = (share < g.random((chains, 1)) * share[:, -1:]).sum(axis=1)
            value[:, c] = candidate[np.arange(chains), np.minimum(pick, tried - 1)]
    return value


COLUMNS = {
    "channel": pl.String,
    "method": pl.String,
    "kind": pl.String,
    "iroas": pl.Float64,
    "se": pl.Float64,
    "age_days": pl.Float64,
    "design": pl.String,
    "share_captured": pl.Float64,
}


def _row(
    name: str,
    method: str,
    kind: str,
    iroas: float,
    se: float,
    age: float,
    design: str | None,
    share: float | None,
) -> dict[str, Any]:
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
