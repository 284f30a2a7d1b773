"""What the report sums: channels that money bought, and everything else as baseline."""

from __future__ import annotations

import numpy as np

from dagster_project.assets.mmm.rows import PeriodDraws
from dagster_project.assets.triangulation.rows import with_unpaid_in_baseline


def test_what_no_money_bought_is_baseline_and_nothing_is_lost() -> None:
    values = np.random.default_rng(0).normal(size=(5, 2, 4))
    names = ("search", "tv", "ai_visibility", "baseline")
    draws = PeriodDraws(("window", "2026-Q1"), names, values, np.ones(2), np.ones((2, 2)))
    folded = with_unpaid_in_baseline(draws)
    assert folded.components == ("search", "tv", "baseline")
    np.testing.assert_allclose(folded.values.sum(axis=2), values.sum(axis=2))
    np.testing.assert_allclose(folded.values[:, :, 2], values[:, :, 2] + values[:, :, 3])


def test_channels_alone_stay_as_they_are() -> None:
    draws = PeriodDraws(("window",), ("search", "tv"), np.ones((3, 1, 2)), np.zeros(1), np.ones((1, 2)))
    assert with_unpaid_in_baseline(draws) is draws
