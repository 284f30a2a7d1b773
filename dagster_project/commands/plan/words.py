"""A plan in sentences and tables on the terminal, for `plumbline plan`; what is asked and answered is in `plan`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dagster_project.commands.terminal import out, rows_as_table

if TYPE_CHECKING:
    from dagster_project.commands.plan.basis import Basis
    from dagster_project.workspace.settings import Settings
    from models.planning import Plan

NARROW = 110  # columns of a terminal below which a table keeps its most needed columns


def print_plan(document: Mapping[str, Any], made: Plan, found: Basis, settings: Settings) -> None:
    """Everything of `document` that a person reads before the page, the most needed first."""
    from dagster_project.commands.plan.schedule import schedule_table
    from models.planning.forward_response import next_dates

    money, periods = settings.report_currency, f"{made.horizon} {document['grain']}s"
    lines = [_goal(document["goal"], money)] if document["goal"] else []
    lines += [
        f"{made.budget:,.0f} {money} for {periods}, the first from {document['from']}, the last from"
        f" {document['to']}; by {document['run_id']} ({document['evidence']})",
        f"the last {periods} cost {made.recent:,.0f} {money}; current: how that money fell on the channels, at this"
        " plan's budget",
    ]
    _say(lines)
    rows_as_table("plan", [_line(r) for r in document["allocation"]])
    schedule = schedule_table(made, next_dates(found.fit, made.horizon))
    if schedule is not None:
        rows_as_table("schedule", [{k: _whole(v) for k, v in r.items()} for r in schedule.to_dicts()])
    _say(_findings(document, made, settings))
    if document["frontier"]:
        keep = ("budget", "mean", "q05", "q95", "iroas", "next_unit")
        rows_as_table("frontier", [{k: r[k] for k in keep} for r in document["frontier"]])
    _say([f"{w.severity}: {w.subject}: {w.message} {w.action}" for w in made.warnings if w.severity != "info"])
    _say([str(path) for path in document["files"].values()])


def _goal(goal: Mapping[str, Any], money: str) -> str:
    from models.planning.budget_frontier import figure

    wish = {
        "outcome": f"the smallest budget that brings {figure(goal['target'])} {money}",
        "iroas": f"the largest budget that still returns {figure(goal['target'])} per {money} (iROAS)",
        "mroas": f"the largest budget whose next {money} still returns {figure(goal['target'])} (mROAS)",
    }[goal["kind"]]
    if goal["at_most"]:
        return (
            f"{wish} is not known: the goal is still met at {goal['budget']:,.0f} {money}, the most that can be spent"
            " within the limits"
        )
    return f"{wish} is {goal['budget']:,.0f} {money}: met on average, and in {goal['share_of_draws']:.0%} of the draws"


def _findings(document: Mapping[str, Any], made: Plan, settings: Settings) -> list[str]:
    """What the plan brings and how sure that is, a sentence a line."""
    money, gain, further = settings.report_currency, document["gain"], document["next_unit"]
    planned, now = document["outcome"]
    lines = [
        f"planned media brings {_range(planned)} {money}, the current mix {_range(now)}"
        f" (90 % parameter interval; mean of the worst tenth of draws {planned['worst_tenth']:,.0f} and"
        f" {now['worst_tenth']:,.0f}; {made.later_share:.0%} of it arrives after the horizon)",
        f"gain {gain['mean']:+,.0f} ({gain['q05']:+,.0f} to {gain['q95']:+,.0f}), better than the current mix with"
        f" probability {_chance(made.probability_better)}; "
        + (
            f"plan for {gain['plan_for']:+,.0f}: three of four draws reach it"
            if gain["plan_for"] > 0
            else "do not count on it: more than one draw in four loses"
        ),
        f"spending {made.recent:,.0f} once more as it was spent would bring {_range(document['recent'])}",
        f"sales without this media: {made.baseline[0]:,.0f} ({made.baseline[1]:,.0f} to {made.baseline[2]:,.0f})",
    ]
    if further:
        pays = (
            f"; media pays from {1 / float(settings.margin):.2f} on (margin {settings.margin})"
            if settings.margin
            else ""
        )
        lines.append(
            f"the next {money} of budget brings {further['mean']:.2f} ({further['q05']:.2f} to {further['q95']:.2f})"
            + pays
        )
    if document["profit_after_media"]:
        profit = document["profit_after_media"]
        lines.append(
            f"left after media, on average (margin {settings.margin} of what it brings, less its cost):"
            f" {profit['planned']:,.0f} as planned, {profit['spending on as before']:,.0f} spending on as before; as"
            f" planned below zero with probability {document['probability_of_loss']:.0%}"
        )
    if made.held_back > 0.01 * abs(made.gain):
        lines.append(f"evidence limits hold back {made.held_back:,.0f}; tests would free it (`plumbline experiment`)")
    return lines


def _say(lines: Sequence[str]) -> None:
    for line in lines:
        out.print(line, markup=False, highlight=False)


def _line(r: Mapping[str, Any]) -> dict[str, Any]:
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
        "mROAS": f"{r['mroas']:.2f}",
        "number is": r["tier"],
    }


def _range(row: Mapping[str, Any]) -> str:
    return f"{row['mean']:,.0f} ({row['q05']:,.0f} to {row['q95']:,.0f})"


def _chance(share: float) -> str:
    """A share of some hundred draws: never a certainty."""
    return "above 99 %" if share > 0.99 else "below 1 %" if share < 0.01 else f"{share:.0%}"


def _whole(value: Any) -> Any:
    return float(round(value)) if isinstance(value, float) else value
