"""Series that are estimates: their true values, and what is known of them."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.mmm import (
    ChannelSpec,
    LogNormal,
    MMMData,
    MMMSpec,
    Sampling,
    fit,
)
from models.mmm.model.measurement_error import true_series
from models.worlds import mmm_breadth as worlds

# two chains: the gates ask for 400 effective draws all the same
QUICK = MMMSpec(adstock="geometric", saturation="logistic", season_harmonics=1, sampling=Sampling(chains=2, draws=700))


def inside(row, truth, widths=4.0):
    """Within four posterior sds: room for an unlucky world, none for a wrong model."""
    return abs(row["mean"] - truth) < widths * row["sd"]


def row_of(table, **where):
    return table.filter(*(pl.col(k) == v for k, v in where.items())).row(0, named=True)


def visibility_fit(frame, *, measured, **choices):
    data = MMMData.from_frame(
        frame,
        date="date",
        kpi="kpi",
        spend={"search": "search"},
        organic={"ai": "ai"},
        levels=["ai"],
        organic_se={"ai": "se"} if measured else None,
    )
    belief = {"ai": ChannelSpec(share=LogNormal.with_median(0.08, 1.0))}
    return fit(data, QUICK.model_copy(update={"channels": belief, **choices}), seed=1)


def test_the_true_series_is_closer_than_its_readings_and_knows_by_how_much():
    rng = np.random.default_rng(4)
    true = np.zeros(150)
    for t in range(1, 150):
        true[t] = 0.9 * true[t - 1] + rng.normal(0, 0.44)
    true = 5 + true
    readings = true + rng.normal(0, 0.8, 150)
    se = np.full((1, 150), 0.8)
    se[0, 60:66] = np.inf
    found = true_series(0, np.where(np.isinf(se[0]), readings.mean(), readings)[None], se)
    seen = np.isfinite(se[0])
    assert np.abs(found.mean[0] - true)[seen].mean() < 0.75 * np.abs(readings - true)[seen].mean()
    sd = np.sqrt((found.factor[0] ** 2).sum(axis=1))
    inside = np.abs(found.mean[0] - true) < 1.645 * sd
    assert 0.80 <= inside.mean() <= 0.98  # 90 % ranges over 150 dependent weeks: about 40 independent ones, s.e. 5 %
    assert sd[62] > 1.3 * np.median(sd)  # weeks without a reading are known less well
    assert found.reliability == pytest.approx(1 / (1 + 0.64), abs=0.2)  # own variance 1.02, noise .64; 150 weeks


def test_regions_with_the_same_readings_share_their_error():
    readings = np.tile(np.abs(np.random.default_rng(1).normal(5, 1, 60)), (3, 1))
    assert true_series(0, readings, np.full((3, 60), 0.5)).shared
    assert not true_series(0, readings + np.arange(3)[:, None], np.full((3, 60), 0.5)).shared


@pytest.mark.slow
def test_measurement_error_shrinks_a_naive_effect_and_not_one_that_knows_of_it():
    naive, aware, covered = [], [], 0
    for seed in range(3):
        frame, truths = worlds.measured(seed)
        truth = truths["ai"]
        naive.append(row_of(visibility_fit(frame, measured=False).totals(), channel="ai")["mean"] / truth)
        row = row_of(visibility_fit(frame, measured=True).totals(), channel="ai")
        aware.append(row["mean"] / truth)
        covered += inside(row, truth, widths=2.5)
    # readings hold 57 % signal: the naive slope is about that of the truth, the aware one near 1 (s.e. of 3 worlds: .1)
    assert np.mean(naive) < 0.8
    assert np.mean(aware) == pytest.approx(1.0, abs=0.2)
    assert covered >= 2
