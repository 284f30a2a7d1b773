"""Negative effects and outliers: changed only when the data are clear."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.mmm import ChannelSpec, LogNormal, MMMSpec, fit
from models.mmm.engine import parameters
from models.mmm.fitting.adjustments import ADJUSTMENTS, Candidate, allow_negative, widen_prior
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


def candidate_of(data, form, spec=SPEC):
    """The model at its peak, without regional differences and tests."""
    design, block, peak = peak_of(data, spec, form)
    return Candidate(design, Calibration.none(*design.y.shape), block, peak, seed=1)


def test_every_adjustment_leaves_a_clean_model_as_it_came(clean):
    candidate = candidate_of(clean.data, clean.design.form)
    for adjust in ADJUSTMENTS:
        same, warnings = adjust(candidate)
        assert same is candidate
        assert warnings == []


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
    freed, warnings = allow_negative(candidate_of(data, choose_form(data, SPEC, ())[0]))
    assert names(warnings, "effect_below_zero") == {"thief"}
    assert freed.design.effect.basis == ("iroas", "iroas", "signed")
    assert freed.peak.mode[parameters.names(freed.design).index("effect[thief]")] < 0


def thieving(seed=4):
    long, _ = frame(periods=WEEKS, channels=("a", "b"), seed=seed)
    thief = 700 * np.exp(np.random.default_rng(seed).normal(0, 0.6, WEEKS))
    return read(
        long.with_columns(pl.col("kpi") - pl.Series(1.5 * thief), thief=pl.Series(thief)), 1, ("a", "b", "thief")
    )


def of_class(*, from_class: bool, median: float = 1.0) -> MMMSpec:
    own = ChannelSpec(
        iroas=LogNormal.with_median(median, 0.55), half_life=LogNormal.with_median(0.2, 0.6), from_class=from_class
    )
    return MMMSpec(channels={"thief": own})


def test_a_prior_from_a_class_lets_a_channel_take_sales_away_and_keeps_its_carryover():
    data = thieving()
    freed, warnings = allow_negative(candidate_of(data, choose_form(data, SPEC, ())[0], of_class(from_class=True)))
    assert names(warnings, "effect_below_zero") == {"thief"}
    own = freed.design.spec.channels["thief"]
    assert own.signed_iroas is not None
    assert own.half_life == LogNormal.with_median(0.2, 0.6)


def test_a_prior_that_the_analyst_stated_stays_as_it_is():
    data = thieving()
    kept, warnings = allow_negative(candidate_of(data, choose_form(data, SPEC, ())[0], of_class(from_class=False)))
    assert names(warnings, "effect_below_zero") == set()
    assert kept.design.effect.basis == ("iroas", "iroas", "iroas")


def test_a_class_prior_far_from_the_data_is_widened_with_all_that_nobody_stated():
    data = panel(periods=WEEKS, seed=2)
    spec = MMMSpec(channels={"a": ChannelSpec(iroas=LogNormal.with_median(0.05, 0.55), from_class=True)})
    candidate = candidate_of(data, choose_form(data, spec, ())[0], spec)
    wider, warnings = widen_prior(candidate)
    assert names(warnings, "prior_widened") == {"a"}
    assert np.allclose(wider.design.effect.sd, 2 * candidate.design.effect.sd)
    stated = MMMSpec(channels={"a": spec.channels["a"].model_copy(update={"from_class": False})})
    candidate = candidate_of(data, choose_form(data, stated, ())[0], stated)
    assert widen_prior(candidate)[0] is candidate


def test_one_wild_week_does_not_make_an_effect_negative():
    """Sales missing in the very week in which a weak channel spent most: a wrong record, not a harmful channel."""
    long, _ = frame(periods=WEEKS, seed=2, roas={"a": 1.0, "b": 0.3})
    top = pl.int_range(pl.len()) == int(long["b"].arg_max())
    data = read(long.with_columns(kpi=pl.when(top).then(pl.col("kpi") * 0.1).otherwise(pl.col("kpi"))), 1)
    candidate = candidate_of(data, Form("geometric", "hill", True, 8))
    assert names(allow_negative(candidate)[1], "effect_below_zero") == set()
    normal = SPEC.model_copy(update={"likelihood": "normal"})  # nothing is down-weighted there
    candidate = replace(candidate, design=replace(candidate.design, spec=normal))
    assert names(allow_negative(candidate)[1], "effect_below_zero") == {"b"}
