"""The pieces that know nothing of a model: curves, the exact split on a grid, and the optimiser with its self-check."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from models.planning.curves import spend_grid, through
from models.planning.grid_search import STEPS, best_steps, refined
from models.planning.media_price import Delivery
from models.planning.objective import mean_of, worst_share
from models.planning.optimise import Inside, _no_better_swap, best, feasible

SPENDS = np.linspace(0.0, 10.0, 41)


def curves(*functions, draws=1):
    """One curve a function, every draw a little stronger than the last."""
    strength = 1 + 0.1 * np.arange(draws)[:, None]
    return through([SPENDS] * len(functions), [strength * f(SPENDS)[None, :] for f in functions])


def s_shaped(x):
    return x**4 / (x**4 + 5.0**4)


def test_slopes_are_those_of_the_curve():
    found = curves(np.log1p, s_shaped, draws=3)
    x, step = np.array([2.3, 4.4]), 1e-6
    for i in range(2):
        up, down = x.copy(), x.copy()
        up[i] += step
        down[i] -= step
        numeric = (found.value(up) - found.value(down)) / (2 * step)
        np.testing.assert_allclose(found.gradient(x)[:, i], numeric, rtol=1e-5)  # central difference of a cubic
        np.testing.assert_allclose(found.next_unit(i, x[i : i + 1])[:, 0], found.gradient(x)[:, i])
    value, slope = found.own(np.tile(x, (3, 1)))
    np.testing.assert_allclose(value, found.each(x))
    np.testing.assert_allclose(slope, found.gradient(x))


def test_the_average_curve_is_the_average_of_the_curves():
    found = curves(np.log1p, s_shaped, draws=4)
    x = np.array([1.7, 6.1])
    assert found.mean().value(x)[0] == pytest.approx(found.value(x).mean())


def test_beyond_the_last_spend_looked_at_nothing_is_gained():
    found = curves(np.log1p)
    assert found.value(np.array([50.0])) == pytest.approx(found.value(np.array([10.0])))
    assert found.gradient(np.array([50.0])) == pytest.approx(0.0)


def test_the_grid_finds_the_global_best_of_s_shaped_curves():
    """Two S-curves and a budget for one: an even split is the worst of plans, and every local step from it is worse."""
    both = curves(s_shaped, lambda x: 1.1 * s_shaped(x), np.log1p)
    grids = [np.linspace(0, 9, STEPS + 1)] * 3
    steps = best_steps([both.at(i, g) for i, g in enumerate(grids)])[0]
    assert steps.sum() == STEPS
    tried = [(a, b, STEPS - a - b) for a, b in product(range(0, STEPS + 1, 4), repeat=2) if a + b <= STEPS]
    top = max(both.value(np.array(t) * 9 / STEPS)[0] for t in tried)
    assert both.value(steps * 9 / STEPS)[0] >= top


def test_closing_in_keeps_totals_and_bounds_and_never_loses():
    found = curves(np.log1p, lambda x: 2 * np.log1p(x), lambda x: np.sqrt(x + 0.1), draws=5)
    start = np.full((5, 3), 3.0)
    low, high = np.zeros(3), np.array([10.0, 4.0, 10.0])
    after = refined(found, start, low, high, 0.5)
    np.testing.assert_allclose(after.sum(axis=1), 9.0)
    assert (after <= high + 1e-9).all()
    assert (found.own(after)[0].sum(axis=1) > found.own(start)[0].sum(axis=1)).all()


def weigh(x):
    return np.array([np.log1p(x) @ [1.0, 2.0, 3.0]])


def slopes(x):
    return np.array([[1.0, 2.0, 3.0] / (1 + x)])


@pytest.mark.parametrize("gradient", [None, slopes], ids=["differences", "slopes"])
def test_groups_hold_and_the_answer_is_still_checked(gradient):
    """max log(1+a) + 2 log(1+b) + 3 log(1+c), a + b + c = 10, b + c <= 6: then c = 3.8, b = 2.2, a = 4 (algebra)."""
    group = (np.array([0.0, 1.0, 1.0]), 0.0, 6.0)
    found = best(weigh, 10.0, np.zeros(3), np.full(3, 10.0), gradient=gradient, sums=[group])
    np.testing.assert_allclose(found.x, [4.0, 2.2, 3.8], atol=0.01)  # SLSQP's own precision is far finer
    assert found.proven


def test_a_bad_plan_does_not_pass_the_check_even_with_groups():
    inside = Inside(
        np.zeros(3), np.ones(3), np.array([[1.0, 1, 1], [0, 1, 1]]), np.array([1.0, 0]), np.array([1.0, 0.6])
    )
    bad = np.array([0.4, 0.5, 0.1])  # b and c may be swapped without touching the group's sum
    assert not _no_better_swap(lambda x: -float(weigh(10 * x)[0]), None, bad, inside)
    assert not _no_better_swap(lambda x: -float(weigh(10 * x)[0]), lambda x: -slopes(10 * x)[0], bad, inside)


def test_the_worst_share_follows_the_draws():
    draws = np.array([5.0, 1.0, 3.0, 2.0])
    assert worst_share(0.5)(draws) == pytest.approx(1.5)
    assert worst_share(1.0)(draws) == pytest.approx(mean_of(draws))
    with pytest.raises(ValueError, match="share=0"):
        worst_share(0)


def test_no_plan_is_said_when_limits_leave_none():
    rows = [(np.array([1.0, 0.0]), 8.0, 10.0), (np.array([0.0, 1.0]), 8.0, 10.0)]
    assert feasible(10.0, np.zeros(2), np.full(2, 10.0), rows, np.array([5.0, 5.0])) is None
    near = feasible(10.0, np.zeros(2), np.full(2, 10.0), rows[:1], np.array([5.0, 5.0]))
    np.testing.assert_allclose(near, [8.0, 2.0])


def test_delivery_follows_its_rule():
    rising = Delivery(exponent=0.5, price=(1.0, 2.0))
    np.testing.assert_allclose(rising.bought(np.array([4.0, 4.0])), [2.0, 1.0])
    table = Delivery(points=((1.0, 1.0), (3.0, 2.0)))
    np.testing.assert_allclose(table.bought(np.array([0.5, 2.0, 9.0])), [0.5, 1.5, 2.0])
    for rule in (Delivery(exponent=0.7), table):
        at, step = np.array([0.4, 2.2]), 1e-6
        numeric = (rule.bought(at + step) - rule.bought(at - step)) / (2 * step)
        np.testing.assert_allclose(rule.next_unit(at), numeric, rtol=1e-5)


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        pytest.param({"exponent": 0.5, "points": ((1.0, 1.0),)}, "give one of them", id="two rules"),
        pytest.param({"points": ((1.0, 1.0), (2.0, 0.5))}, "delivery not fall", id="falling"),
        pytest.param({"points": ((1.0, 3.0),)}, "must buy today's delivery", id="not through today"),
    ],
)
def test_an_impossible_price_is_refused(wrong, complaint):
    with pytest.raises(ValueError, match=complaint):
        Delivery(**wrong)


def test_spends_are_dense_where_plans_end_up():
    near = spend_grid(100.0, 1000.0)
    assert near[0] == 0
    assert near[-1] == 1000
    assert (near <= 100).sum() > 0.75 * near.size
    assert (np.diff(near) > 0).all()
