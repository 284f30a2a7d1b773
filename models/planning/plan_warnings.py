"""Warnings of a plan: channels to test first, optimistic gains, spend outside the observed range, media prices."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.periods import last_day
from models.planning.constraints import Constraints
from models.planning.limits import MOVE_BY_TIER, decisions_of, limits_of
from models.planning.no_plan import NoPlan
from models.planning.phasing import Phased, steppable
from models.planning.prepared_future import Outlook
from models.warning import Warning

if TYPE_CHECKING:
    from models.planning.result import Plan

TEST_FIRST_MULTIPLE = 2.0  # a channel whose best move is this many times its limit should be tested first
LIKELY_GAIN = 0.8  # below this probability of a gain, moving money is hardly worth the effort
MATERIAL_GAIN = 0.002  # share of the current outcome; a smaller gain needs no caution
REALISED = "about 90 %"  # true over predicted gain, model alone; `python -m benchmarks.planning`
TESTED_RANGE = 0.5  # relative change of spend beyond which a test says little about a channel
FAR_BELOW = 0.7  # share of the lowest media spend in the data
SCHEDULE_RATIO = 1.15  # ratio of marginal returns between periods above which a schedule is worth planning
MOVED = 0.02  # a smaller relative change does not count as a move
LONG_GAP_DAYS = 28  # beyond four weeks, the missing days may hold a change that the model has not seen
CURVE_TOLERANCE = 0.01  # share of the outcome by which the curves may differ from the model


def not_optimal() -> Warning:
    """The solver's self-check found a better plan close to this one."""
    return Warning(
        "plan_not_optimal",
        "high",
        "plan",
        "Moving a small amount of money still improves this plan: the solver stopped early.",
        "Relax the limits or change the horizon, and compare the plans.",
    )


def without_evidence_limits(outlook: Outlook, constraints: Constraints, budget: float) -> np.ndarray | None:
    """Money per channel (P,) under the declared limits and the observed range alone; None if they are infeasible."""
    decisions = decisions_of(outlook.future, "channel")
    declared = Constraints(
        bounds=constraints.bounds,
        move_limits=constraints.move_limits,
        by_evidence=False,
        fence=constraints.fence,
    )
    try:
        limits = limits_of(outlook.future, declared, decisions, outlook.mix * budget, budget, outlook.tiers)
    except NoPlan:
        return None
    return np.asarray(outlook.own_plans(limits.low, limits.high, budget, outlook.curves.mean())[0])


def warnings_of(
    outlook: Outlook, plan: Plan, constraints: Constraints, by_curves: np.ndarray, free: np.ndarray | None
) -> list[Warning]:
    """All warnings that apply to this plan; `by_curves` (D,) is its outcome as the curves predict it."""
    warnings = [
        *_test_first(outlook, plan, free),
        *_tested_elsewhere(outlook, plan),
        *_small_budget(outlook, plan),
        *_uncertain_gain(outlook, plan),
        *_beyond_observed_spend(outlook, plan, constraints),
        *_even_schedule(outlook, plan),
        *_of_the_fit(outlook, plan),
        *_starts_later(outlook),
        *_prices(outlook, plan),
    ]
    if abs(by_curves.mean() - plan.planned.mean()) > CURVE_TOLERANCE * max(abs(float(plan.planned.mean())), 1e-12):
        warnings.append(
            Warning(
                "plan_promise_off",
                "high",
                "plan",
                f"The plan was optimised on curves that predict {by_curves.mean():,.0f}; a forward run of the model"
                f" gives {plan.planned.mean():,.0f}. The second number is printed.",
                "Rely on the printed outcome, and compare it with a plan for a slightly different budget.",
            )
        )
    return warnings


