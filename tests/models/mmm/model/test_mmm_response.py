"""Carryover, saturation and frequency against hand calculations and the compiled density."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from models.mmm import MMMData, MMMSpec
from models.mmm.fitting.form_selection import plain_form
from models.mmm.model.build import design
from models.mmm.model.design import Form
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
        np.zeros((1, count, 0)),
        (),
        np.exp(rng.normal(0.3, 0.3, (count, c))),
        np.exp(rng.normal(0.3, 0.2, (count, c))),
        np.exp(rng.normal(0.5, 0.2, (count, c))),
        np.exp(rng.normal(0.5, 0.2, (count, c))),
        np.log(beta),
        beta,
        np.repeat(beta[:, :, None], len(plan.data.geos), axis=2),
        np.zeros((count, len(plan.baseline.scale))),
        np.ones(count),
        np.zeros(count),
    )


@pytest.mark.parametrize(
    "form",
    [
        Form("geometric", "logistic", False, 8),
        Form("geometric", "exponential", False, 8),
        Form("weibull", "hill", True, 8),
    ],
)
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
    np.testing.assert_allclose(respond(plan, draws.response, 0, plan.media[0], slice(None))[0, 0], hand, rtol=1e-12)


def test_reach_saturates_in_its_frequency_and_not_in_itself():
    plan = design(read(reach={"a": ("a", "often")}), MMMSpec(), Form("geometric", "logistic", False, 6))
    draws = some_draws(plan, 2)
    once = respond(plan, draws.response, 0, plan.media[0], slice(None))
    np.testing.assert_allclose(respond(plan, draws.response, 0, 3 * plan.media[0], slice(None)), 3 * once, rtol=1e-12)
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


def test_a_share_is_not_divided_by_the_size_of_a_region():
    long, _ = frame(geos=3, periods=60)
    week = pl.col("date").rank("dense")
    large = pl.when(pl.col("geo") == "g2").then(3.0).otherwise(1.0)
    long = long.with_columns(pl.col("kpi") * large, ai=0.2 + 0.1 * (week / 7).sin(), se=pl.lit(0.02))
    data = MMMData.from_frame(
        long,
        date="date",
        kpi="kpi",
        spend={"a": "a"},
        geo="geo",
        organic={"ai": "ai"},
        organic_se={"ai": "se"},
        levels=["ai"],
    )
    plan = design(data, MMMSpec(size_scaling="kpi"), Form("geometric", "logistic", False, 6))
    assert np.ptp(plan.scales.size) > 0.1
    np.testing.assert_allclose(plan.media[1][0], plan.media[1][2])
    assert np.exp(plan.half_life[1, 0]) < 0.2  # a state carries nothing over
