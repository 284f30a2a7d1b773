"""What a reader must know about a plan, in plain words: tests that should come first, luck, fences, prices."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from models.planning.constraints import Constraints
from models.planning.limits import MOVE_BY_TIER, decisions_of, limits_of
from models.planning.phasing import Phased, steppable
from models.planning.prepared_future import Outlook
from models.warning import Warning

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.planning.result import Plan

FAR = 2.0  # a channel that would move this many times its limit should be tested first
SURE = 0.8  # below this chance of a gain, moving money is hardly worth the work
WORTH_SAYING = 0.002  # of the current outcome: a smaller gain needs no caution
DELIVERED = "about nine tenths"  # true over promised gain, the model alone; `python -m benchmarks.planning`
TESTED_RANGE = 0.5  # share of change beyond which a test says little about a channel
FAR_BELOW = 0.7  # of the least media in the data
WORTH_TIMING = 1.15  # ratio of returns between periods above which a schedule is worth planning
MOVED = 0.02  # a change below this is no move
PROMISE = 0.01  # share of the outcome by which curves and the model itself may differ


def not_optimal() -> Warning:
    """The solver's self-check found a better plan next door."""
    return Warning(
        "plan_not_optimal", "high", "plan",
        "A small shift of money still improves this plan: the solver stopped early.",
        "Loosen the limits or change the horizon, and compare.",
    )  # fmt: skip


def with_notes(plan: Plan, notes: Sequence[Warning]) -> Plan:
    """The plan with its warnings."""
    return replace(plan, warnings=tuple(notes))


def without_evidence_limits(outlook: Outlook, wanted: Constraints, budget: float, seed: int) -> np.ndarray | None:
    """Money per channel (P,) if only declared limits and the observed range held; None if those leave no way."""
    what = decisions_of(outlook.ahead, "channel")
    bare = Constraints(bounds=wanted.bounds, move_limits=wanted.move_limits, by_evidence=False, fence=wanted.fence)
    try:
        limits = limits_of(outlook.ahead, bare, what, outlook.mix * budget, budget, outlook.tiers)
    except ValueError:
        return None
    return np.asarray(outlook.own_plans(limits.low, limits.high, budget, outlook.curves.mean())[0])


def notes(
    outlook: Outlook, plan: Plan, wanted: Constraints, by_curves: np.ndarray, free: np.ndarray | None
) -> list[Warning]:
    """All that applies to this plan."""
    found = [
        *_test_first(outlook, plan, free), *_tested_elsewhere(outlook, plan), *_little(outlook, plan),
        *_sure(outlook, plan), *_beyond(outlook, plan, wanted), *_weeks(outlook, plan), *_of_the_fit(outlook, plan),
        *_prices(outlook, plan),
    ]  # fmt: skip
    if abs(by_curves.mean() - plan.planned.mean()) > PROMISE * max(abs(float(plan.planned.mean())), 1e-12):
        found.append(Warning(
            "plan_promise_off", "high", "plan",
            f"The plan was found on curves that promise {by_curves.mean():,.0f}; the model itself says"
            f" {plan.planned.mean():,.0f}. The second number is printed.",
            "Trust the printed outcome, and compare with a plan of a slightly different budget.",
        ))  # fmt: skip
    return found


def _test_first(outlook: Outlook, plan: Plan, free: np.ndarray | None) -> list[Warning]:
    """Channels that the curves alone would move much further, the largest sum of money first; one warning a reason."""
    wishes: dict[str, list[tuple[float, str, str]]] = {}
    rows = plan.allocation.select("channel", "current", "change", "tier", "at_limit").iter_rows()
    for c, (name, current, change, tier, at_limit) in enumerate(rows):
        limit = MOVE_BY_TIER[tier]
        if limit is None or free is None or at_limit == "free" or current <= 0:
            continue
        wish = float(free[c] / current - 1)
        if abs(wish) < FAR * limit or wish * change < 0:
            continue
        wishes.setdefault(tier, []).append(
            (-abs(free[c] - current), name, f"{name} by {wish:+.0%} instead of {change:+.0%}")
        )
    found = []
    for tier, channels in wishes.items():
        why = "mostly rest on assumption" if tier == "prior-dominated" else "rest on past correlation, not on a test"
        named = [name for _, name, _ in sorted(channels)]
        found.append(Warning(
            "test_before_moving", "medium", ", ".join(named),
            f"The curves alone would move {', '.join(text for *_, text in sorted(channels))}. These numbers {why}, so"
            " the plan holds the channels.",
            f"Test {named[0]} first, it is about the most money (`plumbline experiment design`): a result frees or"
            " stops the larger move.",
        ))  # fmt: skip
    return found


def _tested_elsewhere(outlook: Outlook, plan: Plan) -> list[Warning]:
    """Tested channels that the plan takes far from the spend at which they were tested."""
    today = outlook.ahead.current
    far = [
        f"{name} from {today[c]:,.0f} to {money:,.0f}"
        for c, (name, money, tier) in enumerate(plan.allocation.select("channel", "planned", "tier").iter_rows())
        if tier == "experiment-validated" and today[c] > 0 and abs(money / today[c] - 1) > TESTED_RANGE
    ]  # fmt: skip
    if not far:
        return []
    return [Warning(
        "far_from_tested_spend", "medium", ", ".join(f.split(" from ")[0] for f in far),
        f"The plan takes {'; '.join(far)} over the horizon. A test holds near the spend at which it was run; this far"
        " away the number is the curve's, not the test's.",
        "Go half of the way, or test again at the new spend.",
    )]  # fmt: skip


