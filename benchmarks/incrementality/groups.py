"""Several tested regions among few: the usual company has a dozen regions, not forty cities."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from math import sqrt

import numpy as np

from models.incrementality.geo.effect_curves import total_effect
from models.incrementality.geo.estimator_choice import choice_of
from models.incrementality.geo.panel import GeoPanel
from models.incrementality.geo.read import placebo_inference
from models.incrementality.geo.simulated import FIRST_MONDAY, heterogeneous_group
from models.incrementality.geo.window import GeoTest

CASES = ((12, 1), (12, 2), (12, 3), (12, 4), (12, 6), (20, 4))
LEVEL = 0.9
LIFT = 0.1


@dataclass(frozen=True)
class GroupMeasured:
    """Coverage of the true total, false positives and power of the default method at 90 %."""

    geos: int
    size: int
    replications: int
    coverage: float
    false_positives: float
    power: float
    width: float

    @property
    def monte_carlo_error(self) -> float:
        """Standard error of a coverage of 90 %."""
        return sqrt(0.09 / self.replications)


def group_measured(geos: int, size: int, replications: int) -> GroupMeasured:
    """Null and lifted panels with the same draws; `width` is the mean width relative to the KPI."""
    inside, rejected, found, widths = [], [], [], []
    for iteration in range(replications):
        for lift in (0.0, LIFT):
            made = heterogeneous_group(iteration, geos, size, lift)
            names = tuple(f"g{row:02d}" for row in range(geos))
            dates = tuple(FIRST_MONDAY + timedelta(days=day) for day in range(made.kpi.shape[1]))
            panel = GeoPanel(names, dates, made.kpi, None, "day")
            treated = [names[row] for row in made.treated]
            test = GeoTest.on(panel, treated, start=dates[made.pre], end=dates[-1])
            estimator = choice_of(test, "auto", seed=1).estimator
            read, inversion, _ = placebo_inference(test, estimator, LEVEL, seed=1)
            total = total_effect(test, read, inversion.critical)
            outside = not total.low <= 0 <= total.high
            if lift == 0:
                rejected.append(outside)
                continue
            inside.append(total.low <= made.truth <= total.high)
            found.append(outside)
            widths.append((total.high - total.low) / total.counterfactual)
    shares = [float(np.mean(values)) for values in (inside, rejected, found, widths)]
    return GroupMeasured(geos, size, replications, *shares)
