"""Smooth trend, declared changes and events have columns and lines of their own."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from models.mmm import MMMData, MMMSpec, fit
from models.mmm.fitting.form_selection import plain_form
from models.mmm.model.build import design
from models.mmm.model.design import Form
from tests.models.mmm.mmm_worlds import frame

LONG, _ = frame(periods=60)
WIDE = LONG.with_columns(
    often=1 + pl.col("price").abs(), cited=pl.col("price").abs() + 1, se=pl.lit(0.2), searches=pl.col("a") * 0.1 + 5
)


def read(**choices):
    return MMMData.from_frame(WIDE, **{"date": "date", "kpi": "kpi", "spend": {"a": "a", "b": "b"}, **choices})


def fit_findings(data, spec):
    return {w.code for w in design(data, spec, plain_form(data, spec)).findings}


def test_the_smooth_trend_is_a_gaussian_process_of_the_asked_length():
    """Away from the ends, the waves' covariance is the squared-exponential one."""
    plan = design(read(), MMMSpec(trend="gp", gp_length_weeks=10), Form("geometric", "logistic", False, 6))
    waves = [k for k, name in enumerate(plan.baseline.names) if name.startswith("smooth_")]
    assert not any(name.startswith("level_change") for name in plan.baseline.names)
    columns = plan.baseline.columns[waves, 0] * plan.baseline.scale[waves, None]
    found = (columns.T @ columns)[20:40, 20:40] / (3.0 * plan.scales.baseline.movement) ** 2
    lag = np.subtract.outer(np.arange(20), np.arange(20))
    np.testing.assert_allclose(found, np.exp(-0.5 * (lag / 10) ** 2), atol=0.02)


def test_a_declared_change_is_measured_beside_the_channels():
    """A lasting step in sales is measured where it is declared, and the channels keep their numbers."""
    long, truth = frame(periods=104, seed=6, noise=0.01)
    late = pl.int_range(pl.len()) >= 52
    long = long.with_columns(pl.col("kpi") + pl.when(late).then(2500.0).otherwise(0.0))
    date_of = long["date"][52]
    data = MMMData.from_frame(long, date="date", kpi="kpi", spend={"a": "a", "b": "b"})
    quick = MMMSpec(adstock="geometric", saturation="logistic")
    named = fit(data, quick.model_copy(update={"change_points": (date_of,)}), seed=1)
    step = named.design.baseline.names.index(f"step_{date_of}")
    size = named.draws.linear[:, step] * named.design.scales.kpi
    assert named.engine == "kernel"
    assert size.mean() == pytest.approx(2500, rel=0.1)  # the slope and the channels share some of it: sd about 4 %
    for row in named.totals().iter_rows(named=True):
        assert abs(row["mean"] - truth[row["channel"]]) < 4 * row["sd"]
    outside = fit_findings(data, quick.model_copy(update={"change_points": (date(2030, 1, 1),)}))
    assert "change_point_outside_data" in outside


def test_events_are_a_line_of_their_own():
    long, _ = frame(periods=104, seed=7, noise=0.01)
    days = [long["date"][k] for k in (10, 37, 62, 88)]
    fair = pl.when(pl.col("date").is_in(days)).then(3000.0).otherwise(0.0)
    long = long.with_columns(pl.col("kpi") + fair)
    data = MMMData.from_frame(long, date="date", kpi="kpi", spend={"a": "a", "b": "b"}, events={"fair": days})
    found = fit(data, MMMSpec(adstock="geometric", saturation="logistic"), seed=1)
    lines = found.contributions().filter(pl.col("component") == "events").sort("date")["mean"].to_numpy()
    lift = lines[[10, 37, 62, 88]].mean() - lines[[11, 38, 63, 89]].mean()
    assert lift == pytest.approx(3000, rel=0.1)  # noise of one week is 100, four weeks: s.e. about 60
