"""Scaling, treatments and states: what the design makes of data and spec."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.mmm import MMMData, MMMSpec, Sampling, Treatment, fit
from models.mmm.model.baseline import taps
from models.mmm.model.build import design
from models.mmm.model.design import Form
from tests.models.mmm.mmm_worlds import frame

LONG, _ = frame(periods=60)
PANEL, _ = frame(geos=3, periods=60)


def read(long: pl.DataFrame, **choices):
    return MMMData.from_frame(long, **{"date": "date", "kpi": "kpi", "spend": {"a": "a", "b": "b"}, **choices})


def first(column, value):
    row = pl.int_range(pl.len()) == 5
    return LONG.with_columns(pl.when(row).then(value).otherwise(pl.col(column)).alias(column))


def plan(data, spec=None):
    spec = spec or MMMSpec()
    return design(data, spec, Form("geometric", "logistic", False, taps(spec, data)))


def test_a_spike_is_named_cut_and_kept_raw():
    data = read(first("a", 60_000.0))
    found = plan(data)
    assert [(w.code, w.subject) for w in found.findings] == [("spend_spike", "a")]
    assert "2022-02-07" in found.findings[0].message
    assert data.media[0, 5, 0] == 60_000
    around = found.media[0, 0, [3, 4, 6, 7]]
    assert found.media[0, 0, 5] == pytest.approx(np.median(around))


def test_units_do_not_change_the_model():
    """The same money in cents is the same scaled panel, up to float error."""
    cents = LONG.with_columns(pl.col("a", "b", "kpi") * 100)
    one, two = plan(read(LONG)), plan(read(cents))
    np.testing.assert_allclose(one.y, two.y, rtol=1e-12)
    np.testing.assert_allclose(one.media, two.media, rtol=1e-12)
    np.testing.assert_allclose(one.effect.mu, two.effect.mu, rtol=1e-9)


def test_a_constant_added_to_every_region_changes_no_effect_much():
    """Levels are free per region; only the weak prior on them can notice (3 mean KPIs wide)."""
    short = MMMSpec(
        sampling=Sampling(draws=200, tune=200), adstock="geometric", saturation="logistic", size_scaling="none"
    )
    moved = PANEL.with_columns(kpi=pl.col("kpi") + 3000)
    one, two = (fit(read(x, geo="geo"), short, seed=3).roas() for x in (PANEL, moved))
    gap = np.abs(one["mean"] - two["mean"]) / one["sd"]
    assert gap.max() < 0.5


def test_a_treatment_counts_from_its_declared_baseline():
    data = read(LONG, treatments=[Treatment("price", 0.0)])
    assert data.treatment_baselines == (0.0,)
    assert "price" in plan(data).baseline.component
