"""The public optimiser audit's cases, each against its algebraic oracle, and the planner's own promises."""

from __future__ import annotations

import numpy as np
import pytest

from models.mmm import Experiment, MMMData, MMMSpec, fit
from models.planning import Constraints, Delivery, Group, frontier, plan, prepare
from models.planning.optimise import best, worst_share

log1 = np.log1p
FREE = (np.zeros(2), np.full(2, np.inf))


def answer(response, total=10.0, size=2):
    return best(lambda x: np.atleast_1d(response(x)), total, np.zeros(size), np.full(size, np.inf))


@pytest.mark.parametrize(
    ("response", "oracle"),
    [
        pytest.param(
            lambda x: 22 + 2 * (0.8 * log1(x[0]) + 0.5 * log1(x[1])), (6.385, 3.615), id="1 additive season cancels"
        ),
        pytest.param(
            lambda x: (1 + 2 * x[0]) ** 0.6 + 4 * (1 + 2 * x[1]) ** 0.4, (2.339, 7.661), id="2 known future control"
        ),
        pytest.param(lambda x: 1.05 * log1(x[0]) + 0.6 * log1(x[1]), (6.636, 3.364), id="3 mediated effect counts"),
        pytest.param(
            lambda x: log1(np.sqrt(2 * x[0])) + 0.5 * log1(x[1]), (4.731, 5.269), id="6 price rises with spend"
        ),
        pytest.param(lambda x: 0.25 * x[0] + 0.55 * x[1], (0.0, 10.0), id="5 linear truth, all to the better"),
    ],
)
def test_the_oracle_is_found(response, oracle):
    found = answer(response)
    np.testing.assert_allclose(found.x, oracle, atol=0.02)  # the audit's own tolerance
    assert found.x.sum() == pytest.approx(10.0, abs=1e-6)
    assert found.proven


def test_4_weeks_may_differ_when_they_are_free():
    weights = np.array([1.0, 0.5, 5.0, 2.5])  # A and B in week 1, then in week 2

    def worth(x):
        return float((weights * log1(x)).sum())

    found = answer(worth, total=20.0, size=4)
    np.testing.assert_allclose(found.x, [1.667, 0.333, 12.333, 5.667], atol=0.02)
    assert worth(found.x) - worth(np.array([7.0, 3.0, 7.0, 3.0])) == pytest.approx(2.183, abs=0.01)


def test_risk_aversion_prefers_the_sure_channel():
    gain = np.random.default_rng(0).normal([1.2, 1.0], [1.0, 0.01], size=(4000, 2))

    def response(x):
        return gain @ x

    bold = best(response, 1.0, np.zeros(2), np.ones(2))
    careful = best(response, 1.0, np.zeros(2), np.ones(2), objective=worst_share(0.2))
    assert bold.x[0] > 0.99
    assert careful.x[1] > 0.9


FUTURE = {"price": [0.0] * 13}


def test_2_an_undeclared_future_is_refused(fitted):
    with pytest.raises(ValueError, match="the future of price is not declared"):
        plan(fitted, 20_000, seed=1)
    with pytest.raises(ValueError, match="has 3 values, the horizon 13"):
        plan(fitted, 20_000, future_controls={"price": [0, 0, 0]}, seed=1)


def test_a_plan_spends_its_budget_and_beats_the_current_mix(fitted):
    made = plan(fitted, 20_000, future_controls=FUTURE, seed=1)
    assert made.allocation["planned"].sum() == pytest.approx(20_000, rel=1e-6)
    outcome = dict(zip(made.outcome["plan"], made.outcome["mean"], strict=True))
    assert outcome["planned"] >= outcome["current mix"] - 1e-6
    assert 0.5 <= made.probability_better <= 1.0


def test_the_promised_response_is_an_independent_forward_run(fitted):
    from models.planning.forward_response import look_ahead

    made = plan(fitted, 20_000, future_controls=FUTURE, seed=1)
    ahead = look_ahead(fitted, 13, delivery={})
    total = sum(ahead.channel_response(c, [x])[:, 0].mean() for c, x in enumerate(made.allocation["planned"]))
    assert made.outcome["mean"][0] == pytest.approx(total, rel=2e-3)  # interpolation between 33 spends


