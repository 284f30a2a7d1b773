"""`plumbline plan`: what to spend next, from the last published run; never opens the warehouse that a run writes to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from dagster_project.commands.plan.document import plan_document
from dagster_project.commands.plan.request import GoalKind, PlanRequest, plan_request
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

BUDGETS = 11  # points of the frontier, from half the budget up to the observed spend


def plan(
    ws: WorkspaceArgument = Path("data"),
    budget: Annotated[float | None, typer.Option(help="Money for all channels over the horizon.")] = None,
    horizon: Annotated[int, typer.Option(min=1, max=520, help="Periods (of the model's grain) to plan.")] = 13,
    objective: Annotated[
        str,
        typer.Option(
            help="mean: best on average. cvar: best in the worst draws. safe: only moves that almost certainly gain."
        ),
    ] = "mean",
    risk_share: Annotated[
        float, typer.Option("--risk-share", help="Share of worst draws that cvar and safe use.")
    ] = 0.2,
    split: Annotated[
        str, typer.Option(help="Decide by channel, or also by geo, by period, or by both (geo_period).")
    ] = "channel",
    constraints: Annotated[Path | None, typer.Option(help="YAML: bounds, groups, ratios, flights, delivery …")] = None,
    limit: Annotated[
        list[str] | None,
        typer.Option("--limit", help="channel=least:most, in money or in % of the current mix; may be repeated."),
    ] = None,
    controls: Annotated[Path | None, typer.Option(help="CSV with the declared future of the model's controls.")] = None,
    controls_template: Annotated[
        Path | None,
        typer.Option("--controls-template", help="Write that CSV, filled with last year's values, and stop."),
    ] = None,
    target_outcome: Annotated[
        float | None, typer.Option("--target-outcome", help="Smallest budget that reaches this incremental outcome.")
    ] = None,
    target_iroas: Annotated[
        float | None, typer.Option("--target-iroas", help="Largest budget that still returns this per unit of money.")
    ] = None,
    target_mroas: Annotated[
        float | None, typer.Option("--target-mroas", help="Largest budget whose next unit still returns this.")
    ] = None,
    frontier: Annotated[bool, typer.Option("--frontier", help="Also show the best outcome at other budgets.")] = False,
    picture: Annotated[bool, typer.Option("--picture/--no-picture", help="Write plan.html, curves and tables.")] = True,
    json_: JsonOption = False,
) -> None:
    """What to spend next, and at what risk: from the last published run, within the limits of evidence and data."""
    workspace, settings = opened(ws)
    targets: dict[GoalKind, float | None] = {"outcome": target_outcome, "iroas": target_iroas, "mroas": target_mroas}
    request = plan_request(budget, targets, horizon=horizon, objective=objective, risk_share=risk_share, split=split)
    step = _step(quiet=json_)
    with _refusals(json_):
        with step("reading the fit of the last published run"):
            from dagster_project.commands.plan.basis import basis
            from dagster_project.commands.plan.future_controls import write_template

            stands_on = basis(workspace)
        if controls_template:
            write_template(controls_template, stands_on, horizon)
            out.print(f"{controls_template}: last year's values as a start; edit them, then --controls", markup=False)
            return
        declared = _declared_future(stands_on, controls, horizon, ws, settings.mmm.holidays)
        rules, limits = _limits(constraints)
        with step("response of every channel over the horizon"):
            outlook = _outlook(stands_on, request, limits, rules, declared)
        limits = _with_options(limits, limit or [], outlook, request)
        goal = None
        if request.goal:
            with step(f"budget for {request.goal[0]} {request.goal[1]:g}"):
                goal = _goal(outlook, request, limits)
        money = goal.budget if goal else float(request.budget or 0)
        with step("best plan and its risk"):
            best = _best_plan(outlook, money, request, limits)
        with step("return of the next unit of budget"):
            next_unit = _next_unit(outlook, money, request, limits)
        other_budgets = None
        if frontier or picture:
            with step("other budgets"):
                other_budgets = _frontier(outlook, money, request, limits)
        files: Mapping[str, Path] = {}
        if picture:
            with step("page, curves and tables"):
                files = _write_files(workspace.reports, best, outlook, stands_on, settings, other_budgets, declared)
    document = plan_document(
        best,
        stands_on,
        settings,
        goal,
        other_budgets if frontier else None,
        files,
        next_unit,
        split=request.split,
        declared_future=declared,
    )
    if json_:
        as_json(document)
    else:
        print_plan(document, best, stands_on, settings)


@contextmanager
def _refusals(json_: bool) -> Iterator[None]:
    """Turns each way of not giving a plan into a sentence and an exit code; with --json into a document."""
    from dagster_project.commands.plan.basis import NothingToPlanFrom, PlanRefused
    from dagster_project.commands.plan.future_controls import ControlsRefused
    from dagster_project.commands.plan.limits_file import LimitsRefused
    from dagster_project.warehouse.connection import WarehouseBusy
    from models.planning.no_plan import NoPlan

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
    except NoPlan as error:
        no(NO, "no plan", str(error))


def _step(*, quiet: bool) -> Callable[[str], Any]:
    """A spinner with the step's name on a terminal, nothing elsewhere; a plan takes seconds."""

    @contextmanager
    def step(name: str) -> Iterator[None]:
        if quiet or not err.is_terminal:
            yield
        else:
            with err.status(name):
                yield

    return step


