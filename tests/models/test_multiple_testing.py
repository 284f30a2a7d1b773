"""Corrections for many comparisons: textbook values, the definitions written out, and the edges of a family."""

from __future__ import annotations

import numpy as np
import pytest

from models.multiple_testing import PValueError, benjamini_hochberg, holm, simultaneous_level


def holm_by_definition(p_values: list[float]) -> list[float]:
    """Step down: the largest of (n - rank) p over all that are at most as large, capped at 1."""
    ordered = sorted(p_values)
    n = len(ordered)
    return [min(1.0, max((n - k) * ordered[k] for k in range(n) if ordered[k] <= p)) for p in p_values]


def benjamini_hochberg_by_definition(p_values: list[float]) -> list[float]:
    """Step up: the smallest of p n / rank over all that are at least as large, capped at 1."""
    ordered = sorted(p_values)
    n = len(ordered)
    return [min(1.0, *(ordered[k] * n / (k + 1) for k in range(n) if ordered[k] >= p)) for p in p_values]


@pytest.mark.parametrize(
    ("p_values", "by_holm", "by_bh"),
    [
        pytest.param([], [], [], id="no comparison"),
        pytest.param([0.03], [0.03], [0.03], id="one comparison needs no correction"),
        pytest.param([0.01, 0.04, 0.03, 0.005], [0.03, 0.06, 0.06, 0.02], [0.02, 0.04, 0.04, 0.02], id="textbook"),
        pytest.param(
            [0.01, 0.04, 0.03, 0.5], [0.04, 0.09, 0.09, 0.5], [0.04, 0.16 / 3, 0.16 / 3, 0.5], id="another textbook"
        ),
        pytest.param([0.02, 0.02, 0.02], [0.06, 0.06, 0.06], [0.02, 0.02, 0.02], id="all tied"),
        pytest.param([0.5, 0.01, 0.5, 0.01], [1.0, 0.04, 1.0, 0.04], [0.5, 0.02, 0.5, 0.02], id="tied in pairs"),
        pytest.param([0.0, 1.0], [0.0, 1.0], [0.0, 1.0], id="certain and hopeless"),
        pytest.param([0.9, 0.8], [1.0, 1.0], [0.9, 0.9], id="capped at one"),
    ],
)
def test_adjusted_p_values(p_values, by_holm, by_bh):
    assert holm(p_values) == pytest.approx(by_holm)
    assert benjamini_hochberg(p_values) == pytest.approx(by_bh)


def test_random_families_with_ties_follow_the_definitions_in_any_order():
    draw = np.random.default_rng(5)
    for size in (2, 3, 10, 57):
        p_values = draw.uniform(size=size).round(2).tolist()
        assert holm(p_values) == pytest.approx(holm_by_definition(p_values), rel=1e-14)
        assert benjamini_hochberg(p_values) == pytest.approx(benjamini_hochberg_by_definition(p_values), rel=1e-14)
        order = draw.permutation(size)
        assert benjamini_hochberg(np.array(p_values)[order]) == np.array(benjamini_hochberg(p_values))[order].tolist()


@pytest.mark.parametrize("correction", [holm, benjamini_hochberg])
@pytest.mark.parametrize("bad", [float("nan"), -0.1, 1.5, float("inf")])
def test_what_is_no_p_value_is_refused_in_words(correction, bad):
    with pytest.raises(PValueError, match=r"p-value number 2 of 3 is .*, not a number between 0 and 1; leave out"):
        correction([0.1, bad, 0.2])
    with pytest.raises(ValueError, match="p-value number 1 of 1"):
        correction([bad])


def test_simultaneous_ranges_share_the_error():
    assert simultaneous_level(0.9, 4) == pytest.approx(0.975)
    assert simultaneous_level(0.9, 1) == pytest.approx(0.9)
    with pytest.raises(ValueError, match="count=0"):
        simultaneous_level(0.9, 0)
