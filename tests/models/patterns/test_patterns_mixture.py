"""Shrinkage against closed forms and against the size that effects turn out to have."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from models.patterns.mixture import ScaleMixture, fit_mixture, posterior


def believe(b: list[float], s: list[float], mixture: ScaleMixture, delta: float = 0.01, drift: float = 0.0):  # type: ignore[no-untyped-def]
    zero = np.zeros(len(b))
    return posterior(
        np.array(b),
        np.array(s),
        zero,
        mixture.scales,
        mixture.weights,
        delta=delta,
        drift_now=zero,
        drift_next=zero + drift,
    )


def test_one_normal_component_is_the_textbook_posterior() -> None:
    p = believe([0.1], [0.03], ScaleMixture(np.array([0.05]), np.ones(1)), drift=0.02**2)
    kappa = 0.05**2 / (0.05**2 + 0.03**2)
    mean, sd = kappa * 0.1, 0.03 * np.sqrt(kappa)
    assert p.mean[0] == pytest.approx(mean)
    assert p.sd[0] == pytest.approx(sd)
    assert p.low[0] == pytest.approx(mean - 1.6449 * sd, abs=1e-5)
    assert p.high[0] == pytest.approx(mean + 1.6449 * sd, abs=1e-5)
    assert p.p_gt_0[0] == pytest.approx(norm.cdf(mean / sd))
    assert p.p_gt_delta[0] == pytest.approx(norm.cdf((mean - 0.01) / sd))
    assert p.p_gt_0_next[0] == pytest.approx(norm.cdf(mean / np.hypot(sd, 0.02)))
    assert p.lfsr[0] == pytest.approx(norm.cdf(-mean / sd))
    assert p.expected_gain[0] == pytest.approx(mean * norm.cdf(mean / sd) + sd * norm.pdf(mean / sd))


def test_an_exact_zero_counts_against_both_signs() -> None:
    p = believe([0.0], [0.02], ScaleMixture(np.array([0.0, 0.05]), np.array([0.9, 0.1])))
    at_zero = 1 - 2 * p.p_gt_0[0]
    assert at_zero > 0.9
    assert p.lfsr[0] == pytest.approx(p.p_gt_0[0] + at_zero)
    assert p.p_abs_lt_delta[0] > at_zero


def test_a_flipped_sign_flips_every_figure() -> None:
    mixture = ScaleMixture(np.array([0.0, 0.02, 0.1]), np.array([0.3, 0.4, 0.3]))
    up, down = believe([0.07], [0.04], mixture), believe([-0.07], [0.04], mixture)
    assert up.mean[0] == pytest.approx(-down.mean[0])
    assert up.low[0] == pytest.approx(-down.high[0], abs=1e-6)
    assert up.p_gt_delta[0] == pytest.approx(down.p_lt_minus_delta[0])
    assert up.lfsr[0] == pytest.approx(down.lfsr[0])


def test_the_spread_of_effects_is_recovered_and_claims_are_calibrated() -> None:
    """2,000 effects, 60 % zero, the rest sd .08, errors .02-.06: claims of the selected must equal the truth."""
    rng = np.random.default_rng(4)
    truth = np.where(rng.random(2000) < 0.6, 0.0, rng.normal(0, 0.08, 2000))
    s = rng.uniform(0.02, 0.06, 2000)
    b = truth + rng.normal(0, s)
    mixture = fit_mixture(b, s, np.zeros(2000))
    assert mixture.sd == pytest.approx(0.08 * np.sqrt(0.4), rel=0.12)  # sampling error of a sd from ~800 effects
    p = believe(b.tolist(), s.tolist(), mixture)
    picked = (p.lfsr < 0.05) & (p.mean > 0)
    assert picked.sum() > 50
    assert p.mean[picked].mean() / truth[picked].mean() == pytest.approx(1.0, abs=0.08)
    assert b[picked].mean() / truth[picked].mean() > 1.1  # the unshrunk claim of winners is too large
    assert (truth[picked] <= 0).mean() < 0.06


def test_no_effect_at_all_shrinks_everything_to_nothing() -> None:
    rng = np.random.default_rng(8)
    s = np.full(300, 0.03)
    b = rng.normal(0, s)
    p = believe(b.tolist(), s.tolist(), fit_mixture(b, s, np.zeros(300)))
    assert np.abs(p.mean).max() < 0.03
    assert ((p.lfsr < 0.05) & (p.mean > 0)).sum() == 0


def test_an_estimate_without_error_is_refused() -> None:
    with pytest.raises(ValueError, match="need s > 0"):
        fit_mixture(np.array([0.1]), np.array([0.0]), np.zeros(1))
