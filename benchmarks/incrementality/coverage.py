"""Coverage, false positives, power and width on panels whose effect is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from math import sqrt

import numpy as np

from models.incrementality.geo.effect_curves import total_effect
from models.incrementality.geo.estimator_choice import choice_of
from models.incrementality.geo.panel import GeoPanel
from models.incrementality.geo.read import placebo_inference
from models.incrementality.geo.simulated import FIRST_MONDAY, SimulatedTest, heterogeneous, textbook
from models.incrementality.geo.window import GeoTest

SCENARIOS = ("A1", "A2", "A3", "A4", "H")
LIFT = 0.075
LEVEL = 0.95


@dataclass(frozen=True)
class Measured:
    """One method on one scenario; `error` is the root mean square error at the lift, `bias` in points of the KPI."""

    method: str
    scenario: str
    replications: int
    coverage: float
    false_positives: float
    power: float
    width: float
    error: float
    bias: float
    chosen: tuple[tuple[str, int], ...]

    def monte_carlo_error(self, share: float) -> float:
        """Standard error of a share over these replications."""
        return sqrt(max(share * (1 - share), 1e-12) / self.replications)


def measured(method: str, scenario: str, replications: int) -> Measured:
    """Run `replications` pairs of a null and a lifted panel with the same draws."""
    inside, rejected, found, widths, errors, biases = [], [], [], [], [], []
    chosen: Counter[str] = Counter()
    for iteration in range(replications):
        for lift in (0.0, LIFT):
            made = heterogeneous(iteration, lift) if scenario == "H" else textbook(scenario, iteration, lift)  # type: ignore[arg-type]
            name, effect, low, high = _read(made, method)
            chosen[name] += 1
            outside = not low <= 0 <= high
            if lift == 0:
                rejected.append(outside)
                continue
            inside.append(low <= made.truth <= high)
            found.append(outside)
            widths.append(high - low)
            errors.append(effect - made.truth)
            biases.append(100 * (effect - made.truth) / made.untreated[made.pre :].mean())
    return Measured(
        method,
        scenario,
        replications,
        float(np.mean(inside)),
        float(np.mean(rejected)),
        float(np.mean(found)),
        float(np.mean(widths)),
        float(np.sqrt(np.mean(np.square(errors)))),
        float(np.mean(biases)),
        tuple(chosen.most_common()),
    )


def _read(made: SimulatedTest, method: str) -> tuple[str, float, float, float]:
    """Estimator, effect per day and its range, by the steps of `read_geo` without checks and pictures."""
    geos, days = made.kpi.shape
    dates = tuple(FIRST_MONDAY + timedelta(days=day) for day in range(days))
    panel = GeoPanel(tuple(f"g{row:02d}" for row in range(geos)), dates, made.kpi, None, "day")
    test = GeoTest.on(panel, [panel.geos[made.treated]], start=dates[made.pre], end=dates[-1])
    estimator = choice_of(test, method, seed=1).estimator
    read, inversion, _ = placebo_inference(test, estimator, LEVEL, seed=1)
    total = total_effect(test, read, inversion.critical)
    return estimator.name, total.effect / test.periods, total.low / test.periods, total.high / test.periods
