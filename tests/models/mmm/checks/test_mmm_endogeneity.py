"""Spend that answers demand is noticed."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

from models.mmm import (
    MMMData,
    MMMSpec,
    evidence_tiers,
    fit,
)
from models.mmm.checks import endogeneity
from models.mmm.fitting.approximate import peak_fit
from models.mmm.fitting.form_selection import choose_form
from tests.models.mmm.mmm_worlds import QUICK, frame, panel, read

SPEC = MMMSpec()
WEEKS = 130


def rough(data, seed=1):
    return peak_fit(data, SPEC, choose_form(data, SPEC, ())[0], seed=seed)


@pytest.fixture(scope="module")
def clean():
    return rough(panel(periods=WEEKS, seed=2))


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


def test_budgets_with_one_driver_are_named(clean):
    rng = np.random.default_rng(5)
    long, _ = frame(periods=WEEKS, seed=5)
    common = rng.normal(0, 0.5, WEEKS)
    driven = long.with_columns(
        **{c: pl.Series(800 * np.exp(common + 0.3 * rng.normal(size=WEEKS))) for c in ("a", "b")}
    )
    both = endogeneity.common_movement(rough(read(driven, 1)).design)
    assert (both > endogeneity.TOGETHER).all()
    assert (endogeneity.common_movement(clean.design) < endogeneity.TOGETHER).all()


def test_a_promotion_set_in_answer_to_sales_is_named():
    long, _ = frame(periods=WEEKS, seed=6)
    rng = np.random.default_rng(6)
    demand = np.zeros(WEEKS)
    for t in range(1, WEEKS):
        demand[t] = 0.8 * demand[t - 1] + rng.normal()
    reaction = -np.roll(demand, 1) + 0.3 * rng.normal(size=WEEKS)
    long = long.with_columns(
        pl.col("kpi") + pl.Series(400 * demand), promo=pl.Series(reaction), free=pl.Series(rng.normal(size=WEEKS))
    )
    data = MMMData.from_frame(
        long, date="date", kpi="kpi", spend={"a": "a", "b": "b"}, controls={"promo": "precision", "free": "precision"}
    )
    levers = endogeneity.levers_after_sales(rough(data).design)
    assert levers["promo"] < endogeneity.LEVEL_LEVER < levers["free"]
