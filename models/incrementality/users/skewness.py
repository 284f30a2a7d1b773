"""How far the skew of the values spoils a t-test of two arms: a guard, not a test.

With unequal arms a few large values fall almost always into the larger one, and the smaller arm looks poor and certain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, sqrt

from models.incrementality.users.moments import NUM, Moments

USUAL_LOG_SD = 1.5  # of order values among buyers; what is assumed where nothing but sums and squares is known
EXCESS = 0.4  # share by which skew may raise the false lifts of one side: .05 becomes .07
CANCELLED = 1e3  # means per standard deviation beyond which sums of cubes hold no digit of the third moment


@dataclass(frozen=True)
class Skewness:
    """Skewness of the values, that of the difference of the arms, and whether the first was measured or assumed."""

    values: float
    difference: float
    measured: bool

    def false_share(self, bound: float) -> float:
        """Share of tests without effect beyond +`bound` or -`bound` standard errors, on the worse side.

        First Edgeworth term of a studentised mean: Phi(-b) + g (2 b^2 + 1) phi(b) / 6. Source: Hall (1992), 2.6.
        """
        from scipy import stats

        return float(
            stats.norm.sf(bound) + abs(self.difference) * (2 * bound**2 + 1) * float(stats.norm.pdf(bound)) / 6
        )


def skewness(pairs: Sequence[tuple[Moments, Moments]], *, variance: float) -> Skewness:
    """Skewness of a difference whose error has this `variance`; `pairs` are (control, treatment) per stratum.

    Third moments come from all users of a stratum together, as if there were no effect. Where sums of cubes are
    missing, values are taken to be no more skewed than zeros among lognormal values with log-sd 1.5.
    """
    users = sum(control.n + treatment.n for control, treatment in pairs)
    third, highest, measured = 0.0, 0.0, True
    for control, treatment in pairs:
        pooled = control.merged(treatment)
        own = measured_skewness(pooled)
        measured &= own is not None
        skew = assumed_skewness(pooled) if own is None else own
        highest = max(highest, abs(skew))
        spread = float(pooled.covariance[NUM, NUM])
        lopsided = 1 / treatment.n**2 - 1 / control.n**2
        denominator = float(pooled.mean[1])
        third += ((control.n + treatment.n) / users / denominator) ** 3 * skew * spread**1.5 * lopsided
    return Skewness(highest, third / variance**1.5 if variance > 0 else 0.0, measured)


def measured_skewness(users: Moments) -> float | None:
    """From the sum of cubes; None where it was not delivered or cannot hold the third moment's digits."""
    spread, mean = float(users.covariance[NUM, NUM]), float(users.mean[NUM])
    if users.cubes is None or spread <= 0 or abs(mean) > CANCELLED * sqrt(spread):
        return None
    third = users.cubes / users.n - 3 * mean * users.squares / users.n + 2 * mean**3
    return third / spread**1.5


def assumed_skewness(users: Moments) -> float:
    """What zeros among lognormal values of log-sd 1.5 would have with this mean and variance, or all-lognormal values
    where those vary less. Infinite for a mean of zero, which says nothing about the values."""
    spread, mean = float(users.covariance[NUM, NUM]), float(users.mean[NUM])
    if spread <= 0:
        return 0.0
    if mean == 0:
        return float("inf")
    ratio = spread / mean**2
    lognormal = (ratio + 3) * sqrt(ratio)
    return min(lognormal, exp(USUAL_LOG_SD**2) * sqrt(1 + ratio))
