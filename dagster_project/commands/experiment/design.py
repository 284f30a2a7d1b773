"""Commands around tests: design one and freeze its plan before it starts, read what a finished one showed."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dagster_project.assets.experiments import frozen_designs
from dagster_project.assets.experiments.frozen_designs import DesignError, FrozenDesign
from dagster_project.assets.experiments.planning import (
    DesignOptions,
    DesignRequest,
    PlanningError,
    busy_in_marts,
    cell_options,
    design_options,
)
from dagster_project.commands.experiment import read
from dagster_project.commands.status import reading
from dagster_project.commands.terminal import (
    NO,
    USAGE,
    JsonOption,
    WorkspaceArgument,
    as_json,
    opened,
    out,
    rows_as_table,
    stop,
)
from dagster_project.warehouse import run_record
from dagster_project.workspace.paths import Workspace
from feedback.storage.atomic_files import write_atomically

if TYPE_CHECKING:
    from models.incrementality import GeoDesign

experiment = typer.Typer(no_args_is_help=True, help="Tests: design and freeze the next one, read a finished one.")
experiment.command("read")(read.read)
CELLS = "multi_cell"


@experiment.command("design")
def design(
    ws: WorkspaceArgument = Path("data"),
    channel: Annotated[list[str] | None, typer.Option(help="The channel to test; several with multi_cell.")] = None,
    start: Annotated[str | None, typer.Option(help="First day; the Monday after next if not given.")] = None,
    weeks: Annotated[int | None, typer.Option(min=1, help="How long spend is changed.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="The same in days.")] = None,
    cooldown: Annotated[int, typer.Option(min=0, help="Days after the end in which effect is still counted.")] = 0,
    kind: Annotated[
        str,
        typer.Option(
            help="go_dark: spend of the tested regions is switched off; holdout: they are left out of a roll-out;"
            " heavy_up: they get more; multi_cell: several channels heavy up in regions of their own."
        ),
    ] = "go_dark",
    must: Annotated[list[str] | None, typer.Option(help="A region that is tested.")] = None,
    never: Annotated[list[str] | None, typer.Option(help="A region that is not tested but may be a control.")] = None,
    exclude: Annotated[list[str] | None, typer.Option(help="A region that is left out altogether.")] = None,
    pairs: Annotated[list[str] | None, typer.Option(help="Neighbours A:B that may not be split.")] = None,
    matched: Annotated[list[str] | None, typer.Option(help="Pair A:B of which exactly one is tested.")] = None,
    sizes: Annotated[
        str, typer.Option(help="How many regions may be tested, e.g. 1,2,3; of a cell, its first.")
    ] = "1,2,3,4",
    max_share: Annotated[float, typer.Option(min=0.01, max=0.9, help="Largest tested share of the KPI.")] = 0.5,
    budget: Annotated[float | None, typer.Option(min=0, help="Most spend that the test may move.")] = None,
    mde: Annotated[float | None, typer.Option(min=0.001, help="Only designs that find this lift, e.g. 0.05.")] = None,
    target_iroas: Annotated[float | None, typer.Option(min=0.001, help="Return that the cost is counted with.")] = None,
    level: Annotated[float, typer.Option(min=0.5, max=0.99, help="Level of the range the test will print.")] = 0.9,
    power: Annotated[float, typer.Option(min=0.5, max=0.99, help="Chance with which the lift is found.")] = 0.8,
    looks: Annotated[
        str | None, typer.Option(help="Read the frozen test early, at these shares of its days, e.g. 0.5,1.")
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=50, help="How many designs to list.")] = 10,
    seed: Annotated[int, typer.Option(help="Seed of every draw.")] = run_record.DEFAULT_SEED,
    freeze: Annotated[
        str | None, typer.Option(help="Freeze the design of this rank, or `lot` to draw one: a randomised test.")
    ] = None,
    name: Annotated[str | None, typer.Option("--id", help="Name of the test that is frozen.")] = None,
    json_: JsonOption = False,
) -> None:
    """Ranked designs with the lift they detect on unseen days, their power and cost; `--freeze` stores one."""
    workspace, settings = opened(ws)
    today = run_record.today(settings)
    if not channel or (kind == CELLS) != (len(channel) > 1):
        stop(USAGE, "--channel C: one channel, or several together with --kind multi_cell")
    if (weeks is None) == (days is None):
        stop(USAGE, "say how long the test runs: --weeks N or --days N")
    if (freeze is None) != (name is None):
        stop(USAGE, "--freeze N and --id NAME belong together")
    from models.incrementality import PanelError

    begin = _day(start) if start else today + timedelta(days=14 - today.weekday())
    frozen, faults = frozen_designs.known(workspace.experiments, today)
    try:
        request = DesignRequest(
            kind="heavy_up" if kind == CELLS else kind,
            start=begin,
            days=days or 7 * (weeks or 0),
            cooldown=cooldown,
            must=tuple(must or ()),
            never=tuple(never or ()),
            exclude=tuple(exclude or ()),
            together=tuple(_pair("--pairs", text) for text in pairs or ()),
            apart=tuple(_pair("--matched", text) for text in matched or ()),
            sizes=_sizes(sizes),
            most_share=max_share,
            level=level,
            power=power,
            budget=budget,
            target_iroas=target_iroas,
            count=count,
            seed=seed,
        )
        last = begin + timedelta(days=request.days + cooldown - 1)
        with reading(workspace) as con:
            held = busy_in_marts(con, begin, last) | frozen_designs.busy_regions(frozen.values(), begin, last)
            busy = {region: test for region, test in held.items() if not _same(test, name)}
            if kind == CELLS:
                offers = cell_options(con, settings, tuple(channel), request, busy)
            else:
                offers = (design_options(con, settings, channel[0], request, busy),)
    except (PlanningError, PanelError, ValueError) as error:
        stop(NO if isinstance(error, PanelError) else USAGE, str(error))
    offers = tuple(_fine_enough(own, mde) for own in offers)
    frozen_files: list[dict[str, str]] = []
    if freeze is not None and name is not None:
        frozen_files = [
            _freeze(
                workspace,
                own,
                request,
                freeze,
                _shares(looks),
                name if kind != CELLS else f"{name}-{own.channel}",
                today,
            )
            for own in offers
        ]
    if json_:
        document: dict[str, Any] = {
            "kind": kind,
            "start": begin,
            "end": begin + timedelta(days=request.days - 1),
            "cooldown_days": cooldown,
            "offers": [_options_document(own) for own in offers],
            "frozen": frozen_files,
            "unusable_designs": [str(fault) for fault in faults],
        }
        as_json(document)
        return
    for fault in faults:
        out.print(str(fault), markup=False, highlight=False)
    for own in offers:
        _print(own, request)
    for line in frozen_files:
        out.print(f"frozen: {line['design']} (sha256 {line['sha256'][:12]})", markup=False, highlight=False)
        out.print(f"  declared in {line['declared']}: the next run knows it", markup=False, highlight=False)
        out.print(f"  {line['picture']}", markup=False, highlight=False)


def _freeze(
    workspace: Workspace,
    options: DesignOptions,
    request: DesignRequest,
    choice: str,
    looks: tuple[float, ...],
    name: str,
    today: date,
) -> dict[str, str]:
    """Freeze the chosen design and draw its power curve."""
    from feedback.reports.experiment import charts
    from models.incrementality import draw_design

    if choice == "lot":
        chosen = draw_design(options.designs, seed=request.seed)
    elif choice.isdigit() and 1 <= int(choice) <= len(options.designs):
        chosen = options.designs[int(choice) - 1]
    else:
        stop(USAGE, f"--freeze {choice}: a rank from 1 to {len(options.designs)}, or `lot`")
    try:
        frozen = FrozenDesign(name, (options.channel,), options.kpi, choice == "lot", today, chosen, looks)
        path, declared = frozen_designs.freeze(frozen, workspace.experiments, workspace.landing, today=today)
    except DesignError as error:
        stop(USAGE, str(error))
    picture = path.with_suffix(".power.png")
    write_atomically(picture, charts.power_curve(chosen.curve_frame(), mde=chosen.mde, power=chosen.power))
    return {
        "experiment_id": name,
        "design": str(path),
        "declared": str(declared),
        "picture": str(picture),
        "sha256": frozen.sha256,
    }


def _fine_enough(options: DesignOptions, mde: float | None) -> DesignOptions:
    """Only designs that find the requested lift; exits with 1 and the best design's lift where there is none."""
    if mde is None:
        return options
    sensitive = tuple(d for d in options.designs if d.mde <= mde)
    if not sensitive:
        best = options.designs[0]
        stop(
            NO,
            f"no design finds a lift of {mde:.1%} with {best.power:.0%} chance on {options.channel}; the best,"
            f" {', '.join(best.treated)}, finds {_percent(best.mde)}. Test longer, allow more regions (--sizes,"
            " --max-share), or accept a larger lift",
        )
    accepted = tuple(d.treated for d in sensitive)
    return replace(options, designs=tuple(replace(d, accepted=accepted) for d in sensitive))


