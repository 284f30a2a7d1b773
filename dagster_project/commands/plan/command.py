"""`plumbline plan`: what to spend next, from the last published run; never touches the warehouse a run writes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from dagster_project.commands.plan.words import print_plan
from dagster_project.commands.terminal import (
    BROKEN,
    NO,
    USAGE,
    JsonOption,
    WorkspaceArgument,
    as_json,
    err,
    opened,
    out,
    stop,
)

if TYPE_CHECKING:
    import polars as pl

    from dagster_project.commands.plan.basis import Basis
    from dagster_project.workspace.settings import Settings
    from models.planning import Constraints, Delivery, Goal, Outlook, Plan

SEED = 1  # of the optimiser's random starts; the draws of the fit carry its own seed
BUDGETS = 11  # points of the frontier, from half the budget to as far as spend was observed
OBJECTIVES = ("mean", "cvar", "safe")
SPLITS = ("channel", "geo", "period", "geo_period")


@dataclass(frozen=True)
class _Asked:
    """The wish as given on the command line."""

    budget: float | None
    goal: tuple[str, float] | None
    horizon: int
    objective: str
    risk_share: float
    split: str


def plan(
    ws: WorkspaceArgument = Path("data"),
    budget: Annotated[float | None, typer.Option(help="Money for all channels over the horizon.")] = None,
    horizon: Annotated[int, typer.Option(min=1, max=520, help="Periods (of the model's grain) to plan.")] = 13,
    objective: Annotated[
        str,
        typer.Option(help="mean: best on average. cvar: best in the worst draws. safe: only moves that surely gain."),
    ] = "mean",
    risk_share: Annotated[
        float, typer.Option("--risk-share", help="Share of worst draws that cvar and safe look at.")
    ] = 0.2,
    split: Annotated[
        str, typer.Option(help="Decide by channel, or also by geo, by period, or by both (geo_period).")
    ] = "channel",
    constraints: Annotated[Path | None, typer.Option(help="YAML: bounds, groups, ratios, flights, delivery …")] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option("--limit", help="channel=least:most, in money or in % of the current mix. Repeat."),
    ] = None,
    controls: Annotated[Path | None, typer.Option(help="CSV with the declared future of the model's controls.")] = None,
    controls_template: Annotated[
        Path | None,
        typer.Option("--controls-template", help="Write that CSV, filled with last year's values, and stop."),
    ] = None,
    target_outcome: Annotated[
        float | None, typer.Option("--target-outcome", help="Smallest budget that brings this incremental outcome.")
    ] = None,
    target_iroas: Annotated[
        float | None, typer.Option("--target-iroas", help="Largest budget that still returns this per unit of money.")
    ] = None,
    target_mroas: Annotated[
        float | None, typer.Option("--target-mroas", help="Largest budget whose next unit still returns this.")
    ] = None,
    frontier: Annotated[bool, typer.Option("--frontier", help="The best outcome at other budgets, too.")] = False,
    picture: Annotated[bool, typer.Option("--picture/--no-picture", help="Write plan.html and the curves.")] = True,
    json_: JsonOption = False,
) -> None:
    """What to spend next, with its risk: from the last published run, within what evidence and data allow."""
    workspace, settings = opened(ws)
    asked = _asked(budget, target_outcome, target_iroas, target_mroas, horizon, objective, risk_share, split)
    say = _step(quiet=json_)
    with _refusals(json_, ws):
        with say("reading the fit of the last published run"):
            from dagster_project.commands.plan import basis

            found = basis.basis(workspace)
        if controls_template:
            basis.write_template(controls_template, found.fit, horizon)
            out.print(f"{controls_template}: last year's values as a start; edit them, then --controls", markup=False)
            return
        future = _future(found, controls, horizon, ws, settings.mmm.holidays)
        rules, wanted = _limits(constraints)
        with say("response of every channel over the horizon"):
            outlook = _outlook(found, asked, wanted, rules, future)
        wanted = _with_options(wanted, limit or [], outlook, asked)
        goal = None
        if asked.goal:
            with say(f"budget for {asked.goal[0]} {asked.goal[1]:g}"):
                goal = _reached(outlook, asked, wanted)
        money = goal.budget if goal else float(asked.budget or 0)
        with say("best plan and its risk"):
            made = _made(outlook, money, asked, wanted)
        with say("what the next unit of budget brings"):
            further = _next_unit(outlook, money, asked, wanted)
        points = None
        if frontier or picture:
            with say("other budgets"):
                points = _points(outlook, money, asked, wanted)
        files: Mapping[str, Path] = {}
        if picture:
            with say("pictures"):
                files = _pictures(workspace.reports, made, outlook, found, settings, points, future)
    document = _document(made, found, settings, goal, points if frontier else None, files, further)
    document |= {
        "decided_by": asked.split.replace("_", " and "),
        "declared_future": {n.removeprefix(basis.PREFIX): v.tolist() for n, v in future.items()},
    }
    if json_:
        as_json(document)
    else:
        print_plan(document, made, found, settings)


def _asked(
    budget: float | None, outcome: float | None, iroas: float | None, mroas: float | None, horizon: int,
    objective: str, risk_share: float, split: str,
) -> _Asked:  # fmt: skip
    goals = [(n, v) for n, v in (("outcome", outcome), ("iroas", iroas), ("mroas", mroas)) if v is not None]
    for name, value, choices in (("--objective", objective, OBJECTIVES), ("--split", split, SPLITS)):
        if value not in choices:
            stop(USAGE, f"{name} {value}: one of {', '.join(choices)}")
    if len(goals) > 1 or (goals and budget is not None):
        stop(USAGE, "give one of --budget, --target-outcome, --target-iroas and --target-mroas, not several")
    if budget is not None and not budget > 0:
        stop(USAGE, f"--budget {budget:g}: a plan needs money")
    if goals and not goals[0][1] > 0:
        stop(USAGE, f"--target-{goals[0][0]} {goals[0][1]:g}: must be above zero")
    if not 0 < risk_share <= 1:
        stop(USAGE, f"--risk-share {risk_share:g}: a share of the draws lies above 0 and at most 1")
    return _Asked(budget, goals[0] if goals else None, horizon, objective, risk_share, split)


@contextmanager
def _refusals(json_: bool, ws: Path) -> Iterator[None]:
    """Each way of not giving a plan as a sentence and an exit code; with --json as a document."""
    from dagster_project.commands.plan.basis import ControlsRefused, NothingToPlanFrom, PlanRefused
    from dagster_project.commands.plan.limits_file import LimitsRefused
    from dagster_project.warehouse.connection import WarehouseBusy

    def no(code: int, status: str, sentence: str) -> NoReturn:
        if json_:
            as_json({"status": status, "reason": sentence})
            raise typer.Exit(code)
        stop(code, *sentence.splitlines())

    try:
        yield
    except (NothingToPlanFrom, WarehouseBusy) as error:
        no(BROKEN, "could not run", str(error))
    except PlanRefused as error:
        no(NO, "refused", str(error))
    except (ControlsRefused, LimitsRefused) as error:
        no(USAGE, "wrong input", str(error))
    except ValueError as error:  # limits in conflict, a goal out of reach, a fit that may not be used
        no(NO, "no plan", str(error))


def _step(*, quiet: bool) -> Callable[[str], Any]:
    """A spinner with the step's name on a terminal, nothing elsewhere: a plan takes seconds."""

    @contextmanager
    def step(name: str) -> Iterator[None]:
        if quiet or not err.is_terminal:
            yield
        else:
            with err.status(name):
                yield

    return step


