"""Forms and beliefs beyond the compiled density: formulas against hand calculations, and who computes what."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import polars as pl
import pytest

from models.mmm import ChannelSpec, LogNormal, Mediator, MMMData, MMMSpec, Treatment, falsify, fit
from models.mmm.fitting.engine_choice import engine_reason, refuse_shortcut, unsupported
from models.mmm.fitting.form_selection import plain_form
from models.mmm.fitting.pymc_fit import _true_values
from models.mmm.model.build import design
from models.mmm.model.design import Form
from models.mmm.model.implied_prior import implied
from models.mmm.model.measurement_error import true_series
from models.mmm.model.response import carryover_weights, respond, saturated
from models.mmm.result.contributions import _numpy_media_sums, media_sums
from models.mmm.result.posterior import Posterior
from tests.models.mmm.mmm_worlds import frame

LONG, _ = frame(periods=60)
WIDE = LONG.with_columns(
    often=1 + pl.col("price").abs(), cited=pl.col("price").abs() + 1, se=pl.lit(0.2), searches=pl.col("a") * 0.1 + 5
)


def read(**choices):
    return MMMData.from_frame(WIDE, **{"date": "date", "kpi": "kpi", "spend": {"a": "a", "b": "b"}, **choices})


def some_draws(plan, count=3):
    rng = np.random.default_rng(0)
    c = len(plan.media)
    beta = np.exp(rng.normal(0, 0.2, (count, c)))
    return Posterior(
        np.zeros((1, count, 0)), (), np.exp(rng.normal(0.3, 0.3, (count, c))), np.exp(rng.normal(0.3, 0.2, (count, c))),
        np.exp(rng.normal(0.5, 0.2, (count, c))), np.exp(rng.normal(0.5, 0.2, (count, c))), np.log(beta), beta,
        np.repeat(beta[:, :, None], len(plan.data.geos), axis=2), np.zeros((count, len(plan.baseline.scale))),
        np.ones(count), np.zeros(count),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "choices", "part"),
    [
        pytest.param(MMMSpec(adstock="delayed"), {}, "peaks after a delay", id="delayed"),
        pytest.param(MMMSpec(order="saturation_first"), {}, "saturation before carryover", id="order"),
        pytest.param(MMMSpec(likelihood="student_t"), {}, "Student-t noise", id="noise"),
        pytest.param(MMMSpec(), {"reach": {"a": ("a", "often")}}, "reach with frequency (a)", id="reach"),
        pytest.param(
            MMMSpec(), {"mediators": {"brand": Mediator("searches", ("a",))}}, "mediators (brand)", id="mediator"
        ),
        pytest.param(
            MMMSpec(measurement="latent"), {"organic": {"ai": "cited"}, "organic_se": {"ai": "se"}},
            "a measured series treated as unknown", id="latent",
        ),
        pytest.param(
            MMMSpec(channels={"b": ChannelSpec(mroas=LogNormal.with_median(1, 0.5))}), {}, "next unit's return (b)",
            id="mroas",
        ),
        pytest.param(
            MMMSpec(channels={"b": ChannelSpec(coefficient=LogNormal.with_median(0.2, 0.5))}), {},
            "the coefficient (b)", id="coefficient",
        ),
    ],
)  # fmt: skip
def test_a_part_outside_the_compiled_density_is_named(spec, choices, part):
    missing = unsupported(spec, read(**choices))
    assert len(missing) == 1
    assert part in missing[0]
    assert engine_reason(missing) == f"not in the compiled density: {missing[0]}"


@pytest.mark.parametrize(
    ("spec", "choices"),
    [
        pytest.param(MMMSpec(), {}, id="default"),
        pytest.param(
            MMMSpec(saturation="michaelis_menten", trend="gp", change_points=(date(2022, 6, 6),)), {}, id="wide"
        ),
        pytest.param(
            MMMSpec(), {"organic": {"ai": "cited"}, "organic_se": {"ai": "se"}, "levels": ["ai"]}, id="measured"
        ),
        pytest.param(
            MMMSpec(), {"events": {"fair": [date(2022, 6, 6)]}, "treatments": [Treatment("price", 0.0)]}, id="events"
        ),
    ],
)  # fmt: skip
def test_the_common_family_stays_compiled(spec, choices):
    assert unsupported(spec, read(**choices)) == ()


def test_a_shortcut_that_would_judge_another_model_is_refused():
    with pytest.raises(ValueError, match=r"falsify runs on the compiled density, which does not have reach with freq"):
        falsify(read(reach={"a": ("a", "often")}), MMMSpec(), seed=1)
    refuse_shortcut(MMMSpec(likelihood="student_t", engine="pymc"), read(), "falsify")


@pytest.mark.parametrize("form", [
    Form("geometric", "logistic", False, 8), Form("geometric", "exponential", False, 8),
    Form("weibull", "hill", True, 8),
])  # fmt: skip
def test_the_plain_response_equals_the_compiled_one(form):
    plan = design(read(), MMMSpec(), form)
    draws = some_draws(plan)
    if form.adstock == "geometric":
        draws = replace(draws, shape=np.ones_like(draws.shape))
    labels = np.arange(60)[None, :] // 20
    np.testing.assert_allclose(
        _numpy_media_sums(plan, draws, plan.media, labels, 3),
        media_sums(plan, draws, plan.media, labels, 3),
        rtol=1e-10,
    )


def test_a_delayed_carryover_peaks_where_it_says_and_is_half_a_half_life_away():
    weights = carryover_weights("delayed", np.array([2.0]), np.array([4.0]), 14)[0]
    assert weights.sum() == pytest.approx(1)
    assert weights.argmax() == 4
    assert weights[6] == pytest.approx(weights[4] / 2)
    assert weights[2] == pytest.approx(weights[6])


def test_saturation_first_sums_saturated_weeks():
    plan = design(read(), MMMSpec(order="saturation_first"), Form("geometric", "logistic", False, 6))
    draws = some_draws(plan, 1)
    flat = saturated("logistic", plan.media[0][None], draws.half_saturation[:, 0], draws.slope[:, 0])[0, 0]
    weights = carryover_weights("weibull", draws.half_life[:, 0], draws.shape[:, 0], 6)[0]
    hand = np.convolve(flat, weights)[:60]
    np.testing.assert_allclose(respond(plan, draws, 0, plan.media[0], slice(None))[0, 0], hand, rtol=1e-12)


def test_reach_saturates_in_its_frequency_and_not_in_itself():
    plan = design(read(reach={"a": ("a", "often")}), MMMSpec(), Form("geometric", "logistic", False, 6))
    draws = some_draws(plan, 2)
    once = respond(plan, draws, 0, plan.media[0], slice(None))
    np.testing.assert_allclose(respond(plan, draws, 0, 3 * plan.media[0], slice(None)), 3 * once, rtol=1e-12)
    at_half = replace(plan, frequency=np.full_like(plan.frequency, 2.0))
    flat = respond(at_half, replace(draws, half_saturation=np.full((2, 2), 2.0)), 0, plan.media[0], slice(None))
    carried = respond(
        replace(at_half, frequency=np.full_like(plan.frequency, 1e9)), draws, 0, plan.media[0], slice(None)
    )
    np.testing.assert_allclose(flat, carried / 2, rtol=1e-6)


def test_michaelis_menten_is_hill_with_slope_one():
    form = plain_form(read(), MMMSpec(saturation="michaelis_menten"))
    assert (form.saturation, form.free_slope) == ("hill", False)
    with pytest.raises(ValueError, match="only the Hill curve has a slope"):
        MMMSpec(saturation="michaelis_menten", free_slope=True)


def test_a_belief_about_the_next_unit_implies_one_about_the_whole():
    """A saturating channel's average return lies above its marginal one, so the implied belief must too."""
    law = LogNormal.with_median(1.0, 0.4)
    plan = design(
        read(), MMMSpec(channels={"b": ChannelSpec(mroas=law)}), Form("geometric", "logistic", False, 6)
    )  # fmt: skip
    effect = implied(replace(plan, effect=replace(plan.effect, mu=plan.effect.own_mu, sd=plan.effect.own_sd)))
    np.testing.assert_allclose(effect.mu, plan.effect.mu)
    median_iroas = np.exp(plan.effect.mu[1]) * plan.effect.scale_to_iroas[1]
    assert 1.0 < median_iroas < 4.0
    assert plan.effect.sd[1] > law.sigma
    assert plan.effect.sd[0] == pytest.approx(0.9)


