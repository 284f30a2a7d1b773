"""Whose limit decides, and what a reader is told about plans far from what was seen or tested."""

from __future__ import annotations

import re

import numpy as np
import pytest

from models.planning import (
    Constraints,
    Delivery,
    Evidence,
    frontier,
    next_return,
    plan_of,
    prepare,
    prepared_future,
    reach,
)
from models.planning.price_elasticity import PriceReading
from models.planning.result import PLAN_FOR_QUANTILE

FUTURE = {"price": [0.0] * 13}
LOOSE = Constraints(by_evidence=False)


@pytest.fixture(scope="module")
def ahead(fitted):
    return prepare(fitted, 40_000, future_controls=FUTURE)


def codes(made):
    return {w.code: w for w in made.warnings}


def test_a_limit_of_the_readers_own_outranks_the_evidence_and_is_told(ahead):
    made = plan_of(ahead, 7_000, Constraints(bounds={"a": (0, 1_000)}, move_limits={"b": 2.0}), seed=1)
    assert made.allocation["planned"][0] == pytest.approx(1_000, rel=1e-6)  # as near to the current mix as it lets
    said = codes(made)["limit_beyond_evidence"]
    assert said.subject == "a"
    assert "to 1,000" in said.message
    inside = plan_of(ahead, 7_000, Constraints(bounds={"a": (0, 50_000)}), seed=1)
    assert "limit_beyond_evidence" not in codes(inside)


def test_a_least_beyond_the_fence_is_refused_in_words(ahead):
    beyond = float(ahead.future.ceiling[0]) * 1.1
    with pytest.raises(
        ValueError, match=r"a must get at least [\d,]+, but the data never contain more than .* fence: false"
    ):
        plan_of(ahead, 1.2 * beyond, Constraints(by_evidence=False, bounds={"a": (beyond, 2 * beyond)}), seed=1)


def test_what_holds_a_budget_down_is_named(ahead):
    with pytest.raises(ValueError, match=r"a 500, its own limit; b [\d,]+, the highest spend in the data"):
        plan_of(ahead, 39_000, Constraints(by_evidence=False, bounds={"a": (0, 500)}), seed=1)


def test_little_media_is_a_guess_too(ahead):
    least = np.convolve(ahead.future.fit.data.spend.sum(axis=(0, 2)), np.ones(13), mode="valid").min()
    said = codes(plan_of(ahead, 0.3 * least, LOOSE, seed=1))["budget_below_observed"]
    assert f"{least:,.0f}" in said.message
    assert "budget_below_observed" not in codes(plan_of(ahead, 0.9 * least, LOOSE, seed=1))


def test_a_tested_channel_far_from_its_test_is_told(fitted):
    tested = prepare(fitted, 40_000, future_controls=FUTURE, evidence=Evidence(tiers={"a": "experiment-validated"}))
    today = tested.future.current[0]
    near, far = (
        plan_of(tested, 12_000, Constraints(by_evidence=False, bounds={"a": (f * today, f * today)}), seed=1)
        for f in (0.7, 0.3)
    )
    assert "far_from_tested_spend" not in codes(near)
    assert codes(far)["far_from_tested_spend"].subject == "a"


def test_the_next_unit_is_the_slope_of_the_frontier(ahead):
    points = frontier(ahead, [12_000, 12_120], LOOSE, seed=1)
    mean, low, high = next_return(ahead, 12_000, LOOSE, seed=1)
    assert mean == pytest.approx(points["next_unit"][1], rel=1e-9)
    assert low < mean < high
    exactly = Constraints(by_evidence=False, bounds={"a": (6_000, 6_000), "b": (6_000, 6_000)})
    assert next_return(ahead, 12_000, exactly, seed=1) is None  # no other budget can be spent


def test_goals_look_as_far_as_money_can_be_spent(ahead):
    """The limits end at 19,000, between two of the budgets that are looked at: the goal is judged there, not before."""
    held, most = Constraints(by_evidence=False, bounds={"a": (0, 10_000), "b": (0, 9_000)}), 19_000.0
    with pytest.raises(ValueError, match="out of reach") as refused:
        reach(ahead, "outcome", 1e9, held, seed=1)
    said = [float(m.replace(",", "")) for m in re.findall(r"budget of ([\d,]+)", str(refused.value))]
    assert said == pytest.approx([most], rel=1e-3)
    goal = reach(ahead, "mroas", 0.01, held, seed=1)
    assert goal.at_most
    assert goal.budget == pytest.approx(most, rel=1e-3)


def test_spending_on_is_a_forward_run_of_what_was_spent(ahead):
    made = plan_of(ahead, 12_000, seed=1)
    draws = sum(ahead.future.channel_response(c, [m])[:, 0] for c, m in enumerate(ahead.future.current))
    assert made.going_on[0] == pytest.approx(draws.mean(), rel=1e-9)
    assert made.recent == pytest.approx(ahead.future.fit.data.spend[:, -13:].sum())
    assert (made.planned - made.current >= made.plan_for - 1e-9).mean() == pytest.approx(
        1 - PLAN_FOR_QUANTILE, abs=0.01
    )


def test_a_fit_without_other_evidence_is_read_together(fitted, monkeypatch):
    """Level and only level comes from there, unless it is asked to stay out or other evidence gives the level."""
    asked = []

    def pooled(fit, draws):
        asked.append(draws)
        return {"a": np.full(draws, 2.0)}

    monkeypatch.setattr(prepared_future, "pooled_levels", pooled)
    together = prepare(fitted, 20_000, future_controls=FUTURE)
    given = prepare(fitted, 20_000, future_controls=FUTURE, evidence=Evidence(levels={"a": np.full(50, 2.0)}))
    np.testing.assert_allclose(together.curves.value(np.full(2, 3e3)), given.curves.value(np.full(2, 3e3)))
    assert (together.combined, given.combined, len(asked)) == (False, True, 1)
    prepare(fitted, 20_000, future_controls=FUTURE, evidence=Evidence(pooled=False))
    assert len(asked) == 1


def test_a_price_read_from_the_data_is_used_unless_one_is_declared(fitted, monkeypatch):
    clear = PriceReading("a", 0.6, 0.05, 100)
    monkeypatch.setattr(prepared_future, "price_readings", lambda data: (clear, PriceReading("b", 0.9, 0.3, 100)))
    read = prepare(fitted, 20_000, future_controls=FUTURE)
    declared = prepare(fitted, 20_000, future_controls=FUTURE, delivery={"a": Delivery(exponent=0.6)})
    np.testing.assert_allclose(read.curves.value(np.full(2, 3e3)), declared.curves.value(np.full(2, 3e3)))
    said = {w.code: w.subject for w in plan_of(read, 12_000, seed=1).warnings}
    assert (said["price_learned"], said["price_unclear"]) == ("a", "b")
    assert "price_learned" not in codes(plan_of(declared, 12_000, seed=1))