def _same(test: str, name: str | None) -> bool:
    """Whether a test is the one that is being frozen again, or a cell of it."""
    return name is not None and (test == name or test.startswith(f"{name}-"))


def _options_document(options: DesignOptions) -> dict[str, Any]:
    best = options.designs[0]
    return {
        "channel": options.channel,
        "kpi": options.kpi,
        "margin": options.margin,
        "target_iroas": options.target_iroas,
        "target_iroas_from": options.target_from,
        "busy_regions": dict(options.busy),
        "rejected": {why: number for why, number in best.rejected if number},
        "designs": [_design_document(rank, d) for rank, d in enumerate(options.designs, 1)],
    }


def _design_document(rank: int, design: GeoDesign) -> dict[str, Any]:
    hidden = ("accepted", "rejected", "power_curve", "plan")
    facts = {key: value for key, value in asdict(design).items() if key not in hidden}
    plain = {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in facts.items()}
    return {"rank": rank} | plain | {"plan": asdict(design.plan), "power_curve": design.power_curve}


def _print(options: DesignOptions, request: DesignRequest) -> None:
    rows = [
        {
            "rank": rank,
            "tested regions": ", ".join(d.treated),
            "finds": _percent(d.mde),
            "claimed": _percent(d.mde_claimed),
            "power at claimed": f"{d.validated_power:.0%}",
            "share of KPI": f"{d.share_of_kpi:.1%}",
            "spend moved": "" if d.spend_needed is None else f"{d.spend_needed:,.0f}",
            "iROAS it can tell": "" if d.mde_iroas is None else f"{d.mde_iroas:.2f}",
            "cost in margin": "" if d.cost is None else f"{d.cost:,.0f}",
        }
        for rank, d in enumerate(options.designs, 1)
    ]
    rows_as_table(f"designs for {options.channel}: {request.kind} from {request.start} for {request.days} days", rows)
    best = options.designs[0]
    say = out.print
    say(
        f"finds: the smallest lift seen with {best.power:.0%} chance at {best.plan.level:.0%}, on days that no choice"
        " has seen; claimed: the same on the days of the choice.",
        markup=False,
        highlight=False,
    )
    target = "unknown" if options.target_iroas is None else f"{options.target_iroas:.2f}"
    say(f"cost counts a return of {target} per unit of spend ({options.target_from}).", markup=False, highlight=False)
    for region, test in options.busy.items():
        say(f"left out: {region}, which {test} holds in those days", markup=False, highlight=False)
    for why, number in best.rejected:
        if number:
            say(f"not considered: {number} sets ({why})", markup=False, highlight=False)
    for reason in best.reasons:
        say(f"  {', '.join(best.treated)}: {reason}", markup=False, highlight=False)


def _percent(lift: float) -> str:
    return f"{lift:.1%}" if math.isfinite(lift) else "none up to 30 %"


def _sizes(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        stop(USAGE, f"--sizes {text}: whole numbers with commas between, such as 1,2,3")


def _shares(text: str | None) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(",")) if text else ()
    except ValueError:
        stop(USAGE, f"--looks {text}: shares with commas between, the last one 1, such as 0.5,1")


def _pair(option: str, text: str) -> tuple[str, str]:
    first, colon, second = text.partition(":")
    if not (colon and first and second):
        stop(USAGE, f"{option} {text}: two regions with a colon between, such as DE-HH:DE-SH")
    return first, second


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        stop(USAGE, f"--start {text} is not a day; write it as 2026-11-02")
