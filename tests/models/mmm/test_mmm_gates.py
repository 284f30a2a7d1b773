"""Each gate is quiet on a world it should pass and names the channel in a world made to fail it.

Fits are posterior peaks (`peak_fit`): the gates read draws of whatever origin, and a sample would cost seconds each.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.mmm import MMMData, MMMSpec
from models.mmm.checks import after_sampling, before_sampling, changing_effects, endogeneity
from models.mmm.checks.placebo import placebo_ranks
from models.mmm.checks.unobserved_confounding import robustness_value, tipping
from models.mmm.fitting import adjustments
from models.mmm.fitting.approximate import peak_fit, peak_of
from models.mmm.fitting.form_selection import choose_form
from models.mmm.model.design import Form
from models.mmm.model.lift_tests import Calibration
from models.mmm.validation.falsification import Thresholds
from models.mmm.validation.falsification_messages import WORDS, warning
from models.mmm.validation.specification_curve import specification_curve
from tests.models.mmm.mmm_worlds import frame, panel, read

SPEC = MMMSpec()
WEEKS = 130


def rough(data, seed=1):
    return peak_fit(data, SPEC, choose_form(data, SPEC, ())[0], seed=seed)


def names(found, code):
    return {w.subject for w in found if w.code == code}


@pytest.fixture(scope="module")
def clean():
    return rough(panel(periods=WEEKS, seed=2))


def test_a_clean_world_raises_no_alarm(clean):
    found = [
        *before_sampling.check(clean.design),
        *after_sampling.check(clean),
        *endogeneity.check(clean),
        *changing_effects.check(clean),
    ]
    assert [w.code for w in found if w.severity in ("medium", "high", "block")] == []


def test_a_channel_that_never_goes_dark_keeps_a_slope_of_its_own():
    long, _ = frame(periods=WEEKS, seed=2)
    steady = long.with_columns(b=pl.col("b") * 0.3 + 600)
    data = read(steady, 1)
    assert data.never_dark() == ("b",)
    form, _ = choose_form(data, SPEC, ())
    assert form.free_slope
    assert form.sloped is None or "b" in form.sloped


@pytest.mark.parametrize("curve", ["logistic", "exponential"])
def test_a_curve_that_was_asked_for_is_used(curve):
    form, notes = choose_form(panel(periods=60), MMMSpec(saturation=curve, adstock="geometric"), ())
    assert (form.saturation, form.free_slope, notes) == (curve, False, [])


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


def test_a_channel_that_cannot_be_known_is_named_once():
    long, _ = frame(periods=60, seed=3, noise=0.1)
    flat = rough(read(long.with_columns(b=pl.lit(800.0) + pl.col("price")), 1))
    flat = replace(flat, known_findings=tuple(before_sampling.check(flat.design)))
    assert names(flat.findings, "no_variation") == {"b"}
    codes = {w.code for w in after_sampling.check(flat) if w.subject == "b"}
    assert not codes & {"wide_interval", "total_extrapolated"}


def _coordinates(plan):
    from models.mmm.engine.parameters import names as names_of

    return names_of(plan)


def test_positive_channels_keep_their_belief(clean):
    plan, block, peak = peak_of(clean.data, SPEC, clean.design.form)
    same, _, _, said = adjustments.free_negative(plan, block, peak, Calibration.none(*plan.y.shape))
    assert same is plan
    assert said == []


def test_an_effect_that_fades_is_named_and_a_constant_one_is_not(clean):
    long, _ = frame(periods=WEEKS, seed=2)
    data = clean.data
    extra = np.linspace(1.0, -1.0, WEEKS) * data.media[0, :, 1] * 1.2
    fading = read(long.with_columns(pl.col("kpi") + pl.Series(extra)), 1)
    assert "b" in names(changing_effects.check(rough(fading)), "effect_changes")
    assert changing_effects.check(clean) == []


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


@pytest.mark.parametrize(("t", "freedom"), [(2.0, 100), (5.0, 150), (12.0, 60)])
def test_a_driver_of_the_tipping_strength_takes_the_whole_effect(t, freedom):
    """Cinelli and Hazlett's bias formula with equal partial R-squared r: sqrt(freedom) r / sqrt(1 - r) = t."""
    r = float(robustness_value(np.array([t]), freedom)[0])
    assert np.sqrt(freedom) * r / np.sqrt(1 - r) == pytest.approx(t)


