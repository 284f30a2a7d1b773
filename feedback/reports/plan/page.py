"""A budget plan as one HTML file without script or network, with the curves as SVG and PNG beside it."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from feedback.reports.page.html import rendered
from feedback.reports.page.printing import MINUS, grouped
from feedback.reports.plan import charts
from feedback.storage.atomic_files import write_atomically

if TYPE_CHECKING:
    from models.planning import Plan

TIERS = {
    "experiment-validated": "tested",
    "model-identified": "from the data",
    "prior-dominated": "mostly assumption",
}
LIMITS = {"free": "", "most": "at its most", "least": "at its least"}


@dataclass(frozen=True)
class PlanContext:
    """Context of the figures: company, horizon, currency and run."""

    company: str
    currency: str
    first: str
    last: str
    grain: str
    run_id: str
    combined: bool
    margin: float | None
    declared: Mapping[str, str]


def write_plan(
    folder: Path, plan: Plan, curves: pl.DataFrame, context: PlanContext, frontier: pl.DataFrame | None
) -> dict[str, Path]:
    """Writes `plan.html`, `curves.svg` and `curves.png` into `folder` and returns their paths.

    `curves` is `Outlook.response_table()`. A file is complete before it gets its name. Equal plans give equal files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    break_even = 1 / context.margin if context.margin else None
    chart = charts.overview(curves, plan.allocation, break_even)
    files = {
        "html": (folder / "plan.html", _html(plan, curves, context, frontier, break_even).encode()),
        "svg": (folder / "curves.svg", charts.svg_of(chart)),
        "png": (folder / "curves.png", charts.png_of(chart)),
    }
    for path, content in files.values():
        write_atomically(path, content)
    return {kind: path for kind, (path, _) in files.items()}


def _html(
    plan: Plan, curves: pl.DataFrame, context: PlanContext, frontier: pl.DataFrame | None, break_even: float | None
) -> str:
    rows = plan.allocation.to_dicts()
    panels = [
        {
            "channel": r["channel"],
            "alt": f"{r['channel']}: outcome by spend; today {_money(r['current'])}, planned {_money(r['planned'])}",
            "src": _source(
                charts.channel_svg(
                    curves.filter(pl.col("channel") == r["channel"]), r["current"], r["planned"], break_even
                )
            ),
        }
        for r in rows
    ]
    return rendered(
        "plan.html.j2",
        context=context,
        title=f"{_money(plan.budget)} {context.currency}, {context.first} to {context.last}",
        tiles=_tiles(plan, context),
        channels=[_row(r) for r in rows],
        panels=panels,
        moves=_source(charts.moves_svg(plan.allocation)),
        frontier=_source(charts.frontier_svg(frontier, plan.budget)) if frontier is not None else "",
        warnings=[w for w in plan.warnings if w.severity != "info"],
        notes=[w for w in plan.warnings if w.severity == "info"],
        break_even=break_even,
    )


def _tiles(plan: Plan, context: PlanContext) -> Sequence[Mapping[str, str]]:
    planned, now = plan.outcome.to_dicts()
    low, high = plan.gain_range()
    tiles = [
        {
            "label": "planned media brings",
            "value": _money(planned["mean"]),
            "note": f"{_money(planned['q05'])} to {_money(planned['q95'])};"
            f" worst tenth {_money(planned['worst_tenth'])}; {plan.later_share:.0%} arrives after the horizon",
        },
        {
            "label": "the current mix would bring",
            "value": _money(now["mean"]),
            "note": f"{_money(now['q05'])} to {_money(now['q95'])}",
        },
        {
            "label": "gain of the plan",
            "value": _signed(plan.gain),
            "note": f"{_signed(low)} to {_signed(high)};"
            f" plan for {_signed(max(plan.plan_for, 0))}: 75 % of draws reach it",
        },
        {
            "label": f"spending {_money(plan.recent)} once more would bring",
            "value": _money(plan.going_on[0]),
            "note": f"{_money(plan.going_on[1])} to {_money(plan.going_on[2])}; what the last periods"
            " cost, as it was spent",
        },
        {
            "label": "chance to beat the current mix",
            "value": "above 99 %" if plan.probability_better > 0.99 else f"{plan.probability_better:.0%}",
            "note": f"knowing the curves exactly would be worth {_money(plan.regret)}",
        },
    ]
    if context.margin:
        loss = plan.probability_of_loss(context.margin)
        tiles.append(
            {
                "label": "chance that media earns less than it costs",
                "value": f"{loss:.0%}",
                "note": f"at a contribution margin of {context.margin:.0%}",
            }
        )
    return tiles


def _row(r: Mapping[str, Any]) -> Mapping[str, str]:
    return {
        "channel": r["channel"],
        "current": _money(r["current"]),
        "planned": _money(r["planned"]),
        "change": f"{r['change']:+.0%}",
        "range": f"{_money(r['low'])} to {_money(r['high'])}",
        "mroas": f"between {r['mroas_low']:.2f} and {r['mroas_high']:.2f}, not measured"
        if r["tier"] == "prior-dominated"
        else f"{r['mroas']:.2f}",
        "tier": TIERS[r["tier"]],
        "limit": LIMITS[r["at_limit"]],
    }


def _money(value: float) -> str:
    return grouped(Decimal(value), 0)


def _signed(value: float) -> str:
    text = _money(value)
    return text if text.startswith(MINUS) else f"+{text}"


def _source(svg: str) -> str:
    """As the source of an image: ids of several drawings cannot collide, and a drawing cannot run anything."""
    return f"data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}"
