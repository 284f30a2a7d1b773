"""Difference of two arms from their sufficient statistics: Welch, CUPED, delta method, post-stratification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, nan, sqrt

from models.incrementality.users.moments import Moments


@dataclass(frozen=True)
class Side:
    """One arm's adjusted value, the variance of that value, and the users behind it."""

    value: float
    variance: float
    n: int


@dataclass(frozen=True)
class Difference:
    """Treatment minus control per user (or per unit of the denominator), with Welch's error and degrees of freedom."""

    control: Side
    treatment: Side
    theta: float | None
    freedom: float

    @property
    def point(self) -> float:
        return self.treatment.value - self.control.value

    @property
    def standard_error(self) -> float:
        return sqrt(self.control.variance + self.treatment.variance)

    def p_value(self) -> float:
        """Two-sided Welch p-value; 1 when nothing varies and nothing differs."""
        from scipy import stats

        if self.standard_error == 0:
            return 1.0 if self.point == 0 else 0.0
        return float(2 * stats.t.sf(abs(self.point) / self.standard_error, self.freedom))

    def reach(self, level: float) -> float:
        """Half-width of the two-sided range of the difference."""
        from scipy import stats

        return float(stats.t.ppf((1 + level) / 2, self.freedom)) * self.standard_error

    def relative(self, level: float) -> tuple[float, float, float]:
        """Relative lift with the range of the log ratio; NaN when an arm's value is not above zero.

        It has its own error (the control's value is uncertain too) and may differ from the range of the difference in
        whether it just contains zero; decisions use the difference.
        """
        from scipy import stats

        if self.control.value <= 0 or self.treatment.value <= 0:
            return nan, nan, nan
        spread = sqrt(self.control.variance / self.control.value**2 + self.treatment.variance / self.treatment.value**2)
        reach = float(stats.t.ppf((1 + level) / 2, self.freedom)) * spread
        middle = log(self.treatment.value / self.control.value)
        return exp(middle) - 1, exp(middle - reach) - 1, exp(middle + reach) - 1


def difference(control: Moments, treatment: Moments) -> Difference:
    """Welch difference; with a covariate, CUPED with theta from both arms together (Deng et al. 2013).

    Each arm's value is moved by theta times its covariate's distance from the pooled covariate.
    """
    pooled = control.merged(treatment)
    theta = None
    if control.covariate:
        _, spread, shared = pooled.variances()
        theta = shared / spread if spread > 0 else 0.0
    sides = [_side(arm, pooled, theta) for arm in (control, treatment)]
    return Difference(sides[0], sides[1], theta, _freedom(sides))


def post_stratified(pairs: Sequence[tuple[Moments, Moments]]) -> Difference:
    """Differences per stratum (control, treatment), weighted by each stratum's share of all users.

    Removes chance imbalance of the strata between arms. Source: Miratrix, Sekhon, Yu (2013).
    """
    total = sum(control.n + treatment.n for control, treatment in pairs)
    values, variances, counts = [0.0, 0.0], [0.0, 0.0], [0, 0]
    parts = []
    for control, treatment in pairs:
        share = (control.n + treatment.n) / total
        inside = difference(control, treatment)
        for arm, side in enumerate((inside.control, inside.treatment)):
            values[arm] += share * side.value
            variances[arm] += share**2 * side.variance
            counts[arm] += side.n
            parts.append(Side(side.value, share**2 * side.variance, side.n))
    sides = [Side(values[arm], variances[arm], counts[arm]) for arm in (0, 1)]
    return Difference(sides[0], sides[1], None, _freedom(parts))


def _side(arm: Moments, pooled: Moments, theta: float | None) -> Side:
    own, earlier, shared = arm.variances()
    if theta is None:
        return Side(arm.value, own / arm.n, arm.n)
    value = arm.value - theta * (arm.covariate_value - pooled.covariate_value)
    variance = own + theta**2 * earlier - 2 * theta * shared
    return Side(value, max(variance, 0.0) / arm.n, arm.n)


def _freedom(sides: Sequence[Side]) -> float:
    """Satterthwaite's degrees of freedom."""
    total = sum(side.variance for side in sides)
    parts = sum(side.variance**2 / (side.n - 1) for side in sides)
    return total**2 / parts if parts > 0 else float(sum(side.n - 1 for side in sides))
