"""The estimators as their papers print them (DiD, SC, SDID, DIFP) with the exact placebo standard error.

For published comparisons and sensitivity rows; the range that Plumbline reports comes from `placebo.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb
from typing import Literal

import numpy as np

from models.incrementality.geo.donor_weights import simplex_weights, time_weights
from models.incrementality.geo.placebo import ENUMERATED, SAMPLED

Paper = Literal["did", "sc", "sdid", "difp"]
TINY = 1e-6  # share of the noise level that keeps an otherwise unpenalised fit unique


@dataclass(frozen=True)
class PaperFit:
    """Point estimate per treated unit and period, unit weights (J,), time weights (pre,), gap per period (T,)."""

    tau: float
    weights: np.ndarray
    time_weights: np.ndarray
    gap: np.ndarray
    zeta: float
    pre: int

    @property
    def l2(self) -> float:
        """Square root of the sum of squared pre-period gaps."""
        return float(np.sqrt((self.gap[: self.pre] ** 2).sum()))

    @property
    def pre_rmspe(self) -> float:
        """Root mean square pre-period gap."""
        return self.l2 / self.pre**0.5

    @property
    def post_pre_ratio(self) -> float:
        """Root mean square gap after over before: the statistic of Abadie's rank test."""
        return float(np.sqrt((self.gap[self.pre :] ** 2).mean())) / self.pre_rmspe


def noise_level(donors: np.ndarray, pre: int) -> float:
    """Standard deviation of all first differences of the donors before the treatment, pooled."""
    return float(np.diff(donors[:, :pre], axis=1).std(ddof=1))


def paper_fit(
    target: np.ndarray,
    donors: np.ndarray,
    pre: int,
    paper: Paper,
    *,
    group_size: int = 1,
    noise: float | None = None,
    intercept: bool | None = None,
) -> PaperFit:
    """Fit target (T,) on donors (J, T); everything from column `pre` on is after.

    Source: Arkhangelsky et al. (2021), with DiD, SC and DIFP as special cases of SDID. `noise` keeps the noise level of
    another fit (placebos); `intercept` overrides the paper's (SC has none).
    """
    post = slice(pre, target.size)
    noise = noise_level(donors, pre) if noise is None else noise
    zeta = noise * ((group_size * (target.size - pre)) ** 0.25 if paper == "sdid" else TINY)
    free = paper != "sc" if intercept is None else intercept
    if paper == "did":
        weights = np.full(donors.shape[0], 1 / donors.shape[0])
    else:
        before, aim = donors[:, :pre], target[None, :pre]
        if free:
            before, aim = before - before.mean(axis=1, keepdims=True), aim - aim.mean()
        no_exclusions = np.empty((1, 0), dtype=np.int64)
        weights = simplex_weights(before, aim, no_exclusions, np.array([pre * zeta**2]))[0]
    when = time_weights(donors, pre, post) if paper == "sdid" else np.full(pre, 1 / pre)
    gap = target - weights @ donors
    if free:
        gap = gap - when @ gap[:pre]
    return PaperFit(float(gap[post].mean()), weights, when, gap, zeta, pre)


def placebo_standard_error(
    donors: np.ndarray, pre: int, paper: Paper, *, group_size: int = 1, seed: int | None = None
) -> float:
    """Spread of the estimates when donors stand in for the treated units, against the other donors.

    All subsets of the group's size where there are at most 5,000, else a sample drawn with `seed` (required then).
    """
    noise, count = noise_level(donors, pre), donors.shape[0]
    if comb(count, group_size) <= ENUMERATED:
        subsets = list(combinations(range(count), group_size))
    elif seed is None:
        raise ValueError(f"{comb(count, group_size)} subsets are too many to enumerate: pass a seed to sample them")
    else:
        draw = np.random.default_rng(seed)
        subsets = [tuple(draw.choice(count, group_size, replace=False)) for _ in range(SAMPLED)]
    estimates = [
        paper_fit(
            donors[list(subset)].mean(axis=0),
            np.delete(donors, list(subset), axis=0),
            pre,
            paper,
            group_size=group_size,
            noise=noise,
        ).tau
        for subset in subsets
    ]
    return float(np.std(estimates))
