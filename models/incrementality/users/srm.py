"""Sample-ratio mismatch: did the arms receive the users they were configured to receive?"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

EXACT_BELOW = 1_000  # users in total; above it the normal tail is indistinguishable from the binomial
MISMATCH = 0.001


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