def _future(found: Basis, controls: Path | None, horizon: int, ws: Path, country: str | None) -> dict[str, Any]:
    from dagster_project.commands.plan import basis

    known: dict[str, Any] = dict(basis.holidays_ahead(found.fit, horizon, country))
    if controls:
        return known | basis.read_controls(controls, found.fit, horizon)
    if basis.control_names(found.fit):
        raise basis.PlanRefused(basis.no_future(found.fit, horizon, f"plumbline plan {ws} --horizon {horizon}"))
    return known


def _limits(path: Path | None) -> tuple[dict[str, Delivery], Constraints]:
    from dagster_project.commands.plan.limits_file import read_limits
    from models.planning import Constraints

    if path is None:
        return {}, Constraints()
    wanted, rules = read_limits(path)
    return rules, wanted


def _outlook(
    found: Basis, asked: _Asked, wanted: Constraints, rules: dict[str, Delivery], future: Mapping[str, Any]
) -> Outlook:
    """Curves up to the asked budget, and as far as spend was observed for goals and frontier."""
    from models.planning import prepare

    data = found.fit.data
    recent = float(data.spend[:, -asked.horizon :].sum()) * asked.horizon / min(asked.horizon, len(data.dates))
    if asked.budget is None and asked.goal is None:
        stop(
            USAGE,
            f"give --budget: the last {asked.horizon} {data.grain}s cost {recent:,.0f}; or a goal"
            " (--target-outcome, --target-iroas, --target-mroas)",
        )
    most = max(float(asked.budget or 0) * 1.5, recent * 2)
    return prepare(
        found.fit, most, horizon=asked.horizon, future_controls=future, delivery=rules, evidence=found.evidence,
        calendar=wanted.period_budget if asked.split != "period" else (),
    )  # fmt: skip


def _with_options(wanted: Constraints, given: Sequence[str], outlook: Outlook, asked: _Asked) -> Constraints:
    from dagster_project.commands.plan.limits_file import with_limits

    money = asked.budget if asked.budget is not None else float(outlook.ahead.current.sum())
    return with_limits(wanted, given, dict(zip(outlook.channels, (outlook.mix * money).tolist(), strict=True)))


def _reached(outlook: Outlook, asked: _Asked, wanted: Constraints) -> Goal:
    from models.planning import reach

    assert asked.goal is not None
    return reach(
        outlook, asked.goal[0], asked.goal[1], wanted, objective=asked.objective, risk_share=asked.risk_share, seed=SEED  # type: ignore[arg-type]
    )  # fmt: skip