def _declared_future(
    basis: Basis, controls: Path | None, horizon: int, ws: Path, country: str | None
) -> dict[str, Any]:
    """Values of every control over the horizon: holidays from the calendar, all others from the declared file."""
    from dagster_project.commands.plan.basis import PlanRefused
    from dagster_project.commands.plan.future_controls import control_names, holidays_ahead, no_future, read_controls

    holidays: dict[str, Any] = dict(holidays_ahead(basis, horizon, country))
    if controls:
        return holidays | read_controls(controls, basis, horizon)
    if control_names(basis.fit):
        raise PlanRefused(no_future(basis, horizon, f"plumbline plan {ws} --horizon {horizon}"))
    return holidays


def _limits(path: Path | None) -> tuple[dict[str, Delivery], Constraints]:
    from dagster_project.commands.plan.limits_file import read_limits
    from models.planning import Constraints

    if path is None:
        return {}, Constraints()
    limits, rules = read_limits(path)
    return rules, limits


def _outlook(
    basis: Basis, request: PlanRequest, limits: Constraints, rules: dict[str, Delivery], declared: Mapping[str, Any]
) -> Outlook:
    """Curves up to the requested budget, and as far as spend was observed for goals and the frontier."""
    from models.planning import prepare

    data = basis.fit.data
    recent = float(data.spend[:, -request.horizon :].sum()) * request.horizon / min(request.horizon, len(data.dates))
    if request.budget is None and request.goal is None:
        stop(
            USAGE,
            f"give --budget: the last {request.horizon} {data.grain}s cost {recent:,.0f}; or a goal"
            " (--target-outcome, --target-iroas, --target-mroas)",
        )
    return prepare(
        basis.fit,
        max(float(request.budget or 0) * 1.5, recent * 2),
        horizon=request.horizon,
        future_controls=declared,
        delivery=rules,
        evidence=basis.evidence,
        calendar=limits.period_budget if request.split != "period" else (),
        after=basis.as_of,
    )


def _with_options(limits: Constraints, options: Sequence[str], outlook: Outlook, request: PlanRequest) -> Constraints:
    from dagster_project.commands.plan.limits_file import with_limits

    money = request.budget if request.budget is not None else float(outlook.future.current.sum())
    return with_limits(limits, options, dict(zip(outlook.channels, (outlook.mix * money).tolist(), strict=True)))


def _goal(outlook: Outlook, request: PlanRequest, limits: Constraints) -> Goal:
    from models.planning import reach

    assert request.goal is not None
    kind, target = request.goal
    return reach(outlook, kind, target, limits, **request.search)


def _best_plan(outlook: Outlook, budget: float, request: PlanRequest, limits: Constraints) -> Plan:
    from models.planning import plan_of

    return plan_of(outlook, budget, limits, split=request.split, **request.search)


def _frontier(outlook: Outlook, budget: float, request: PlanRequest, limits: Constraints) -> pl.DataFrame:
    import numpy as np

    from models.planning import frontier

    end = min(max(float(outlook.future.ceiling.sum()), budget * 1.1), outlook.reach)
    budgets = sorted({budget, *np.linspace(budget / 2, end, BUDGETS - 1).tolist()})
    return frontier(outlook, budgets, limits, **request.search)


def _next_unit(outlook: Outlook, budget: float, request: PlanRequest, limits: Constraints) -> tuple[float, ...] | None:
    from models.planning import next_return

    return next_return(outlook, budget, limits, **request.search)


def _write_files(
    reports: Path,
    plan: Plan,
    outlook: Outlook,
    basis: Basis,
    settings: Settings,
    frontier: pl.DataFrame | None,
    declared: Mapping[str, Any],
) -> dict[str, Path]:
    """The page, its curves and the tables of a plan, in a folder of its own under `reports`; path of each file."""
    import polars as pl

    from dagster_project.commands.plan.future_controls import PREFIX
    from dagster_project.commands.plan.schedule import write_tables
    from feedback.reports.plan.page import PlanContext, write_plan

    dates = basis.dates(plan.horizon)
    context = PlanContext(
        settings.company.name,
        settings.report_currency,
        str(dates[0]),
        str(dates[-1]),
        basis.fit.data.grain,
        basis.run_id,
        basis.combined,
        float(settings.margin) if settings.margin else None,
        {
            n.removeprefix(PREFIX): f"{v.mean():,.4g} on average, {v.min():,.4g} to {v.max():,.4g}"
            for n, v in declared.items()
        },
    )
    split = [c for c in ("geo", "period") if plan.schedule[c].is_not_null().any()]
    name = [f"plan-{dates[0]}-{plan.horizon}x{basis.fit.data.grain}-{plan.budget:.0f}-{plan.objective}", *split]
    shown = plan.allocation.select(pl.max_horizontal("current", "planned")).to_series().to_list()
    curves = outlook.response_table(shown)
    files = write_plan(reports / "-".join(name), plan, curves, context, frontier)
    return files | write_tables(reports / "-".join(name), plan, curves, frontier, dates)
