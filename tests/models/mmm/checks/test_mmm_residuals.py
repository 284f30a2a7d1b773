"""Runs and yearly peaks among the residuals are found where they were put, and not elsewhere."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.mmm import MMMSpec
from models.mmm.checks import residuals
from models.mmm.fitting.approximate import peak_fit
from models.mmm.model.design import Form
from tests.models.mmm.mmm_worlds import frame, read

WEEKS = 130
FORM = Form("geometric", "logistic", False, 8)


def rough(long, geos=1, channels=("a", "b")):
    return peak_fit(read(long, geos, channels), MMMSpec(season_harmonics=2), FORM, seed=1)


def with_flights(long, seed=3):
    """Channel a in flights of eight weeks, b as it was."""
    on = np.repeat(np.random.default_rng(seed).random(WEEKS // 8 + 1) > 0.5, 8)[:WEEKS]
    return long.with_columns(a=pl.Series(600.0 * on) + 5)


def lasting(size, rho, seed):
    rng, noise = np.random.default_rng(seed), np.zeros(WEEKS)
    for t in range(1, WEEKS):
        noise[t] = rho * noise[t - 1] + np.sqrt(1 - rho**2) * rng.normal()
    return size * noise


def test_runs_make_the_range_of_a_channel_bought_in_runs_too_narrow():
    """A variance ratio of (1 + r s) / (1 - r s) at r = .8 and flights of eight weeks is about 4: a factor near 2."""
    factors = []
    for seed in range(3):
        long, _ = frame(periods=WEEKS, seed=seed)
        bumpy = with_flights(long).with_columns(pl.col("kpi") + pl.Series(lasting(500, 0.8, seed)))
        factors.append(residuals.memory(rough(bumpy)))
    flighted, scattered = np.mean(factors, axis=0)
    assert flighted > 1.3 > scattered


def test_independent_noise_has_no_memory():
    long, _ = frame(periods=WEEKS, seed=2)
    fit = rough(with_flights(long))
    assert residuals.memory(fit).max() < residuals.MEMORY
    assert residuals.check(fit) == []


def test_runs_are_named_with_the_channels_they_concern():
    long, _ = frame(periods=WEEKS, seed=1)
    found = residuals.check(rough(with_flights(long).with_columns(pl.col("kpi") + pl.Series(lasting(800, 0.85, 1)))))
    assert [w.code for w in found] == ["residual_autocorrelation"]
    assert "b" not in found[0].subject


@pytest.mark.parametrize("sign", [1, -1])
def test_a_peak_of_every_year_is_named_with_its_dates_and_channels(sign):
    long, _ = frame(periods=WEEKS, seed=2)
    fair = np.isin(np.arange(WEEKS), [40, 92])
    busy = long.with_columns(
        pl.col("kpi") + pl.Series(sign * 2500.0 * fair),
        a=pl.when(pl.Series(fair)).then(2500.0).otherwise(pl.col("a")),
        b=pl.when(pl.Series(fair)).then(200.0).otherwise(pl.col("b")),
    )
    fit = rough(busy)
    assert set(residuals.yearly_peaks(fit)) == {40, 92}
    said = next(w for w in residuals.check(fit) if w.code == "recurring_peak")
    assert str(fit.data.dates[40]) in said.message
    assert said.subject == "a"


def test_one_wild_week_is_no_yearly_peak():
    long, _ = frame(periods=WEEKS, seed=2)
    once = long.with_columns(pl.col("kpi") + pl.Series(4000.0 * (np.arange(WEEKS) == 40)))
    assert residuals.yearly_peaks(rough(once)).size == 0


def test_shocks_common_to_all_regions_are_no_memory():
    long, _ = frame(geos=3, periods=60, seed=2)
    assert residuals.memory(rough(long, 3)).max() < residuals.MEMORY