def _made(outlook: Outlook, budget: float, asked: _Asked, wanted: Constraints) -> Plan:
    from models.planning import plan_of

    return plan_of(
        outlook, budget, wanted, objective=asked.objective, risk_share=asked.risk_share, split=asked.split, seed=SEED  # type: ignore[arg-type]
    )  # fmt: skip


def _points(outlook: Outlook, budget: float, asked: _Asked, wanted: Constraints) -> pl.DataFrame:
    import numpy as np

    from models.planning import frontier

    end = min(max(float(outlook.ahead.ceiling.sum()), budget * 1.1), outlook.reach)
    budgets = sorted({budget, *np.linspace(budget / 2, end, BUDGETS - 1).tolist()})
    return frontier(
        outlook, budgets, wanted, objective=asked.objective, risk_share=asked.risk_share, seed=SEED  # type: ignore[arg-type]
    )  # fmt: skip


def _next_unit(outlook: Outlook, budget: float, asked: _Asked, wanted: Constraints) -> tuple[float, ...] | None:
    from models.planning import next_return

    return next_return(
        outlook, budget, wanted, objective=asked.objective, risk_share=asked.risk_share, seed=SEED  # type: ignore[arg-type]
    )  # fmt: skip


def _pictures(
    reports: Path, made: Plan, outlook: Outlook, found: Basis, settings: Settings, points: pl.DataFrame | None,
    future: Mapping[str, Any],
) -> dict[str, Path]:  # fmt: skip
    import polars as pl

    from dagster_project.commands.plan.basis import PREFIX
    from dagster_project.commands.plan.schedule import write_tables
    from feedback.reports.plan.page import PlanContext, write_plan
    from models.planning.forward_response import next_dates

    dates = next_dates(found.fit, made.horizon)
    context = PlanContext(
        settings.company.name, settings.report_currency, str(dates[0]), str(dates[-1]), found.fit.data.grain,
        found.run_id, found.combined, float(settings.margin) if settings.margin else None,
        {n.removeprefix(PREFIX): f"{v.mean():,.4g} on average, {v.min():,.4g} to {v.max():,.4g}"
         for n, v in future.items()},
    )  # fmt: skip
    split = [c for c in ("geo", "period") if made.schedule[c].is_not_null().any()]
    name = [f"plan-{dates[0]}-{made.horizon}x{found.fit.data.grain}-{made.budget:.0f}-{made.objective}", *split]
    shown = made.allocation.select(pl.max_horizontal("current", "planned")).to_series().to_list()
    curves = outlook.response_table(shown)
    files = write_plan(reports / "-".join(name), made, curves, context, points)
    return files | write_tables(reports / "-".join(name), made, curves, points, dates)


def _profits(made: Plan, margin: float) -> dict[str, float]:
    """Margin times mean outcome less cost: of the plan, of the current mix at this budget, of spending on as before."""
    return {
        "planned": margin * float(made.planned.mean()) - made.budget,
        "current mix": margin * float(made.current.mean()) - made.budget,
        "spending on as before": margin * made.going_on[0] - made.recent,
    }


def _document(
    made: Plan, found: Basis, settings: Settings, goal: Goal | None, points: pl.DataFrame | None,
    files: Mapping[str, Path], further: tuple[float, ...] | None,
) -> dict[str, Any]:  # fmt: skip
    from models.planning.forward_response import next_dates

    dates = next_dates(found.fit, made.horizon)
    low, high = made.gain_range()
    margin = float(settings.margin) if settings.margin else None
    detailed = made.schedule["geo"].is_not_null().any() or made.schedule["period"].is_not_null().any()
    return {
        "status": "planned",
        "run_id": found.run_id,
        "evidence": "all evidence combined" if found.combined else "media mix model alone",
        "budget": made.budget,
        "currency": settings.report_currency,
        "horizon": made.horizon,
        "grain": found.fit.data.grain,
        "from": dates[0],
        "to": dates[-1],
        "objective": made.objective,
        "goal": vars(goal) if goal else None,
        "allocation": made.allocation.to_dicts(),
        "schedule": [r | {"from": dates[r["period"] - 1] if r["period"] else None} for r in made.schedule.to_dicts()]
        if detailed
        else None,
        "outcome": made.outcome.to_dicts(),
        "interval": "90 % parameter interval of the mean effect",
        "gain": {"mean": made.gain, "q05": low, "q95": high, "plan_for": made.plan_for},
        "next_unit": dict(zip(("mean", "q05", "q95"), further, strict=True)) if further else None,
        "recent": {"cost": made.recent, **dict(zip(("mean", "q05", "q95"), made.going_on, strict=True))},
        "profit_after_media": _profits(made, margin) if margin else None,
        "later_share": made.later_share,
        "probability_better": made.probability_better,
        "probability_of_loss": made.probability_of_loss(margin) if margin else None,
        "regret": made.regret,
        "held_back_by_evidence": made.held_back,
        "baseline": dict(zip(("mean", "q05", "q95"), made.baseline, strict=True)),
        "warnings": [vars(w) for w in made.warnings],
        "frontier": points.to_dicts() if points is not None else None,
        "files": dict(files),
    }
