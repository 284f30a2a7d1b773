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


def pulsed(seed: int) -> np.ndarray:
    """Three years of weekly spend in pulses, each week between .08 and 1.7."""
    rng = np.random.default_rng(seed)
    return np.clip(np.exp(rng.normal(-1, 0.7, 156)), 0.08, 1.7) * (rng.random(156) < 0.35)


def of_spend(spend: np.ndarray) -> MMMData:
    long, _ = frame(periods=len(spend))
    return read(long.with_columns(a=pl.Series(spend * 1000)))


def test_a_moved_decimal_point_in_a_pulsed_channel_is_named_and_left_as_it_is():
    """Ten times a week of usual size is only about three times the highest week, but stands alone."""
    spend = pulsed(3)
    week = int(np.argmin(np.abs(spend - 0.5)))
    shifted = spend.copy()
    shifted[week] *= 10
    found = plan(of_spend(shifted))
    assert [(w.code, w.severity, w.subject) for w in found.findings] == [("spend_spike", "medium", "a")]
    assert str(found.data.dates[week]) in found.findings[0].message
    assert found.media[0, 0, week] == found.media[0, 0].max()


def test_pulses_and_real_bursts_are_no_moved_decimal_points():
    assert sum(len(plan(of_spend(pulsed(seed))).findings) for seed in range(20)) <= 1  # 2.7 % of such series by design
    burst = np.exp(np.random.default_rng(0).normal(0, 0.2, 156))
    burst[80:83] *= 6  # a campaign of three weeks
    yearly = np.exp(np.random.default_rng(1).normal(0, 0.2, 156))
    yearly[47::52] *= 6
    assert [list(plan(of_spend(series)).findings) for series in (burst, yearly)] == [[], []]