def _little(outlook: Outlook, plan: Plan) -> list[Warning]:
    """A budget far below anything in the data: there, too, the curves are a guess."""
    total = outlook.ahead.fit.data.spend.sum(axis=(0, 2))
    if total.size < plan.horizon:
        return []
    least = float(np.convolve(total, np.ones(plan.horizon), mode="valid").min())
    if plan.budget >= FAR_BELOW * least:
        return []
    return [Warning(
        "budget_below_observed", "high" if plan.budget < 0.1 * least else "medium", "plan",
        f"The data never saw less than {least:,.0f} of media over {plan.horizon} periods; this budget is"
        f" {plan.budget:,.0f}. What so little media brings is the curve's guess.",
        "Cut in steps and measure, or stop one channel in some regions and read that as a test.",
    )]  # fmt: skip


def _sure(outlook: Outlook, plan: Plan) -> list[Warning]:
    found = []
    if plan.gain > WORTH_SAYING * abs(float(plan.current.mean())) and not outlook.combined:
        found.append(Warning(
            "gain_optimistic", "low", "plan",
            f"The gain of {plan.gain:,.0f} rests on the model alone. In simulated companies with known truth such gains"
            f" came true by {DELIVERED} where channels differ as much as they usually do, by half or"
            " less where they return nearly the same.",
            f"Reckon with {max(plan.plan_for, 0):,.0f}, which three of four draws reach, and test the channels that"
            " move most.",
        ))  # fmt: skip
    if plan.probability_better < SURE:
        found.append(Warning(
            "gain_unsure", "low", "plan",
            f"This plan beats the current mix in {plan.probability_better:.0%} of the draws: the data hardly tell the"
            " two apart.",
            "Stay with the current mix unless the move is cheap, and test the channel with the widest range.",
        ))  # fmt: skip
    return found


def _beyond(outlook: Outlook, plan: Plan, wanted: Constraints) -> list[Warning]:
    if wanted.fence:
        return []
    planned = plan.allocation["planned"].to_numpy()
    mix = plan.allocation["current"].to_numpy()
    average, found = outlook.curves.mean(), []
    gain = float((average.value(planned) - average.value(mix))[0])
    inside = float((average.value(np.minimum(planned, np.maximum(outlook.ahead.ceiling, mix))) - average.value(mix))[0])
    for c, name in enumerate(outlook.channels):
        if planned[c] > outlook.ahead.ceiling[c] * (1 + 1e-6):
            share = f"; {1 - inside / gain:.0%} of the plan's gain lies out there" if gain > max(inside, 0) else ""
            found.append(Warning(
                "beyond_observed_spend", "high", name,
                f"The plan spends {planned[c]:,.0f} on {name}, the data never saw more than"
                f" {outlook.ahead.ceiling[c]:,.0f} over such a time{share}. The curve is a guess there.",
                "Keep the fence, or raise the channel in steps and measure.",
            ))  # fmt: skip
    return found


def _weeks(outlook: Outlook, plan: Plan) -> list[Warning]:
    """What an even schedule gives up where prices move: the next unit of money in the best and in the worst period."""
    priced = [c for c, name in enumerate(outlook.channels) if (r := outlook.ahead.delivery.get(name)) and r.price]
    if not priced or not all(steppable(outlook.ahead, c) for c in range(len(outlook.channels))):
        return []
    if plan.schedule["period"].is_not_null().any():
        return []
    money = plan.allocation["planned"].to_numpy()[:, None] * outlook.ahead.pattern[None, :]
    slope = Phased(outlook.ahead).gradient(money.ravel()).mean(axis=0).reshape(money.shape)
    found = []
    for c in priced:
        best, worst = float(slope[c].max()), float(slope[c].min())
        if money[c].sum() > 0 and best > WORTH_TIMING * max(worst, 1e-12):
            found.append(Warning(
                "even_schedule_costs", "medium", outlook.channels[c],
                f"Spent evenly, the next unit of money in {outlook.channels[c]} brings {best:.2f} in period"
                f" {int(slope[c].argmax()) + 1} and {worst:.2f} in period {int(slope[c].argmin()) + 1}.",
                "Plan by period (split period) to move money to the better ones.",
            ))  # fmt: skip
    return found


def _of_the_fit(outlook: Outlook, plan: Plan) -> list[Warning]:
    """The fit's own doubts about channels that this plan moves, and the tipping point of untested ones it raises."""
    moved = {n: change for n, change in plan.allocation.select("channel", "change").iter_rows() if abs(change) > MOVED}
    untested = {n for n in moved if moved[n] > 0 and outlook.tiers[n] != "experiment-validated"}
    return [
        w for w in outlook.ahead.fit.findings
        if (w.severity == "high" and moved.keys() & set(w.subject.split(", ")))
        or (w.code == "hidden_demand_possible" and untested)
    ]  # fmt: skip


def _prices(outlook: Outlook, plan: Plan) -> list[Warning]:
    read = {w.subject for w in outlook.prices}
    raised = [
        name for name, change in plan.allocation.select("channel", "change").iter_rows()
        if change > 0.1 and outlook.ahead.delivery.get(name) is None and name not in read
    ]  # fmt: skip
    if not raised:
        return list(outlook.prices)
    return [*outlook.prices, Warning(
        "price_held_constant", "info", ", ".join(raised),
        "The plan takes today's media prices for granted. The curves of these channels were fitted on money, so prices"
        " that rose with spend in the data are in them; a market that gets dearer is not.",
        "Declare what you know of coming prices (delivery: price by period, exponent or points).",
    )]  # fmt: skip
