"""Tests that begin on different days in different geos: one read per cohort, summed with their joint range."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from models.incrementality.geo.donor_weights import fit_targets
from models.incrementality.geo.estimator import Estimator
from models.incrementality.geo.estimator_choice import choice_of
from models.incrementality.geo.panel import GeoPanel, PanelError
from models.incrementality.geo.placebo import on_scale
from models.incrementality.geo.read import read_geo
from models.incrementality.geo.window import GeoTest
from models.incrementality.inversion import rank_form
from models.incrementality.result import LiftResult

DRAWS = 999


@dataclass(frozen=True)
class StaggeredResult:
    """Total effect of all cohorts until `end` with its range; `att` is per treated geo and period.

    Each cohort counts with its treated geo-periods. `cohorts` holds every cohort's own read by its start. The range
    and `p_value` are read off disjoint placebo cohorts drawn from the never treated with `seed`.
    """

    effect: float
    low: float
    high: float
    level: float
    att: float
    p_value: float
    cohorts: Mapping[date, LiftResult]
    method: str
    seed: int


def read_staggered(
    panel: pl.DataFrame | pl.LazyFrame | GeoPanel,
    starts: Mapping[object, date],
    *,
    end: date,
    method: str = "auto",
    level: float = 0.9,
    seed: int,
) -> StaggeredResult:
    """Incremental KPI of a roll-out: `starts` gives each treated geo's first day, all are read until `end`.

    Only geos that are never treated serve as controls, so no cohort's effect hides in another's baseline. Raises
    PanelError when too few remain to draw placebo cohorts from.
    """
    data = panel if isinstance(panel, GeoPanel) else GeoPanel.from_frame(panel)
    if not starts:
        raise PanelError("no treated geo was named")
    days = sorted(set(starts.values()))
    members = {day: [geo for geo, begun in starts.items() if begun == day] for day in days}
    tests = {
        day: GeoTest.on(
            data, members[day], start=day, end=end, exclude=[geo for geo, begun in starts.items() if begun != day]
        )
        for day in days
    }
    logs = all(test.positive for test in tests.values())
    estimator = choice_of(tests[days[0]], method, seed, logs=logs).estimator
    cohorts = {
        day: read_geo(
            data,
            members[day],
            start=day,
            end=end,
            method=estimator.name,
            level=level,
            seed=seed,
            exclude=[geo for geo, begun in starts.items() if begun != day],
        )
        for day in days
    }
    placebo = _placebo_totals(data, list(tests.values()), estimator, seed)
    effect = sum(read.effect for read in cohorts.values())
    scale = float(np.sqrt((placebo**2).mean()))
    inference = rank_form(effect / scale, placebo / scale, level)
    treated = sum(len(test.treated) * test.periods for test in tests.values())
    reach = inference.critical * scale
    return StaggeredResult(
        effect,
        effect - reach,
        effect + reach,
        level,
        effect / treated,
        inference.p_value,
        cohorts,
        estimator.name,
        seed,
    )


def _placebo_totals(data: GeoPanel, tests: list[GeoTest], estimator: Estimator, seed: int) -> np.ndarray:
    """Totals (draws,) of disjoint placebo cohorts of the same sizes and days, scaled to each cohort's noise."""
    donors = list(tests[0].donors)
    sizes = [len(test.treated) for test in tests]
    if sum(sizes) > len(donors) - 3:
        raise PanelError(
            f"{len(donors)} never-treated geos for cohorts of {sum(sizes)}: {sum(sizes) + 3} are"
            " needed to draw placebos"
        )
    kpi = on_scale(data.kpi[:, : tests[0].last + 1], estimator)
    pool = kpi[donors]
    no_exclusions = np.empty((1, 0), dtype=np.int64)
    used = np.random.default_rng(seed).random((DRAWS, len(donors))).argsort(axis=1)[:, : sum(sizes)]
    totals = np.zeros(DRAWS)
    begin = 0
    for test, size in zip(tests, sizes, strict=True):
        mean = kpi[list(test.treated)].mean(axis=0)[None]
        fit = fit_targets(pool, mean, no_exclusions, test.pre, test.post, estimator, group_size=size)
        aims = pool[used[:, begin : begin + size]].mean(axis=1)
        drawn = fit_targets(pool, aims, used, test.pre, test.post, estimator, group_size=size).studentised
        window = data.kpi[list(test.treated)][:, test.post].sum(axis=0)
        tau = float(fit.tau[0])
        # KPI units per unit of the scale, at the estimate: constant in levels, local on logarithms.
        slope = size * window.size if estimator.scale == "level" else float(window.sum()) * np.exp(-tau)
        totals += drawn * fit.spread[0] * slope
        begin += size
    return totals
