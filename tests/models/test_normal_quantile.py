"""The half-width of a normal interval, in standard errors."""

from __future__ import annotations

import pytest
from scipy.stats import norm

from models.normal_quantile import half_width


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_a_central_interval_holds_its_level(level):
    assert norm.cdf(half_width(level)) - norm.cdf(-half_width(level)) == pytest.approx(level, abs=1e-12)


def test_the_usual_level_is_exact_to_the_last_digit():
    assert half_width(0.90) == 1.6448536269514722


@pytest.mark.parametrize("level", [0.0, 1.0, 90])
def test_a_level_outside_the_unit_interval_is_refused(level):
    with pytest.raises(ValueError, match=f"level={level}"):
        half_width(level)
