"""Cells, periods, totals, the closure and the fitted values are sums of one set of draws."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from models.mmm import MMMData, MMMSpec, Sampling, fit
from tests.models.mmm.mmm_worlds import QUICK, panel


def test_components_periods_and_totals_add_up_to_one_another():
    """With more draws than any range is made of."""
    spec = QUICK.model_copy(update={"sampling": Sampling(draws=700, tune=200, chains=4)})
    done = fit(panel(geos=2, periods=60), spec, seed=1)
    closure = dict(done.closure().iter_rows())
    by_date = dict(done.contributions().group_by("component").agg(pl.col("mean").sum()).iter_rows())
    by_geo = dict(done.contributions(by_geo=True).group_by("component").agg(pl.col("mean").sum()).iter_rows())
    for component, total in by_date.items():
        assert total == pytest.approx(closure[component], rel=1e-9)
        assert by_geo[component] == pytest.approx(total, rel=1e-9)
    for row in done.totals().iter_rows(named=True):
        assert row["mean"] == pytest.approx(closure[row["channel"]], rel=1e-9)
    assert float(done.fitted().sum()) == pytest.approx(closure["fitted"], rel=1e-9)
    assert sum(by_date.values()) == pytest.approx(closure["fitted"], rel=1e-9)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_daily_kpi_of_few_skewed_deals_is_explained_in_total(seed):
    """730 days, two of three without a deal: outlier weights would leave half of all revenue unexplained."""
    rng = np.random.default_rng(seed)
    sales = np.array([rng.lognormal(9.2, 0.8, deals).sum() for deals in rng.poisson(0.35, 730)])
    spend = {c: np.exp(rng.normal(6, 0.6, 730)) * (rng.random(730) > 0.2) for c in "ab"}
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(730)]
    data = MMMData.from_frame(
        pl.DataFrame({"date": days, "kpi": sales, **spend}), date="date", kpi="kpi", spend={"a": "a", "b": "b"}
    )
    spec = MMMSpec(adstock="geometric", saturation="logistic", sampling=Sampling(draws=200, tune=200))
    done = fit(data, spec, seed=seed)
    closure = dict(done.closure().iter_rows())
    assert abs(closure["residual"] / closure["observed"]) < 0.02
    found = {w.code: w for w in done.warnings()}
    assert "skewed_noise" in found
    assert "heavy_tailed_noise" not in found
    assert "unexplained_total" not in found
    assert "recurring_peak" not in found, "skewed days of two years fall together by chance"
