"""Plans by geo and by period, evidence from outside the fit, goals: each against a forward run or an algebraic fact."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import polars as pl
import pytest

from models.planning import Constraints, Delivery, Evidence, Flight, Group, Ratio, frontier, plan_of, prepare, reach
from models.planning.forward_response import look_ahead
from models.planning.phasing import Phased
from models.warning import Warning

FUTURE = {"price": [0.0] * 13}
LOOSE = Constraints(by_evidence=False)


@pytest.fixture(scope="module")
def outlook(fitted):
    return prepare(fitted, 40_000, future_controls=FUTURE)


@pytest.fixture(scope="module")
def by_region(regional):
    spend = regional.data.spend[:, -13:].sum()
    return prepare(regional, 1.2 * float(spend)), float(spend)


@pytest.mark.parametrize(
    ("adstock", "saturation"),
    [("geometric", "logistic"), ("weibull", "hill"), ("delayed", "exponential"), ("delayed", "hill")],
)
def test_the_phased_response_is_the_models_own(regional, adstock, saturation):
    form = replace(regional.design.form, adstock=adstock, saturation=saturation)
    ahead = look_ahead(
        replace(regional, design=replace(regional.design, form=form)),
        6,
        draws=20,
        delivery={"a": Delivery(exponent=0.7, price=(1, 1, 2, 1, 1, 1))},
    )
    money = np.array([[0, 900, 0, 2500, 100, 400], [300, 0, 0, 0, 0, 5000]], dtype=float)
    kernel = sum(ahead.response_of_path(c, m).sum(axis=1) for c, m in enumerate(money))
    np.testing.assert_allclose(Phased(ahead).value(money.ravel()), kernel, rtol=1e-6)


def test_a_response_without_a_slope_by_period_is_refused_by_name(regional):
    spec = regional.spec.model_copy(update={"order": "saturation_first"})
    ahead = look_ahead(replace(regional, design=replace(regional.design, spec=spec)), 4, draws=5, delivery={})
    with pytest.raises(ValueError, match="a is modelled by reach and"):
        Phased(ahead)


def test_mediators_go_on_as_they_were(fitted):
    """A mediator's usual level is part of the future without media; what media send through it is not."""
    count, channels = fitted.draws.count, len(fitted.data.channels)
    draws = replace(
        fitted.draws,
        passed_on=np.full((count, 1), 0.1),
        mediated=np.zeros((count, 1, channels)),
    )
    series = np.ones((1, *fitted.design.y.shape))  # always at its usual level, no media through it
    data = replace(fitted.data, mediator_names=("searches",))
    through = replace(fitted, draws=draws, design=replace(fitted.design, mediators=series, data=data))
    with_it, without = (look_ahead(f, 13, delivery={}).baseline(FUTURE) for f in (through, fitted))
    np.testing.assert_allclose(with_it, without, rtol=1e-9)


def its_slope_is_that_of_its_values(phased, x, *, rtol):
    exact = phased.gradient(x)
    for i in range(x.size):
        up, down = x.copy(), x.copy()
        up[i] += 0.1
        down[i] -= 0.1
        numeric = (phased.value(up) - phased.value(down)) / 0.2
        np.testing.assert_allclose(exact[:, i], numeric, rtol=rtol, atol=1e-6)  # differences of large sums


def test_the_phased_slope_is_the_responses(regional):
    phased = Phased(look_ahead(regional, 5, draws=10, delivery={"b": Delivery(exponent=0.8)}))
    x = np.random.default_rng(0).uniform(300, 2500, 10)
    its_slope_is_that_of_its_values(phased, x, rtol=1e-4)


def test_geos_add_up_and_money_moves_to_the_better_one(by_region):
    outlook, spend = by_region
    even = plan_of(outlook, spend, LOOSE, seed=1)
    made = plan_of(outlook, spend, LOOSE, split="geo", seed=1)
    assert made.schedule["money"].sum() == pytest.approx(spend, rel=1e-6)
    assert set(made.schedule["geo"]) == set(outlook.future.fit.data.geos)
    assert made.planned.mean() >= even.planned.mean() * (1 - 1e-6)  # an even split is one of the plans by geo
    assert not any(w.code in ("plan_not_optimal", "plan_promise_off") for w in made.warnings)


def test_regions_with_a_calendar_are_the_models_own_response(regional):
    """Any share of the regions, any weeks: the response by period agrees with the compiled kernel's forward run."""
    ahead = look_ahead(regional, 6, draws=20, delivery={"a": Delivery(exponent=0.7, price=(1, 1, 2, 1, 1, 1))})
    share = np.array([[0.2, 0.5, 0.3], [0.0, 0.9, 0.1]])
    money = np.array([[0, 900, 0, 2500, 100, 400], [300, 0, 0, 0, 0, 5000]], dtype=float)
    kernel = sum(ahead.response_of_path(c, share[c][:, None] * money[c][None, :]).sum(axis=1) for c in range(2))
    phased, x = Phased(ahead, share), money.ravel() + 50.0
    np.testing.assert_allclose(phased.value(money.ravel()), kernel, rtol=1e-6)
    its_slope_is_that_of_its_values(phased, x, rtol=1e-3)


