"""How much of each channel's figure rests on tests, on the MMM, on claims, and on assumption."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import polars as pl

from models.normal_quantile import half_width
from models.triangulation.channel_model import ChannelModel, prior_variance
from models.triangulation.evidence import Readings
from models.triangulation.priors import EvidencePriors
from models.triangulation.sampler import Draws
from models.triangulation.vocabulary import Grade

NOT_MEASURED = 0.5
RECENT_YEARS = 1.0
# One-sided 95 %: such a test says by itself that the channel loses sales.
BELOW_ZERO = -half_width(0.90)
TESTS_FOR_C = 4
SHARES = ("experiment", "mmm", "attribution", "prior")


def weights(models: Sequence[ChannelModel], drawn: Draws, priors: EvidencePriors) -> pl.DataFrame:
    """Shares of evidence: channel, experiment, mmm, attribution, prior; each row sums to 1.

    The prior's share is Var(x | all evidence) / Var(x | prior) with x = asinh(iROAS / scale), so 1 less it is the share
    of the prior's variance that evidence removed. The rest is split by the precision (1 / variance) that the MMM, then
    the tests, then the claims added; for Normal evidence that does not depend on the order. The prior is the class's,
    its useless share included, pushed through the same error as the MMM. A source that made the figure less certain,
    because it contradicts the others, has a share of 0.
    """
    before = np.array([prior_variance(model, priors) for model in models])
    variance = [before, *(drawn.weighted.variance(stage) for stage in ("mmm", "tests", "all"))]
    has_mmm = np.array([model.has_mmm for model in models])
    variance[1] = np.where(has_mmm, variance[1], before)
    gain = np.column_stack([np.maximum(1 / variance[s + 1] - 1 / variance[s], 0.0) for s in range(3)])
    gain *= np.column_stack([has_mmm, [bool(m.tests) for m in models], [bool(m.claims) for m in models]])
    total = gain.sum(axis=1)
    prior = np.where(total > 0, np.clip(variance[3] / before, 0.0, 1.0), 1.0)
    share = gain / np.where(total > 0, total, 1.0)[:, None] * (1 - prior)[:, None]
    columns = {"experiment": share[:, 1], "mmm": share[:, 0], "attribution": share[:, 2], "prior": prior}
    return pl.DataFrame({"channel": [model.name for model in models], **columns})


def losing(read: Readings) -> list[str]:
    """Channels that a test by itself shows to lose sales, beyond its own error."""
    tests = read.tests
    return sorted({read.channels[c] for c in tests.channel[tests.y / tests.se < BELOW_ZERO]})


def grades(read: Readings, share: pl.DataFrame, *, disagreeing: Collection[str] = ()) -> tuple[Grade, ...]:
    """Evidence grade of each channel, tested in order.

    D: more than half of the weight is prior, or the channel is `disagreeing`: its evidence contradicts itself. A: at
    least 40 % from tests and the newest at most a year old. B: at least 20 % from tests. C: at least 40 % from the MMM,
    at most 50 % from prior and claims, and four tests in the whole model. D: everything else, which may carry the
    decision "test" and no other.
    """
    newest = np.full(len(read.channels), np.inf)
    np.minimum.at(newest, read.tests.channel, read.tests.age)
    assigned: list[Grade] = []
    for i, row in enumerate(share.iter_rows(named=True)):
        if row["channel"] in disagreeing or row["prior"] > NOT_MEASURED:
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
