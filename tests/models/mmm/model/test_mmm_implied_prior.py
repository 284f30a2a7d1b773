"""What a prior of the next unit or the coefficient implies for the whole contribution."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.mmm import (
    ChannelSpec,
    LogNormal,
    MMMData,
    MMMSpec,
    Sampling,
    evidence_tiers,
    fit,
)
from models.mmm.model.build import design
from models.mmm.model.design import Form
from models.mmm.model.implied_prior import implied
from models.worlds import mmm_breadth as worlds
from tests.models.mmm.mmm_worlds import frame

LONG, _ = frame(periods=60)
WIDE = LONG.with_columns(
    often=1 + pl.col("price").abs(), cited=pl.col("price").abs() + 1, se=pl.lit(0.2), searches=pl.col("a") * 0.1 + 5
)


def read(**choices):
    return MMMData.from_frame(WIDE, **{"date": "date", "kpi": "kpi", "spend": {"a": "a", "b": "b"}, **choices})


# two chains: the gates ask for 400 effective draws all the same
QUICK = MMMSpec(adstock="geometric", saturation="logistic", season_harmonics=1, sampling=Sampling(chains=2, draws=700))


def inside(row, truth, widths=4.0):
    """Within four posterior sds: room for an unlucky world, none for a wrong model."""
    return abs(row["mean"] - truth) < widths * row["sd"]


def row_of(table, **where):
    return table.filter(*(pl.col(k) == v for k, v in where.items())).row(0, named=True)


def test_a_belief_about_the_next_unit_implies_one_about_the_whole():
    """A saturating channel's average return lies above its marginal one, so the implied belief must too."""
    law = LogNormal.with_median(1.0, 0.4)
    plan = design(read(), MMMSpec(channels={"b": ChannelSpec(mroas=law)}), Form("geometric", "logistic", False, 6))
    effect = implied(replace(plan, effect=replace(plan.effect, mu=plan.effect.own_mu, sd=plan.effect.own_sd)))
    np.testing.assert_allclose(effect.mu, plan.effect.mu)
    median_iroas = np.exp(plan.effect.mu[1]) * plan.effect.scale_to_iroas[1]
    assert 1.0 < median_iroas < 4.0
    assert plan.effect.sd[1] > law.sigma
    assert plan.effect.sd[0] == pytest.approx(0.9)


@pytest.mark.slow
def test_a_delayed_carryover_is_found_under_beliefs_about_next_unit_and_coefficient():
    frame, truth = worlds.delayed(14)
    data = MMMData.from_frame(frame, date="date", kpi="kpi", spend={"tv": "tv", "search": "search"})
    beliefs = {
        "tv": ChannelSpec(mroas=LogNormal.with_median(1.0, 0.8), peak_lag=LogNormal.with_median(2.0, 0.5)),
        "search": ChannelSpec(coefficient=LogNormal.with_median(0.2, 0.8)),
    }
    found = fit(data, QUICK.model_copy(update={"adstock": "delayed", "channels": beliefs}), seed=1)
    assert found.converged
    for row in found.totals().iter_rows(named=True):
        assert inside(row, truth[row["channel"]])
    peak = row_of(found.response_parameters(), channel="tv", parameter="shape")
    assert peak["mean"] == pytest.approx(4.0, abs=0.5)
    assert {"tv", "search"} == set(evidence_tiers(found).filter(pl.col("contraction") > 0.3)["channel"])