def test_a_share_is_not_divided_by_the_size_of_a_region():
    long, _ = frame(geos=3, periods=60)
    week = pl.col("date").rank("dense")
    large = pl.when(pl.col("geo") == "g2").then(3.0).otherwise(1.0)
    long = long.with_columns(pl.col("kpi") * large, ai=0.2 + 0.1 * (week / 7).sin(), se=pl.lit(0.02))
    data = MMMData.from_frame(
        long, date="date", kpi="kpi", spend={"a": "a"}, geo="geo", organic={"ai": "ai"}, organic_se={"ai": "se"},
        levels=["ai"],
    )  # fmt: skip
    plan = design(data, MMMSpec(size_scaling="kpi"), Form("geometric", "logistic", False, 6))
    assert np.ptp(plan.scales.size) > 0.1
    np.testing.assert_allclose(plan.media[1][0], plan.media[1][2])
    assert np.exp(plan.half_life[1, 0]) < 0.2  # a state carries nothing over


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


def test_the_smooth_trend_is_a_gaussian_process_of_the_asked_length():
    """Away from the ends, the waves' covariance is the squared-exponential one."""
    plan = design(read(), MMMSpec(trend="gp", gp_length_weeks=10), Form("geometric", "logistic", False, 6))
    waves = [k for k, name in enumerate(plan.baseline.names) if name.startswith("smooth_")]
    assert not any(name.startswith("level_change") for name in plan.baseline.names)
    columns = plan.baseline.columns[waves, 0] * plan.baseline.scale[waves, None]
    found = (columns.T @ columns)[20:40, 20:40] / (3.0 * plan.scales.baseline.movement) ** 2
    lag = np.subtract.outer(np.arange(20), np.arange(20))
    np.testing.assert_allclose(found, np.exp(-0.5 * (lag / 10) ** 2), atol=0.02)


