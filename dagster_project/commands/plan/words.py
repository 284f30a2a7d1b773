"""A plan as sentences and tables on the terminal; what they say comes from the document and the plan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dagster_project.commands.terminal import out, rows_as_table

if TYPE_CHECKING:
    from dagster_project.commands.plan.basis import Basis
    from dagster_project.workspace.settings import Settings
    from models.planning import Plan

NARROW = 110  # terminal width below which a table shows only its most important columns


def print_plan(document: Mapping[str, Any], plan: Plan, basis: Basis, settings: Settings) -> None:
    """Prints what a person needs before opening the page, the most important first."""
    from dagster_project.commands.plan.schedule import schedule_table

    money, periods = settings.report_currency, f"{plan.horizon} {document['grain']}s"
    lines = [_goal(document["goal"], money)] if document["goal"] else []
    lines += [
        f"{plan.budget:,.0f} {money} for {periods}, the first starting on {document['from']}, the last on"
        f" {document['to']}; from {document['run_id']} ({document['evidence']})",
        f"the last {periods} cost {plan.recent:,.0f} {money}; current: each channel's share of that money, scaled to"
        " this plan's budget",
    ]
    _say(lines)
    rows_as_table("plan", [_row(r) for r in document["allocation"]])
    schedule = schedule_table(plan, basis.dates(plan.horizon))
    if schedule is not None:
        rows_as_table("schedule", [{k: _rounded(v) for k, v in r.items()} for r in schedule.to_dicts()])
    _say(_results(document, plan, settings))
    if document["frontier"]:
        keep = ("budget", "mean", "q05", "q95", "iroas", "next_unit")
        rows_as_table("frontier", [{k: r[k] for k in keep} for r in document["frontier"]])
    _say([f"{w.severity}: {w.subject}: {w.message} {w.action}" for w in plan.warnings if w.severity != "info"])
    _say([str(path) for path in document["files"].values()])


def _goal(goal: Mapping[str, Any], money: str) -> str:
    from models.planning.budget_frontier import figure

    goal_text = {
        "outcome": f"the smallest budget that reaches {figure(goal['target'])} {money}",
        "iroas": f"the largest budget that still returns {figure(goal['target'])} per {money} (iROAS)",
        "mroas": f"the largest budget whose next {money} still returns {figure(goal['target'])} (mROAS)",
    }[goal["kind"]]
    if goal["at_most"]:
        return (
            f"{goal_text} is unknown: the goal is still met at {goal['budget']:,.0f} {money}, the largest budget within"
            " the limits"
        )
    return f"{goal_text} is {goal['budget']:,.0f} {money}: met on average, and in {goal['share_of_draws']:.0%} of draws"


def _results(document: Mapping[str, Any], plan: Plan, settings: Settings) -> list[str]:
    """The expected outcome and its uncertainty, one sentence per line."""
    money, gain, next_unit = settings.report_currency, document["gain"], document["next_unit"]
    planned, now = document["outcome"]
    lines = [
        f"planned media is expected to return {_range(planned)} {money}, the current mix {_range(now)}"
        f" (90 % parameter interval; mean of the worst 10 % of draws {planned['worst_tenth']:,.0f} and"
        f" {now['worst_tenth']:,.0f}; {plan.later_share:.0%} of the outcome arrives after the horizon)",
        f"gain {gain['mean']:+,.0f} ({gain['q05']:+,.0f} to {gain['q95']:+,.0f}), better than the current mix with"
        f" probability {_chance(plan.probability_better)}; "
        + (
            f"plan for {gain['plan_for']:+,.0f}; 75 % of draws reach it"
            if gain["plan_for"] > 0
            else "do not plan for a gain: more than 25 % of draws show a loss"
        ),
        f"repeating the last spend of {plan.recent:,.0f} would return {_range(document['recent'])}",
        f"sales without this media: {plan.baseline[0]:,.0f} ({plan.baseline[1]:,.0f} to {plan.baseline[2]:,.0f})",
    ]
    if next_unit:
        pays = (
            f"; media is profitable from {1 / float(settings.margin):.2f} (margin {settings.margin})"
            if settings.margin
            else ""
        )
        lines.append(
            f"the next {money} of budget returns {next_unit['mean']:.2f}"
            f" ({next_unit['q05']:.2f} to {next_unit['q95']:.2f}){pays}"
        )
    if document["profit_after_media"]:
        profit = document["profit_after_media"]
        lines.append(
            f"expected profit after media (margin {settings.margin} times outcome, less media cost):"
            f" {profit['planned']:,.0f} as planned, {profit['spending on as before']:,.0f} with the last spend"
            f" repeated; the planned one is below zero with probability {document['probability_of_loss']:.0%}"
        )
    if plan.held_back > 0.01 * abs(plan.gain):
        lines.append(
            f"evidence limits cost {plan.held_back:,.0f} of gain; tests can lift them (`plumbline experiment`)"
        )
    return lines


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        out.print(line, markup=False, highlight=False)


def _row(r: Mapping[str, Any]) -> dict[str, Any]:
    short = {
        "channel": r["channel"],
        "current": float(round(r["current"])),
        "planned": float(round(r["planned"])),
        "change": f"{r['change']:+.0%}",
        "limit": "" if r["at_limit"] == "free" else f"at {r['at_limit']}",
    }
    if out.is_terminal and out.width < NARROW:
        return short
    return short | {
        "range": f"{r['low']:,.0f} - {r['high']:,.0f}",
        "raised in": f"{r['raised_in']:.0%}",
        "mROAS": next_unit_return(r),
        "evidence": r["tier"],
    }


def next_unit_return(row: Mapping[str, Any]) -> str:
    """The mROAS of a planned channel; a range and no point where it rests mostly on prior knowledge."""
    if row["tier"] == "prior-dominated":
        return f"between {row['mroas_low']:.2f} and {row['mroas_high']:.2f}, not measured"
    return f"{row['mroas']:.2f}"


def _range(row: Mapping[str, Any]) -> str:
    return f"{row['mean']:,.0f} ({row['q05']:,.0f} to {row['q95']:,.0f})"


def _chance(share: float) -> str:
    """A probability from a few hundred draws, never printed as certain."""
    return "above 99 %" if share > 0.99 else "below 1 %" if share < 0.01 else f"{share:.0%}"


def _rounded(value: Any) -> Any:
    return float(round(value)) if isinstance(value, float) else value
