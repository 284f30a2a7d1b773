"""The chance that a test of these geos would find an effect of a given size, from days on which nothing was done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.incrementality.geo.estimator import Estimator
from models.incrementality.geo.placebo import placebo_read, reference_sets
from models.incrementality.inversion import invert

MOST_SETS = 300  # placebo sets per simulated window
PRIOR_WINDOWS = 5  # windows without a finding that a group's own are weighed against


@dataclass(frozen=True)
class NullWindow:
    """One window without a test: the group's own t, placebo t's, the critical value, and how many noise units one
    percent of lift is."""

    own: float
    placebos: np.ndarray
    critical: float
    spread: float
    base: float
    log: bool

    def power(self, lift: float, noise: float = 1.0) -> float:
        """Share of placebos, `noise` times as wide, that would be called significant with this lift added to them."""
        shift = (np.log1p(lift) if self.log else lift * self.base) / self.spread
        return float((np.abs(noise * self.placebos + shift) > self.critical).mean())


def windows_before(periods: int, duration: int, count: int, shortest_history: int) -> list[tuple[int, int]]:
    """Up to `count` windows [first, last) of the test's length, the latest first, none overlapping."""
    windows = []
    for shift in range(1, count + 1):
        first = periods - shift * duration
        if first < max(shortest_history, duration):
            break
        windows.append((first, first + duration))
    return windows


def null_windows(
    kpi: np.ndarray,
    treated: Sequence[int],
    windows: Sequence[tuple[int, int]],
    estimator: Estimator,
    *,
    level: float,
    seed: int,
    exclude: Sequence[int] = (),
) -> list[NullWindow]:
    """Read each window as if the test had run then; the weights never see the window."""
    donors = [row for row in range(kpi.shape[0]) if row not in set(treated) | set(exclude)]
    sets, _ = reference_sets(len(donors), len(treated), seed)
    if sets.shape[0] > MOST_SETS:
        sets = sets[np.random.default_rng(seed).permutation(sets.shape[0])[:MOST_SETS]]
    nulls = []
    for first, last in windows:
        tested = kpi[list(treated), :last]
        read = placebo_read(tested, kpi[donors, :last], first, slice(first, last), estimator, sets)
        t = read.placebos.studentised
        critical = invert(0.0, t, level).critical
        base = float(tested[:, first:last].mean())
        nulls.append(NullWindow(read.statistic, t, critical, read.spread, base, estimator.scale == "log"))
    return nulls


def own_noise(windows: Sequence[NullWindow]) -> float:
    """How much wider the group's own t's are than those of its placebos; at least 1.

    A group is chosen because its days before a window look quiet, and what looks quiet by luck does not stay so. Own
    windows are few, so they count against as many that say nothing (PRIOR_WINDOWS).
    """
    own = sum(window.own**2 for window in windows)
    usual = float(np.mean([np.mean(window.placebos**2) for window in windows]))
    return max(1.0, float(np.sqrt((own / usual + PRIOR_WINDOWS) / (len(windows) + PRIOR_WINDOWS))))


def power_at(windows: Sequence[NullWindow], lift: float, noise: float = 1.0) -> float:
    """Mean power over the windows."""
    return float(np.mean([window.power(lift, noise) for window in windows]))


def detectable_lift(windows: Sequence[NullWindow], power: float = 0.8, noise: float = 1.0) -> float:
    """Smallest lift found with this power; infinite when even a tenfold KPI would not be."""
    low, high = 0.0, 10.0
    if power_at(windows, high, noise) < power:
        return float("inf")
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if power_at(windows, middle, noise) >= power else (middle, high)
    return high