def _test_first(outlook: Outlook, plan: Plan, free: np.ndarray | None) -> list[Warning]:
    """Channels that the curves alone would move much further, largest amount first; one warning per evidence tier."""
    larger_moves: dict[str, list[tuple[float, str, str]]] = {}
    rows = plan.allocation.select("channel", "current", "change", "tier", "at_limit").iter_rows()
    for c, (name, current, change, tier, at_limit) in enumerate(rows):
        limit = MOVE_BY_TIER[tier]
        if limit is None or free is None or at_limit == "free" or current <= 0:
            continue
        unrestricted = float(free[c] / current - 1)
        if abs(unrestricted) < TEST_FIRST_MULTIPLE * limit or unrestricted * change < 0:
            continue
        larger_moves.setdefault(tier, []).append(
            (-abs(free[c] - current), name, f"{name} by {unrestricted:+.0%} instead of {change:+.0%}")
        )
    warnings = []
    for tier, channels in larger_moves.items():
        basis = "mostly on assumptions" if tier == "prior-dominated" else "on past correlation, not on a test"
        named = [name for _, name, _ in sorted(channels)]
        warnings.append(
            Warning.about(
                "test_before_moving",
                "medium",
                named,
                f"The curves alone would move {', '.join(text for *_, text in sorted(channels))}. These numbers rest"
                f" {basis}, so the plan limits the move.",
                f"Test {named[0]} first, because it concerns the most money (`plumbline experiment design`): the result"
                " either permits the larger move or rules it out.",
            )
        )
    return warnings


def _tested_elsewhere(outlook: Outlook, plan: Plan) -> list[Warning]:
    """Tested channels whose planned spend is far from the spend at which they were tested."""
    today = outlook.future.current
    far = [
        (name, f"{name} from {today[c]:,.0f} to {money:,.0f}")
        for c, (name, money, tier) in enumerate(plan.allocation.select("channel", "planned", "tier").iter_rows())
        if tier == "experiment-validated" and today[c] > 0 and abs(money / today[c] - 1) > TESTED_RANGE
    ]
    if not far:
        return []
    return [
        Warning.about(
            "far_from_tested_spend",
            "medium",
            [name for name, _ in far],
            f"The plan changes {'; '.join(move for _, move in far)} over the horizon. A test is valid near the spend at"
            " which it was run; this far away the number comes from the curve, not from the test.",
            "Move half of the way, or test again at the new spend.",
        )
    ]


def _small_budget(outlook: Outlook, plan: Plan) -> list[Warning]:
    """A budget far below anything in the data, where the curves extrapolate as well."""
    total = outlook.future.fit.data.spend.sum(axis=(0, 2))
    if total.size < plan.horizon:
        return []
    least = float(np.convolve(total, np.ones(plan.horizon), mode="valid").min())
    if plan.budget >= FAR_BELOW * least:
        return []
    return [
        Warning(
            "budget_below_observed",
            "high" if plan.budget < 0.1 * least else "medium",
            "plan",
            f"Media spend over {plan.horizon} periods was never below {least:,.0f} in the data; this budget is"
            f" {plan.budget:,.0f}. The outcome of so small a budget is an extrapolation of the curve.",
            "Cut in steps and measure, or stop one channel in some regions and read the stop as a test.",
        )
    ]


def _uncertain_gain(outlook: Outlook, plan: Plan) -> list[Warning]:
    warnings = []
    if plan.gain > MATERIAL_GAIN * abs(float(plan.current.mean())) and not outlook.combined:
        warnings.append(
            Warning(
                "gain_optimistic",
                "low",
                "plan",
                f"The gain of {plan.gain:,.0f} rests on the model alone. In simulated companies with known truth,"
                f" {REALISED} of such gains was realised where returns differ between channels as much as they usually"
                " do, and half or less where all channels return nearly the same.",
                f"Plan for {max(plan.plan_for, 0):,.0f}; 75 % of draws reach it. Test the channels that move most.",
            )
        )
    if plan.probability_better < LIKELY_GAIN:
        warnings.append(
            Warning(
                "gain_unsure",
                "low",
                "plan",
                f"This plan beats the current mix in {plan.probability_better:.0%} of draws, so the data can hardly"
                " tell the two apart.",
                "Keep the current mix unless the change is cheap, and test the channel with the widest range.",
            )
        )
    return warnings


