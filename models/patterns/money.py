"""What a unit of engagement is worth: from briefs whose variants report clicks and money at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import polars as pl
from scipy.special import ndtr

from models.patterns.arms import comparable_arms
from models.patterns.contrasts import demean
from models.patterns.estimates import Estimate
from models.patterns.spec import LearnSpec

FEWEST_BRIEFS = 20
SURE_OF_SIGN = 0.9
Z_90 = 1.6449
# A rate taken from other channels may be off by as much as a prior pack of another brand (variance x 4).
BORROWED = 2.0


@dataclass(frozen=True)
class MoneyRate:
    """Money per 1,000 trials that one unit of log-odds of a success brings: mean and standard error.

    `borrowed` tells that the channels have too few briefs of their own, so the rate of all channels stands, widened.
    """

    mean: float
    se: float
    n_briefs: int
    borrowed: bool = False

    @property
    def p_gt_0(self) -> float:
        """Probability that more engagement brings more money at all."""
        return float(ndtr(self.mean / self.se)) if self.se > 0 else 0.0

    @property
    def is_known(self) -> bool:
        """Enough briefs, and sure enough of its sign to speak of money."""
        return self.n_briefs >= FEWEST_BRIEFS and self.p_gt_0 >= SURE_OF_SIGN

    def times(self, factor: float) -> MoneyRate:
        """The same rate of a share of the money, such as the contribution margin."""
        return MoneyRate(self.mean * factor, self.se * factor, self.n_briefs, self.borrowed)


@dataclass(frozen=True)
class MoneyEffect:
    """An effect in money per 1,000 trials, with its 90 % range."""

    mean: float
    sd: float
    low: float
    high: float


def money_rate(tests: pl.DataFrame, channels: Sequence[str] | None = None) -> MoneyRate | None:
    """The rate in these channels (all of them by default); None where engagement varies no more than chance does.

    `tests` as in `learn` with `value`, the money of the row's successes (null where not delivered). Both outcomes
    of a variant are compared within its brief; the sampling error of log-odds, which would flatten the slope, and the
    error that clicks and money share, which would steepen it, are taken out. Standard error by leaving out one brief at
    a time. Source: errors-in-variables slope (Fuller 1987).
    """
    rows = tests.filter(pl.col("value").is_not_null())
    every = _cells(rows)
    if every is None:
        return None
    if channels is None:
        return _slope(every)
    own = every.filter(pl.col("channel").is_in(list(channels)))
    rate = _slope(own) if own["brief"].n_unique() >= FEWEST_BRIEFS else None
    if rate is not None:
        return rate
    pooled = _slope(every)
    return None if pooled is None else MoneyRate(pooled.mean, pooled.se * BORROWED, pooled.n_briefs, True)


def in_money(estimate: Estimate, rate: MoneyRate) -> MoneyEffect | None:
    """The effect in money, with the uncertainty of both; None ("engagement only") where it is not known well enough.

    That is: the rate is not known, or the range includes nothing at all. Source: variance of a product.
    """
    if not rate.is_known:
        return None
    variance = (rate.mean * estimate.sd) ** 2 + (estimate.shrunk * rate.se) ** 2 + (rate.se * estimate.sd) ** 2
    mean, sd = rate.mean * estimate.shrunk, sqrt(variance)
    low, high = mean - Z_90 * sd, mean + Z_90 * sd
    return MoneyEffect(mean, sd, low, high) if low > 0 else None


def _cells(rows: pl.DataFrame) -> pl.DataFrame | None:
    """Per brief and channel: the sums of squares and products, less what sampling error alone adds to them."""
    arms = comparable_arms(rows, LearnSpec()).frame if rows.height else pl.DataFrame()
    if arms.is_empty():
        return None
    trials, cell = arms["trials"].to_numpy().astype(float), arms["cell"].to_numpy()
    value, successes = arms["value"].to_numpy().astype(float), arms["successes"].to_numpy().astype(float)
    x = demean(arms["y"].to_numpy(), 1 / trials, (1000 * value / trials)[:, None], cell, 0.0)
    engagement, money, w = x.y, x.x[:, 0], x.w
    per_success = (np.bincount(cell, value) / np.maximum(np.bincount(cell, successes), 1.0))[cell]
    kept = w * (1 - w / np.bincount(cell, w)[cell])
    sums = {
        "xx": w * engagement**2 - kept * arms["s2"].to_numpy(),
        "xy": w * engagement * money - kept * 1000 * per_success / trials,
    }
    noise_free = arms.with_columns(**{name: pl.Series(values) for name, values in sums.items()})
    cells = noise_free.group_by("brief", "channel", maintain_order=True)
    return cells.agg(pl.col("xx").sum(), pl.col("xy").sum())


def _slope(cells: pl.DataFrame) -> MoneyRate | None:
    briefs = cells.group_by("brief", maintain_order=True).agg(pl.col("xx").sum(), pl.col("xy").sum())
    xx, xy, n = briefs["xx"].to_numpy(), briefs["xy"].to_numpy(), briefs.height
    if n < 3:
        return None
    rest = xx.sum() - xx
    # With any one brief left out, engagement must still vary beyond chance.
    if xx.sum() <= 0 or rest.min() <= 0.25 * xx.sum():
        return None
    without = (xy.sum() - xy) / rest
    se = sqrt((n - 1) / n * float(np.sum((without - without.mean()) ** 2)))
    return MoneyRate(float(xy.sum() / xx.sum()), se, n)