def test_a_declared_change_is_measured_beside_the_channels():
    """A lasting step in sales is measured where it is declared, and the channels keep their numbers."""
    long, truth = frame(periods=104, seed=6, noise=0.01)
    late = pl.int_range(pl.len()) >= 52
    long = long.with_columns(pl.col("kpi") + pl.when(late).then(2500.0).otherwise(0.0))
    date_of = long["date"][52]
    data = MMMData.from_frame(long, date="date", kpi="kpi", spend={"a": "a", "b": "b"})
    quick = MMMSpec(adstock="geometric", saturation="logistic")
    named = fit(data, quick.model_copy(update={"change_points": (date_of,)}), seed=1)
    step = named.design.baseline.names.index(f"step_{date_of}")
    size = named.draws.linear[:, step] * named.design.scales.kpi
    assert named.engine == "kernel"
    assert size.mean() == pytest.approx(2500, rel=0.1)  # the slope and the channels share some of it: sd about 4 %
    for row in named.totals().iter_rows(named=True):
        assert abs(row["mean"] - truth[row["channel"]]) < 4 * row["sd"]
    outside = fit_findings(data, quick.model_copy(update={"change_points": (date(2030, 1, 1),)}))
    assert "change_point_outside_data" in outside


def fit_findings(data, spec):
    return {w.code for w in design(data, spec, plain_form(data, spec)).findings}


def test_events_are_a_line_of_their_own():
    long, _ = frame(periods=104, seed=7, noise=0.01)
    days = [long["date"][k] for k in (10, 37, 62, 88)]
    fair = pl.when(pl.col("date").is_in(days)).then(3000.0).otherwise(0.0)
    long = long.with_columns(pl.col("kpi") + fair)
    data = MMMData.from_frame(long, date="date", kpi="kpi", spend={"a": "a", "b": "b"}, events={"fair": days})
    found = fit(data, MMMSpec(adstock="geometric", saturation="logistic"), seed=1)
    lines = found.contributions().filter(pl.col("component") == "events").sort("date")["mean"].to_numpy()
    lift = lines[[10, 37, 62, 88]].mean() - lines[[11, 38, 63, 89]].mean()
    assert lift == pytest.approx(3000, rel=0.1)  # noise of one week is 100, four weeks: s.e. about 60


def test_unknown_true_values_vary_around_the_calibrated_series():
    """At the middle of their belief they are the calibrated series, and the response follows each draw of them."""
    data = read(organic={"ai": "cited"}, organic_se={"ai": "se"}, levels=["ai"])
    plan = design(data, MMMSpec(measurement="latent"), Form("geometric", "logistic", False, 6))
    z = np.concatenate([np.zeros((1, 1, 60)), np.random.default_rng(0).normal(size=(1, 1, 60))])
    true = _true_values({"latent_z_0": z}, plan)
    np.testing.assert_allclose(true[0, 0], plan.media[2], rtol=1e-9)
    draws = replace(some_draws(plan, 2), latent=true)
    draws = replace(draws, half_saturation=np.full((2, 3), 1.5), half_life=np.full((2, 3), 0.05))
    found = respond(plan, draws, 2, plan.media[2], slice(None))[1, 0]
    weights = carryover_weights("weibull", draws.half_life[:, 2], draws.shape[:, 2], 6)[1]
    stock = np.convolve(true[1, 0, 0], weights)[:60]
    np.testing.assert_allclose(found, np.tanh(np.log(3) / 2 * stock / 1.5), rtol=1e-9)