def test_regions_and_weeks_in_one_plan(regional):
    """Media at a third of the price in the last period: regions as in a plan by geo, money late, all limits kept."""
    sale = {c: Delivery(price=(1.0,) * 5 + (1 / 3,)) for c in "ab"}
    spend = float(regional.data.spend[:, -6:].sum())
    outlook = prepare(regional, 3 * spend, horizon=6, delivery=sale)
    limits = Constraints(
        by_evidence=False,
        geos={"g0": (0.0, 0.1 * spend)},
        flights={"a": Flight(dark=(1,))},
        groups=(Group(name="start", periods=(2,), most=0.1 * spend),),
    )
    made = plan_of(outlook, spend, limits, split="geo_period", seed=1)
    money = made.schedule
    assert money.height == 2 * 3 * 6
    assert money["money"].sum() == pytest.approx(spend, rel=1e-6)
    assert money.filter(geo="g0")["money"].sum() <= 0.1 * spend * (1 + 1e-6)
    assert money.filter(period=2)["money"].sum() <= (0.1 + 1e-5) * spend  # a channel's weeks are fitted to its money
    assert money.filter(channel="a", period=1)["money"].sum() < 1e-6
    by_geo = plan_of(outlook, spend, Constraints(by_evidence=False, geos=limits.geos), split="geo", seed=1)
    assert made.planned.mean() > by_geo.planned.mean()  # the cheap period
    assert made.current.mean() == pytest.approx(by_geo.current.mean(), rel=1e-6)
    assert not any(w.code in ("plan_not_optimal", "plan_promise_off") for w in made.warnings)
    full = plan_of(outlook, float(outlook.future.ceiling.sum()) * (1 - 1e-7), LOOSE, split="geo_period", seed=1)
    assert (full.allocation["at_limit"] == "most").all()  # every channel at the fence: weeks still find their place
    both = Constraints(groups=(Group(name="x", geos=("g0",), periods=(1,), most=1.0),))
    with pytest.raises(ValueError, match="'x' names both geos and periods"):
        plan_of(outlook, spend, both, split="geo_period", seed=1)


def test_a_geo_limit_is_kept(by_region):
    outlook, spend = by_region
    limits = Constraints(by_evidence=False, geos={"g0": (0.0, 0.1 * spend)})
    made = plan_of(outlook, spend, limits, split="geo", seed=1)
    assert made.schedule.filter(geo="g0")["money"].sum() <= 0.1 * spend * (1 + 1e-6)
    with pytest.raises(ValueError, match="need a plan by geo"):
        plan_of(outlook, spend, limits, seed=1)


def test_4_free_weeks_follow_the_price(outlook, fitted):
    """Media at half price in the last six weeks: the plan goes there, and gains over an even plan at those prices."""
    cheap = {c: Delivery(price=(1.0,) * 7 + (0.5,) * 6) for c in "ab"}
    sale = prepare(fitted, 20_000, future_controls=FUTURE, delivery=cheap)
    even = plan_of(sale, 10_000, LOOSE, seed=1)
    made = plan_of(sale, 10_000, LOOSE, split="period", seed=1)
    late = made.schedule.filter(made.schedule["period"] > 7)["money"].sum()
    assert late > 0.5 * 10_000  # six of thirteen weeks; an even plan has 46 % there
    assert made.planned.mean() > even.planned.mean() * 1.01
    assert not any(w.code in ("plan_not_optimal", "plan_promise_off") for w in made.warnings)


def test_4_an_even_schedule_says_what_timing_would_bring(fitted):
    sale = {"a": Delivery(price=(1.0,) * 12 + (0.3,))}
    made = plan_of(prepare(fitted, 20_000, future_controls=FUTURE, delivery=sale), 10_000, seed=1)
    (said,) = (w for w in made.warnings if w.code == "even_schedule_costs")
    assert said.subject == "a"
    assert "in period 13" in said.message


def test_what_arrives_later_is_part_of_the_promise(outlook):
    made = plan_of(outlook, 12_000, seed=1)
    assert 0.0 < made.later_share < 0.3  # half-lives of about a week, 13 weeks of spend


def test_doubts_of_the_fit_follow_the_channels_that_move(fitted):
    loud = Warning("prior_conflict", "high", "a", "The data put a far from the belief.", "Check units.")
    quiet = Warning("hidden_demand_possible", "info", "a, b", "A driver as strong as price would halve b.", "Test b.")
    doubted = prepare(replace(fitted, known_findings=(loud, quiet)), 20_000, future_controls=FUTURE)
    made = plan_of(doubted, 12_000, LOOSE, seed=1)
    moved = float(np.abs(made.allocation["change"]).max())
    assert moved > 0.02
    assert {loud, quiet} <= set(made.warnings)