def _beyond_observed_spend(outlook: Outlook, plan: Plan, constraints: Constraints) -> list[Warning]:
    if constraints.fence:
        return []
    planned = plan.allocation["planned"].to_numpy()
    mix = plan.allocation["current"].to_numpy()
    average, warnings = outlook.curves.mean(), []
    gain = float((average.value(planned) - average.value(mix))[0])
    inside = float(
        (average.value(np.minimum(planned, np.maximum(outlook.future.ceiling, mix))) - average.value(mix))[0]
    )
    for c, name in enumerate(outlook.channels):
        if planned[c] > outlook.future.ceiling[c] * (1 + 1e-6):
            share = f"; {1 - inside / gain:.0%} of the plan's gain comes from there" if gain > max(inside, 0) else ""
            warnings.append(
                Warning(
                    "beyond_observed_spend",
                    "high",
                    name,
                    f"The plan spends {planned[c]:,.0f} on {name}; the data never contain more than"
                    f" {outlook.future.ceiling[c]:,.0f} over that many periods{share}. The curve extrapolates there.",
                    "Set fence: true, or raise the channel in steps and measure.",
                )
            )
    return warnings


def _even_schedule(outlook: Outlook, plan: Plan) -> list[Warning]:
    """What an even schedule gives up when prices vary: marginal return in the best and in the worst period."""
    priced = [c for c, name in enumerate(outlook.channels) if (r := outlook.future.delivery.get(name)) and r.price]
    if not priced or not all(steppable(outlook.future, c) for c in range(len(outlook.channels))):
        return []
    if plan.schedule["period"].is_not_null().any():
        return []
    money = plan.allocation["planned"].to_numpy()[:, None] * outlook.future.pattern[None, :]
    slope = Phased(outlook.future).gradient(money.ravel()).mean(axis=0).reshape(money.shape)
    warnings = []
    for c in priced:
        best, worst = float(slope[c].max()), float(slope[c].min())
        if money[c].sum() > 0 and best > SCHEDULE_RATIO * max(worst, 1e-12):
            warnings.append(
                Warning(
                    "even_schedule_costs",
                    "medium",
                    outlook.channels[c],
                    f"Spent evenly, the next unit of money in {outlook.channels[c]} returns {best:.2f} in period"
                    f" {int(slope[c].argmax()) + 1} and {worst:.2f} in period {int(slope[c].argmin()) + 1}.",
                    "Plan by period (`--split period`) to move money to the better periods.",
                )
            )
    return warnings


def _of_the_fit(outlook: Outlook, plan: Plan) -> list[Warning]:
    """The fit's severe warnings about channels that this plan moves; hidden demand where it raises untested ones."""
    moved = {n: change for n, change in plan.allocation.select("channel", "change").iter_rows() if abs(change) > MOVED}
    untested = {n for n in moved if moved[n] > 0 and outlook.tiers[n] != "experiment-validated"}
    return [
        w
        for w in outlook.future.fit.findings
        if (w.severity == "high" and any(w.concerns(name) for name in moved))
        or (w.code == "hidden_demand_possible" and untested)
    ]


def _starts_later(outlook: Outlook) -> list[Warning]:
    """Periods between the data and the plan: nobody knows yet what was spent and sold in them."""
    future = outlook.future
    if not future.gap:
        return []
    data = future.fit.data
    days = (future.dates[0] - last_day(data.dates[-1], data.grain)).days - 1
    return [
        Warning(
            "plan_starts_after_data",
            "medium" if days > LONG_GAP_DAYS else "low",
            "plan",
            f"The data end on {last_day(data.dates[-1], data.grain)} and the plan starts on {future.dates[0]}: the"
            f" {days} days between are assumed to have run at the recent spend.",
            "Deliver the missing days and plan again.",
        )
    ]


def _prices(outlook: Outlook, plan: Plan) -> list[Warning]:
    with_reading = {w.subject for w in outlook.prices}
    raised = [
        name
        for name, change in plan.allocation.select("channel", "change").iter_rows()
        if change > 0.1 and outlook.future.delivery.get(name) is None and name not in with_reading
    ]
    if not raised:
        return list(outlook.prices)
    return [
        *outlook.prices,
        Warning.about(
            "price_held_constant",
            "info",
            raised,
            "The plan assumes today's media prices. The curves of these channels were fitted on money, so they contain"
            " price increases that came with higher spend in the data, but no general rise of market prices.",
            "Declare what you know of future prices (delivery: price by period, exponent or points).",
        ),
    ]
