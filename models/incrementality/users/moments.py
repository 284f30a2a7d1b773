"""Sufficient statistics of the arms of a user test, and whether each arm received the users it was configured for.

Users are summed in the warehouse (SQL); from here on there are only counts, sums and sums of products.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
import polars as pl

from models.error import PlumblineError

# Roles of a user's columns: metric and its denominator, and both again from before the assignment.
NUM, DEN, COV, COVDEN = range(4)
SUMS = {"sum": NUM, "den_sum": DEN, "cov_sum": COV, "covden_sum": COVDEN}
PRODUCTS = {
    "sum_sq": (NUM, NUM),
    "den_sum_sq": (DEN, DEN),
    "cov_sum_sq": (COV, COV),
    "covden_sum_sq": (COVDEN, COVDEN),
    "num_den_sum": (NUM, DEN),
    "cross_sum": (NUM, COV),
    "num_covden_sum": (NUM, COVDEN),
    "den_cov_sum": (DEN, COV),
    "den_covden_sum": (DEN, COVDEN),
    "cov_covden_sum": (COV, COVDEN),
}
NEEDED = {
    "ratio": ("den_sum", "den_sum_sq", "num_den_sum"),
    "covariate": ("cov_sum", "cov_sum_sq", "cross_sum"),
    "ratio covariate": (
        "covden_sum",
        "covden_sum_sq",
        "num_covden_sum",
        "den_cov_sum",
        "den_covden_sum",
        "cov_covden_sum",
    ),
}

EXACT_BELOW = 1_000  # users in total; above it the normal tail is indistinguishable from the binomial
MISMATCH = 0.001  # p-value of the sample-ratio check below which users are lost between assignment and log


class ArmsError(PlumblineError, ValueError):
    """The arms of a user test cannot be read as they stand; the message names arm, column and the fix."""


@dataclass(frozen=True)
class Moments:
    """Users of one arm (and stratum): count, means (4,) and sample covariances (4, 4) of the roles NUM to COVDEN.

    A role that was not delivered is the constant 1 for denominators and 0 for covariates. `buyers` are the users whose
    metric is above zero, all others having exactly zero; `cubes` is the sum of the metric's cubes. Either is None
    where it was not delivered.
    """

    arm: str
    n: int
    mean: np.ndarray
    covariance: np.ndarray
    ratio: bool
    covariate: bool
    buyers: int | None = None
    cubes: float | None = None

    def merged(self, other: Moments) -> Moments:
        """Both groups of users as one; exact, whatever the sizes. Source: Chan, Golub, LeVeque (1979)."""
        n = self.n + other.n
        delta = other.mean - self.mean
        products = self.covariance * (self.n - 1) + other.covariance * (other.n - 1)
        products += np.outer(delta, delta) * self.n * other.n / n
        mean = self.mean + delta * other.n / n
        buyers = None if self.buyers is None or other.buyers is None else self.buyers + other.buyers
        cubes = None if self.cubes is None or other.cubes is None else self.cubes + other.cubes
        return Moments(self.arm, n, mean, products / (n - 1), self.ratio, self.covariate, buyers, cubes)

    def without_covariate(self) -> Moments:
        """The same users as if nothing had been measured before the assignment."""
        return replace(self, covariate=False)

    @property
    def total(self) -> float:
        """Sum of the metric over the users."""
        return float(self.n * self.mean[NUM])

    @property
    def squares(self) -> float:
        """Sum of the metric's squares."""
        return float(self.covariance[NUM, NUM] * (self.n - 1) + self.n * self.mean[NUM] ** 2)

    @property
    def value(self) -> float:
        """Mean of the metric, or ratio of means."""
        return float(self.mean[NUM] / self.mean[DEN])

    @property
    def covariate_value(self) -> float:
        """The same from before the assignment."""
        return float(self.mean[COV] / self.mean[COVDEN])

    def _gradient(self, numerator: int, denominator: int) -> np.ndarray:
        slope = np.zeros(4)
        slope[numerator] = 1 / self.mean[denominator]
        slope[denominator] -= self.mean[numerator] / self.mean[denominator] ** 2
        return slope

    def variances(self) -> tuple[float, float, float]:
        """Variance per user of the value, of the covariate value, and their covariance (delta method for ratios)."""
        metric, earlier = self._gradient(NUM, DEN), self._gradient(COV, COVDEN)
        return (
            float(metric @ self.covariance @ metric),
            float(earlier @ self.covariance @ earlier),
            float(metric @ self.covariance @ earlier),
        )


def arms_from_frame(frame: pl.DataFrame) -> list[Moments]:
    """One Moments per row of a frame arm, n, sum, sum_sq[, …]; rows keep their order.

    Further columns: a ratio metric adds den_sum, den_sum_sq, num_den_sum; a covariate (measured before assignment)
    adds cov_sum, cov_sum_sq, cross_sum; a ratio with a ratio covariate also the six products with covden_*.
    `buyers` (users with a value above zero) and `sum_cu` (sum of cubes) let a skewed metric be read; a metric whose
    sum equals its sum of squares is yes/no, and both follow. A missing value of either counts as not delivered.
    Raises ArmsError for missing columns, impossible counts or sums, and a covariate known for other users (cov_n).
    """
    lacking = [name for name in ("arm", "n", "sum", "sum_sq") if name not in frame.columns]
    if lacking:
        raise ArmsError(f"the arms have no column {', '.join(lacking)} (they have {', '.join(frame.columns)})")
    given = {kind: _complete(frame, columns) for kind, columns in NEEDED.items()}
    if given["ratio covariate"] and not (given["ratio"] and given["covariate"]):
        raise ArmsError(
            "covden_ columns describe the denominator of a covariate: deliver den_ and cov_ columns as well"
        )
    if given["ratio"] and given["covariate"] and not given["ratio covariate"]:
        raise ArmsError(f"a ratio with a covariate also needs {', '.join(NEEDED['ratio covariate'])}")
    return [_moments(row, given["ratio"], given["covariate"], given["ratio covariate"]) for row in frame.to_dicts()]


