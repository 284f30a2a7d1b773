"""How strong an unrecorded driver would have to be."""

from __future__ import annotations

import numpy as np
import pytest

from models.mmm import MMMSpec
from models.mmm.checks.unobserved_confounding import robustness_value, tipping
from models.mmm.fitting.approximate import peak_fit
from models.mmm.fitting.form_selection import choose_form
from tests.models.mmm.mmm_worlds import panel

SPEC = MMMSpec()
WEEKS = 130


def rough(data, seed=1):
    return peak_fit(data, SPEC, choose_form(data, SPEC, ())[0], seed=seed)


@pytest.mark.parametrize(("t", "freedom"), [(2.0, 100), (5.0, 150), (12.0, 60)])
def test_a_driver_of_the_tipping_strength_takes_the_whole_effect(t, freedom):
    """Cinelli and Hazlett's bias formula with equal partial R-squared r: sqrt(freedom) r / sqrt(1 - r) = t."""
    r = float(robustness_value(np.array([t]), freedom)[0])
    assert np.sqrt(freedom) * r / np.sqrt(1 - r) == pytest.approx(t)


def test_tipping_points_are_compared_with_the_strongest_control():
    data = panel(periods=WEEKS, seed=2, controls=True)
    table = tipping(rough(data))
    assert table["strongest"].to_list() == ["price", "price"]
    assert (table["halves"] > 0).all()
    assert (table["times"] > 0).all()
    assert "strongest" in tipping(rough(panel(periods=60))).columns
