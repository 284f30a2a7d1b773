"""The MMM benchmark's own arithmetic: what it calls faster, what it calls the same posterior, and its calibration."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.mmm.peer_cases import world
from benchmarks.mmm.peer_compare import compared
from benchmarks.mmm.peer_fit import Fitted, ours
from benchmarks.mmm.sbc import DRAWS, ranks, template, uniformity
from benchmarks.mmm.scale import Size


def fitted(seed: int, *, cpu: float, shift: float = 0.0) -> Fitted:
    draws = np.random.default_rng(seed).normal(shift, 1.0, (4, 500, 2))
    return Fitted(draws, draws, 2.0, cpu, 0, 7.0, 100.0, 1.0)


def test_equal_draws_at_a_tenth_of_the_cost_are_ten_times_as_fast():
    row = compared("case", fitted(1, cpu=0.5), fitted(2, cpu=5.0), fitted(3, cpu=0.5))
    # independent draws: ESS of either side is about 2000, give or take a tenth
    assert row.sampling == pytest.approx(10, rel=0.3)
    assert row.whole == pytest.approx(14, rel=0.3)
    assert not row.void


def test_a_rival_with_another_posterior_voids_the_row():
    row = compared("case", fitted(1, cpu=0.5), fitted(2, cpu=5.0, shift=0.5), fitted(3, cpu=0.5))
    assert row.void


def test_the_peers_model_is_fitted_on_a_simulated_company():
    case = world(0, periods=80, channels=2)
    found = ours(case, seed=1)
    assert found.roi.shape == (4, 1000, 2)
    # 7 sampled coordinates, and intercept, two controls and four waves drawn exactly
    assert found.parameters.shape[2] == 7 + 7
    assert (found.roi > 0).all()


def test_ranks_that_pile_up_are_not_uniform():
    even = np.arange(DRAWS + 1).repeat(3)
    assert uniformity(even) > 0.99
    assert uniformity(np.where(even > 50, even, 50)) < 1e-6


@pytest.mark.slow
def test_truths_drawn_from_the_prior_rank_uniformly():
    found, failed = ranks(template(Size("small", 1, 52, 2)), replicates=40, seed=3)
    assert failed <= 2  # a prior draw may leave nothing to learn; the gate then says so
    assert {"log_half_life", "log_half_saturation", "effect", "log_sigma", "linear"} <= set(found)
    for family, values in found.items():
        assert uniformity(values, bins=5) > 1e-4, family


@pytest.mark.slow
def test_a_wrong_model_does_not_rank_uniformly(monkeypatch):
    from benchmarks.mmm import sbc

    honest = sbc.simulated

    def doubled(plan, rng):
        theta, weights, kpi = honest(plan, rng)
        theta = theta.copy()
        theta[4:6] -= 0.7  # the truth that is ranked is half of the effect that was simulated
        return theta, weights, kpi

    monkeypatch.setattr(sbc, "simulated", doubled)
    found, _ = ranks(template(Size("small", 1, 52, 2)), replicates=25, seed=3)
    assert uniformity(found["effect"], bins=5) < 0.01