def test_weeks_obey_flights(outlook):
    limits = Constraints(
        by_evidence=False,
        flights={"a": Flight(dark=(1, 2)), "b": Flight(on_air=4)},
        groups=(Group(name="start", periods=(3, 4), channels=("a",), most=600),),
        bounds={"b": (2_000, 9_000)},
    )
    made = plan_of(outlook, 10_000, limits, split="period", seed=1)
    money = made.schedule.pivot(on="channel", index="period", values="money").sort("period")
    assert money["a"][:2].max() < 1e-6
    assert money["a"][:4].sum() <= 600.01
    on = np.flatnonzero(money["b"].to_numpy() > 1)
    assert 1 <= on.size <= 4
    assert np.ptp(on) <= 3


def test_a_budget_by_week_is_spent_by_week(outlook):
    calendar = (1.0,) * 12 + (4.0,)
    limits = Constraints(by_evidence=False, period_budget=calendar)
    made = plan_of(outlook, 10_000, limits, split="period", seed=1)
    spent = made.schedule.group_by("period", maintain_order=True).agg(pl.col("money").sum())["money"]
    np.testing.assert_allclose(spent, np.array(calendar) / 16 * 10_000, rtol=1e-4)
    with pytest.raises(ValueError, match="period_budget has 2 amounts for a horizon of 13"):
        plan_of(outlook, 10_000, Constraints(period_budget=(1.0, 2.0)), split="period", seed=1)


def test_a_run_of_weeks_that_cannot_hold_the_money_is_named(outlook):
    limits = Constraints(by_evidence=False, flights={"a": Flight(most=10.0)}, bounds={"a": (5_000, 9_000)})
    with pytest.raises(ValueError, match="they can be met without limits of a"):
        plan_of(outlook, 10_000, limits, split="period", seed=1)


def test_a_ratio_is_kept(outlook):
    limits = Constraints(by_evidence=False, ratios=(Ratio(name="two to one", of=("a",), to=("b",), least=2.0),))
    made = plan_of(outlook, 12_000, limits, seed=1).allocation["planned"]
    assert made[0] >= 2 * made[1] * (1 - 1e-6)


def test_outside_evidence_sets_the_level_and_moves_the_baseline(fitted, outlook):
    own = fitted.roas_draws()[:, 0].mean()
    told = prepare(fitted, 40_000, future_controls=FUTURE, evidence=Evidence(levels={"a": np.full(50, own / 2)}))
    ratio = told.curves.at(0, np.array([5_000.0])).mean() / outlook.curves.at(0, np.array([5_000.0])).mean()
    assert ratio == pytest.approx(0.5, rel=0.03)  # draws differ in level before, none after
    lost = fitted.incremental()[:, 0].mean() / 2
    assert told.baseline.mean() - outlook.baseline.mean() == pytest.approx(lost * 13 / 120, rel=0.05)


def test_5_a_test_turns_the_plan(fitted):
    """Where tests say that b returns a tenth of what the model read, money leaves b; as assumption it hardly may."""
    poor = {"b": fitted.roas_draws()[:, 1] * 0.1}
    tested = Evidence(levels=poor, tiers=dict.fromkeys("ab", "experiment-validated"))
    assumed = Evidence(levels=poor, tiers=dict.fromkeys("ab", "prior-dominated"))
    moved, held = (
        plan_of(prepare(fitted, 40_000, future_controls=FUTURE, evidence=e), 12_000, seed=1) for e in (tested, assumed)
    )
    assert moved.allocation["change"][1] < -0.3
    assert held.allocation["change"][1] == pytest.approx(-0.15, abs=1e-3)
    assert [w.subject for w in held.warnings if w.code == "test_before_moving"]
    assert held.held_back > 0


def test_an_unknown_tier_is_refused():
    with pytest.raises(ValueError, match="tier 'sure' is unknown"):
        Evidence(tiers={"a": "sure"})


