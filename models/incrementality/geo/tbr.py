"""Time-based regression: the tested group's daily total regressed on the control group's before the test.

Its own range assumes independent days and is too narrow where errors last; `read_geo(method="tbr")` uses placebos.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np

from models.incrementality.ratio_interval import Ratio, ratio_interval


@dataclass(frozen=True)
class TimeBasedRegression:
    """Cumulated effect over the window, its standard error, degrees of freedom, and the residuals of every day."""

    effect: float
    standard_error: float
    freedom: int
    effects: np.ndarray
    residuals: np.ndarray
    r_squared: float

    def interval(self, level: float) -> tuple[float, float]:
        """Two-sided range of the cumulated effect under independent errors."""
        from scipy import stats

        reach = float(stats.t.ppf((1 + level) / 2, self.freedom)) * self.standard_error
        return self.effect - reach, self.effect + reach

    def chance_above(self, effect: float) -> float:
        """Probability that the cumulated effect is above `effect`."""
        from scipy import stats

        return float(stats.t.cdf((self.effect - effect) / self.standard_error, self.freedom))

    @property
    def residual_memory(self) -> float:
        """Lag-1 correlation of the pre-period residuals."""
        return float(np.corrcoef(self.residuals[1:], self.residuals[:-1])[0, 1])


def time_based_regression(tested: np.ndarray, control: np.ndarray, pre: int) -> TimeBasedRegression:
    """Fit tested (T,) = a + b control (T,) on the first `pre` periods; the rest is the window.

    Raises ValueError for fewer than four periods before, or a control that never moves. Source: Kerman, Wang, Vaver
    (2017), with the closed form of the predictive variance.
    """
    if pre < 4:
        raise ValueError(f"pre={pre}: a regression line with an error needs at least four periods before the test")
    before = control[:pre] - control[:pre].mean()
    moved = float(before @ before)
    if moved <= 0:
        raise ValueError("the control series never moves before the test: there is nothing to regress on")
    slope = float(before @ tested[:pre]) / moved
    intercept = float(tested[:pre].mean()) - slope * float(control[:pre].mean())
    residuals = tested - intercept - slope * control
    variance = float(residuals[:pre] @ residuals[:pre]) / (pre - 2)
    days = tested.size - pre
    drift = float(control[pre:].mean() - control[:pre].mean())
    spread = days + days**2 / pre + days**2 * drift**2 / moved
    centred = tested[:pre] - tested[:pre].mean()
    explained = 1 - float(residuals[:pre] @ residuals[:pre]) / float(centred @ centred)
    return TimeBasedRegression(
        float(residuals[pre:].sum()),
        sqrt(variance * spread),
        pre - 2,
        residuals[pre:],
        residuals[:pre],
        explained,
    )


def tbr_iroas(response: TimeBasedRegression, spend: TimeBasedRegression | float, level: float) -> Ratio:
    """iROAS; a number as `spend` is a known cost, a regression of the spend series carries its own error (Fieller)."""
    bounds = response.interval(level)
    if not isinstance(spend, TimeBasedRegression):
        return ratio_interval(response.effect, bounds, spend)
    low, high = spend.interval(level)
    correlation = float(np.corrcoef(response.residuals, spend.residuals)[0, 1])
    return ratio_interval(response.effect, bounds, spend.effect, (high - low) / 2, correlation)
