"""The range of a ratio whose numerator and denominator are both uncertain: incremental KPI per unit of extra spend."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, nan, sqrt

Bounds = tuple[float, float]


@dataclass(frozen=True)
class Ratio:
    """Point and range; a range without finite bounds says that the denominator may be zero."""

    point: float
    low: float
    high: float

    @property
    def bounded(self) -> bool:
        return self.low > -inf and self.high < inf


def ratio_interval(
    response: float, response_bounds: Bounds, spend: float, spend_half_width: float = 0.0, correlation: float = 0.0
) -> Ratio:
    """All ratios th for which response - th * spend is within its own range of zero (Fieller 1954).

    The bounds of the response may be unsymmetric (logs): each side uses its own half-width. `correlation` is between
    the errors of response and spend. Without error in spend this is the response's interval over spend. Spend that
    may be zero gives (-inf, inf), spend of exactly 0 without error a NaN point as well.
    """
    if spend < 0:
        mirrored = (-response_bounds[1], -response_bounds[0])
        return ratio_interval(-response, mirrored, -spend, spend_half_width, correlation)
    if spend <= spend_half_width:
        return Ratio(response / spend if spend else nan, -inf, inf)
    low = _root(response, response - response_bounds[0], spend, spend_half_width, correlation, upper=False)
    high = _root(response, response_bounds[1] - response, spend, spend_half_width, correlation, upper=True)
    return Ratio(response / spend, low, high)


def _root(response: float, wide: float, spend: float, narrow: float, correlation: float, *, upper: bool) -> float:
    """One root of (R - th C)^2 = hR^2 - 2 th rho hR hC + th^2 hC^2 for C > hC."""
    if wide == inf:
        return inf if upper else -inf
    shared = correlation * wide * narrow
    a = spend**2 - narrow**2
    b = response * spend - shared
    c = response**2 - wide**2
    root = sqrt(max(b**2 - a * c, 0.0))
    return (b + root) / a if upper else (b - root) / a