def _complete(frame: pl.DataFrame, columns: Sequence[str]) -> bool:
    present = [name for name in columns if name in frame.columns and frame[name].null_count() < frame.height]
    if present and len(present) < len(columns):
        missing = ", ".join(name for name in columns if name not in present)
        raise ArmsError(f"column {present[0]} came without {missing}: all of {', '.join(columns)} are needed")
    return bool(present)


def _moments(row: dict[str, object], ratio: bool, covariate: bool, ratio_covariate: bool) -> Moments:
    arm = str(row["arm"])
    n = _number(row, "n")
    if n != int(n) or n < 2:
        raise ArmsError(f"arm {arm!r}: n is {n:g}; at least two users are needed for a range")
    if covariate and row.get("cov_n") is not None and _number(row, "cov_n") != n:
        raise ArmsError(
            f"arm {arm!r}: the covariate is known for {row['cov_n']} of {n:g} users; fill it (0 for"
            " new users) or leave it out"
        )
    mean, products = np.array([0.0, 1.0, 0.0, 1.0]), np.zeros((4, 4))
    used = (
        {NUM} | ({DEN} if ratio else set()) | ({COV} if covariate else set()) | ({COVDEN} if ratio_covariate else set())
    )
    for column, role in SUMS.items():
        if role in used:
            mean[role] = _number(row, column) / n
    for column, (first, second) in PRODUCTS.items():
        if first in used and second in used:
            centred = _number(row, column) - n * mean[first] * mean[second]
            if first == second:
                if centred < -1e-9 * n * mean[first] ** 2:
                    raise ArmsError(
                        f"arm {arm!r}: {column} = {row[column]} is smaller than its sum allows; check the query"
                    )
                centred = max(centred, 0.0)
            products[first, second] = products[second, first] = centred / (n - 1)
    for role, name in ((DEN, "den_sum"), (COVDEN, "covden_sum")):
        if mean[role] == 0:
            raise ArmsError(f"arm {arm!r}: {name} is 0, so the ratio has no value")
    buyers, cubes = _buyers(row), _cubes(row)
    return Moments(arm, int(n), mean, products, ratio, covariate, buyers, cubes)


def _buyers(row: dict[str, object]) -> int | None:
    """Users above zero, if delivered and possible beside the sums; also those of a yes/no metric."""
    arm, total, squares = row["arm"], _number(row, "sum"), _number(row, "sum_sq")
    if row.get("buyers") is None:
        return int(total) if total == squares and total == int(total) else None
    buyers = _number(row, "buyers")
    if buyers != int(buyers) or not 0 <= buyers <= _number(row, "n"):
        raise ArmsError(f"arm {arm!r}: buyers is {buyers:g} of {row['n']} users; it counts users above zero")
    if total < 0 or total**2 > buyers * squares * (1 + 1e-9):
        raise ArmsError(
            f"arm {arm!r}: {buyers:g} buyers cannot have a sum of {total:g} and squares of {squares:g}; buyers counts"
            " every user above zero, and is left empty where a value is below zero"
        )
    return int(buyers)


def _cubes(row: dict[str, object]) -> float | None:
    total, squares = _number(row, "sum"), _number(row, "sum_sq")
    if row.get("sum_cu") is None:
        return total if total == squares else None
    cubes = _number(row, "sum_cu")
    if row.get("buyers") is not None and squares**2 > total * cubes * (1 + 1e-9):
        raise ArmsError(
            f"arm {row['arm']!r}: sum_cu = {cubes:g} is smaller than sum and sum_sq allow; it is the sum of cubes"
        )
    return cubes


def _number(row: dict[str, object], column: str) -> float:
    value = row.get(column)
    if not isinstance(value, int | float) or isinstance(value, bool) or not np.isfinite(value):
        raise ArmsError(f"arm {row['arm']!r}: {column} is {value!r}, not a number")
    return float(value)


def mismatch_p_value(counts: Sequence[int], split: Sequence[float], *, corrected: bool = True) -> float:
    """p-value of the counts under the configured split (shares that sum to 1).

    Two arms: exact binomial below 1,000 users, else normal with continuity correction (unless `corrected` is False,
    plain chi-square). More arms: chi-square. Below .001 something between assignment and log loses users of one arm.
    Raises ValueError for a split that does not fit.
    """
    from scipy import stats

    if len(counts) != len(split) or len(counts) < 2 or min(split) <= 0 or abs(sum(split) - 1) > 1e-9:
        raise ValueError(f"split {list(split)} for {len(counts)} arms: one share above zero per arm, summing to 1")
    total = sum(counts)
    if len(counts) == 2 and corrected:
        if total < EXACT_BELOW:
            return float(stats.binomtest(counts[0], total, split[0]).pvalue)
        distance = max(abs(counts[0] - total * split[0]) - 0.5, 0.0)
        return float(2 * stats.norm.sf(distance / sqrt(total * split[0] * split[1])))
    expected = [total * share for share in split]
    statistic = sum((n - e) ** 2 / e for n, e in zip(counts, expected, strict=True))
    return float(stats.chi2.sf(statistic, len(counts) - 1))
