"""Putting a test on the report's estimand."""

from __future__ import annotations

import numpy as np
import pytest

from models.triangulation.estimand import carryover_share, curve_share

LEVELS = np.linspace(0, 4, 401)


def test_the_share_captured_by_hand():
    assert carryover_share(0, 28) == 1.0
    # Two periods, half-life one: the first period's spend has 3/4 behind it at the end, the second's 1/2.
    assert carryover_share(1, 2) == pytest.approx(0.625)
    assert carryover_share(7, 28, cooldown=14) > carryover_share(7, 28) > carryover_share(14, 28)


@pytest.mark.parametrize("arguments", [(-1, 5, 0), (1, 0, 0), (1, 5, -1)])
def test_an_impossible_test_is_refused(arguments):
    with pytest.raises(ValueError, match="half_life="):
        carryover_share(*arguments)


def test_a_go_dark_reads_the_average_and_a_heavy_up_less():
    response = LEVELS / (LEVELS + 1)
    assert curve_share(LEVELS, response, 0.0) == pytest.approx(1.0)
    # f(2) - f(1) = 1/6 against f(1) = 1/2 for one unit: a third.
    assert curve_share(LEVELS, response, 2.0) == pytest.approx(1 / 3)
    assert curve_share(LEVELS, LEVELS, 3.0) == pytest.approx(1.0)


def test_a_test_that_changed_nothing_is_refused():
    with pytest.raises(ValueError, match="did not change the spend"):
        curve_share(LEVELS, LEVELS, 1.0)
    with pytest.raises(ValueError, match="no meaning"):
        curve_share(LEVELS, 0 * LEVELS, 0.0)
