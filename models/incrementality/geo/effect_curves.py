"""From the estimator's scale to KPI units: the total with its range, and the day-by-day frame behind the pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from models.incrementality.geo.placebo import PlaceboRead
from models.incrementality.geo.window import GeoTest
from models.incrementality.inversion import Form, invert


@dataclass(frozen=True)
class Total:
    """Incremental KPI of all treated geos over the read window, and the same relative to what would have happened."""

    effect: float
    low: float
    high: float
    actual: float

    @property
    def counterfactual(self) -> float:
        return self.actual - self.effect

    def share(self, effect: float) -> float:
        """An effect relative to the KPI without it; infinite bounds stay infinite, a KPI of zero gives NaN."""
        if np.isinf(effect):
            return effect
        without = self.actual - effect
        return effect / without if without else float("nan")


def in_units(amount: float, total: np.ndarray, read: PlaceboRead, group_size: int) -> float:
    """Incremental KPI over the periods of `total` (summed over treated geos) for a mean effect on the fit's scale."""
    if read.estimator.scale == "level":
        return float(amount * group_size * total.size)
    if np.isposinf(amount):
        return float(total.sum())
    return float(-np.expm1(-amount) * total.sum())


def total_effect(test: GeoTest, read: PlaceboRead, critical: float) -> Total:
    """Total with its range `critical` noise units wide on the scale of the fit."""
    window = test.panel.kpi[list(test.treated)][:, test.post].sum(axis=0)
    size = len(test.treated)
    reach = critical * read.spread
    low, point, high = (in_units(a, window, read, size) for a in (read.tau - reach, read.tau, read.tau + reach))
    return Total(point, low, high, float(window.sum()))


def effect_curves(test: GeoTest, read: PlaceboRead, level: float, form: Form) -> pl.DataFrame:
    """One row per period: actual and counterfactual summed over treated geos, effect per period and cumulated.

    Ranges come from the placebos' same day and same cumulated span; they are pointwise, and the last cumulated row is
    the reported total.
    """
    size = len(test.treated)
    total = test.panel.kpi[list(test.treated), : test.last + 1].sum(axis=0)
    gap = read.treated.gap[0]
    logs = read.estimator.scale == "log"
    effect = total * -np.expm1(-gap) if logs else gap * size
    columns: dict[str, list[float | None]] = {name: [None] * total.size for name in _RANGED}
    placebo_gap = read.placebos.gap / read.placebos.spread[:, None]
    for column in range(test.first, test.last + 1):
        daily = invert(0.0, placebo_gap[:, column], level, form).critical * read.spread
        columns["low"][column] = in_units(gap[column] - daily, total[column : column + 1], read, size)
        columns["high"][column] = in_units(gap[column] + daily, total[column : column + 1], read, size)
        span = slice(test.first, column + 1)
        mean = float(gap[span].mean())
        reach = invert(0.0, placebo_gap[:, span].mean(axis=1), level, form).critical * read.spread
        columns["cumulative"][column] = in_units(mean, total[span], read, size)
        columns["cumulative_low"][column] = in_units(mean - reach, total[span], read, size)
        columns["cumulative_high"][column] = in_units(mean + reach, total[span], read, size)
    phases = ["pre"] * test.pre + ["lag"] * (test.first - test.pre) + ["read"] * test.periods
    return pl.DataFrame(
        {
            "day": test.panel.dates[: test.last + 1],
            "phase": phases,
            "actual": total,
            "counterfactual": total - effect,
            "effect": effect,
            **{name: pl.Series(values, dtype=pl.Float64) for name, values in columns.items()},
        }
    )


_RANGED = ("low", "high", "cumulative", "cumulative_low", "cumulative_high")
