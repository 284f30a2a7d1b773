"""Comparisons that nobody randomised are adjusted, shown, and never called a valid test."""

from __future__ import annotations

import numpy as np
import polars as pl

from models.incrementality import read_observational


def test_a_comparison_of_volunteers_is_never_valid():
    draw = np.random.default_rng(9)
    keen = draw.normal(0, 1, 800)
    took = keen + draw.normal(0, 1, 800) > 0
    people = pl.DataFrame({"bought": 5 + 2 * keen + draw.normal(0, 1, 800), "took": took, "keen": keen})
    result = read_observational(people, outcome="bought", treated="took", covariates=["keen"])
    naive, adjusted, weighted = result.selection["estimate"].to_list()
    assert naive > 1.5
    assert abs(adjusted) < 0.5
    assert abs(weighted) < 1.0
    assert result.verdict == "invalid"
