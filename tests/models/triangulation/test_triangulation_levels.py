"""The combined level over periods and along the curve: shape from the MMM, level from all evidence."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest

from models.period_draws import PeriodDraws
from models.periods import split
from models.triangulation import marginal_levels, period_levels, window_levels, with_unpaid_in_baseline
from models.triangulation.levels import handed_on, matched, shape


def combination(theta, rows=None, mmm_rows=400, channels=("a", "b")):
    """As `combine` returns it, with known joint draws; `rows` are the MMM's draws they were made of."""
    theta = np.asarray(theta)
    rows = np.arange(theta.size).reshape(theta.shape) % mmm_rows if rows is None else rows
    mmm = SimpleNamespace(returns=np.zeros((mmm_rows, len(channels))))
    return SimpleNamespace(theta=theta, mmm_draw=rows, readings=SimpleNamespace(channels=channels, mmm=mmm))


def thetas(draws=2000):
    common = np.random.default_rng(2).normal(0, 0.2, draws)
    return np.column_stack([np.exp(common + np.log(m)) for m in (1.4, 0.7)])


def segments_of(values, parts, names=("a", "b", "mail", "intercept")):
    spend = np.full((len(parts.segments), 2), 50.0)
    return PeriodDraws(tuple(parts.segments), names, values, values.mean(axis=0).sum(axis=1), spend)


PARTS = split([date(2026, 3, 2) + timedelta(weeks=w) for w in range(9)], "week", 1)


def test_quarters_add_up_to_a_window_whose_return_is_the_combined_one():
    values = np.random.default_rng(3).gamma(4.0, 20.0, (400, len(PARTS.segments), 4))
    combined = combination(thetas())
    levels = period_levels(combined, segments_of(values, PARTS), PARTS, unpaid=["mail"])
    theta = combined.theta[handed_on(combined)]
    assert levels.periods == ("window", "2026-Q1", "2026-Q2")
    assert levels.components == ("a", "b", "mail", "baseline")
    np.testing.assert_allclose(levels.values[:, 1:].sum(axis=1), levels.values[:, 0])
    np.testing.assert_allclose(levels.values[:, 0, :2] / levels.spend[0], theta, rtol=1e-9)
    whole = values.sum(axis=(1, 2))
    np.testing.assert_allclose(levels.values.sum(axis=2)[[0, -1], 0], whole[[0, -1]])


def test_each_return_keeps_the_shape_of_the_draw_it_was_made_of():
    values = np.zeros((2, len(PARTS.segments), 1))
    values[0, 0, 0], values[1, -1, 0] = 10.0, 10.0
    rows = np.array([[0], [1], [1]])
    combined = combination(np.array([[1.0], [2.0], [-3.0]]), rows, 2, ("a",))
    levels = period_levels(combined, one_channel(values), PARTS)
    total = 50.0 * len(PARTS.segments)
    np.testing.assert_allclose(levels.values[:, 0, 0], np.array([1.0, 2.0, -3.0]) * total)
    np.testing.assert_allclose(levels.values[0, 1, 0], total)
    np.testing.assert_allclose(levels.values[1:, -1, 0], np.array([2.0, -3.0]) * total)


def one_channel(values):
    spend = np.full((len(PARTS.segments), 1), 50.0)
    return PeriodDraws(tuple(PARTS.segments), ("a",), values, np.ones(len(PARTS.segments)), spend)


@pytest.mark.parametrize(
    ("path", "mean_path", "shares"),
    [
        pytest.param([[1.0, 3.0]], [9.0, 1.0], [[0.25, 0.75]], id="its own"),
        pytest.param([[-1.0, -3.0]], [9.0, 1.0], [[0.25, 0.75]], id="an effect below zero"),
        pytest.param([[5.0, -5.0]], [9.0, 1.0], [[0.9, 0.1]], id="cancelling: the mean path"),
        pytest.param([[0.0, 0.0]], [0.0, 0.0], [[0.2, 0.8]], id="no effect at all: the spend"),
        pytest.param([[5.0, -5.0]], [1.0, -1.0], [[0.2, 0.8]], id="nothing has a shape but the spend"),
    ],
)
def test_where_a_draw_has_no_effect_the_shape_comes_from_elsewhere(path, mean_path, shares):
    np.testing.assert_allclose(shape(np.array(path), np.array(mean_path), np.array([1.0, 4.0])), shares)


def test_rows_of_a_thinner_table_are_matched_in_proportion():
    np.testing.assert_array_equal(matched(np.array([0, 1000, 1999]), 2000, 500), [0, 250, 499])
    np.testing.assert_array_equal(matched(np.array([0, 1999]), 2000, 2000), [0, 1999])
    np.testing.assert_array_equal(matched(np.array([0, 0]), 1, 500), [0, 0])


def test_without_an_mmm_there_is_the_window_alone():
    combined = combination(thetas())
    levels = window_levels(combined, {"a": 10.0})
    assert (levels.periods, levels.components, levels.values.shape) == (("window",), ("a", "b"), (1000, 1, 2))
    np.testing.assert_allclose(levels.values[0, 0], [combined.theta[0, 0] * 10, 0.0])


def test_the_next_unit_returns_the_combined_average_times_the_curves_ratio():
    roas, mroas = np.full((500, 2), 2.0), np.full((500, 2), 0.5)
    combined = combination(thetas(), mmm_rows=500)
    levels = marginal_levels(combined, ["b", "unknown"], mroas=mroas, roas=roas)
    assert list(levels) == ["b"]
    np.testing.assert_allclose(levels["b"][[0, -1]], combined.theta[[0, -1], 1] / 4)


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