def test_a_safe_plan_never_loses_more_than_it_must(outlook):
    safe = plan_of(outlook, 12_000, LOOSE, objective="safe", seed=1)
    bold = plan_of(outlook, 12_000, LOOSE, seed=1)

    def worst(made):
        return np.sort(made.planned - made.current)[: len(made.planned) // 5].mean()

    assert worst(safe) >= worst(bold) - 1e-3 * abs(bold.planned.mean())
    assert worst(safe) >= -1e-3 * abs(safe.planned.mean())  # staying at the current mix is always allowed
    assert bold.planned.mean() >= safe.planned.mean() - 1e-6 * abs(bold.planned.mean())


def test_regret_is_what_it_says(outlook):
    made = plan_of(outlook, 12_000, LOOSE, seed=1)
    low, high = np.zeros(2), np.minimum(outlook.future.ceiling, 12_000)
    own = outlook.own_plans(low, high, 12_000)
    ideal = outlook.curves.own(own)[0].sum(axis=1)
    assert made.regret == pytest.approx((ideal - made.planned).mean(), rel=0.05, abs=1e-3 * made.planned.mean())
    assert (ideal >= made.planned - 1e-3 * abs(made.planned)).all()  # no plan beats a draw's own best; 33-point curves


def test_other_budgets_are_compared_by_channel_under_limits_per_period(outlook):
    weekly = Constraints(
        by_evidence=False, flights={"a": Flight(dark=(1,))}, groups=(Group(name="start", periods=(1, 2), most=10.0),)
    )
    assert frontier(outlook, [12_000], weekly, seed=1)["mean"][0] == pytest.approx(
        frontier(outlook, [12_000], LOOSE, seed=1)["mean"][0]
    )


def test_a_goal_is_met_with_the_least_money(outlook):
    wanted = plan_of(outlook, 15_000, LOOSE, seed=1).planned.mean()
    goal = reach(outlook, "outcome", wanted, LOOSE, seed=1)
    assert goal.budget == pytest.approx(15_000, rel=5e-3)
    assert 0.2 < goal.share_of_draws < 0.8  # the target is the mean


@pytest.mark.parametrize("kind", ["iroas", "mroas"])
def test_the_largest_budget_that_still_returns_enough(outlook, kind):
    table = frontier(outlook, [11_000, 12_000, 13_000], LOOSE, seed=1)
    wanted = table["iroas"][1] if kind == "iroas" else table["next_unit"][1:].mean()
    goal = reach(outlook, kind, float(wanted), LOOSE, seed=1)
    assert goal.budget == pytest.approx(12_000, rel=0.06)  # next_unit is a difference over 1,000
    with pytest.raises(ValueError, match="out of reach"):
        reach(outlook, kind, 1e6, LOOSE, seed=1)


def test_spending_beyond_what_was_seen_is_said(outlook):
    made = plan_of(outlook, 35_000, Constraints(by_evidence=False, fence=False), seed=1)
    assert any(w.code == "beyond_observed_spend" and w.severity == "high" for w in made.warnings)


def test_a_withheld_fit_makes_no_plan(fitted):
    block = Warning("not_converged", "block", "all", "The sampler did not converge.", "Run longer.")
    with pytest.raises(ValueError, match="has not converged"):
        prepare(replace(fitted, known_findings=(block,)), 10_000, future_controls=FUTURE)
    other = Warning("too_much", "block", "all", "Channels add up to more than was booked.", "Check units.")
    with pytest.raises(ValueError, match="more than was booked"):
        prepare(replace(fitted, known_findings=(other,)), 10_000, future_controls=FUTURE)


def test_a_plan_starts_after_the_day_it_is_made(fitted):
    """Weeks that have begun cannot be planned: they run at the current spend, and the plan's dates follow them."""
    end = fitted.data.dates[-1]
    later = look_ahead(fitted, 4, delivery={}, draws=20, after=end + timedelta(days=20))
    assert later.gap == 2
    assert later.dates == tuple(end + timedelta(days=7 * k) for k in (3, 4, 5, 6))
    path = later.media_path(0, np.full(4, 123.0))
    taps = fitted.design.form.taps
    usual = later.current[0] / 4 * later.media_per_money(0)
    np.testing.assert_allclose(path[:, taps - 2 : taps], np.repeat(usual[:, None], 2, axis=1))
    np.testing.assert_allclose(path[:, : taps - 2], fitted.design.media[0][:, -(taps - 2) :])


@pytest.mark.parametrize("days", [-400, 0, 6])
def test_a_day_within_the_data_moves_no_plan(fitted, days):
    """The last week of the data covers the six days after its date."""
    after = fitted.data.dates[-1] + timedelta(days=days)
    assert look_ahead(fitted, 4, delivery={}, draws=5, after=after).gap == 0


def test_missing_days_before_the_plan_are_said(fitted):
    weeks_later = fitted.data.dates[-1] + timedelta(days=7 * 9)
    ahead = prepare(fitted, 40_000, future_controls=FUTURE, after=weeks_later)
    said = {w.code: w for w in plan_of(ahead, 30_000, LOOSE, seed=1).warnings}["plan_starts_after_data"]
    assert said.severity == "medium"
    assert "63 days" in said.message
    assert "plan_starts_after_data" not in {
        w.code for w in plan_of(prepare(fitted, 40_000, future_controls=FUTURE), 30_000, LOOSE, seed=1).warnings
    }