def test_evidence_limits_the_move(fitted):
    made = plan(fitted, 20_000, future_controls=FUTURE, seed=1)
    share = np.abs(made.allocation["change"])
    assert (share <= 0.30 + 1e-6).all()
    free = plan(fitted, 20_000, Constraints(by_evidence=False), future_controls=FUTURE, seed=1)
    assert free.outcome["mean"][0] >= made.outcome["mean"][0] - 1e-6


@pytest.mark.parametrize(
    ("limits", "complaint"),
    [
        pytest.param(
            {"bounds": {"a": (15_000, 20_000), "b": (9_000, 20_000)}}, "minimum spends add up to 24,000", id="minima"
        ),
        pytest.param({"bounds": {"a": (0, 10), "b": (0, 10)}}, "most that may be spent", id="maxima"),
        pytest.param({"bounds": {"zz": (0, 10)}}, "bounds names 'zz'", id="unknown"),
        pytest.param(
            {"groups": (Group(name="g", channels=("a", "b"), most=100),)}, "cannot be met with a budget", id="group"
        ),
    ],
)
def test_limits_in_conflict_are_named(fitted, limits, complaint):
    with pytest.raises(ValueError, match=complaint):
        plan(fitted, 20_000, Constraints(by_evidence=False, fence=False, **limits), future_controls=FUTURE, seed=1)


def test_the_fence_holds_spend_inside_what_was_seen(fitted):
    with pytest.raises(ValueError, match="most that may be spent"):
        plan(fitted, 5_000_000, Constraints(by_evidence=False), future_controls=FUTURE, seed=1)


def test_a_dearer_price_lowers_the_return(fitted):
    loose = Constraints(by_evidence=False, fence=False)
    cheap = plan(fitted, 40_000, loose, future_controls=FUTURE, seed=1)
    dear = plan(
        fitted, 40_000, loose, future_controls=FUTURE, delivery={c: Delivery(exponent=0.6) for c in "ab"}, seed=1
    )
    assert dear.outcome["mean"][0] < cheap.outcome["mean"][0]


def test_more_money_brings_less_per_unit(fitted):
    ahead = prepare(fitted, 30_000, future_controls=FUTURE)
    made = frontier(ahead, [10_000, 20_000, 30_000], Constraints(by_evidence=False), seed=1)
    gains = made["next_unit"].drop_nulls()
    assert (gains > 0).all()
    assert gains[1] < gains[0]


@pytest.mark.slow
def test_5_hidden_demand_is_capped_and_an_experiment_turns_the_plan():
    """True effects are A .25 and B .55; without an experiment A looks like 1.2 and no diagnostic can see why."""
    import polars as pl

    rng = np.random.default_rng(0)
    weeks = 416  # eight years; the audit's 1,000 show the same and take three times as long
    t = np.arange(weeks)
    season, hidden = np.sin(2 * np.pi * t / 52), rng.normal(size=weeks)
    a, b = 5 + season + hidden + 0.2 * rng.normal(size=weeks), 5 + rng.normal(size=weeks)
    y = 20 + 2 * season + hidden + 0.25 * a + 0.55 * b + 0.25 * rng.normal(size=weeks)
    dates = pl.date_range(pl.date(2005, 1, 3), pl.date(2005, 1, 3) + pl.duration(weeks=weeks - 1), "1w", eager=True)
    long = pl.DataFrame({"date": dates, "kpi": y, "a": np.maximum(a, 0), "b": np.maximum(b, 0)})
    data = MMMData.from_frame(long, date="date", kpi="kpi", spend={"a": "a", "b": "b"})
    spec = MMMSpec(adstock="geometric", saturation="logistic")
    blind = plan(fit(data, spec, seed=1), 130.0, seed=1)
    assert (blind.allocation["change"] <= 0.30 + 1e-6).all()
    spent = float(data.spend[:, 300:352, 0].sum())
    test = Experiment(
        name="a dark", channels=("a",), start=data.dates[300], end=data.dates[351], value=0.25 * spent, se=0.02 * spent
    )
    told = plan(fit(data, spec, experiments=[test], seed=1), 130.0, seed=1)
    assert told.allocation["planned"][0] < told.allocation["current"][0]