def test_tipping_points_are_compared_with_the_strongest_control():
    data = panel(periods=WEEKS, seed=2, controls=True)
    table = tipping(rough(data))
    assert table["strongest"].to_list() == ["price", "price"]
    assert (table["halves"] > 0).all()
    assert (table["times"] > 0).all()
    assert "strongest" in tipping(rough(panel(periods=60))).columns


def test_reasonable_models_agree_on_a_clear_channel_and_not_on_twins():
    long, _ = frame(periods=WEEKS, seed=2, roas={"a": 1.0, "b": 3.0})
    clear = specification_curve(read(long, 1))
    row = clear.summary.filter(pl.col("channel") == "b").row(0, named=True)
    assert row["pays"]
    assert row["agreement"] == 1.0
    assert clear.numbers["spec"].n_unique() == 36
    assert "b" not in {w.subject for w in clear.warnings}


def test_a_made_up_channel_does_not_beat_its_copies(clean):
    long, _ = frame(periods=WEEKS, seed=2)
    rng = np.random.default_rng(8)
    data = read(long.with_columns(fake=pl.Series(500 * np.exp(rng.normal(0, 0.6, WEEKS)))), 1, ("a", "b", "fake"))
    plan, block, peak = peak_of(data, SPEC, choose_form(data, SPEC, ())[0])
    ranks = placebo_ranks(plan, block, peak, shifts=39, rng=np.random.default_rng(1))
    assert ranks[1] >= 0.95
    assert ranks[2] < 0.95


def test_a_number_that_may_be_off_by_half_is_said():
    vague = rough(panel(periods=60, noise=0.25, seed=3))
    wide = {w.subject: w.severity for w in after_sampling.check(vague) if w.code == "wide_interval"}
    assert "medium" in wide.values()
    assert names(after_sampling.check(rough(panel(periods=WEEKS, seed=2))), "wide_interval") == set()


def test_an_s_shaped_response_is_named():
    vague = rough(panel(periods=WEEKS, seed=2))
    steep = replace(vague, draws=replace(vague.draws, slope=np.full_like(vague.draws.slope, 3.0)))
    assert names(after_sampling.check(steep), "s_shaped_response") == {"a", "b"}


def test_a_channel_that_never_ran_low_is_said_to_be_extrapolated(clean):
    long, _ = frame(periods=WEEKS, seed=2)
    steady = rough(read(long.with_columns(b=pl.col("b") * 0.05 + 800), 1))
    share = after_sampling.extrapolated_share(steady)
    assert share[1] > 0.5 > share[0]
    assert names(after_sampling.check(steady), "total_extrapolated") == {"b"}
    assert (after_sampling.extrapolated_share(clean) < 0.5).all()


def test_every_failed_attempt_has_words():
    for test in WORDS:
        said = warning(test, "tv", 0.123, 0.5)
        assert "tv" in said.message + said.action + said.subject
        assert "{" not in said.message + said.action
    assert Thresholds().placebo_rank == 0.95


def test_wildly_different_sizes_are_said():
    long, _ = frame(periods=60)
    data = read(long.with_columns(b=pl.col("b") * 1e-6), 1)
    assert "b" in names(before_sampling.check(rough(data).design), "scale_gap")


def test_few_rows_for_many_channels_are_said():
    channels = tuple(f"c{i}" for i in range(12))
    found = before_sampling.check(rough(panel(periods=60, channels=channels)).design)
    assert names(found, "few_rows_per_effect") == {"all"}
