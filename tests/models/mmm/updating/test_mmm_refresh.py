"""Yesterday's draws under today's rows: equal to the whole density, near a refit, and given up when they must be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from benchmarks.mmm.regional_refresh import unmoved
from models.importance import smooth
from models.mmm import MMMData, Sampling, fit, load, refresh
from models.mmm.engine import layout
from models.mmm.engine.laplace import start
from models.mmm.engine.parameters import names
from models.mmm.model.build import design
from models.mmm.model.design import Form
from models.mmm.result.posterior import from_kernel
from models.mmm.updating import reweighting
from models.mmm.updating.refit import cold
from models.mmm.updating.refresh import extended
from models.mmm.updating.transport import move, stay
from tests.models.mmm.mmm_worlds import QUICK, frame, read

WEEKS, KNOWN = 120, 117
SAME = 1e-6  # nats between two ways of computing one weight: a millionth of it, and what two exponentials may differ by


@pytest.fixture(scope="module")
def world():
    return read(frame(periods=WEEKS, seed=2, controls=True)[0], 1, controls=True)


@pytest.fixture(scope="module")
def early(world):
    return fit(world.rows(np.arange(WEEKS) < KNOWN), QUICK, seed=1)


@pytest.fixture(scope="module")
def whole(world):
    return fit(world, QUICK, seed=1)


def gap(one, other):
    return float((np.abs(one.roas()["mean"] - other.roas()["mean"]) / other.roas()["sd"]).max())


@pytest.fixture(scope="module")
def regions():
    return read(frame(geos=3, periods=86, seed=5)[0], 3)


@pytest.fixture(scope="module")
def regional(regions):
    spec = QUICK.model_copy(update={"sampling": Sampling(tune=150, draws=250)})
    return fit(regions.rows(np.arange(86) < 80), spec, seed=1)


def test_row_by_row_is_the_whole_density(early, world):
    """Integrated out and updated by rank one, or evaluated anew over all rows: the same weights."""
    plan = extended(early, world)
    carried = reweighting.carry(reweighting.begin(early), plan, seed=1)
    dense = unmoved(early, plan)
    assert np.ptp(dense - carried.log_weights) < SAME
    assert np.std(dense) > 0.1  # the rows do say something, so the equality is not one of zeros


def test_delayed_carryover_and_slopes_are_carried_too(early, world):
    """The weights are a matter of arithmetic, so any draws will do: these lie around the middle of the prior."""
    steep = Form("weibull", "hill", True, early.design.form.taps)
    plan = design(early.data, early.spec, steep, scales=early.design.scales)
    theta = start(plan) + np.random.default_rng(0).normal(0, 0.2, (1, 60, len(names(plan))))
    some = replace(early, design=plan, draws=from_kernel(theta, layout.build(plan), plan, seed=0))
    after = extended(some, world)
    carried = reweighting.carry(reweighting.begin(some), after, seed=1)
    assert np.ptp(unmoved(some, after) - carried.log_weights) < SAME


def test_a_measured_series_is_carried_too():
    """Its expected true values are worked out again with each new reading, so old rows move: all are judged afresh."""
    rng = np.random.default_rng(3)
    long, _ = frame(periods=82, seed=6)
    share = 0.2 + 0.05 * np.sin(np.arange(82) / 9) + rng.normal(0, 0.02, 82)
    long = long.with_columns(seen=pl.Series(share), seen_se=pl.lit(0.02))
    data = MMMData.from_frame(
        long,
        date="date",
        kpi="kpi",
        spend={"a": "a", "b": "b"},
        organic={"seen": "seen"},
        organic_se={"seen": "seen_se"},
        levels=("seen",),
    )
    spec = QUICK.model_copy(update={"sampling": Sampling(tune=100, draws=250)})
    some = fit(data.rows(np.arange(82) < 80), spec, seed=1)
    plan = extended(some, data)
    carried = reweighting.carry(reweighting.begin(some), plan, seed=1)
    assert len(carried.surprises) == 2
    assert np.ptp(unmoved(some, plan) - carried.log_weights) < SAME


def test_restated_rows_count_in_full(early, world):
    """Old KPI and old spend corrected by the platform, and three new rows on top."""
    kpi, media, spend = world.kpi.copy(), world.media.copy(), world.spend.copy()
    kpi[:, 105:110] *= 1.01
    media[:, 100:104, 0] *= 0.9
    spend[:, 100:104, 0] *= 0.9
    restated = replace(world, kpi=kpi, media=media, spend=spend)
    plan = extended(early, restated)
    carried = reweighting.carry(reweighting.begin(early), plan, seed=1)
    assert np.ptp(unmoved(early, plan) - carried.log_weights) < SAME
    again = refresh(early, restated, seed=2)
    assert gap(again, refresh(early, world, seed=2)) > 0.02


def test_the_linear_draws_follow_their_posterior(early, world):
    """The draws of trend and season move with the rows: their mean is the exact conditional mean, draw by draw."""
    carried = reweighting.carry(reweighting.begin(early), extended(early, world), seed=1)
    sd = carried.linear.std(axis=0)
    assert (np.abs((carried.linear - carried.mean).mean(axis=0)) / sd).max() < 0.1  # 3,000 draws: 5 standard errors


def test_no_new_row_changes_nothing_that_matters(early):
    again = refresh(early, early.data, seed=4)
    assert again.lineage.path == "re-weighted"
    assert gap(again, early) < 0.1


def test_a_refresh_follows_the_full_refit(early, whole, world):
    again = refresh(early, world, seed=2)
    assert again.decisions[-1].startswith("re-weighted: 3 new periods")
    assert again.design.y.shape[1] == WEEKS
    assert gap(again, whole) < 0.35  # two Monte Carlo errors, and scales frozen three weeks earlier


def test_day_after_day_counts_from_the_sampled_fit(early, world):
    step = early
    for known in (118, 119, 120):
        step = refresh(step, world.rows(np.arange(WEEKS) < known), seed=2)
    at_once = refresh(early, world, seed=2)
    np.testing.assert_allclose(step.lineage.state.log_weights, at_once.lineage.state.log_weights, atol=SAME)
    assert step.lineage.origin is early


def test_the_checks_of_the_answer_are_those_of_a_fit(early, world, whole):
    codes = {(w.code, w.subject) for w in refresh(early, world, seed=2).warnings()}
    assert codes == {(w.code, w.subject) for w in whole.warnings()}


def test_a_break_is_fitted_anew(early, world):
    broken = replace(world, kpi=world.kpi.copy())
    broken.kpi[:, KNOWN:] *= 0.7
    again = refresh(early, broken, seed=2)
    assert (again.lineage.path, again.decisions[-1][:8]) == ("cold refit", "refitted")
    assert "off its forecast" in again.lineage.reason


def test_worn_out_draws_start_a_warm_refit(early, whole, world):
    tired = replace(early, checks=early.checks.with_columns(ess_bulk=early.checks["ess_bulk"] * 0 + 300.0))
    again = refresh(tired, world, seed=2)
    assert again.lineage.path == "warm refit"
    assert again.converged
    assert "too few under the new data" in again.lineage.reason
    assert gap(again, whole) < 0.35


def test_moved_and_unmoved_draws_are_the_same_posterior(early, world):
    """Two ways to weigh the same draws: moving them costs no exactness and leaves nearly all of them."""
    plan = extended(early, world)
    found = move(early, plan)
    weights, k_hat = smooth(found.log_weights)
    plain = smooth(unmoved(early, plan))[0]
    assert k_hat < 0.5
    assert 1 / (weights**2).sum() > max(0.8 * early.draws.count, 1 / (plain**2).sum())
    there = found.theta.reshape(early.draws.count, -1)
    here = early.draws.sampled.reshape(early.draws.count, -1)
    same = [i for i, name in enumerate(early.draws.names) if not name.startswith("effect")]  # a mean over the window
    gap = np.abs(weights @ there[:, same] - plain @ here[:, same]) / here[:, same].std(axis=0)
    assert gap.max() < 0.1  # two Monte Carlo errors of 3,000 correlated draws


def test_draws_that_stay_are_weighted_as_the_density_says(regional, regions):
    """Moved or not, the same posterior; where a peak misleads the move, `refresh` falls back on those that stay."""
    plan = extended(regional, regions.rows(np.arange(86) < 81))
    there, here = move(regional, plan), stay(regional, plan)
    at = here.theta.reshape(regional.draws.count, -1)
    means = [smooth(f.log_weights)[0] @ f.theta.reshape(at.shape) for f in (there, here)]
    assert (np.abs(means[0] - means[1]) / at.std(axis=0)).max() < 0.25  # 1,000 correlated draws, 33 quantities


def test_a_misled_move_falls_back_on_draws_where_they_are(regional, regions, monkeypatch):
    monkeypatch.setattr("models.mmm.updating.transport.move", lambda fit, plan: None)
    again = refresh(regional, regions.rows(np.arange(86) < 81), seed=2)
    assert (again.lineage.path, again.lineage.reason.endswith("where they are")) == ("re-weighted", True)


def test_regions_are_carried_by_moving_their_draws(regional, regions):
    assert reweighting.begin(regional) is None
    again = refresh(regional, regions, seed=2)
    assert again.lineage.path == "re-weighted"
    assert again.lineage.reason.startswith("6 new periods")
    assert again.lineage.reason.endswith("moved with the posterior's peak")
    full = cold(regional, regions, reason="compared with", seed=3, fresh=False)
    assert gap(again, full) < 0.3  # 1,000 draws each: two Monte Carlo errors of about 0.1 with their correlation
    stale = (np.abs(regional.totals()["mean"] - full.totals()["mean"]) / full.totals()["sd"]).max()
    assert (np.abs(again.totals()["mean"] - full.totals()["mean"]) / full.totals()["sd"]).max() < stale


def test_one_region_that_breaks_is_fitted_anew(regional, regions):
    kpi = regions.kpi.copy()
    kpi[1, 85] *= 0.7
    again = refresh(regional, replace(regions, kpi=kpi), seed=2)
    assert again.lineage.path == "cold refit"
    assert f"a new row of {regions.geos[1]}" in again.lineage.reason


def test_a_refreshed_fit_survives_storage(early, world, tmp_path):
    again = refresh(early, world, seed=2)
    back = load(again.save(tmp_path / "fit"))
    assert back.roas().equals(again.roas())
    assert (back.lineage.path, back.lineage.reason, back.warnings()) == (
        again.lineage.path,
        again.lineage.reason,
        again.warnings(),
    )
    np.testing.assert_allclose(
        refresh(back, world, seed=3).roas()["mean"], refresh(again, world, seed=3).roas()["mean"], rtol=1e-9
    )


def test_another_model_is_refused(early, world):
    with pytest.raises(ValueError, match="channels changed from"):
        refresh(early, replace(world, channels=("a", "c")), seed=1)


def test_a_control_that_moves_for_the_first_time_is_refused(early, world):
    """Its scale is frozen at the first fit: one that never moved has none."""
    still = replace(early.data, controls=early.data.controls * 0)
    with pytest.raises(ValueError, match="never moved in the earlier data and does now"):
        refresh(replace(early, design=replace(early.design, data=still)), world, seed=1)
