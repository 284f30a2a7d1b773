"""Negative effects and outliers: changed only when the data are clear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.mmm import (
    MMMSpec,
    fit,
)
from models.mmm.fitting import adjustments
from models.mmm.fitting.approximate import peak_fit, peak_of
from models.mmm.fitting.form_selection import choose_form
from models.mmm.model.design import Form
from models.mmm.model.lift_tests import Calibration
from tests.models.mmm.mmm_worlds import QUICK, frame, panel, read

SPEC = MMMSpec()
WEEKS = 130


def rough(data, seed=1):
    return peak_fit(data, SPEC, choose_form(data, SPEC, ())[0], seed=seed)


def names(found, code):
    return {w.subject for w in found if w.code == code}


@pytest.fixture(scope="module")
def clean():
    return rough(panel(periods=WEEKS, seed=2))


def _coordinates(plan):
    from models.mmm.engine.parameters import names as names_of

    return names_of(plan)


def test_wild_weeks_are_named_and_weighed_down():
    long, truth = frame(periods=120, seed=2)
    row = pl.int_range(pl.len()) == 50
    long = long.with_columns(kpi=pl.when(row).then(pl.col("kpi") * 2).otherwise(pl.col("kpi")))
    found = fit(read(long, 1), QUICK, seed=1)
    note = next(w for w in found.warnings() if w.code == "heavy_tailed_noise")
    assert str(found.data.dates[50]) in note.message
    for r in found.totals().iter_rows(named=True):
        assert abs(r["mean"] - truth[r["channel"]]) < 4 * r["sd"] + 0.05 * r["mean"]


def test_a_channel_that_takes_sales_away_is_freed_and_named():
    long, _ = frame(periods=WEEKS, channels=("a", "b"), seed=4)
    rng = np.random.default_rng(4)
    thief = 700 * np.exp(rng.normal(0, 0.6, WEEKS))
    long = long.with_columns(pl.col("kpi") - pl.Series(1.5 * thief), thief=pl.Series(thief))
    data = read(long, 1, ("a", "b", "thief"))
    plan, block, peak = peak_of(data, SPEC, choose_form(data, SPEC, ())[0])
    freed, _, found, said = adjustments.free_negative(plan, block, peak, Calibration.none(*plan.y.shape))
    assert names(said, "effect_below_zero") == {"thief"}
    assert freed.effect.basis == ("iroas", "iroas", "signed")
    at = [i for i, n in enumerate(_coordinates(freed)) if n == "effect[thief]"]
    assert found.mode[at[0]] < 0


def test_one_wild_week_does_not_make_an_effect_negative():
    """Sales missing in the very week in which a weak channel spent most: a wrong record, not a harmful channel."""
    long, _ = frame(periods=WEEKS, seed=2, roas={"a": 1.0, "b": 0.3})
    top = pl.int_range(pl.len()) == int(long["b"].arg_max())
    data = read(long.with_columns(kpi=pl.when(top).then(pl.col("kpi") * 0.1).otherwise(pl.col("kpi"))), 1)
    plan, block, peak = peak_of(data, SPEC, Form("geometric", "hill", True, 8))
    none = Calibration.none(*plan.y.shape)
    assert names(adjustments.free_negative(plan, block, peak, none)[3], "effect_below_zero") == set()
    plain = replace(plan, spec=SPEC.model_copy(update={"likelihood": "normal"}))  # nothing is weighed down there
    assert names(adjustments.free_negative(plain, block, peak, none)[3], "effect_below_zero") == {"b"}


def test_positive_channels_keep_their_belief(clean):
    plan, block, peak = peak_of(clean.data, SPEC, clean.design.form)
    same, _, _, said = adjustments.free_negative(plan, block, peak, Calibration.none(*plan.y.shape))
    assert same is plan
    assert said == []
