"""A real panel on which nothing was done: how often does a read at 10 % claim an effect?"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from models.incrementality.geo.estimator_choice import choose
from models.incrementality.geo.panel import GeoPanel
from models.incrementality.geo.placebo import placebo_read, reference_sets
from models.incrementality.inversion import rank_form

FILE = "incrementality/geolift__GeoLift_PreTest.csv"
DRAWN_PER_WINDOW = 40
SEEDS = (11, 12, 13)  # three times 240 random groups: a standard error of .011 at .10
MOST_SETS = 300


def quiet_panel(shared: Path) -> GeoPanel:
    """Forty cities over ninety days before any test."""
    frame = pl.read_csv(shared / FILE, try_parse_dates=True)
    return GeoPanel.from_frame(frame.select(geo="location", date="date", kpi="Y"))


def rejections(panel: GeoPanel, size: int) -> tuple[int, float]:
    """Number of null tests of `size` cities, and the share with p <= .1 under the default method.

    One city: every city once per window, 240 in all. More: 240 random groups for each of three seeds.
    """
    shares = [_rejected(panel, size, seed) for seed in (SEEDS[:1] if size == 1 else SEEDS)]
    return 6 * DRAWN_PER_WINDOW * len(shares), float(np.mean(shares))


def _rejected(panel: GeoPanel, size: int, seed: int) -> float:
    draw = np.random.default_rng(seed)
    cities = len(panel.geos)
    rejected = []
    for days in (10, 15):
        for end in (90, 83, 76):
            for number in range(DRAWN_PER_WINDOW):
                group = [number] if size == 1 else sorted(draw.choice(cities, size, replace=False))
                treated = panel.kpi[group, :end]
                donors = np.delete(panel.kpi[:, :end], group, axis=0)
                pre = end - days
                estimator = choose(treated[:, :pre], donors[:, :pre], days, seed=1).estimator
                sets, _ = reference_sets(donors.shape[0], size, seed=1)
                sets = sets[:: max(1, sets.shape[0] // MOST_SETS)]
                read = placebo_read(treated, donors, pre, slice(pre, end), estimator, sets)
                rejected.append(rank_form(read.statistic, read.placebos.studentised, 0.9).p_value <= 0.1)
    return float(np.mean(rejected))
