"""A small real fit: it recovers a known truth, adds up, says what it rests on, and survives storage."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.mmm import (
    ChannelSpec,
    Experiment,
    LogNormal,
    MMMSpec,
    Sampling,
    backtest,
    evidence_tiers,
    falsify,
    fit,
    load,
)
from models.mmm.engine import convergence
from tests.models.mmm.mmm_worlds import frame, read

QUICK = MMMSpec(adstock="geometric", saturation="logistic")


@pytest.fixture(scope="module")
def world():
    long, truth = frame(periods=120, seed=2, controls=True)
    return read(long, 1, controls=True), truth


@pytest.fixture(scope="module")
def fitted(world):
    return fit(world[0], QUICK, seed=1)


@pytest.fixture(scope="module")
def panel_fit():
    long, truth = frame(geos=3, periods=80, seed=5)
    return fit(read(long, 3), QUICK, seed=1), truth


def test_the_truth_lies_near_the_estimate(fitted, world):
    assert fitted.converged
    for row in fitted.totals().iter_rows(named=True):
        # 120 weeks at 2 % noise: the posterior sd is about 10 %, four of them leave room for an unlucky world
        assert abs(row["mean"] - world[1][row["channel"]]) < 4 * row["sd"] + 0.05 * row["mean"]


def test_regions_are_recovered_too(panel_fit):
    found, truth = panel_fit
    for row in found.totals().iter_rows(named=True):
        assert abs(row["mean"] - truth[row["channel"]]) < 4 * row["sd"] + 0.05 * row["mean"]


def test_tables_have_the_promised_columns(fitted, panel_fit):
    summary = ["channel", "mean", "sd", "q05", "q50", "q95"]
    for table in (fitted.roas(), fitted.mroas(), fitted.totals()):
        assert table.columns == summary
    assert fitted.contributions().columns == ["date", "component", "mean", "q05", "q95"]
    assert panel_fit[0].contributions(by_geo=True).columns == ["date", "geo", "component", "mean", "q05", "q95"]


def test_iroas_is_the_total_per_money_spent(fitted):
    spend = fitted.data.spend.sum(axis=(0, 1))
    np.testing.assert_allclose(fitted.roas()["mean"] * spend, fitted.totals()["mean"], rtol=1e-12)


def test_the_next_unit_brings_less_than_the_average_one(fitted):
    assert (fitted.mroas()["mean"] < fitted.roas()["mean"]).all()


def test_components_sum_to_the_fitted_mean_and_the_residual_closes_the_rest(fitted):
    lines = dict(fitted.closure().iter_rows())
    parts = sum(v for k, v in lines.items() if k not in ("fitted", "residual", "observed"))
    assert parts == pytest.approx(lines["fitted"], rel=1e-12)
    assert lines["fitted"] + lines["residual"] == pytest.approx(lines["observed"], rel=1e-12)
    by_date = fitted.contributions().group_by("component").agg(pl.col("mean").sum())
    for name, total in by_date.iter_rows():
        assert total == pytest.approx(lines[name], rel=1e-6, abs=1e-6 * abs(lines["observed"]))


def test_quarters_add_up_to_the_window_draw_by_draw(fitted):
    first, last = fitted.data.dates[0], fitted.data.dates[-1]
    middle = first + timedelta(days=200)
    parts = fitted.contribution_draws(
        {"one": (first, middle), "two": (middle + timedelta(days=1), last), "all": (first, last)}
    )
    np.testing.assert_allclose(parts.values[:, 0] + parts.values[:, 1], parts.values[:, 2], rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(parts.observed[:2].sum(), parts.observed[2])
    assert parts.frame().columns == ["draw", "period", "component", "value"]


def test_regions_add_up_to_the_whole(panel_fit):
    whole = panel_fit[0].incremental()
    parts = [panel_fit[0].incremental(geos=[g]) for g in panel_fit[0].data.geos]
    np.testing.assert_allclose(sum(parts), whole, rtol=1e-9)


def test_no_media_means_no_effect_and_curves_never_fall(fitted):
    curves = fitted.curves()
    assert (curves.filter(pl.col("multiplier") == 0)["mean"] == 0).all()
    for channel in fitted.data.channels:
        assert (curves.filter(pl.col("channel") == channel)["mean"].diff().drop_nulls() >= 0).all()


def test_the_same_seed_gives_the_same_fit(world):
    short = QUICK.model_copy(update={"sampling": Sampling(draws=100, tune=100)})
    one, two = fit(world[0], short, seed=9), fit(world[0], short, seed=9)
    assert one.roas().equals(two.roas())


def test_what_triangulation_needs(fitted):
    returns = fitted.log_returns()
    assert returns.channels == fitted.data.channels
    np.testing.assert_allclose(returns.prior_mean, 0.2, atol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(returns.prior_covariance)), 0.9, atol=1e-9)
    assert (np.diag(returns.posterior_covariance) < 0.81).all()
    assert not fitted.uses_experiments
    prior = fitted.prior_draws(seed=0).group_by("channel").agg(pl.col("iroas").median())
    np.testing.assert_allclose(prior["iroas"], np.exp(0.2), rtol=0.1)  # 2000 draws: 2 % standard error, five of them


def test_a_fit_survives_storage(fitted, panel_fit, tmp_path):
    for number, one in enumerate((fitted, panel_fit[0])):
        again = load(one.save(tmp_path / f"fit{number}"))
        assert again.roas().equals(one.roas())
        assert again.contributions().equals(one.contributions())
        assert again.warnings() == one.warnings()
        assert again.spec == one.spec


def test_a_foreign_file_is_not_loaded(tmp_path):
    np.savez(tmp_path / "other.npz", x=np.ones(2))
    with pytest.raises(ValueError, match="not a saved MMM fit"):
        load(tmp_path / "other.npz")


def test_an_unstable_sample_blocks(world):
    hasty = QUICK.model_copy(update={"sampling": Sampling(draws=5, tune=5)})
    rough = fit(world[0], hasty, seed=1)
    assert not rough.converged
    assert rough.warnings()[0].severity == "block"
    assert len(rough.decisions) >= 3  # every rung of the ladder is on record


def test_a_test_pulls_its_channel_and_marks_the_fit(world, fitted):
    data = world[0]
    half = float(fitted.totals()["mean"][0]) / 2
    window = Experiment(
        name="t", channels=("a",), start=data.dates[0], end=data.dates[-1] + timedelta(days=6), value=half, se=half / 50
    )
    with_test = fit(data, QUICK, experiments=[window], seed=1)
    assert with_test.uses_experiments
    # the test's error is 2 % of its value, the data's about 10 %: the test must win
    assert with_test.totals()["mean"][0] == pytest.approx(half, rel=0.1)
    assert dict(evidence_tiers(with_test).select("channel", "tier").iter_rows())["a"] == "experiment-validated"


def test_a_null_result_is_welcome(world):
    data = world[0]
    null = Experiment(name="null", channels=("b",), start=data.dates[20], end=data.dates[30], value=-50.0, se=400.0)
    plain = fit(data, QUICK, seed=1).totals()["mean"][1]
    assert fit(data, QUICK, experiments=[null], seed=1).totals()["mean"][1] < plain


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"channels": ("zz",)}, "channel 'zz' is not in the data", id="unknown channel"),
        pytest.param({"geos": ("zz",)}, "geo 'zz' is not in the data", id="unknown geo"),
        pytest.param({"start": date(2019, 1, 7), "end": date(2019, 2, 3)}, "lies outside the data", id="outside"),
        pytest.param({"end": date(2021, 1, 1)}, "is before start", id="turned round"),
        pytest.param({"se": 0.0}, "greater than 0", id="no error"),
        pytest.param({"inflation": 0.5}, "surer than it is", id="deflated"),
    ],
)
def test_an_impossible_test_is_refused(world, change, complaint):
    given = {
        "name": "t",
        "channels": ("a",),
        "start": date(2022, 3, 7),
        "end": date(2022, 4, 3),
        "value": 10.0,
        "se": 5.0,
    }
    with pytest.raises(ValueError, match=complaint):
        fit(world[0], QUICK, experiments=[Experiment(**{**given, **change})], seed=1)


def test_two_priors_for_one_channel_are_refused():
    law = LogNormal.with_median(1.0, 0.5)
    with pytest.raises(ValueError, match="one prior for one effect"):
        ChannelSpec(iroas=law, share=law)


def test_convergence_figures_agree_with_arviz():
    import arviz as az

    rng = np.random.default_rng(1)
    noise = rng.normal(size=(4, 600))
    draws = np.empty_like(noise)
    draws[:, 0] = noise[:, 0]
    for i in range(1, 600):
        draws[:, i] = 0.6 * draws[:, i - 1] + noise[:, i]
    assert convergence.r_hat(draws) == pytest.approx(float(az.rhat(draws)), abs=2e-3)
    assert convergence.ess_bulk(draws) == pytest.approx(float(az.ess(draws, method="bulk")), rel=0.05)
    assert convergence.ess_tail(draws) == pytest.approx(float(az.ess(draws, method="tail")), rel=0.05)
    assert convergence.r_hat(draws + np.arange(4)[:, None]) > 1.1


def test_the_backtest_scores_unseen_weeks(world):
    scores = backtest(world[0], QUICK, folds=2, horizon=4, seed=1)
    assert scores.height == 2
    assert (scores["wmape"] < 0.1).all()  # noise is 2 % and media are given


def test_a_real_channel_beats_its_placebos_and_a_fake_one_does_not():
    long, _ = frame(periods=120, seed=2)
    rng = np.random.default_rng(8)
    fake = long.with_columns(fake=pl.Series(500 * np.exp(rng.normal(0, 0.6, 120))))
    broken = falsify(read(fake, 1, ("a", "b", "fake")), QUICK, seed=1)
    placebo = dict(broken.tests.filter(pl.col("test") == "placebo").select("channel", "passed").iter_rows())
    assert placebo["b"]
    assert not placebo["fake"]
    assert ("placebo_failed", "fake") in [(w.code, w.subject) for w in broken.warnings]


def test_spend_that_chases_sales_is_noticed():
    rng = np.random.default_rng(3)
    long, _ = frame(periods=156, seed=3)
    demand = np.zeros(156)
    for t in range(1, 156):
        demand[t] = 0.9 * demand[t - 1] + rng.normal()
    chasing = 800 * np.exp(0.3 * np.roll(demand, 1) + 0.05 * rng.normal(size=156))
    long = long.with_columns(pl.col("kpi") + pl.Series(600 * demand), chase=pl.Series(chasing))
    found = fit(read(long, 1, ("a", "chase")), QUICK, seed=1)
    assert ("spend_follows_demand", "chase") in [(w.code, w.subject) for w in found.warnings()]
    assert dict(evidence_tiers(found).select("channel", "tier").iter_rows())["chase"] == "prior-dominated"


def test_wild_weeks_are_named_and_weighed_down():
    long, truth = frame(periods=120, seed=2)
    row = pl.int_range(pl.len()) == 50
    long = long.with_columns(kpi=pl.when(row).then(pl.col("kpi") * 2).otherwise(pl.col("kpi")))
    found = fit(read(long, 1), QUICK, seed=1)
    note = next(w for w in found.warnings() if w.code == "heavy_tailed_noise")
    assert str(found.data.dates[50]) in note.message
    for r in found.totals().iter_rows(named=True):
        assert abs(r["mean"] - truth[r["channel"]]) < 4 * r["sd"] + 0.05 * r["mean"]


@pytest.mark.slow
def test_the_pymc_engine_gives_the_same_answer(world, fitted):
    slow = fit(world[0], QUICK.model_copy(update={"engine": "pymc"}), seed=1)
    assert slow.engine == "pymc"
    gap = np.abs(slow.roas()["mean"] - fitted.roas()["mean"]) / fitted.roas()["sd"]
    assert gap.max() < 0.15  # Monte Carlo error of two runs with 400 or more effective draws
    assert json.dumps(slow.decisions)
