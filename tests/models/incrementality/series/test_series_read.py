"""One series without a control group: a step is found, and the read is labelled the weakest kind of evidence."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from models.incrementality import PanelError, read_series
from models.incrementality.geo.simulated import FIRST_MONDAY
from models.incrementality.series.bsts import tail_reading


def daily_series(effect: float, days: int = 120, read: int = 20) -> pl.DataFrame:
    draw = np.random.default_rng(8)
    control = 100 + draw.normal(0, 3, days).cumsum() * 0.3
    kpi = 1.2 * control + draw.normal(0, 1, days)
    kpi[days - read :] += effect
    dates = [FIRST_MONDAY + timedelta(days=d) for d in range(days)]
    return pl.DataFrame({"date": dates, "kpi": kpi, "other_country": control, "unrelated": draw.normal(0, 1, days)})


def test_a_series_read_finds_a_step_and_is_the_weakest_tier():
    start, end = FIRST_MONDAY + timedelta(days=100), FIRST_MONDAY + timedelta(days=119)
    asked = {"start": start, "end": end, "controls": ["other_country", "unrelated"], "seed": 1, "draws": 1_000}
    stepped = read_series(daily_series(3.0), **asked, season=7)
    assert stepped.low < 60 < stepped.high
    assert stepped.significant
    assert (stepped.grade, stepped.inflation, stepped.design) == ("C", 1.5, "time_series")
    assert "weakest_tier" in {w.code for w in stepped.warnings}
    share = dict(stepped.weights.iter_rows())
    assert share["other_country"] == 1.0
    still = read_series(daily_series(0.0), **asked)
    assert still.low < 0 < still.high
    assert repr(read_series(daily_series(0.0), **asked)) == repr(still)
    gap = daily_series(0.0).filter(pl.col("date") != FIRST_MONDAY + timedelta(days=10))
    with pytest.raises(PanelError, match="between 2024-01-10 and 2024-01-12"):
        read_series(gap, **asked)


def test_tail_reading_never_contradicts_itself():
    for seed in range(200):
        draws = np.random.default_rng(seed).normal(1.6, 1, 399)
        found = tail_reading(draws, 0.9)
        assert (found.low <= 0 <= found.high) == (found.p_value > 0.1)
