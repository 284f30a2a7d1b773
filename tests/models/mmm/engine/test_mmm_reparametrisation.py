"""The sampler's own coordinates: the map to the model's, and its volume."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.mmm.engine import laplace, layout, reparametrisation
from models.mmm.engine.parameters import names as names_of
from models.mmm.engine.reparametrisation import PartialNonCentring
from tests.models.mmm.density_cases import FORMS, plan_of


def start_of(plan):
    from models.mmm.engine.laplace import start

    return start(plan)


@pytest.mark.parametrize("power", [0.0, 0.7], ids=["upright", "leaning"])
@pytest.mark.parametrize("form", [FORMS[0], FORMS[2]], ids=["one slope", "free slopes"])
def test_the_sampler_sees_the_density_of_its_own_coordinates(form, power):
    from models.mmm.engine import log_density

    plan, tests = plan_of(form, 3, False, True)
    names = names_of(plan)
    n, driver = len(names), np.full(len(names), -1)
    driver[names.index("log_eta") + 1 :] = names.index("log_eta")
    for channel in plan.data.media_names if form.free_slope else ():
        driver[names.index(f"log_half_saturation[{channel}]")] = names.index(f"log_slope[{channel}]")
    non_centring = PartialNonCentring(driver, np.where(driver >= 0, power, 0.0))
    rng, centre = np.random.default_rng(2), start_of(plan)
    factor = np.tril(rng.normal(0, 0.1, (n, n))) + 0.5 * np.eye(n)
    mapped = reparametrisation.with_map(layout.build(plan, tests), centre, factor, non_centring)
    z, grad, other = rng.normal(0, 0.4, n), np.empty(n), np.empty(n)
    code, value = log_density.whitened(z, grad, mapped)
    assert code == 0
    step = 1e-5
    slope = [
        (log_density.whitened(z + step * e, other, mapped)[1] - log_density.whitened(z - step * e, other, mapped)[1])
        / (2 * step)
        for e in np.eye(n)
    ]
    # central differences of a value near 1e3 carry about 1e-6 of absolute noise
    np.testing.assert_allclose(grad, slope, rtol=1e-5, atol=2e-5)
    theta, straight = log_density._theta(z, mapped), centre + factor @ z
    np.testing.assert_allclose(non_centring.to_model(straight[None], centre)[0], theta, rtol=1e-12)
    np.testing.assert_allclose(non_centring.to_sampled(theta[None], centre)[0], straight, rtol=1e-12)
    volume = value - log_density.core(theta, other, mapped, np.empty(0))
    assert non_centring.log_volume(theta[None], centre)[0] == pytest.approx(volume, abs=1e-8)

    def to_model(sampled):
        return non_centring.to_model(sampled[None], centre)[0]

    slopes = (to_model(straight + step * e) - to_model(straight - step * e) for e in np.eye(n))
    bends = np.array([slope / (2 * step) for slope in slopes])  # the map's own slope at this point, by differences
    assert np.linalg.slogdet(bends)[1] == pytest.approx(volume, abs=1e-6)


def test_the_straight_factor_is_the_covariance_seen_from_the_straight_coordinates():
    plan, tests = plan_of(FORMS[2], 3, False, True)
    found = replace(laplace.peak(layout.build(plan, tests), start_of(plan), names_of(plan)), held=None)
    non_centring = reparametrisation.partial_non_centring(found, plan)
    steps = 1e-6 * np.eye(found.mode.size)
    up, down = (
        non_centring.to_sampled(found.mode + steps, found.mode),
        non_centring.to_sampled(found.mode - steps, found.mode),
    )
    slope = (up - down).T / 2e-6  # how straight coordinates move with theta at the mode
    covariance = slope @ found.factor @ found.factor.T @ slope.T
    factor = non_centring.factor(found)
    assert (np.triu(factor, 1) == 0).all()
    np.testing.assert_allclose(factor @ factor.T, covariance, rtol=1e-6, atol=1e-8)
