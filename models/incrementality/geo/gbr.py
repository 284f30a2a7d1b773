"""Geo-based regression: one row per geo, the window's response on the earlier response and the extra spend."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np


@dataclass(frozen=True)
class GeoRegression:
    """iROAS (the spend coefficient), its standard error, degrees of freedom and the rows left out (no earlier KPI)."""

    iroas: float
    standard_error: float
    freedom: int
    left_out: tuple[int, ...]

    def interval(self, level: float) -> tuple[float, float]:
        """Two-sided range under independent geos."""
        from scipy import stats

        reach = float(stats.t.ppf((1 + level) / 2, self.freedom)) * self.standard_error
        return self.iroas - reach, self.iroas + reach

    def one_sided_reach(self, level: float) -> float:
        """Distance to the one-sided bound at `level`."""
        from scipy import stats

        return float(stats.t.ppf(level, self.freedom)) * self.standard_error


def geo_regression(before: np.ndarray, during: np.ndarray, spend: np.ndarray) -> GeoRegression:
    """Regress `during` (G,) on 1, `before` and incremental `spend`, weights 1/before^2.

    Geos without KPI before the test carry no weight and are named in `left_out`. Raises ValueError with fewer than
    five geos left, or when spend does not differ between them. Source: Vaver and Koehler (2011), section 4.
    """
    used = before > 0
    left_out = tuple(int(row) for row in np.flatnonzero(~used))
    if used.sum() < 5:
        raise ValueError(f"{int(used.sum())} geos with a KPI before the test: the regression needs at least five")
    design = np.column_stack([np.ones(int(used.sum())), before[used], spend[used]]) / before[used, None]
    if np.linalg.matrix_rank(design) < 3:
        raise ValueError(
            "extra spend does not differ between geos (or follows their size exactly): nothing to regress on"
        )
    response = during[used] / before[used]
    coefficients, *_ = np.linalg.lstsq(design, response, rcond=None)
    residuals = response - design @ coefficients
    freedom = design.shape[0] - 3
    covariance = np.linalg.inv(design.T @ design) * float(residuals @ residuals) / freedom
    return GeoRegression(float(coefficients[2]), sqrt(covariance[2, 2]), freedom, left_out)
