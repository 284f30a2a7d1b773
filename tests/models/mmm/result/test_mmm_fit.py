"""The tables of a fit, and what they must sum to."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import polars as pl
import pytest


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


def test_what_triangulation_needs(fitted):
    returns = fitted.log_returns()
    assert returns.channels == fitted.data.channels
    np.testing.assert_allclose(returns.prior_mean, 0.2, atol=1e-9)
    np.testing.assert_allclose(np.sqrt(np.diag(returns.prior_covariance)), 0.9, atol=1e-9)
    assert (np.diag(returns.posterior_covariance) < 0.81).all()
    assert not fitted.uses_experiments
    prior = fitted.prior_draws(seed=0).group_by("channel").agg(pl.col("iroas").median())
    np.testing.assert_allclose(prior["iroas"], np.exp(0.2), rtol=0.1)  # 2000 draws: 2 % standard error, five of them
