"""The single methods: known truth, limits, and honest answers where there is no finite one."""

from __future__ import annotations

from math import inf

import numpy as np
import pytest

from models.incrementality.geo.conformal import accepted_effects, block_p_value
from models.incrementality.geo.donor_weights import simplex_weights
from models.incrementality.geo.gbr import geo_regression
from models.incrementality.geo.trimmed_match import trimmed_match
from models.incrementality.inversion import rank_form, t_form, usual_form
from models.incrementality.ratio_interval import ratio_interval

NOBODY = np.empty((1, 0), dtype=np.int64)


@pytest.mark.parametrize("ridge", [0.0, 5.0])
@pytest.mark.parametrize("shape", [(5, 40), (30, 12), (38, 90)])
def test_simplex_weights_meet_their_optimality_conditions(shape, ridge):
    draw = np.random.default_rng(shape[0])
    for _ in range(20):
        donors, target = draw.normal(0, 1, shape), draw.normal(0, 1, shape[1])
        weights = simplex_weights(donors, target[None], NOBODY, np.array([ridge]))[0]
        slope = donors @ (weights @ donors - target) + ridge * weights
        assert weights.min() >= 0
        assert weights.sum() == pytest.approx(1)
        assert slope.min() >= slope[weights > 0].max() - 1e-6 * np.abs(slope).max()


def test_a_target_inside_the_hull_is_reproduced():
    donors = np.random.default_rng(1).normal(0, 1, (6, 50))
    mix = np.array([0.5, 0.3, 0.2, 0, 0, 0])
    assert simplex_weights(donors, (mix @ donors)[None], NOBODY, np.zeros(1))[0] == pytest.approx(mix, abs=1e-8)


def test_few_placebos_have_no_finite_rank_range_and_say_so():
    placebos = np.random.default_rng(1).normal(0, 1, 9)
    assert rank_form(1.0, placebos, 0.95).critical == inf
    assert usual_form(9, 0.95) == "t"
    assert t_form(1.0, placebos, 0.95).critical < 10
    assert rank_form(1.0, placebos, 0.9).critical == pytest.approx(np.abs(placebos).max())


def test_ratio_ranges_of_sure_unsure_and_unknown_spend():
    sure = ratio_interval(100.0, (80.0, 130.0), 50.0)
    assert (sure.point, sure.low, sure.high) == pytest.approx((2.0, 1.6, 2.6))
    unsure = ratio_interval(100.0, (80.0, 120.0), 50.0, 10.0)
    for bound in (unsure.low, unsure.high):
        assert (100 - bound * 50) ** 2 == pytest.approx(20**2 + bound**2 * 10**2)
    cut = ratio_interval(-100.0, (-130.0, -80.0), -50.0)
    assert (cut.point, cut.low, cut.high) == pytest.approx((2.0, 1.6, 2.6))
    assert not ratio_interval(100.0, (80.0, 120.0), 5.0, 10.0).bounded


def test_trimmed_match_shrugs_off_an_odd_pair_and_reports_an_unbounded_set():
    draw = np.random.default_rng(3)
    spend = draw.uniform(5, 15, 20)
    response = 3 * spend + draw.normal(0, 2, 20)
    response[4] += 500
    found = trimmed_match(response, spend)
    assert found.trimmed >= 1
    assert found.low < 3 < found.high
    assert found.iroas == pytest.approx(3, abs=0.3)
    blind = trimmed_match(draw.normal(0, 10, 12), draw.normal(0, 1, 12))
    assert -inf in (blind.low, -blind.high) or blind.high - blind.low > 5
    with pytest.raises(ValueError, match="at least three pairs"):
        trimmed_match(np.ones(2), np.ones(2))


def test_gbr_finds_the_return_and_names_geos_it_cannot_use():
    draw = np.random.default_rng(4)
    before = draw.lognormal(7, 0.5, 60)
    spend = np.where(np.arange(60) % 2, 0.05 * before, 0.0)
    during = before * draw.normal(1, 0.01, 60) + 4 * spend
    before[7] = 0.0
    found = geo_regression(before, during, spend)
    assert found.left_out == (7,)
    low, high = found.interval(0.99)
    assert low < 4 < high
    with pytest.raises(ValueError, match="nothing to regress on"):
        geo_regression(before, during, np.zeros(60))


def test_block_permutation_counts_whole_cycles():
    gap = np.zeros(20)
    gap[-4:] = 1.0
    assert block_p_value(gap, 4, "abs_sum") == pytest.approx(1 / 20)
    donors, target = np.random.default_rng(5).normal(0, 1, (6, 60)), np.random.default_rng(6).normal(0, 1, 60)
    found = accepted_effects(target, donors, 50, np.linspace(50, 60, 11), alpha=0.1, statistic="abs_sum")
    assert found.empty
    assert found.largest_p <= 0.1
