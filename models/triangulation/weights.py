"""How much of each channel's figure rests on tests, on the MMM, on claims, and on assumption."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
import polars as pl

from models.normal_quantile import half_width
from models.triangulation.evidence import Readings
from models.triangulation.priors import EvidencePriors
from models.triangulation.sampler import Draws
from models.triangulation.vocabulary import Grade

MOSTLY_ASSUMPTION = 0.25
RECENT_YEARS = 1.0
# One-sided 95 %: such a test says that the channel loses sales, which a positive iROAS cannot express.
BELOW_ZERO = -half_width(0.90)
TESTS_FOR_C = 4
SHARES = ("experiment", "mmm", "attribution", "prior")


def extra_noise(read: Readings, priors: EvidencePriors, drawn: Draws) -> np.ndarray:
    """Variance beside the standard error of each test, as a share of its effect squared; (draws, tests)."""
    quasi, lift = np.exp(2 * drawn.shared(3)), np.exp(2 * drawn.shared(4))
    omega = np.column_stack([np.full(quasi.size, priors.randomised_noise**2), quasi, lift])
    drift = np.exp(2 * drawn.shared(2))
    return omega[:, read.tests.design] + drift[:, None] * read.tests.age


def weights(read: Readings, priors: EvidencePriors, drawn: Draws) -> pl.DataFrame:
    """Shares of precision on the log scale: channel, experiment, mmm, attribution, prior; each row sums to 1.

    Each source's precision is averaged over draws; a test that the heavy tail rejects loses weight by the
    factor the tail itself gives it. Shared uncertainty of biases and correlations inside the MMM are left
    out: read these as shares of what the figure rests on, not as contributions to it.
    """
    count, draws = len(read.channels), drawn.eta.shape[0]
    precision = np.zeros((count, 4))
    tests, nu = read.tests, priors.test_tail
    if tests.y.size:
        mean = tests.share * np.exp(drawn.eta[:, tests.channel])
        relative = (tests.se / mean) ** 2 + extra_noise(read, priors, drawn)
        residual = (tests.y - mean) ** 2 / (mean**2 * relative)
        tail_precision = (nu + 1.0) / (nu + residual) / relative
        np.add.at(precision[:, 0], tests.channel, tail_precision.mean(axis=0))
    if read.mmm is not None:
        looseness = np.exp(2 * drawn.shared(6))[:, None]
        precision[read.mmm_channel, 1] = (1.0 / (np.diag(read.mmm.cov) + looseness)).mean(axis=0)
    claims = read.claims
    if claims.log_claim.size:
        noise = np.exp(2 * drawn.point[:, drawn.layout.log_noise])[:, claims.source]
        np.add.at(precision[:, 2], claims.channel, (1.0 / (claims.log_se**2 + noise)).mean(axis=0))
    # 1 / E[tau^2] and not E[1 / tau^2]: a handful of tiny tau would otherwise own the prior's share.
    precision[:, 3] = draws / np.exp(2 * drawn.shared(1)).sum()
    share = precision / precision.sum(axis=1, keepdims=True)
    return pl.DataFrame({"channel": read.channels, **{name: share[:, i] for i, name in enumerate(SHARES)}})


def losing(read: Readings) -> list[str]:
    """Channels that a test shows to lose sales, beyond its own error."""
    tests = read.tests
    return sorted({read.channels[c] for c in tests.channel[tests.y / tests.se < BELOW_ZERO]})


def grades(read: Readings, share: pl.DataFrame, *, disagreeing: Collection[str] = ()) -> tuple[Grade, ...]:
    """Evidence grade of each channel, tested in order.

    A: at least 40 % from tests and the newest at most a year old. B: at least 20 % from tests. C: at least 40 % from
    the MMM, at most 50 % from prior and claims, and four tests in the whole model, so that biases are measured.
    D: everything else, which may carry the decision "test" and no other. `disagreeing` channels, whose evidence
    contradicts itself or the model, are D whatever their weights.
    """
    newest = np.full(len(read.channels), np.inf)
    np.minimum.at(newest, read.tests.channel, read.tests.age)
    assigned: list[Grade] = []
    for i, row in enumerate(share.iter_rows(named=True)):
        if row["channel"] in disagreeing:
            assigned.append("D")
        elif row["experiment"] >= 0.40 and newest[i] <= RECENT_YEARS:
            assigned.append("A")
        elif row["experiment"] >= 0.20:
            assigned.append("B")
        elif row["mmm"] >= 0.40 and row["prior"] + row["attribution"] <= 0.50 and read.tests.y.size >= TESTS_FOR_C:
            assigned.append("C")
        else:
            assigned.append("D")
    return tuple(assigned)
