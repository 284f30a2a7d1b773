"""A test's value against what the data expect of it: tails of the draws, and what a finding changes."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.mmm.lift_test_conflicts import verdicts
from models.mmm.checks.lift_test_conflicts import DATA_DISAGREE, TAIL
from models.mmm.checks.predictive_tail import density_ratio, tail_probability

SKEWED = np.exp(np.random.default_rng(5).normal(0.7, 0.45, 20_000))


@pytest.mark.parametrize(
    ("value", "se", "far"),
    [
        pytest.param(0.24, 0.024, True, id="a tenth of what every draw says"),
        pytest.param(2.6, 0.3, False, id="within the draws"),
        pytest.param(9.0, 0.5, True, id="above every draw but few"),
        pytest.param(0.24, 1.5, False, id="a test that says nothing"),
    ],
)
def test_a_value_in_the_tails_of_skewed_draws_is_far_whatever_a_standard_error_says(value, se, far):
    assert (tail_probability(SKEWED, value, se) < TAIL) is far


def test_the_tail_of_normal_draws_is_the_normal_one():
    draws = np.random.default_rng(0).normal(1.0, 0.6, 200_000)
    assert tail_probability(draws, 1.0 + 1.96, 0.8) == pytest.approx(0.05, abs=0.002)
    assert tail_probability(draws, 1.0, 0.8) == pytest.approx(1.0, abs=0.01)


def test_densities_of_far_values_compare_by_their_nearest_draws():
    before = np.exp(np.random.default_rng(1).normal(0.2, 0.9, 20_000))
    assert density_ratio(SKEWED, before, 0.24, 0.02) < 0.05
    assert density_ratio(SKEWED, before, 2.0, 0.2) > 1
    assert density_ratio(SKEWED, before, 1e6, 1.0) == pytest.approx(0.0, abs=1e-6)
    assert density_ratio(before, before, 1e6, 1.0) == 1.0


def test_a_wrong_unit_is_found_and_a_true_test_is_not_accused():
    """Three worlds; `python -m benchmarks.mmm.lift_test_conflicts` counts more."""
    counts = verdicts(3, noise=0.02, iroas=1.0)
    assert counts["true"][DATA_DISAGREE] == 0
    assert counts["/13"][DATA_DISAGREE] == counts["x13"][DATA_DISAGREE] == 3
